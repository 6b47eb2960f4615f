"""Would this call be allowed? IAM's evaluation over what templates say, in three values.

Source: AWS IAM User Guide, "Policy evaluation logic": an explicit deny wins, a permissions boundary must allow as well,
and what nothing allows is denied. Where a document, a condition or a name is not known, the answer is
:attr:`Access.UNKNOWN`, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, every, negated, why_open
from checker.model.environments import Project
from checker.model.overlap import Pattern, overlap
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, ResourceKey, Text, Unknown, as_list
from checker.reason.iam.conditions import NOTHING_KNOWN, Context, holds
from checker.reason.iam.managed_policies import managed_policy, may_deny
from checker.reason.iam.policies import Document, Statement, read_document
from checker.reason.names.arns import expand, name_of
from checker.reason.text.patterns import covers, exact, folded, glob, match_any


class Access(StrEnum):
    """How AWS would answer a call."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Request(Struct, frozen=True):
    """A call. ``resource`` is the ARN pattern that it touches; calls without resource-level support touch ``*``."""

    action: str
    resource: Pattern
    context: Context = NOTHING_KNOWN


class Decision(Struct, frozen=True):
    """The answer; ``why`` completes "denied: ..." or "cannot be decided: ..."; the statements that decided it."""

    answer: Access
    why: str = ""
    statements: tuple[Statement, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.answer is Access.ALLOWED

    @property
    def denied(self) -> bool:
        return self.answer is Access.DENIED

    @property
    def as_answer(self) -> Answer:
        """Whether the call is allowed."""
        return YES if self.allowed else NO if self.denied else Open(self.why)


class Policies(Struct, frozen=True):
    """All that decides what one principal may do.

    ``unread``: documents whose content is not in the templates, each as a reason. ``may_allow``: actions that policies
    known only in outline may allow beyond ``statements``, each with the policy's name.
    """

    statements: tuple[Statement, ...] = ()
    unread: tuple[str, ...] = ()
    may_allow: tuple[tuple[Pattern, str], ...] = ()
    boundary: Policies | None = None

    @property
    def empty(self) -> bool:
        return not (self.statements or self.unread or self.may_allow)


# -- gathering -------------------------------------------------------------------------------------


class _Attachments(Struct):
    """Who has which policy, found in one pass over a project."""

    to_roles: dict[ResourceKey, list[Resource]] = field(default_factory=dict)
    # Policies of roles that are named by something that is not known: the name's pattern, or None, and the policy.
    open: list[tuple[Pattern | None, Resource]] = field(default_factory=list)
    policies: dict[ResourceKey, Policies] = field(default_factory=dict)


def _find_attachments(project: Project) -> _Attachments:
    found = _Attachments()
    policies = list(project.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"))
    if not policies:
        return found
    for policy in policies:
        value = policy.get("RoleName" if policy.type == "AWS::IAM::RolePolicy" else "Roles")
        if isinstance(value, Unknown):
            found.open.append((None, policy))
        for name in as_list(value.value) if isinstance(value, Known) else []:
            if not isinstance(name, str | Text):
                found.open.append((None, policy))
                continue
            written = expand(name, project)
            owners = [each for each in project.all_referred(name) if each.type == "AWS::IAM::Role"]
            if not owners and isinstance(written, Text):
                found.open.append((exact(written), policy))
            for owner in owners:
                found.to_roles.setdefault(owner.key, []).append(policy)
    return found


def policies_of(role: Resource, project: Project) -> Policies:
    """The identity policies of a role, however they are attached, and its permissions boundary."""
    attachments = project.once(_find_attachments)
    known = attachments.policies.get(role.key)
    if known is None:
        known = attachments.policies[role.key] = _policies_of(role, project, attachments)
    return known


def _policies_of(role: Resource, project: Project, attachments: _Attachments) -> Policies:
    gathered: list[Document] = []
    may_allow: list[tuple[Pattern, str]] = []
    inline = role.get("Policies")
    if isinstance(inline, Unknown):
        gathered.append(Document(unread=(f"Policies: {inline.why}",)))
    for index, entry in enumerate(as_list(inline.value) if isinstance(inline, Known) else []):
        content = entry.get("PolicyDocument") if isinstance(entry, dict) else entry
        gathered.append(read_document(content, role, f"Policies.{index}.PolicyDocument", project))
    attached = dict.fromkeys(attachments.to_roles.get(role.key, ()))
    arns = role.get("ManagedPolicyArns")
    if isinstance(arns, Unknown):
        gathered.append(Document(unread=(f"ManagedPolicyArns: {arns.why}",)))
    for arn in as_list(arns.value) if isinstance(arns, Known) else []:
        resource, document, may = _by_arn(arn, role, "ManagedPolicyArns", project)
        if resource is not None:
            attached[resource] = None
        gathered.append(document)
        may_allow.extend(may)
    gathered.extend(_document_of(policy, project) for policy in attached)
    for pattern, policy in attachments.open:
        if policy not in attached and (pattern is None or overlap(pattern, exact(name_of(role)))):
            gathered.append(Document(unread=(f"policy {policy.logical_id} may be attached to it",)))
    statements = tuple(statement for document in gathered for statement in document.statements)
    unread = tuple(why for document in gathered for why in document.unread)
    return Policies(statements, unread, tuple(may_allow), _boundary(role, project))


def _document_of(policy: Resource, project: Project) -> Document:
    value = policy.get("PolicyDocument")
    if isinstance(value, Absent):
        return Document()
    content = value.value if isinstance(value, Known) else value
    return read_document(content, policy, "PolicyDocument", project)


def _by_arn(
    arn: Resolved, role: Resource, path: str, project: Project
) -> tuple[Resource | None, Document, list[tuple[Pattern, str]]]:
    """A managed policy by its ARN: one of the project's, or what is known of AWS's own."""
    if not isinstance(arn, str | Text):
        why = arn.why if isinstance(arn, Unknown) else "it is no ARN"
        return None, Document(unread=(f"{path}: {why}",)), []
    own = next((each for each in project.all_referred(arn) if each.type == "AWS::IAM::ManagedPolicy"), None)
    if own is not None:
        return own, Document(), []
    name = str(expand(arn, project))
    outline = managed_policy(name)
    if outline is None or may_deny(name):
        return None, Document(unread=(f"the content of policy {name} is not in the templates",)), []
    document = read_document(outline.document, role, path, project)
    return None, document, [(folded(glob(action)), name) for action in outline.may]


def _boundary(role: Resource, project: Project) -> Policies | None:
    value = role.get("PermissionsBoundary")
    if isinstance(value, Absent):
        return None
    if isinstance(value, Unknown):
        return Policies(unread=(f"PermissionsBoundary: {value.why}",))
    resource, document, may = _by_arn(value.value, role, "PermissionsBoundary", project)
    if resource is not None:
        document = _document_of(resource, project)
    return Policies(document.statements, document.unread, tuple(may))


def only_allows(policy: Resource, project: Project, actions: Sequence[str]) -> Answer:
    """Whether a policy allows nothing but these actions, whatever it denies; open where it does by a pattern that
    has others of the same service in it too."""
    document = _document_of(policy, project)
    if document.unread or not document.statements:
        return NO
    wanted = [folded(glob(action)) for action in actions]
    services = [folded(glob(f"{action.partition(':')[0]}:*")) for action in actions]

    def each(statement: Statement) -> Iterator[Answer]:
        for action in (statement.actions or (None,)) if statement.allows else ():
            if action is None:
                yield NO
            elif any(covers(one, action) for one in wanted):
                yield YES
            else:
                wide = any(covers(action, one) for one in wanted) and any(covers(one, action) for one in services)
                yield Open("it allows more of a service than that") if wide else NO

    return every(answer for statement in document.statements for answer in each(statement))


# -- deciding --------------------------------------------------------------------------------------


_PERHAPS: Final = Open("whether the statement is there at all")
# Such a document IAM refuses.
_NEITHER: Final = Open("it names neither what it is about nor what it is not about")


def applies(statement: Statement, request: Request) -> Answer:
    """Whether a statement speaks of this call. Its principal is not looked at."""
    service, action = _asked(request.action)
    if service and statement.services is not None and service not in statement.services:
        return NO

    def parts() -> Iterator[Answer]:
        yield _within(statement.actions, statement.not_actions, action)
        if statement.resources is not None or statement.not_resources is not None:
            named = request.resource in statement.named
            yield YES if named else _within(statement.resources, statement.not_resources, request.resource)
        yield holds(statement.conditions, request.context)
        yield YES if statement.certain else _PERHAPS

    return every(parts())


@lru_cache(maxsize=4096)
def _asked(action: str) -> tuple[str, Pattern]:
    """An action's service, where it is one, and the action as it is compared: in lower case."""
    service = action.partition(":")[0].lower()
    return "" if "*" in service or "?" in service else service, folded(glob(action))


def _within(
    patterns: tuple[Pattern | None, ...] | None, excluded: tuple[Pattern | None, ...] | None, target: Pattern
) -> Answer:
    if patterns is not None:
        return match_any(patterns, target)
    if excluded is None:
        return _NEITHER
    return negated(match_any(excluded, target))


def decide(policies: Policies, request: Request) -> Decision:
    """How AWS would answer ``request`` made by whoever has ``policies``."""
    decision = _decide(policies, request)
    if policies.boundary is None or decision.denied:
        return decision
    bound = _decide(policies.boundary, request)
    if bound.denied:
        return Decision(Access.DENIED, f"the permissions boundary does not allow {request.action}", bound.statements)
    return bound if bound.answer is Access.UNKNOWN else decision


def _decide(policies: Policies, request: Request) -> Decision:
    allowing: list[Statement] = []
    perhaps: list[tuple[Statement, str]] = []
    for statement in policies.statements:
        answer = applies(statement, request)
        if answer is NO:
            continue
        if answer is YES and not statement.allows:
            return Decision(Access.DENIED, f"{statement.path} of {_named(statement)} denies it", (statement,))
        if answer is YES:
            allowing.append(statement)
        else:
            perhaps.append((statement, why_open(answer)))
    denies = [each for each in perhaps if not each[0].allows]
    if allowing and not denies and not policies.unread:
        return Decision(Access.ALLOWED, "", tuple(allowing))
    outline = None if allowing else outlined(policies, request.action)
    if not allowing and not any(statement.allows for statement, _ in perhaps) and not policies.unread and not outline:
        return Decision(Access.DENIED, _nothing_allows(policies, request))
    if policies.unread:
        return Decision(Access.UNKNOWN, policies.unread[0], tuple(allowing))
    if denies or perhaps:
        doubtful, why = (denies or perhaps)[0]
        why = f"{doubtful.path} of {_named(doubtful)} depends on what is not known before deployment: {why}"
        return Decision(Access.UNKNOWN, why, (doubtful,))
    return Decision(Access.UNKNOWN, f"{outline} may allow it", ())


def _nothing_allows(policies: Policies, request: Request) -> str:
    for each in policies.statements:
        if each.allows and each.conditions and applies(replace(each, conditions=()), request) is not NO:
            return f"{each.path} of {_named(each)} allows {request.action} on it under conditions that do not hold"
    return f"nothing allows {request.action} on it"


def outlined(policies: Policies, action: str) -> str | None:
    """The policy known in outline only that may allow ``action``, if there is one."""
    wanted = folded(glob(action))
    return next((name for pattern, name in policies.may_allow if overlap(pattern, wanted)), None)


def _named(statement: Statement) -> str:
    return statement.source.logical_id


# -- bounds: what a call could touch at most ----------------------------------------------------------


class Grant(Struct, frozen=True):
    """One statement that allows an action, with the resources it allows it on; ``None`` for "all but some"."""

    statement: Statement
    resources: tuple[Pattern | None, ...] | None


def grants(policies: Policies, action: str) -> list[Grant]:
    """The statements that allow ``action`` on something, or may."""
    wanted = folded(glob(action))
    return [
        Grant(statement, statement.resources)
        for statement in policies.statements
        if statement.allows and _within(statement.actions, statement.not_actions, wanted) is not NO
    ]


def bounds_on_resources(policies: Policies, action: str) -> Iterator[tuple[Pattern | None, ...] | None]:
    """Every upper bound on what ``action`` may touch; ``None`` for "no bound". The tightest one is what counts.

    The statements that allow it are one bound together; so is the permissions boundary, and so is each statement that
    denies it everywhere but on some resources.
    """
    for each in (policies, policies.boundary):
        if each is not None and not each.unread and not outlined(each, action):
            yield _union(grants(each, action))
    for statement in denials(policies, action):
        if not statement.conditions and statement.certain and statement.not_resources is not None:
            yield statement.not_resources


def denials(policies: Policies, action: str = "") -> list[Statement]:
    """The statements that deny, those of the boundary included; with ``action``, those that surely speak of it."""
    wanted = folded(glob(action))
    return [
        statement
        for each in (policies, policies.boundary)
        for statement in (each.statements if each else ())
        if not statement.allows and (not action or _within(statement.actions, statement.not_actions, wanted) is YES)
    ]


def _union(found: list[Grant]) -> tuple[Pattern | None, ...] | None:
    if any(grant.resources is None for grant in found):
        return None
    return tuple(pattern for grant in found for pattern in grant.resources or ())
