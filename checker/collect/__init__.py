"""Reading: the only part of the checker that touches the outside world, one module per kind of source."""
