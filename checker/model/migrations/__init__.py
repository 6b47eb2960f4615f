"""Migrations: what a repository has of them, and the tools that apply them."""
