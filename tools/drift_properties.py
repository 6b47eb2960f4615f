"""Builds ``checker/data/drift_properties.json``: what comparing a template with an account needs, per resource type.

The facts come from the CloudFormation registry schemas that cfn-lint carries: what is read-only, write-only and
create-only, defaults (also those that a property's description states), lists whose order says nothing, letters whose
case says nothing. ``drift_knowledge.yaml`` beside this tool adds what services do and no schema says, with sources.
Run it again whenever the locked cfn-lint or that file changes:

    python -m tools.drift_properties            write the file
    python -m tools.drift_properties --check    exit 1 when the file is not what its sources say
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tools.resource_types import schemas

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parent / "checker" / "data" / "drift_properties.json"
KNOWLEDGE: Final = HERE / "drift_knowledge.yaml"

_PREFIX: Final = "/properties/"
_DEEPEST: Final = 7
# "Default: ``3``", "The default value is 345600", "defaults to `false`": as descriptions state a default.
_STATED: Final = re.compile(
    r"\b[Dd]efaults? (?:value )?(?:is|to|:|value:)\s*"
    r"(?:``([^`]+)``|`([^`]+)`|\*\*([^*]+)\*\*|([A-Z][A-Z0-9_]{2,}|\d[\d,.]*|true|false)\b)"
    r"|[Dd]efault: ?`{0,2}([^`\s]+)"
)
# A transform that puts a literal before the value: 'custom:' & '' & Name, $join(["Output:", Name]).
_PREFIXED: Final = re.compile(r"""'([\w.-]+:)' & (?:'' & )?\w+$|\$join\(\["([\w.-]+:)", ?\w+\]\)$""")
# Lists whose order is what they say: a program and its arguments, precedence, steps.
_SEQUENCES: Final = re.compile(r"(^|\.)(Command|EntryPoint|Commands|Arguments|CacheBehaviors|Processors|Steps|Phases)$")


def main(arguments: list[str]) -> int:
    built = render(build(schemas(), yaml.safe_load(KNOWLEDGE.read_text(encoding="utf-8"))))
    if arguments == ["--check"]:
        if TARGET.read_text(encoding="utf-8") == built:
            return 0
        sys.stderr.write(f"{TARGET}: not what its sources say; run python -m tools.drift_properties\n")
        return 1
    TARGET.write_text(built, encoding="utf-8")
    return 0


def build(every: Iterator[Mapping[str, Any]], knowledge: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Type -> its facts; see :class:`checker.data.type_facts.TypeFacts` for the fields."""
    table = {}
    for schema in every:
        kind = schema["typeName"]
        table[kind] = _merged(_entry(schema), knowledge.get(kind, {}))
    unknown = sorted(knowledge.keys() - table.keys())
    if unknown:
        raise SystemExit(f"{KNOWLEDGE}: no schema for {', '.join(unknown)}")
    return dict(sorted(table.items()))


def render(table: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per type: a reader finds the line of a type without parsing the others."""
    lines = [
        f"{json.dumps(kind)}: {json.dumps(entry, sort_keys=True, separators=(',', ':'))}"
        for kind, entry in table.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _merged(entry: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {**entry.get("defaults", {}), **known.get("defaults", {})}
    for path in known.get("filled", ()):
        defaults.pop(path, None)
    merged = {**entry, "defaults": defaults, "certain": sorted(known.get("defaults", {}))}
    for key in ("filled", "extended", "when_set", "caseless", "pipeline", "not_asked", "deleted", "maps", "at_zero"):
        merged[key] = sorted({*entry.get(key, ()), *known.get(key, ())})
    for key in ("filled_when", "defaults_when"):
        if key in known:
            merged[key] = known[key]
    if known.get("complete"):
        merged["complete"] = True
    return {key: value for key, value in merged.items() if value}


def _entry(schema: Mapping[str, Any]) -> dict[str, Any]:
    tagging = schema.get("tagging", {})
    tags = tagging.get("tagProperty", "/properties/Tags") if tagging.get("taggable", True) else ""
    defaults: dict[str, Any] = {}
    caseless: set[str] = set()
    sequences: set[str] = set()
    maps: set[str] = set()
    for path, node in _walk(schema, schema, "", 0):
        default = _default(node)
        if default is not None:
            defaults[path] = default
        if "enum" in node and len({str(each).lower() for each in node["enum"]}) == len(node["enum"]):
            caseless.add(path)
        if _is_map(node):
            maps.add(path)
        if _SEQUENCES.search(path) and "items" in node and not node.get("uniqueItems"):
            sequences.add(path)
    prefixes: dict[str, str] = {}
    for path, transform in schema.get("propertyTransform", {}).items():
        if "$lowercase" in transform or "$uppercase" in transform:
            caseless.add(_dotted(path))
        prefix = _PREFIXED.match(transform)
        if prefix:
            prefixes[_dotted(path)] = prefix[1] or prefix[2]
    return {
        "identifier": _paths(schema, "primaryIdentifier"),
        "read_only": sorted({*_paths(schema, "readOnlyProperties"), *_paths(schema, "deprecatedProperties")}),
        "write_only": _paths(schema, "writeOnlyProperties"),
        "create_only": _paths(schema, "createOnlyProperties"),
        "create_only_sometimes": _paths(schema, "conditionalCreateOnlyProperties"),
        "tags": _dotted(tags) if tags and _dotted(tags) in schema["properties"] else "",
        "properties": sorted(schema["properties"]),
        "defaults": defaults,
        "caseless": sorted(caseless),
        "prefixes": prefixes,
        "sequences": sorted(sequences),
        "maps": sorted(maps),
    }


def _paths(schema: Mapping[str, Any], key: str) -> list[str]:
    return sorted(_dotted(path) for path in schema.get(key) or ())


def _dotted(path: str) -> str:
    return path.removeprefix(_PREFIX).removeprefix("properties/").replace("/properties/", "/").replace("/", ".")


def _walk(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: str, depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every property below ``node``, with its dotted path; ``*`` stands for any item of a list."""
    if depth > _DEEPEST:
        return
    for name, below in node.get("properties", {}).items():
        child = _followed(schema, below)
        here = f"{path}.{name}".lstrip(".")
        yield here, child
        yield from _walk(schema, child, here, depth + 1)
        items = child.get("items")
        if isinstance(items, dict):
            yield from _walk(schema, _followed(schema, items), f"{here}.*", depth + 1)


def _followed(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref", "")
    if isinstance(reference, str) and reference.startswith("#/definitions/"):
        found = schema.get("definitions", {}).get(reference.rsplit("/", 1)[-1], {})
        return {**found, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _is_map(node: Mapping[str, Any]) -> bool:
    """Whether the keys of an object are free: those of variables, labels and the like, each a single value."""
    if node.get("properties") or node.get("type", "object") != "object":
        return False
    values = list(node.get("patternProperties", {}).values())
    more = node.get("additionalProperties")
    values += [more] if isinstance(more, dict) else []
    return bool(values) and all(each.get("type", "string") not in ("object", "array") for each in values)


def _default(node: Mapping[str, Any]) -> Any:
    """The default of the schema, or the one that the description states in a form that leaves no doubt."""
    if "default" in node:
        # Defaults of whole objects are examples as often as facts.
        return node["default"] if not isinstance(node["default"], dict | list) else None
    match = _STATED.search(node.get("description") or "")
    if match is None:
        return None
    stated = next(group for group in match.groups() if group).strip().rstrip(".,")
    kinds = node.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "boolean" in kinds and stated.lower() in {"true", "false"}:
        return stated.lower() == "true"
    if ("integer" in kinds or "number" in kinds) and re.fullmatch(r"\d[\d,]*(\.\d+)?", stated):
        number = float(stated.replace(",", ""))
        return int(number) if number.is_integer() else number
    return stated if "string" in kinds and stated in node.get("enum", ()) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
