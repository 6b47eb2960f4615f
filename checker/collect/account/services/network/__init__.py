"""Describers of networks, load balancers, names and what stands at the edge."""
