"""Through which other roles somebody comes to act with a role: by sts:AssumeRole, in one step or in several.

Sources: AWS IAM User Guide, "AWS JSON policy elements: Principal" (a role that is named needs no policy of its own in
the same account; an account lets in whom its policies allow), "Cross-account policy evaluation logic", "Permissions
boundaries for IAM entities" (what a boundary does not allow, a trust policy that names the role does not give either).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Expression, Import, Known, Parameter, Pseudo, Text, pieces, text
from checker.reason.iam.conditions import NOTHING_KNOWN, Context
from checker.reason.iam.evaluation import Access, Decision, Policies, Request, applies, decide, policies_of
from checker.reason.iam.policies import Document, Statement, read_document
from checker.reason.names.arns import arn_of
from checker.reason.text.patterns import exact

_TRUST: Final = "AssumeRolePolicyDocument"
_ACTION: Final = "sts:AssumeRole"
# What a role's own trust policy has to allow whoever asks for it.
OF_TRUST: Final = frozenset({_ACTION, "sts:TagSession"})
_NUMBER: Final = lazy_re.compile(r"(?:arn:[^:]*:(?:iam|sts)::)?(\d{12})(?::|$)")
# A whole account as a principal: its number, or its root.
_WHOLE: Final = lazy_re.compile(r"(?:\d{12}|\$\{AWS::AccountId\}|arn:.*:root)")
_SESSION: Final = lazy_re.compile(r"arn:[^:]*:sts::.*:assumed-role/(?P<name>[^/]+)/")
_NOT_SAID: Final = Open("whom a statement without a readable principal is about")


class Entrance(Struct, frozen=True):
    """A way to come to act with a role. ``path``: the roles gone through, from the one that somebody has first; empty
    where that is none of the project's. ``principal``: what the trust policy calls whom it lets in, if it names one."""

    path: tuple[Resource, ...]
    principal: str
    answer: Answer


class _Target(Struct, frozen=True):
    """A role that others may assume, with the statements of its trust policy that speak of them."""

    role: Resource
    allows: tuple[Statement, ...]
    denies: tuple[Statement, ...]
    accounts: dict[Resource, str]  # of each role of the project; empty where it is not known
    action: str = _ACTION

    @property
    def account(self) -> str:
        return self.accounts[self.role]


class _Caller(Struct, frozen=True):
    """A role that may ask for another, and how."""

    role: Resource
    policies: Policies
    request: Request


def role_of(arn: str | Text, project: Project) -> Resource | None:
    """The role of the project that an ARN names; ``None`` where it names none of them, or only the run tells which."""
    return _one_of(arn, project.once(_accounts))


def by_trust(own: Decision, asked: Resource, answer: Answer) -> Decision:
    """What AWS answers a role that asks for another one: ``own`` is what its own policies say, ``answer`` is that of
    :func:`lets_in`."""
    if isinstance(answer, Open):
        return Decision(Access.UNKNOWN, answer.why)
    if answer is NO:
        return own if own.denied else Decision(Access.DENIED, f"the trust policy of {asked.logical_id} lets others in")
    return Decision(Access.ALLOWED)


def lets_in(role: Resource, who: Resource, action: str, context: Context, project: Project) -> Answer:
    """Whether ``who`` may assume a role, or hand tags to its session: by its trust policy, and by the own policies of
    ``who`` where that is not enough. ``context``: what else is known of the request."""
    unread = _document(role, project).unread
    statements = [each for each in _trust(role, project) if applies(each, Request(action, ())) is not NO]
    allows = tuple(each for each in statements if each.allows and _is_for_callers(each))
    denies = tuple(each for each in statements if not each.allows)
    target = _Target(role, allows, denies, project.once(_accounts), action)
    answer = _may_assume(who, target, project, context)
    if answer is NO and unread:
        return Open(unread[0])
    # Of a principal that only the deployment tells, nobody knows whether it is this one.
    unnamed = (Open(f"whom the trust policy of {role.logical_id} lets in") for each in allows if _is_unnamed(each))
    return either((answer, *unnamed)) if answer is NO else answer


def _is_unnamed(statement: Statement) -> bool:
    return statement.principals is None or any(name is None or _is_open(name) for name in _principals(statement))


def entrances(role: Resource, project: Project) -> list[Entrance]:
    """All ways that the templates tell of, each role's surest one."""
    found: dict[Resource, Entrance] = {}
    others: list[Entrance] = []
    ahead = [Entrance((), "", YES)]
    while ahead:
        beyond = ahead.pop()
        for step in _steps(beyond.path[0] if beyond.path else role, project):
            answer = every((beyond.answer, step.answer))
            if not step.path:
                others.append(Entrance((), step.principal, answer))
                continue
            who = step.path[0]
            before = found.get(who)
            # Gone into again only where it turns out to be sure, so that this ends.
            if who is not role and (before is None or (before.answer is not YES and answer is YES)):
                found[who] = Entrance((who, *beyond.path), step.principal, answer)
                ahead.append(found[who])
    return [*found.values(), *others]


def _steps(role: Resource, project: Project) -> Iterator[Entrance]:
    """Who may assume a role: roles of the project, and whom its trust policy names besides."""
    statements = [each for each in _trust(role, project) if applies(each, Request(_ACTION, ())) is not NO]
    allows = tuple(each for each in statements if each.allows and _is_for_callers(each))
    if not allows:
        return
    denies = tuple(each for each in statements if not each.allows)
    target = _Target(role, allows, denies, project.once(_accounts))
    for statement in allows:
        yield from _strangers(statement, target)
    for who in target.accounts:
        answer = _may_assume(who, target, project) if who is not role else NO
        if answer is not NO:
            yield Entrance((who,), _called(who, target), answer)


def _trust(role: Resource, project: Project) -> tuple[Statement, ...]:
    return _document(role, project).statements


def _document(role: Resource, project: Project) -> Document:
    written = role.get(_TRUST)
    return read_document(written.value if isinstance(written, Known) else None, role, _TRUST, project)


def _accounts(project: Project) -> dict[Resource, str]:
    """The account of each role: its stack's, or that of an OIDC provider which a role of the stack trusts."""
    roles = list(project.resources("AWS::IAM::Role"))
    told: dict[str, str] = {}
    for role in roles:
        for account in _of_providers(_trust(role, project)):
            told.setdefault(role.stack.id, account)
    return {role: role.stack.account or told.get(role.stack.id, "") for role in roles}


def _arn(role: Resource, account: str) -> str | Text | None:
    """A role's ARN, with the account where that is known of it."""
    arn = arn_of(role)
    if arn is None or not account:
        return arn
    return text(
        [account if isinstance(each, Pseudo) and each.name == "AWS::AccountId" else each for each in pieces(arn)]
    )


def _of_providers(statements: tuple[Statement, ...]) -> Iterator[str]:
    for kind, name in (named for each in statements for named in each.principals or ()):
        found = _NUMBER.match(name) if kind == "Federated" and isinstance(name, str) else None
        if found:
            yield found[1]


def _is_for_callers(statement: Statement) -> bool:
    return statement.not_principals or any(True for _ in _principals(statement))


def _principals(statement: Statement) -> Iterator[str | Text | None]:
    """Whom a statement names of those who call with keys, and no provider or service vouches for."""
    yield from (name for kind, name in statement.principals or () if kind in ("AWS", "*"))


def _strangers(statement: Statement, target: _Target) -> Iterator[Entrance]:
    """Principals that are none of the project's roles, or of which only the deployment tells who they are."""
    if statement.principals is None:
        yield Entrance((), "", _NOT_SAID)
    for name in _principals(statement):
        if name is None or _is_open(name):
            yield Entrance((), "", Open("whom else it trusts"))
        elif not (
            name == "*" or _is_account(name) or any(_is_named(each, name, target.accounts) for each in target.accounts)
        ):
            denied = either(_denies(each, name) for each in target.denies)
            answer = every((applies(statement, Request(_ACTION, ())), negated(denied)))
            if answer is not NO:
                yield Entrance((), str(name), answer)


def _denies(deny: Statement, principal: str | Text) -> Answer:
    """Whether a statement keeps out one of whom nothing but the name is known."""
    if deny.principals is None:
        return _NOT_SAID
    named = yes_if(any(name in ("*", principal) for name in _principals(deny)))
    return every((named, applies(deny, Request(_ACTION, ()))))


def _called(who: Resource, target: _Target) -> str:
    """What the trust policy calls a role that it names."""
    names = (name for each in target.allows for name in _principals(each) if name is not None)
    return next((str(name) for name in names if _is_named(who, name, target.accounts)), "")


def _may_assume(who: Resource, target: _Target, project: Project, known: Context = NOTHING_KNOWN) -> Answer:
    """Policies write the account as its number or as ``AWS::AccountId``, which cannot be told from any other number:
    one of the two ways to ask may be answered where the other is open."""
    answer = _asked(who, target, project, known, numbered=True)
    other = _asked(who, target, project, known, numbered=False) if isinstance(answer, Open) else answer
    return answer if isinstance(other, Open) else other


def _asked(who: Resource, target: _Target, project: Project, known: Context, *, numbered: bool) -> Answer:
    arn = _arn(target.role, target.account if numbered else "")
    context = _context(target.accounts[who], _arn(who, target.accounts[who] if numbered else ""))
    context = Context({**known.values, **context.values}, known.absent)
    request = Request(target.action, exact(arn if arn is not None else ""), context)
    caller = _Caller(who, policies_of(who, project), request)
    lets_in = either(_lets_in(each, caller, target) for each in target.allows)
    if lets_in is NO:
        return NO
    denied = either(every((_takes_in(each, who, target), applies(each, request))) for each in target.denies)
    return every((lets_in, negated(denied)))


def _context(account: str, arn: str | Text | None) -> Context:
    """What is known of a call that a session of a role makes."""
    values: dict[str, tuple[str | Text, ...]] = {
        "aws:principaltype": ("AssumedRole",),
        "aws:principalisawsservice": ("false",),
    }
    if arn is not None:
        values["aws:principalarn"] = (arn,)
    if account:
        values["aws:principalaccount"] = (account,)
    return Context(values)


def _lets_in(statement: Statement, caller: _Caller, target: _Target) -> Answer:
    """Whether a statement that allows it lets a role in, with what the role's own policies say of that."""
    who, request = caller.role, caller.request
    spoken = applies(statement, request)
    taken = _takes_in(statement, who, target) if spoken is not NO else NO
    if taken is NO:
        return NO
    own = decide(caller.policies, request)
    here = _is_of(who, target.account, target) is not NO
    if here and any(name is not None and _is_named(who, name, target.accounts) for name in _principals(statement)):
        return every((spoken, _not_kept(caller)))
    if here and own.denied and "*" in _principals(statement):
        why = f"whether {who.logical_id} gets in, which its own policies do not allow and everybody may"
        return every((spoken, _not_kept(caller), Open(why)))
    return every((own.as_answer, spoken, taken))


def _not_kept(caller: _Caller) -> Answer:
    """Whether nothing of a role's own keeps it from a call that a resource's policy allows it by its name."""
    bound = caller.policies.boundary
    denies = chain(caller.policies.statements, bound.statements if bound is not None else ())
    denied = either(applies(each, caller.request) for each in denies if not each.allows)
    return every((negated(denied), decide(bound, caller.request).as_answer if bound is not None else YES))


def _takes_in(statement: Statement, who: Resource, target: _Target) -> Answer:
    """Whether a statement's principals take in a role: by its name, its account, or as everybody."""
    if statement.principals is None:
        # Of one that allows it is told apart from the roles: see `_strangers`.
        return NO if statement.allows else _NOT_SAID

    def answers() -> Iterator[Answer]:
        for name in _principals(statement):
            if name is None or _is_open(name):
                yield NO if statement.allows else _NOT_SAID
            elif _is_account(name):
                yield _is_of(who, _account_named(name, target), target)
            else:
                yield yes_if(name == "*" or _is_named(who, name, target.accounts))

    return either(answers())


def _is_of(who: Resource, account: str | None, target: _Target) -> Answer:
    """Whether a role is of an account; of ``None`` nobody knows which it is."""
    own = target.accounts[who]
    if account and own:
        return yes_if(account == own)
    if account is not None and account == target.account and who.stack.id == target.role.stack.id:
        return YES
    return Open(f"of which account {who.logical_id} is")


def _account_named(principal: str | Text, target: _Target) -> str | None:
    found = _NUMBER.match(str(principal))
    if found:
        return found[1]
    own = any(isinstance(part, Pseudo) and part.name == "AWS::AccountId" for part in pieces(principal))
    return target.account if own else None


def _is_account(principal: str | Text) -> bool:
    return _WHOLE.fullmatch(str(principal)) is not None


def _is_open(principal: str | Text) -> bool:
    """Whether only the deployment tells what a principal is called; of which account it is may be open."""
    parts = pieces(principal)
    known = [
        index for index, part in enumerate(parts) if isinstance(part, str) and (":role/" in part or ":root" in part)
    ]
    return any(isinstance(part, Parameter | Import | Expression) for part in parts[max(known, default=0) :])


def _one_of(principal: str | Text, accounts: Mapping[Resource, str]) -> Resource | None:
    return next((each for each in accounts if _is_named(each, principal, accounts)), None)


def _is_named(who: Resource, principal: str | Text, accounts: Mapping[Resource, str]) -> bool:
    """Whether a principal is a role, or a session of it, which may be called anything."""
    if principal == arn_of(who):
        return True
    own = who.get("RoleName")
    called = own.value if isinstance(own, Known) else None
    shown = str(principal)
    session = _SESSION.match(shown)
    ends = ":role/" in shown and shown.endswith(f"/{called}")
    if not isinstance(called, str) or not (ends or (session and session["name"] == called)):
        return False
    number = _NUMBER.match(shown)
    return not number or not accounts[who] or number[1] == accounts[who]
