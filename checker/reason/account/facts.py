"""A snapshot's facts taken apart. What was not read is unknown, never an empty list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from checker.model.environments import Project
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Unknown, Value

Entry = Mapping[str, Any]


def entries(account: Account, name: str) -> list[Entry] | Unknown:
    """A fact that is a list of objects."""
    value = _fact(account, name, [])
    if isinstance(value, Known):
        if isinstance(value.value, list) and all(isinstance(each, dict) for each in value.value):
            return [each for each in value.value if isinstance(each, dict)]
        return Unknown(f"the fact {name} is not a list of objects")
    return value if isinstance(value, Unknown) else Unknown(f"nothing was read of {name}")


def _fact(account: Account, name: str, nothing: Any) -> Value:
    """A fact; ``nothing`` where it was asked for and there was none."""
    value = account.fact(name)
    asked = account.facts.get("asked")
    if isinstance(value, Absent) and isinstance(asked, list) and f"facts/{name}" in asked:
        return Known(nothing)
    return value


def table(account: Account, name: str) -> Mapping[str, Any] | Unknown:
    """A fact that is an object."""
    value = _fact(account, name, {})
    if isinstance(value, Known):
        return value.value if isinstance(value.value, dict) else Unknown(f"the fact {name} is not an object")
    return value if isinstance(value, Unknown) else Unknown(f"nothing was read of {name}")


def when(value: object) -> datetime | None:
    """A moment, from ISO 8601; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def resources_by_id(project: Project, *types: str) -> dict[str, Resource]:
    """Physical id -> resource, of these types."""
    return {each.physical_id: each for each in project.resources(*types) if each.physical_id}


def texts(value: object) -> Iterator[str]:
    """The strings of a list; none of anything else."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, str):
            yield each
