"""Web ACLs: which rules of one block, how much of the traffic, and what they read of it."""
