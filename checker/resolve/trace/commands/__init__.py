"""Command lines taken apart: what a program does in AWS, by what it is told."""
