"""What a template's resources are once its own calls have changed them."""
