"""Shell scripts followed without being run."""
