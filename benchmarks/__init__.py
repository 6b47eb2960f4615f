"""Measurements: the gate beside its peers, and against size. Ratios are what counts: machines are noisy."""
