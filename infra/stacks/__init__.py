"""Deployment units: each stack composes constructs and does nothing else."""
