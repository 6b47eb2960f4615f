"""Commands that stand inside of what programs are given: an alias of git, a line of psql, an option of tar."""
