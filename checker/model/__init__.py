"""Facts: what rules see. Nothing here reads a file, a clock or a network."""
