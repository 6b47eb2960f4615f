"""Coverage-guided fuzzing of the way from bytes to verdicts."""
