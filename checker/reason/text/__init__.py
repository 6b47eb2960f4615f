"""Strings: patterns as sets of strings, and what looks like a secret."""
