"""What a role could pass after it has made itself more powerful: by changing its own policies, or by becoming a role
that may pass more.

Source: AWS IAM User Guide, "Delegating to others with permissions boundaries"; Service Authorization Reference, IAM. A
condition on ``iam:PolicyARN`` or ``iam:PermissionsBoundary`` bounds such a grant, and it is not counted then.
"""

from __future__ import annotations

from typing import Final

from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Known, Text, text
from checker.reason.iam.evaluation import Policies, Request, decide, grants, policies_of
from checker.reason.iam.passing import PASS_ROLE
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import account_of, arn_of
from checker.reason.text.patterns import covers, exact, glob

# What changes the permissions of a role, and what changes a policy that it may have.
_OF_ROLES: Final = ("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary")
_OF_POLICIES: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
_BECOME: Final = "sts:AssumeRole"
_REWRITE: Final = "iam:UpdateAssumeRolePolicy"


def widening(role: Resource, policies: Policies, project: Project) -> str | None:
    """How the role can come to pass roles that it may not pass now, as a sentence without a subject; or ``None``."""
    own = arn_of(role)
    if own is None:
        return None
    for action in _OF_ROLES:
        if decide(policies, Request(action, exact(own))).allowed:
            return f"may change its own permissions: {action} is allowed on itself"
    anything = _in_account(role, "policy/any-policy")
    for action in _OF_POLICIES:
        if decide(policies, Request(action, exact(anything))).allowed:
            return f"may change any policy, its own among them: {action} is allowed on all"
    someone = exact(_in_account(role, "role/any-role"))
    if decide(policies, Request(_REWRITE, someone)).allowed:
        return f"may let itself into any role: {_REWRITE} is allowed on all"
    becoming = decide(policies, Request(_BECOME, someone))
    # Who may do all but some things is not asked for here: that says nothing of roles that would let it in.
    if becoming.allowed and any(each.allows and each.actions is not None for each in becoming.statements):
        return f"may become any role that trusts the account: {_BECOME} is allowed on all"
    for other in project.resources("AWS::IAM::Role"):
        if other.key != role.key and _may_become(other, own, policies, project) and _passes_any(other, project):
            return f"may assume {other.logical_id}, which may pass any role"
    return None


def _may_become(other: Resource, own: str | Text, policies: Policies, project: Project) -> bool:
    """Whether the other role lets in the role of this ARN, or its whole account, and the role's policies allow it."""
    name, trust = arn_of(other), other.get("AssumeRolePolicyDocument")
    if name is None or not isinstance(trust, Known) or not decide(policies, Request(_BECOME, exact(name))).allowed:
        return False
    document = read_document(trust.value, other, "AssumeRolePolicyDocument", project)
    admitted = {
        str(who)
        for statement in document.statements
        if statement.allows
        for kind, who in statement.principals or ()
        if kind in ("AWS", "*")
    }
    return any(who in ("*", str(own)) or who.endswith(":root") or who.isdigit() for who in admitted)


def _in_account(role: Resource, tail: str) -> str | Text:
    return text([f"arn:{role.stack.partition}:iam::", *account_of(role.stack), f":{tail}"])


def _passes_any(role: Resource, project: Project) -> bool:
    """Whether a role may pass whatever role there is."""
    policies = policies_of(role, project)
    anyone = glob("arn:aws:iam::*:role/*")
    passing = [grant for grant in grants(policies, PASS_ROLE) if grant.statement.certain]
    return any(each is not None and covers(each, anyone) for grant in passing for each in grant.resources or ())
