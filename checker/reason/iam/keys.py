"""Whether a role may use a key of AWS KMS: by the key's policy alone, or by that and its own together.

Source: AWS KMS Developer Guide, "Key policies in AWS KMS" (a statement for the account lets its IAM policies decide,
one for the role needs none of those; the default policy has one for the account) and "AWS KMS condition keys"
(``kms:ViaService``, ``kms:CallerAccount``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, every, why_open
from checker.model.environments import Environment, Project
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Value, pieces, text
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Access, Decision, Request, applies, decide, policies_of
from checker.reason.iam.policies import Document, Statement, read_document
from checker.reason.names.arns import account_of, arn_of
from checker.reason.text.patterns import UNREAD, exact, match

KEY: Final = "AWS::KMS::Key"
_ALIAS: Final = "AWS::KMS::Alias"
_OF_SERVICES: Final = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:principalservicename"})


def own_key(environment: Environment, value: Value) -> Resource | None:
    """The key of the project that a property names, by its alias too; ``None`` for another's, or none."""
    key = environment.referred(value)
    if key is not None and key.type == _ALIAS:
        key = environment.referred(key.get("TargetKeyId"))
    return key if key is not None and key.type == KEY else None


def role_decrypts(key: Resource, role: Resource, service: str, project: Project) -> Decision:
    """Whether a role may decrypt with a key of its own account, in calls that a service makes for it."""
    request = Request("kms:Decrypt", exact(arn_of(key) or "*"), caller(role, service))
    document = policy_of(key, project)
    by_iam = decide(policies_of(role, project), request)
    if by_iam.denied and by_iam.statements:
        return by_iam  # denied in so many words

    def said(*, allowing: bool, account: bool) -> Answer:
        return either(
            every((applies(each, request), speaks_to(each, role, account=account)))
            for each in document.statements
            if each.allows is allowing
        )

    denied = either((said(allowing=False, account=False), said(allowing=False, account=True)))
    by_account = said(allowing=True, account=True)
    granted = either((said(allowing=True, account=False), every((by_account, by_iam.as_answer))))
    if denied is YES or (granted is NO and not document.unread):
        own = by_iam.why if by_account is YES and denied is NO else f"the policy of {key.logical_id} does not let it"
        return Decision(Access.DENIED, own)
    if granted is YES and denied is NO and not document.unread:
        return Decision(Access.ALLOWED)
    doubts = (*document.unread, *(why_open(each) for each in (denied, granted) if isinstance(each, Open)))
    return Decision(Access.UNKNOWN, doubts[0])


def caller(role: Resource, service: str) -> Context:
    account, own = text([*account_of(role.stack)]), arn_of(role)
    values: dict[str, tuple[str | Text, ...]] = {
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("false",),
        "aws:principalaccount": (account,),
        "kms:calleraccount": (account,),
    }
    if own is not None:
        values["aws:principalarn"] = (own,)
    if role.stack.region:
        values["kms:viaservice"] = (f"{service}.{role.stack.region}.amazonaws.com",)
    return Context(values, _OF_SERVICES)


def policy_of(key: Resource, project: Project) -> Document:
    """A key's policy; one that has none gets the default one, by which its account's IAM policies decide."""
    value = key.get("KeyPolicy")
    if isinstance(value, Absent):
        root = text([f"arn:{key.stack.partition}:iam::", *account_of(key.stack), ":root"])
        content: Resolved = {
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}]
        }
    else:
        content = value.value if isinstance(value, Known) else value
    return read_document(content, key, "KeyPolicy", project)


def speaks_to(statement: Statement, role: Resource, *, account: bool) -> Answer:
    """Whether a statement of a key's policy is for the role, or for the account as a whole."""
    if statement.principals is None:
        return Open("whom its NotPrincipal leaves") if statement.not_principals else NO
    number = text([*account_of(role.stack)])
    root = text([f"arn:{role.stack.partition}:iam::", *pieces(number), ":root"])
    own = arn_of(role)

    def answers() -> Iterator[Answer]:
        for kind, name in statement.principals or ():
            if name is None:
                yield UNREAD
            elif kind not in ("*", "AWS"):
                yield NO
            elif account:
                yield either((match(exact(name), exact(number)), match(exact(name), exact(root))))
            elif name == "*":
                yield YES
            else:
                yield match(exact(name), exact(own)) if own is not None else UNREAD

    return either(answers())
