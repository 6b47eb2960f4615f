"""Migrations that are programs and are read all the same: Alembic's revisions."""
