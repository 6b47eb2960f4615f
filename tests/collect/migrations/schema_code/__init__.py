"""Readers of migrations in Ruby, JavaScript, TypeScript and PHP."""
