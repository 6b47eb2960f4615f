"""Libraries whose calls are told as the commands, or the texts, that do the same."""
