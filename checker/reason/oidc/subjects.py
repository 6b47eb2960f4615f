"""Subjects that a repository makes of other claims than the usual ones.

Source: GitHub Docs, "OpenID Connect reference", customizing the subject claims: a subject is then made of the chosen
claims, ``NAME:VALUE`` each, with colons between; in a value a colon is ``%3A``. ``context`` stands for the environment,
the ref or the pull request, as in a usual subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from checker.model.overlap import Pattern
from checker.model.values import Hole, Text, Unstated, pieces, text
from checker.reason.text.patterns import example

_USUAL: Final = frozenset({"repo", "environment", "ref", "pull_request"})
_OTHER: Final = frozenset(
    {"job_workflow_ref", "job_workflow_sha", "workflow", "workflow_ref", "workflow_sha", "actor", "actor_id"}
    | {"repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility", "event_name"}
    | {"base_ref", "head_ref", "ref_type", "ref_protected", "runner_environment", "enterprise", "enterprise_id"}
    | {"run_id", "run_number", "run_attempt", "sha", "check_run_id", "environment_node_id"}
)
# Where a pattern leaves the part between two claims open, that is the context.
_CONTEXT: Final = "*"


def made_claims(pattern: Pattern) -> tuple[tuple[str, str], ...]:
    """The claims that a subject pattern is made of, and what it compares each with; none for the usual forms."""
    written = "".join(part if isinstance(part, str) else "-" for part in pieces(example(pattern, "*")))
    parts = written.split(":")
    found: list[tuple[str, str]] = []
    index = 0
    while index < len(parts):
        name = parts[index]
        if name in {"pull_request", _CONTEXT}:
            found.append((name, ""))
            index += 1
        elif name in _USUAL | _OTHER and index + 1 < len(parts):
            found.append((name, parts[index + 1]))
            index += 2
        else:
            return ()
    names = {name for name, _ in found}
    return tuple(found) if names & _OTHER or len(found) > 2 else ()


def as_made(claims: tuple[tuple[str, str], ...], token: Mapping[str, str | Text | None]) -> str | Text | None:
    """The subject of a token in a repository whose subjects are made of these claims. Only the repository and the
    context are filled in: what the others are, a run says. ``None`` for a job that names no environment, where a
    subject has one."""
    if "environment" in dict(claims) and "environment" not in token:
        return None
    parts: list[str | Hole] = []
    for name, _ in claims:
        parts.append(":" if parts else "")
        if name == _CONTEXT:
            parts.append(_open(name))
            continue
        parts.append(name)
        if name == "pull_request":
            continue
        value = token.get({"repo": "repository"}.get(name, name)) if name in _USUAL else None
        parts.append(":")
        parts.extend([_open(name)] if value is None else _escaped(value))
    return text(parts)


def _open(name: str) -> Hole:
    return Unstated(f"<{name}>")


def _escaped(value: str | Text) -> list[str | Hole]:
    return [part.replace(":", "%3A") if isinstance(part, str) else part for part in pieces(value)]
