"""What IAM would allow: policies, conditions, the roles that deploy."""
