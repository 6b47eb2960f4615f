"""What is kept with the user between runs: where, in which form, and how it is seen that nothing is another by now."""
