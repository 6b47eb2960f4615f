"""What a shell makes of a script that was written for another one, and of a line that has several spellings."""
