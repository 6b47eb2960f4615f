"""Describers of what holds data."""
