"""Migrations of Django, read as the SQL that its operations come to on PostgreSQL."""
