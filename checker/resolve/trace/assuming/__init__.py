"""How a job comes to act as a role by itself: tokens, calls of STS, keys, profiles."""
