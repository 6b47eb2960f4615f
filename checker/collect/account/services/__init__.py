"""One describer per service: from its answers to resources with CloudFormation's names and shapes."""
