"""What GitHub's own schema says of workflow files, for ``checker/data/workflow_schema.json``.

The schema comes with GitHub's language server, in the npm package ``@actions/workflow-parser`` (MIT), which the tests
hold the checker against. Its descriptions are left out, and what no workflow's root leads to::

    python -m tools.workflow_schema node_modules/@actions/workflow-parser
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = "workflow-root-strict"
TABLE: Final = Path(__file__).parents[1] / "checker/data/workflow_schema.json"


def table(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions that the root leads to, by name."""
    found: dict[str, Any] = {}
    pending = [ROOT]
    while pending:
        name = pending.pop()
        if name not in found and name in definitions:
            found[name] = _plain(definitions[name])
            pending.extend(_names(definitions[name]))
    return dict(sorted(found.items()))


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
    read = json.loads((package / "dist/workflow-v1.0.min.json").read_text(encoding="utf-8"))
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in table(read["definitions"]).items())
    source = json.dumps(f"@actions/workflow-parser {version}")
    TABLE.write_text(f'{{"source": {source}, "definitions": {{\n{rows}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
