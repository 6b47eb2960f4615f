"""What a change does: to the verdicts, and first of all to what excuses or hides them."""
