"""What becomes of a Python program when one of its calls fails: the program is gone through, with that call failing."""
