"""A finding's page: what the register says of it, and its rule's docstring. One text, kept in one place."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

from checker.collect.config.register import Entry, load_register
from checker.errors import CheckerError, UsageError
from checker.policies.rules import page_of

HEADINGS = (
    "What the review found",
    "What is checked",
    "When it does not apply",
    "What cannot be decided",
    "Fix",
)


_SURFACES = {
    "T": "templates",
    "A": "a live account",
    "W": "workflows",
    "S": "scripts and deploy code",
    "M": "migrations",
    "G": "the repository's settings",
}


def page(finding: str) -> str:
    """The page of a finding, by its id in any case. Raises :class:`UsageError` for an id that nobody knows."""
    entries = load_register().entries
    identifier = finding.split("[", 1)[0].upper()
    if identifier not in entries:
        near = difflib.get_close_matches(identifier, entries, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`checker list` shows all of them."
        raise UsageError(f"no finding {finding}", hint)
    entry = entries[identifier]
    body = page_of(identifier) or "No rule judges this finding yet: it shows as not judged in every run.\n"
    return f"{_head(entry)}\n{body}"


def _head(entry: Entry) -> str:
    lines = [
        f"{entry.id} · {entry.severity} · {entry.title}",
        f"judged in: {', '.join(_SURFACES[each] for each in entry.surfaces.split())}",
    ]
    lines += [f"{name}: {', '.join(ids)}" for name, ids in entry.controls.items()]
    return "\n".join(lines) + "\n"


def matrix(project: Path, assemblies: Sequence[tuple[str, Path]], say: Callable[[str], None]) -> str:
    """C1's matrix for the project at hand: job, event, subject, and the roles that admit it.

    Empty where the project has no workflows; a line that says why where its templates cannot be had.
    """
    if not (project / ".github" / "workflows").is_dir():
        return ""
    from checker.reason.oidc.matrix import rendered, rows
    from checker.run.judging import model_of
    from checker.run.request import request_for

    try:
        model, pipeline = model_of(request_for(project, assemblies=assemblies, say=say))
    except CheckerError as error:
        return f"\nWho gets in here cannot be shown: {error.message}\n"
    table = rendered(rows(pipeline, model)) if pipeline is not None else ""
    return f"\nWho gets in here\n{table}" if table else "\nNo job here assumes an AWS role by its OIDC token.\n"
