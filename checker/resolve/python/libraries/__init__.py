"""Libraries of others whose calls are told as the commands that do the same."""
