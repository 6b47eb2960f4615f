"""Warnings of cfn-lint that are not followed, each with its reason, in the template that they concern."""

from typing import Final

import aws_cdk as cdk

_ENVIRONMENT_REASONS: Final = {
    "W3005": "CDK lets a function wait for the whole of its role, policies included, and so names the role twice.",
    "W3691": (
        "The engine version is the major version alone, with which RDS makes an instance of its default minor version "
        "and upgrades it. A pinned minor version would fight those upgrades."
    ),
}


def explain_lint(stack: cdk.Stack) -> None:
    """Tell cfn-lint, and the reader of the template, what an environment's stack does on purpose."""
    stack.template_options.metadata = {
        "cfn-lint": {"config": {"ignore_checks": list(_ENVIRONMENT_REASONS)}},
        "Reasons": _ENVIRONMENT_REASONS,
    }
