"""A script gone through with one of its commands failing."""
