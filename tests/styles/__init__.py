"""Releases as others write them, all of them sound, and what the gate says once one thing of each is broken."""
