"""The gate inside CDK's own synthesis."""
