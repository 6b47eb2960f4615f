"""Whether a check after a roll-out is made, and of whom."""
