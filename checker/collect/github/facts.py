"""A repository's settings as a snapshot keeps them (``facts.github``), and back.

What could not be read stands in ``unread`` with its reason; a key that is in neither was not looked at, and is unknown.
A document that a person wrote is read with the same care: a fault names its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import to_builtins

from checker.model.live.repository_settings import (
    AnyRef,
    BranchProtection,
    DeploymentEnvironment,
    DeploysFrom,
    ImmutableReleases,
    NotRead,
    ProtectedBranches,
    RefPattern,
    RepositorySettings,
    Ruleset,
    SubjectTemplate,
)
from checker.model.values import ABSENT, Absent
from checker.nodes import Node

_T = TypeVar("_T")

KEY: Final = "github"
"""Where in a snapshot's facts."""
_NOT_LOOKED_AT: Final = NotRead("the snapshot does not have it", "a snapshot with the repository's settings")
_ANY: Final = "any"
_PROTECTED: Final = "protected branches"


def as_facts(settings: RepositorySettings) -> dict[str, Any]:
    """Plain data; the same settings give the same data."""
    document: dict[str, Any] = {"repository": settings.repository}
    unread: dict[str, Any] = {}

    def put(key: str, fact: _T | NotRead, shape: Callable[[_T], Any]) -> None:
        if isinstance(fact, NotRead):
            unread[key] = {"why": fact.why, "needs": fact.needs}
        else:
            document[key] = shape(fact)

    put("default_branch", settings.default_branch, str)
    put("environments", settings.environments, lambda each: {name: _environment(e) for name, e in each.items()})
    put("rulesets", settings.rulesets, lambda each: [{**to_builtins(r), "rules": sorted(r.rules)} for r in each])
    put("branch_protection", settings.branch_protection, lambda each: None if each == ABSENT else to_builtins(each))
    put("subject_template", settings.subject_template, to_builtins)
    put("immutable_releases", settings.immutable_releases, to_builtins)
    found: dict[str, Any] = _plain({**document, "unread": unread})
    return found


def _plain(value: Any) -> Any:
    """As a file would give it back: lists for tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _environment(environment: DeploymentEnvironment) -> dict[str, Any]:
    document: dict[str, Any] = to_builtins(environment, enc_hook=_word_for)
    for key in ("gates", "deploys_from"):
        fact = getattr(environment, key)
        if isinstance(fact, NotRead):
            del document[key]
            document.setdefault("unread", {})[key] = {"why": fact.why, "needs": fact.needs}
    return document


def _word_for(refs: AnyRef) -> str:
    return _PROTECTED if isinstance(refs, ProtectedBranches) else _ANY


def from_facts(data: object, shown: str = "the snapshot") -> RepositorySettings:
    """Raises :class:`~checker.errors.InputError` where it cannot be understood."""
    node = Node(data, shown, f"facts.{KEY}", hint="Write one with --save-snapshot, or correct it by hand.")
    unread = node.mapping("unread", _not_read, optional=True)

    def fact(key: str, read: Callable[[Node], _T]) -> _T | NotRead:
        if key in unread:
            return unread[key]
        # Null has a meaning for some, so what is not there at all is told apart from it.
        there = isinstance(node.data, dict) and key in node.data
        return read(node.child(key)) if there else _NOT_LOOKED_AT

    return RepositorySettings(
        repository=node.text("repository"),
        default_branch=fact("default_branch", Node.as_text),
        environments=fact("environments", lambda _: node.mapping("environments", _read_environment)),
        rulesets=fact("rulesets", lambda _: tuple(node.items("rulesets", _read_ruleset))),
        branch_protection=fact("branch_protection", _read_protection),
        subject_template=fact("subject_template", _read_template),
        immutable_releases=fact("immutable_releases", _read_releases),
    )


def _not_read(node: Node, _: str) -> NotRead:
    if isinstance(node.data, str):
        return NotRead(node.data)
    return NotRead(node.text("why", "not read"), node.text("needs", ""))


def _read_environment(node: Node, name: str) -> DeploymentEnvironment:
    unread = node.mapping("unread", _not_read, optional=True)
    return DeploymentEnvironment(
        name=node.text("name", name),
        reviewers=tuple(node.items("reviewers", Node.as_text, optional=True)),
        prevents_self_review=_flag(node, "prevents_self_review"),
        wait_minutes=node.maybe_number("wait_minutes") or 0,
        gates=unread.get("gates") or tuple(node.items("gates", Node.as_text, optional=True)),
        deploys_from=unread.get("deploys_from") or _read_deploys_from(node),
    )


def _read_deploys_from(node: Node) -> DeploysFrom:
    found = node.child("deploys_from")
    if found.empty:
        return _NOT_LOOKED_AT
    if isinstance(found.data, list):
        return tuple(node.items("deploys_from", lambda each: RefPattern(each.text("kind"), each.text("pattern"))))
    known: dict[str, DeploysFrom] = {_ANY: AnyRef(), _PROTECTED: ProtectedBranches()}
    if found.as_text() not in known:
        raise found.wrong(f"is none of {', '.join(known)}, and no list of patterns")
    return known[found.as_text()]


def _read_ruleset(node: Node) -> Ruleset:
    return Ruleset(
        name=node.text("name"),
        target=node.text("target"),
        enforcement=node.text("enforcement"),
        include=tuple(node.items("include", Node.as_text, optional=True)),
        exclude=tuple(node.items("exclude", Node.as_text, optional=True)),
        rules=frozenset(node.items("rules", Node.as_text, optional=True)),
        bypass=None if node.child("bypass").empty else tuple(node.items("bypass", Node.as_text)),
    )


def _read_protection(node: Node) -> BranchProtection | Absent:
    if node.empty:
        return ABSENT
    return BranchProtection(
        reviews=node.maybe_number("reviews") or 0,
        requires_pull_request=_flag(node, "requires_pull_request"),
        enforced_for_admins=_flag(node, "enforced_for_admins"),
        allows_force_pushes=_flag(node, "allows_force_pushes"),
        allows_deletions=_flag(node, "allows_deletions"),
    )


def _read_template(node: Node) -> SubjectTemplate:
    return SubjectTemplate(
        claims=tuple(node.items("claims", Node.as_text, optional=True)),
        prefix=node.text("prefix", ""),
        immutable=None if node.child("immutable").empty else _flag(node, "immutable"),
    )


def _read_releases(node: Node) -> ImmutableReleases:
    return ImmutableReleases(enabled=_flag(node, "enabled"), enforced_by_owner=_flag(node, "enforced_by_owner"))


def _flag(node: Node, key: str) -> bool:
    found = node.child(key)
    if found.empty:
        return False
    if not isinstance(found.data, bool):
        raise found.wrong("is not true or false")
    return found.data
