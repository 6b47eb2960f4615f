"""Drift: what the code expects, what CloudFormation deployed and what the account has, compared by meaning."""
