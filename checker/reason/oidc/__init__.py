"""Who gets in: the tokens of jobs against trust policies."""
