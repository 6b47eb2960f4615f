"""What a secret looks like, by its format and as a value."""
