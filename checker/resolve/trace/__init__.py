"""Traces: all that a job does, commands and calls taken for what they are."""
