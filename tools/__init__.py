"""Makers of generated files. Each has a test that says when its product is out of date."""
