"""The engine: reading, resolving, judging, writing."""
