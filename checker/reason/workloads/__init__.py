"""What containers, functions, builds and scripts in templates are told, and what they hold."""
