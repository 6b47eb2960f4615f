"""What git puts into the folder that a job works in."""
