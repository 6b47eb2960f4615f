"""Which property holds a resource's name, and where that has to be unique, from ``checker/data/resource_types.json``.

The table is built from the CloudFormation registry schemas by ``tools/resource_types.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def entries() -> Mapping[str, Mapping[str, Any]]:
    """Resource type -> its line of the table: ``name`` has the properties' paths, with ``|`` between several."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(
        (files("checker.data") / "resource_types.json").read_text(encoding="utf-8")
    )
    return found


def name_properties(kind: str) -> tuple[str, ...]:
    """The paths of the properties that may name a resource of a type; none where it has no name of its own."""
    entry = entries().get(kind)
    return tuple(entry["name"].split("|")) if entry is not None else ()
