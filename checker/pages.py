"""A finding's page: what the register says of it, and its rule's docstring. One text, kept in one place."""

from __future__ import annotations

import difflib
import inspect
from importlib import import_module

from checker.errors import UsageError
from checker.register import Entry, load_register
from policies.rules import MODULES

HEADINGS = (
    "What the review found",
    "What is checked",
    "When it does not apply",
    "What cannot be decided",
    "Fix",
)


def page(finding: str) -> str:
    """The page of a finding, by its id in any case. Raises :class:`UsageError` for an id that nobody knows."""
    entries = load_register().entries
    identifier = finding.split("[", 1)[0].upper()
    if identifier not in entries:
        near = difflib.get_close_matches(identifier, entries, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`checker list` shows all of them."
        raise UsageError(f"no finding {finding}", hint)
    entry = entries[identifier]
    body = rule_page(identifier) or "No rule judges this finding yet: it shows as not judged in every run.\n"
    return f"{_head(entry)}\n{body}"


def rule_page(identifier: str) -> str | None:
    """The rule's docstring, ``None`` where no rule judges the finding yet."""
    module = MODULES.get(identifier)
    if module is None:
        return None
    text = inspect.getdoc(import_module(f"policies.rules.{module}"))
    return text.replace("``", "`") + "\n" if text else None


def _head(entry: Entry) -> str:
    lines = [
        f"{entry.id} · {entry.severity} · {entry.title}",
        f"surfaces: {entry.surfaces} · plan {entry.plan} · {entry.disposition}",
    ]
    lines += [f"{name}: {', '.join(ids)}" for name, ids in entry.controls.items()]
    return "\n".join(lines) + "\n"
