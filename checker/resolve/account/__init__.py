"""From a snapshot of an account to the same model that templates are read into."""
