"""Migrations as code in Ruby, JavaScript, TypeScript, PHP, Elixir and C#: their calls as SQL."""
