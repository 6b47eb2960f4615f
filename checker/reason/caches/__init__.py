"""Caches, and who connects to them."""
