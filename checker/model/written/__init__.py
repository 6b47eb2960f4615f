"""What a template writes, before anything of it is resolved."""
