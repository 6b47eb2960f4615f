"""The policy: the register of findings, the waivers, and one rule module per finding."""
