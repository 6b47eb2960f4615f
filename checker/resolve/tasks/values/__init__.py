"""What is written behind names in files of tasks, as far as it is known."""
