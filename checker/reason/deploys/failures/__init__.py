"""What becomes of a roll-out that fails part way: who brings the services back, and who says what runs."""
