"""What services are set to run, as text that a later step of the same release gets back.

`storage=12x2,api=9x2,mcp=9x2,frontend=9x2,github-sync=7`: of each service the revision of its family and its count, of
the function the version that is live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra import naming
from infra.release.errors import UsageError
from infra.release.services import Service, revision

_PLACE: Final = re.compile(r"(\d+)x(\d+)")
_VERSION: Final = re.compile(r"\d+")
_FUNCTION: Final = "github-sync"


@dataclass(frozen=True, slots=True)
class Place:
    """A task definition, as ARN or as `family:revision`, and how many tasks of it."""

    task_definition: str
    desired: int

    def same(self, other: Place) -> bool:
        return (revision(self.task_definition), self.desired) == (revision(other.task_definition), other.desired)


def place_of(service: Service) -> Place:
    return Place(service.task_definition, service.desired)


def written(places: Mapping[str, Place], version: str) -> str:
    parts = [f"{name}={place.task_definition.rpartition(':')[2]}x{place.desired}" for name, place in places.items()]
    return ",".join([*parts, f"{_FUNCTION}={version}"])


def parsed(text: str, environment: str) -> tuple[Mapping[str, Place], str]:
    """The places by service, and the function's version. `UsageError` if the text is not what `written` gave."""
    found = dict(part.partition("=")[::2] for part in text.split(","))
    version = found.pop(_FUNCTION, "")
    places = {}
    for name in naming.SERVICES:
        match = _PLACE.fullmatch(found.pop(name, ""))
        if match is None:
            raise UsageError(f"{text!r} does not say what {name} runs", fix="Pass what `running` gave as `places`.")
        places[name] = Place(f"{naming.task_family(environment, name)}:{match[1]}", int(match[2]))
    if found or not _VERSION.fullmatch(version):
        raise UsageError(f"{text!r} is not what `running` gives as `places`")
    return places, version
