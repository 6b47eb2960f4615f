"""Whether a migration can be taken back, and what refuses that."""
