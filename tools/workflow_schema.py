"""What GitHub's own schemas say of workflow files and actions, for ``checker/data/workflow_schema.json``.

The schemas come with GitHub's language server, in the npm package ``@actions/workflow-parser`` (MIT), which the tests
hold the checker against. Their descriptions are left out, and what no root leads to. Definitions of actions have names
of their own (``action/``): both schemas call some by one name::

    python -m tools.workflow_schema node_modules/@actions/workflow-parser
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ROOTS: Final = {"workflow": "workflow-root-strict", "action": "action-root"}
TABLE: Final = Path(__file__).parents[1] / "checker/data/workflow_schema.json"


def table(definitions: Mapping[str, Any], root: str, prefix: str = "") -> dict[str, Any]:
    """The definitions that the root leads to, by name."""
    found: dict[str, Any] = {}
    pending = [root]
    while pending:
        name = pending.pop()
        if name not in found and name in definitions:
            found[name] = _plain(definitions[name])
            pending.extend(_names(definitions[name]))
    return {f"{prefix}{name}": _renamed(found[name], found, prefix) for name in sorted(found)}


def _renamed(definition: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """A definition that calls others by their new names."""

    def named(name: str) -> str:
        return f"{prefix}{name}" if name in known else name

    def of_property(detail: str | Mapping[str, Any]) -> Any:
        return named(detail) if isinstance(detail, str) else {**detail, "type": named(detail["type"])}

    changed = dict(definition)
    if "one-of" in changed:
        changed["one-of"] = [named(each) for each in changed["one-of"]]
    if "sequence" in changed:
        changed["sequence"] = {"item-type": named(changed["sequence"]["item-type"])}
    if "mapping" in changed:
        mapping = changed["mapping"]
        changed["mapping"] = {
            **{key: named(mapping[key]) for key in ("loose-key-type", "loose-value-type") if key in mapping},
            **(
                {"properties": {key: of_property(each) for key, each in mapping["properties"].items()}}
                if "properties" in mapping
                else {}
            ),
        }
    return changed


def _plain(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition without what it says to people. A property may be called ``description`` too."""
    plain = {key: each for key, each in definition.items() if key != "description"}
    if "mapping" in plain:
        properties = plain["mapping"].get("properties", {})
        written = {name: each if isinstance(each, str) else _plain(each) for name, each in properties.items()}
        plain["mapping"] = {**plain["mapping"], **({"properties": written} if written else {})}
    return plain


def _names(definition: Mapping[str, Any]) -> Iterator[str]:
    """The definitions that one names."""
    yield from definition.get("one-of", ())
    yield from filter(None, [definition.get("sequence", {}).get("item-type")])
    mapping = definition.get("mapping", {})
    for each in mapping.get("properties", {}).values():
        yield each if isinstance(each, str) else each["type"]
    yield from (mapping[key] for key in ("loose-key-type", "loose-value-type") if key in mapping)


def main(package: Path) -> None:
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    found: dict[str, Any] = {}
    for kind, root in ROOTS.items():
        read = json.loads((package / f"dist/{kind}-v1.0.min.json").read_text(encoding="utf-8"))
        found |= table(read["definitions"], root, "" if kind == "workflow" else f"{kind}/")
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in found.items())
    source = json.dumps(f"@actions/workflow-parser {version}")
    TABLE.write_text(f'{{"source": {source}, "definitions": {{\n{rows}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
