"""Containers of the repository's own images, followed: what these start by themselves, and what tasks start in them."""
