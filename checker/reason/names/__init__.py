"""What things are called: physical names, ARNs, collisions."""
