"""Lists of words whose number only the run knows."""
