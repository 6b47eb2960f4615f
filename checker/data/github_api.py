"""The operations of GitHub's REST API, and which permissions a job's token needs for them.

The facts are in ``github_api.json`` beside this module (built by ``tools/github_api.py``, which names its sources); it
is read when the first call is asked about.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources

from msgspec import Struct

NEVER = "never"


class Operation(Struct, frozen=True):
    """One operation. ``segments`` is its path cut at ``/``: words, ``{name}``, ``{name#}`` for a whole number and
    ``{name*}`` for what may hold slashes.

    ``needs``: ``scope:level`` alternatives; empty where none is needed or none is known, :data:`NEVER` where no job's
    token has it.
    """

    method: str
    segments: tuple[str, ...]
    id: str
    needs: tuple[str, ...]

    @property
    def path(self) -> str:
        return "/" + "/".join(re.sub(r"[#*]}", "}", segment) for segment in self.segments)


@cache
def operations() -> tuple[Operation, ...]:
    text = resources.files("checker.data").joinpath("github_api.json").read_text(encoding="utf-8")
    found = []
    for call, identifier, needs in json.loads(text)["operations"]:
        method, _, path = call.partition(" ")
        found.append(Operation(method, tuple(path[1:].split("/")), identifier, tuple(filter(None, needs.split("|")))))
    return tuple(found)


@cache
def by_id() -> dict[str, Operation]:
    return {operation.id: operation for operation in operations()}
