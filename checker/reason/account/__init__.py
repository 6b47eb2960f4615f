"""What only a live account tells: what runs, what is being deployed, what the registry holds."""
