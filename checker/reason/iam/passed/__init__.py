"""Roles that may be passed: in which account they are, and which of them CloudFormation gets."""
