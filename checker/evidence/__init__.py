"""A release's evidence pack: what was judged, what runs, what is excused, and what changed since the last release."""
