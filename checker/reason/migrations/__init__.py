"""Migrations: who runs them, under which lock and bounds, and whether they can be taken back."""
