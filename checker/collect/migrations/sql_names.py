"""Names in the tree that PostgreSQL's parser makes of a statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# Where a word begins in a name like `AddColumn`.
HUMPS: Final = re.compile(r"(?<!^)(?=[A-Z])")


def relation_of(node: Any) -> str:
    """A table's name, with its schema where that is not the usual one."""
    if not isinstance(node, dict):
        return ""
    schema, name = node.get("schemaname"), node.get("relname", "")
    return f"{schema}.{name}" if schema and schema != "public" else str(name)


def type_of(definition: Mapping[str, Any]) -> str:
    """The type of a column's definition as PostgreSQL calls it (``varchar(50)``), empty where it is not told."""
    written = definition.get("typeName", {})
    names = [name_of(each) for each in written.get("names", [])]
    sizes = [str(each.get("A_Const", {}).get("ival", {}).get("ival", 0)) for each in written.get("typmods", [])]
    if not names or "collClause" in definition:
        return ""
    name = {"serial": "int4", "bigserial": "int8", "smallserial": "int2"}.get(names[-1], names[-1])
    return name + (f"({','.join(sizes)})" if sizes else "") + "[]" * len(written.get("arrayBounds", []))


def name_of(node: Any) -> str:
    """The dotted name of a dropped object, however the grammar wraps it."""
    if isinstance(node, dict):
        if "String" in node:
            return str(node["String"].get("sval", ""))
        for key in ("List", "TypeName", "ObjectWithArgs"):
            if key in node:
                inner = node[key].get("items") or node[key].get("names") or node[key].get("objname") or []
                parts = [name_of(each) for each in inner]
                return ".".join(part for part in parts if part and part != "public")
    return ""
