"""Two sides of a resource compared by what they mean."""
