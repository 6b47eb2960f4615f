"""A legal resource of any type, made from its registry schema: for the types of which nobody recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checker.data.type_facts import TypeFacts, covers, facts_of
from tests.drift.recorded import followed

_DEEPEST = 5
_CHOICES = ("oneOf", "anyOf", "allOf")


def properties_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Every property that a template can set and a read returns, each with a value of its type."""
    made = _made(schema, schema, facts_of(schema["typeName"]), "", 0)
    return made if isinstance(made, dict) else {}


def _made(schema: Mapping[str, Any], node: Mapping[str, Any], facts: TypeFacts, path: str, item: int) -> Any:
    node = followed(schema, node)
    while not {"properties", "type", "enum", "const"} & node.keys():
        choice = next((node[name] for name in _CHOICES if node.get(name)), None)
        if choice is None:
            return {"KeyA": "valueA"} if "patternProperties" in node else None
        node = followed(schema, choice[0])
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][item % len(node["enum"])]
    kind = node.get("type", "object")
    return _OF_TYPE[kind[0] if isinstance(kind, list) else kind](schema, node, facts, path, item)


def _object(schema: Mapping[str, Any], node: Mapping[str, Any], facts: TypeFacts, path: str, item: int) -> Any:
    if not node.get("properties"):
        return {"KeyA": "valueA"}
    if path.count(".") >= _DEEPEST:
        return None
    found = {}
    for name, below in node["properties"].items():
        here = f"{path}.{name}".lstrip(".")
        if covers(facts.read_only, here) or covers(facts.write_only, here):
            continue
        value = _made(schema, below, facts, here, item)
        if value is not None:
            found[name] = value
    return found or None


def _array(schema: Mapping[str, Any], node: Mapping[str, Any], facts: TypeFacts, path: str, _: int) -> Any:
    items = node.get("items")
    if not isinstance(items, dict) or path.count(".") >= _DEEPEST:
        return None
    first, second = (_made(schema, items, facts, f"{path}.*", item) for item in range(2))
    if first is None:
        return None
    return [first] if first == second else [first, second]


def _number(_: Mapping[str, Any], node: Mapping[str, Any], __: TypeFacts, ___: str, item: int) -> Any:
    return max(int(node.get("minimum", 0)), 0) + 7 + item


def _text(_: Mapping[str, Any], __: Mapping[str, Any], ___: TypeFacts, path: str, item: int) -> Any:
    return f"{path.rpartition('.')[2].lower()}-{'ab'[item]}"


def _flag(*_: Any) -> Any:
    return True


_OF_TYPE = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "string": _text,
    "boolean": _flag,
    "null": lambda *_: None,
}
