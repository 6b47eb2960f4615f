"""Constraints: what each asks for, and over the migrations of a folder which of them are in force."""
