"""What objects of ``boto3.resource`` have and do (``boto_resources.json``, built by ``tools/boto_resources.py``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def boto_resources() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Service -> kind of object, empty for the service itself -> what tells it apart, and what it has and does."""
    found: Mapping[str, Mapping[str, Mapping[str, Any]]] = json.loads(
        files("checker.data").joinpath("boto_resources.json").read_text(encoding="utf-8")
    )
    return found
