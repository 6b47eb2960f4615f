"""What variables hold: what operators make of it, and for how long it is held."""
