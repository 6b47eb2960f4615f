"""What a role could pass after it has made itself more powerful: by changing its own policies, or by becoming a role
that may pass more.

Source: AWS IAM User Guide, "Delegating to others with permissions boundaries"; Service Authorization Reference, IAM. A
condition on ``iam:PolicyARN`` or ``iam:PermissionsBoundary`` bounds such a grant, and it is not counted then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, every
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Parameter, Text, pieces, text
from checker.reason.iam.evaluation import Policies, Request, decide, grants, outlined, policies_of
from checker.reason.iam.passing import PASS_ROLE
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import account_of, arn_of
from checker.reason.text.patterns import covers, exact, glob

# What changes the permissions of a role, and what changes a policy that it may have.
_OF_ROLES: Final = ("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary")
_OF_POLICIES: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
_BECOME: Final = "sts:AssumeRole"
_REWRITE: Final = "iam:UpdateAssumeRolePolicy"
# What lets somebody act as a user, a new one with any policy among them (IAM User Guide, "Manage access keys for IAM
# users"; "User passwords").
_AS_USER: Final = ("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile")


def widening(role: Resource, policies: Policies, project: Project) -> tuple[str, Answer]:
    """How the role can come to pass roles that it may not pass now, as a sentence without a subject, and whether it
    surely can: empty and ``NO`` where it cannot."""
    own = arn_of(role)
    if own is None:
        return "", NO
    doubt: tuple[str, Answer] = ("", NO)
    for how, answer in _ways(role, own, policies, project):
        if answer is YES:
            return how, YES
        if isinstance(answer, Open) and doubt[1] is NO:
            doubt = how, answer
    return doubt


def _ways(role: Resource, own: str | Text, policies: Policies, project: Project) -> Iterator[tuple[str, Answer]]:
    for action in _OF_ROLES:
        yield f"may change its own permissions: {action} is allowed on itself", _allowed(policies, action, own)
    anything = _in_account(role, "policy/any-policy")
    for action in _OF_POLICIES:
        how = f"may change any policy, its own among them: {action} is allowed on all"
        yield how, _allowed(policies, action, anything)
    someone = _in_account(role, "role/any-role")
    yield f"may let itself into any role: {_REWRITE} is allowed on all", _allowed(policies, _REWRITE, someone)
    anybody = _in_account(role, "user/any-user")
    for action in _AS_USER:
        yield f"may act as any user: {action} is allowed on all", _allowed(policies, action, anybody)
    becoming = decide(policies, Request(_BECOME, exact(someone)))
    # Who may do all but some things is not asked for here: that says nothing of roles that would let it in.
    if becoming.allowed and any(each.allows and each.actions is not None for each in becoming.statements):
        yield f"may become any role that trusts the account: {_BECOME} is allowed on all", YES
    elif not becoming.allowed and _allowed(policies, _BECOME, someone) is not NO:
        yield f"may become any role that trusts the account, if {_BECOME} is allowed on all", _ON_WHAT
    for other in project.resources("AWS::IAM::Role"):
        if other.key != role.key and (passes := _passes_any(other, project)) is not NO:
            may = _may_become(other, own, policies, project)
            yield f"may assume {other.logical_id}, which may pass any role", every((may, passes))


def _allowed(policies: Policies, action: str, resource: str | Text) -> Answer:
    """Whether an action is allowed on something; open only where it is not known on what it is allowed."""
    if decide(policies, Request(action, exact(resource))).allowed:
        return YES
    return _ON_WHAT if any(None in (grant.resources or ()) for grant in grants(policies, action)) else NO


_ON_WHAT: Final = Open("what a policy names as its resource is not known before deployment")


def _may_become(other: Resource, own: str | Text, policies: Policies, project: Project) -> Answer:
    """Whether the other role lets in the role of this ARN, or its whole account, and the role's policies allow it."""
    name, trust = arn_of(other), other.get("AssumeRolePolicyDocument")
    if name is None or isinstance(trust, Absent):
        return NO
    allowed = _allowed(policies, _BECOME, name)
    written = trust.value if isinstance(trust, Known) else trust
    document = read_document(written, other, "AssumeRolePolicyDocument", project)
    admitted = [
        who
        for statement in document.statements
        if statement.allows
        for kind, who in statement.principals or ()
        if kind in ("AWS", "*")
    ]
    named = {str(who) for who in admitted if who is not None}
    if any(who in ("*", str(own)) or who.endswith(":root") or who.isdigit() for who in named):
        return allowed
    untold = any(who is None or _is_given(pieces(who)) for who in admitted)
    return every((allowed, _WHOM)) if untold or document.unread else NO


_WHOM: Final = Open("whom a role lets in is not known before deployment")


def _in_account(role: Resource, tail: str) -> str | Text:
    return text([f"arn:{role.stack.partition}:iam::", *account_of(role.stack), f":{tail}"])


def _passes_any(role: Resource, project: Project) -> Answer:
    """Whether a role may pass whatever role there is in its account."""
    anyone = glob(_in_account(role, "role/*"))
    policies = policies_of(role, project)
    passing = [grant for grant in grants(policies, PASS_ROLE) if grant.statement.certain]
    named = [each for grant in passing for each in grant.resources or ()]
    if any(each is not None and covers(each, anyone) for each in named):
        return YES
    untold = any(each is None or _is_given(each) for each in named)
    open_ended = policies.unread or outlined(policies, PASS_ROLE)
    return _ON_WHAT if untold or open_ended or len(passing) < len(grants(policies, PASS_ROLE)) else NO


def _is_given(parts: Sequence[object]) -> bool:
    """Whether a value is a parameter's as a whole, which may be anything."""
    return len(parts) == 1 and isinstance(parts[0], Parameter)
