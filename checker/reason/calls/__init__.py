"""AWS calls: what each needs, and whether it would be allowed."""
