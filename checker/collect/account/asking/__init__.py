"""Asking an account: clients, calls side by side, answers and failures."""
