"""Describers of what runs, and of the images it runs."""
