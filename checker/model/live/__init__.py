"""A live account as facts: snapshots, what only an account tells, drift, a repository's settings."""
