"""Bash in other spellings, for the grammar."""
