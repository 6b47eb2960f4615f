"""GitHub's expressions: their syntax, values and evaluation."""
