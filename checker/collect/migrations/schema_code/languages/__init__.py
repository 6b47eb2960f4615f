"""Code of migrations as calls, whatever language it is written in: each by its grammar."""
