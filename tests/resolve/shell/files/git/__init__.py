"""What is in files while a script is followed."""
