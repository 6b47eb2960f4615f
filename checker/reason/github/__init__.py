"""What a pipeline asks of GitHub: its API and its tags."""
