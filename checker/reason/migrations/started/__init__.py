"""Migrations that containers of the repository's own images apply by scripts of the repository."""
