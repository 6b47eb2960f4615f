"""Deploys and roll-backs: what jobs change, in which order, and what keeps them apart."""
