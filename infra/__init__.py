"""The doc-platform infrastructure: CDK stacks, release commands and migrations."""
