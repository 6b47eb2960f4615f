"""The bootstrap stack that a CDK stack is deployed through, and the role that deploys it.

Source: AWS CDK Developer Guide, "Customize CDK bootstrapping" (the roles of the bootstrap template, whose names hold
its qualifier, the account and the region).
"""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.resources import Stack
from checker.model.values import Pseudo, Text, text
from checker.reason.names.arns import account_of

DEFAULT_QUALIFIER: Final = "hnb659fds"
_VERSION: Final = lazy_re.compile(r"/cdk-bootstrap/([^/]+)/version")


def qualifier_of(stack: Stack) -> str:
    """As the template's own check of the bootstrap version names it."""
    return named_qualifier(stack) or DEFAULT_QUALIFIER


def named_qualifier(stack: Stack) -> str:
    """The qualifier that the template names, empty where it names none."""
    parameters = stack.template.get("Parameters")
    version = parameters.get("BootstrapVersion") if isinstance(parameters, dict) else None
    found = _VERSION.fullmatch(str(version.get("Default"))) if isinstance(version, dict) else None
    return found[1] if found else ""


def deploy_role(stack: Stack) -> str | Text | None:
    """The ARN of the role that the CDK deploys the stack with, ``None`` where the template names no bootstrap."""
    qualifier, account = named_qualifier(stack), account_of(stack)
    if not qualifier:
        return None
    head = (f"arn:{stack.partition}:iam::", *account, f":role/cdk-{qualifier}-deploy-role-", *account, "-")
    return text([*head, stack.region or Pseudo("AWS::Region")])
