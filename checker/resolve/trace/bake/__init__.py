"""Files of ``docker buildx bake``, and what that pushes."""
