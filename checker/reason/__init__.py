"""What would happen: pure reasoning over the model, shared by the rules."""
