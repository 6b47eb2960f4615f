"""Outside scanners: run as processes of their own, joined to a run under their own ids."""
