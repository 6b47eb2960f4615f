"""Frameworks that migrate: Django's migrations as the SQL that they come to, and where tools are told to connect."""
