"""GitHub's own schemas of workflow files and actions, from ``workflow_schema.json``, which ``tools/workflow_schema.py``
makes.

A definition is one of others, or a scalar, a list or a mapping; ``context`` lists what expressions in it may name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

WORKFLOW: Final = "workflow-root-strict"
ACTION: Final = "action/action-root"
# Every scalar, list and mapping: the schema's language has these without a definition.
_ANY: Final[Mapping[str, Any]] = {"one-of": ["null", "boolean", "number", "string", "sequence", "mapping"]}
_BUILT_IN: Final[Mapping[str, Any]] = {
    "any": _ANY,
    **{scalar: {scalar: {}} for scalar in ("null", "boolean", "number", "string")},
    "sequence": {"sequence": {"item-type": "any"}},
    "mapping": {"mapping": {"loose-key-type": "string", "loose-value-type": "any"}},
}


def definition(name: str) -> Mapping[str, Any]:
    return _table()[name]


@cache
def forms(name: str) -> tuple[Mapping[str, Any], ...]:
    """What a value may be: the definition, or all that it is one of, in their order."""
    found = definition(name)
    words = found.get("allowed-values")
    if words is not None:
        return tuple({"string": {"constant": word}} for word in words)
    return tuple(each for one in found["one-of"] for each in forms(one)) if "one-of" in found else (found,)


@cache
def keys() -> frozenset[str]:
    """Every key that a workflow or an action may have somewhere."""
    return frozenset(key for each in _table().values() for key in each.get("mapping", {}).get("properties", {}))


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    text = files("checker.data").joinpath("workflow_schema.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, Any]] = {**_BUILT_IN, **json.loads(text)["definitions"]}
    return found
