"""Who gets into a role that trusts GitHub without any of GitHub's tokens: other principals of its trust policy.

A principal of the role's own account is the account's to grant and is not asked for here. Everyone, another account,
a service, and another identity provider whose users are not told apart by their subject are others. Sources: AWS IAM
User Guide, "AWS JSON policy elements: Principal", "Available keys for AWS OIDC federation" and "... for SAML-based
federation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Known, Pseudo, Reference, Text, pieces
from checker.reason.iam.conditions import NOTHING_KNOWN, holds
from checker.reason.iam.policies import Condition, Statement, read_document
from checker.reason.oidc.trust import ACTION, HOST
from checker.reason.text.patterns import example, folded, glob, has_wild, match_any

# The calls that make a session of a role, per kind of principal.
_CALLS: Final = {
    "AWS": ("sts:AssumeRole",),
    "*": ("sts:AssumeRole", ACTION, "sts:AssumeRoleWithSAML"),
    "Federated": (ACTION, "sts:AssumeRoleWithSAML"),
    "Service": ("sts:AssumeRole",),
}
# What acts with a role only as a caller hands it over, on that caller's own template.
_ACTS_FOR_CALLER: Final = frozenset({"cloudformation.amazonaws.com"})
_ACCOUNT: Final = lazy_re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?(\d{12})(?::|$)")
# Keys whose values are of one's own choosing, or the same for everybody of a provider.
_NO_BOUND: Final = (
    "sts:externalid",
    "sts:rolesessionname",
    "sts:sourceidentity",
    ":aud",
    ":amr",
    "aws:securetransport",
)
# Keys that say which account a caller is of, and which organisation.
_ACCOUNT_KEYS: Final = frozenset({"aws:principalaccount", "aws:sourceaccount"})
_ARN_KEYS: Final = frozenset({"aws:principalarn", "aws:sourcearn"})


def other_entrance(role: Resource, project: Project) -> tuple[Statement, str, Answer] | None:
    """A statement that lets in others than GitHub's tokens: who, and whether they surely get in. ``None``: nobody."""
    value = role.get("AssumeRolePolicyDocument")
    if not isinstance(value, Known):
        return None
    statements = read_document(value.value, role, "AssumeRolePolicyDocument", project).statements
    denies = [each for each in statements if not each.allows]
    own = frozenset(_own_accounts(role, statements, project))
    doubtful: tuple[str, Statement, Answer] | None = None
    for statement in statements:
        for who, written, calls in _others(statement, own) if statement.allows else ():
            answer = _less_denied(written, calls, denies)
            if answer is YES:
                return statement, who, YES
            if isinstance(answer, Open) and doubtful is None:
                doubtful = who, statement, answer
    return (doubtful[1], doubtful[0], doubtful[2]) if doubtful is not None else None


def _others(statement: Statement, own: frozenset[str]) -> Iterator[tuple[str, Answer, tuple[str, ...]]]:
    """Who gets in, whether surely, and by which calls."""
    sure: Answer = YES if statement.certain else Open("whether the statement is there")
    if statement.principals is None:
        if statement.not_principals and (calls := _calls(statement, "*")):
            yield "everybody but those whom NotPrincipal names", sure, calls
        return
    for kind, name in statement.principals:
        calls = _calls(statement, "*" if name == "*" else kind)
        if not calls:
            continue
        called = either(_speaks_of(statement, call) for call in calls)
        if kind == "AWS" and not set(calls) & set(_CALLS[kind]):
            called = every((called, _TAKEN_IN))
        if kind == "Service":
            who, answer = _service(statement, name)
        elif kind == "Federated":
            who, answer = _provider(statement, name)
        elif kind == "*" and name is None:
            who, found = _provider(statement, name)
            answer = NO if found is NO else Open(f"whether {who} is whom the statement is about")
            if answer is NO and _speaks_of(statement, "sts:AssumeRole") is not NO:
                who, answer = _caller(statement, name, own)
        else:
            who, answer = _caller(statement, name, own)
        if answer is not NO:
            yield who, _both(_both(answer, called), sure), calls


def _calls(statement: Statement, kind: str) -> tuple[str, ...]:
    """The calls that make a session for a principal of this kind, as far as a statement may speak of them."""
    return tuple(call for call in _CALLS.get(kind, ()) if _speaks_of(statement, call) is not NO)


def _speaks_of(statement: Statement, call: str) -> Answer:
    wanted = folded(glob(call))
    if statement.actions is not None:
        return match_any(statement.actions, wanted)
    return negated(match_any(statement.not_actions or (), wanted))


def _both(one: Answer, other: Answer) -> Answer:
    return other if one is YES else one


def _provider(statement: Statement, name: str | Text | None) -> tuple[str, Answer]:
    """Another identity provider lets in whoever it vouches for, unless the subject is compared."""
    shown = str(name) if name is not None else ""
    if name is None or (isinstance(name, Text) and not ("-provider/" in shown or "." in shown)):
        hosts = {each.key.rpartition(":")[0] for each in statement.conditions} - {"aws", "sts", "saml", ""}
        if not hosts or any(each.startswith(HOST) for each in hosts):
            return "", NO  # which provider it is, is asked where GitHub's tokens are
        shown = min(hosts)  # the claims that it asks for tell
    if shown.lower().rpartition("oidc-provider/")[2].startswith(HOST) or shown == "*":
        return "", NO
    saml = "saml-provider/" in shown
    bounds = [each for each in statement.conditions if _bounds(each)]
    if bounds and not saml:
        return "", NO
    if bounds:
        return f"users of {shown}", Open(f"which users of {shown} it lets in")
    return f"every user of {shown}", YES


def _service(statement: Statement, name: str | Text | None) -> tuple[str, Answer]:
    """A service lets in all that it runs in the account: instances, builds, functions, holders of certificates."""
    if not isinstance(name, str) or name in _ACTS_FOR_CALLER or any(_bounds(each) for each in statement.conditions):
        return "", NO
    return f"whatever {name} runs or vouches for", YES


def _bounds(condition: Condition) -> bool:
    """Whether a condition tells callers apart."""
    if (
        condition.negated
        or condition.if_exists
        or condition.qualifier == "forallvalues"
        or condition.operator == "null"
    ):
        return False
    if not condition.key or condition.key.endswith(_NO_BOUND):
        return not condition.key
    return not any(each is not None and example(each, "") == "" and has_wild(each) for each in condition.patterns)


def _caller(statement: Statement, name: str | Text | None, own: frozenset[str]) -> tuple[str, Answer]:
    if name is None:
        return "somebody whom only the deployment tells", Open("which principal the statement names")
    if _is_own(name, own):
        return "", NO
    found = _ACCOUNT.match(str(name))
    if str(name) != "*" and not (isinstance(name, str) and found):
        return f"{name}", Open(f"of which account {name} is")
    if found and not own:
        return f"{name}", Open(f"whether {name} is of the project's own account")
    who = f"account {found[1]}" if found else "everybody"
    for condition in statement.conditions:
        if not _bounds(condition):
            continue
        if condition.key in _ACCOUNT_KEYS | _ARN_KEYS and all(
            each is not None and _is_own(example(each), own) for each in condition.patterns
        ):
            return "", NO
        if condition.key.partition(":")[0] not in ("", "aws", "sts", "saml"):
            return "", NO  # a provider's claim: whose token has it is asked where tokens are
        return who, Open(f"whom {condition.key or 'a condition'} lets in")
    return who, YES


def _is_own(name: str | Text, own: frozenset[str]) -> bool:
    """Whether a principal is of the role's own account: a resource of the project's, or one that names the account."""
    if isinstance(name, Text):
        holes = [part for part in pieces(name) if not isinstance(part, str)]
        return any(
            (isinstance(each, Pseudo) and each.name == "AWS::AccountId") or isinstance(each, Reference)
            for each in holes
        )
    found = _ACCOUNT.match(name)
    return bool(found and found[1] in own) or (name != "*" and not found and not name.startswith("arn:"))


def _own_accounts(role: Resource, statements: Iterable[Statement], project: Project) -> Iterator[str]:
    """The accounts of the project's stacks, and the role's own: an OIDC provider is of the account that trusts it."""
    stacks = [role.stack, *(stack for environment in project.environments for stack in environment.stacks)]
    yield from (stack.account for stack in stacks if stack.account)
    for kind, name in (each for statement in statements for each in statement.principals or ()):
        found = _ACCOUNT.match(name) if kind == "Federated" and isinstance(name, str) else None
        if found:
            yield found[1]


def _less_denied(answer: Answer, calls: Iterable[str], denies: Iterable[Statement]) -> Answer:
    """What is left of an entrance by some calls beside statements that deny them: one call that none denies is
    enough."""
    left = [either(_denied(deny, call) for deny in denies) for call in calls]
    if NO in left:
        return answer
    return NO if answer is NO or all(each is YES for each in left) else _KEPT_OUT


def _denied(deny: Statement, call: str) -> Answer:
    """Whether a statement denies a call to everybody."""
    spoken = _speaks_of(deny, call)
    if deny.principals is None:
        everybody: Answer = _KEPT_OUT if deny.not_principals else NO
    else:
        everybody = yes_if(any(name == "*" for _, name in deny.principals))
    under = every((holds(deny.conditions, NOTHING_KNOWN), YES if deny.certain else _KEPT_OUT))
    return every((spoken, everybody, _KEPT_OUT if isinstance(under, Open) else under))


# Documented as the same as everyone.
_TAKEN_IN: Final = Open("whether all AWS principals take in those whom a provider vouches for")
_KEPT_OUT: Final = Open("whom a statement that denies keeps out")
