"""A run: what is asked, what is read for it, how it is judged, and how it ends."""
