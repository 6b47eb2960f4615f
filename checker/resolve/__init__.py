"""Finishing the facts before any rule runs: templates resolved, jobs bound, scripts followed. Pure."""
