"""The parts that the stacks are made of: keyword-only typed arguments in, what they made out as attributes."""
