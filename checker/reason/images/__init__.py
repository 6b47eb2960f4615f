"""Container images: where they come from, and when the registry lets them go."""
