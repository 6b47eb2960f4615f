"""Migrations in Ruby, JavaScript, TypeScript and PHP: their calls, read by each language's grammar, as SQL."""
