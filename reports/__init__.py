"""Renderers: each turns one Run into text. No clock, no network, no environment in here."""
