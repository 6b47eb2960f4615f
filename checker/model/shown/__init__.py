"""What reports show beside verdicts, and what they may not show."""
