"""Whose code a tag is deployed with: what a job checks out, and what comes over it or beside it from elsewhere."""
