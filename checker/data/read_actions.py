"""What AWS Cloud Control's read of a type needs, from ``read_actions.json`` (``tools/read_actions.py`` makes it)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


def read_actions(kind: str) -> Sequence[str]:
    """The actions of a type without a describer; none where its schema names none that only read."""
    return _table().get(kind, ())


@cache
def _table() -> Mapping[str, Sequence[str]]:
    found: Mapping[str, Sequence[str]] = json.loads(
        files("checker.data").joinpath("read_actions.json").read_text(encoding="utf-8")
    )
    return found
