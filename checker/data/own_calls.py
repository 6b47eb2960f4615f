"""The AWS calls that this project's own commands make (``own_calls.json``, built by ``tools/own_calls.py``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


@cache
def own_calls() -> Mapping[str, Sequence[str]]:
    """Command -> ``service:Operation`` of each call that it may make."""
    found: Mapping[str, Sequence[str]] = json.loads(
        files("checker.data").joinpath("own_calls.json").read_text(encoding="utf-8")
    )
    return found
