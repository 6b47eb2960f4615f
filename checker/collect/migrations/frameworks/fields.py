"""Fields of Django's models as columns of PostgreSQL.

Sources: Django documentation, "Model field reference" (``null``, ``db_column``, ``db_default``, the types' own options)
and "Databases"; ``django/db/backends/postgresql/base.py``, ``data_types``. A ``default`` is Python's: the database
keeps none of it (documentation, "default" and "db_default"; https://code.djangoproject.com/ticket/28000), so that rows
of code that does not know the field lack it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from checker.collect.migrations.revisions.columns import Column, Unread, called, constant, quoted

_TYPES: Final[Mapping[str, str]] = {
    "AutoField": "integer", "BigAutoField": "bigint", "SmallAutoField": "smallint", "IntegerField": "integer",
    "BigIntegerField": "bigint", "SmallIntegerField": "smallint", "PositiveIntegerField": "integer",
    "PositiveBigIntegerField": "bigint", "PositiveSmallIntegerField": "smallint", "BooleanField": "boolean",
    "NullBooleanField": "boolean", "CharField": "varchar", "TextField": "text", "EmailField": "varchar",
    "URLField": "varchar", "SlugField": "varchar", "FileField": "varchar", "ImageField": "varchar",
    "FilePathField": "varchar", "DateField": "date", "DateTimeField": "timestamp with time zone", "TimeField": "time",
    "DurationField": "interval", "DecimalField": "numeric", "FloatField": "double precision", "UUIDField": "uuid",
    "JSONField": "jsonb", "BinaryField": "bytea", "GenericIPAddressField": "inet", "IPAddressField": "inet",
    "CommaSeparatedIntegerField": "varchar", "HStoreField": "hstore", "SearchVectorField": "tsvector",
}  # fmt: skip
_LENGTHS: Final[Mapping[str, int]] = {
    "EmailField": 254, "URLField": 200, "SlugField": 50, "FileField": 100, "ImageField": 100, "FilePathField": 100
}  # fmt: skip
_KEYS: Final = frozenset({"AutoField", "BigAutoField", "SmallAutoField"})
RELATIONS: Final = frozenset({"ForeignKey", "OneToOneField"})
MANY: Final = "ManyToManyField"


def column_of(name: str, field: ast.expr) -> Column:
    """The column of a field; its ``type`` is empty where it has none of its own (many to many). Raises
    :class:`Unread` where what decides it does not stand in the file."""
    if not isinstance(field, ast.Call) or any(each.arg is None for each in field.keywords):
        raise Unread
    kind, given = called(field), {str(each.arg): each.value for each in field.keywords}
    told = constant(given["db_column"], {}) if "db_column" in given else None
    relates = kind in RELATIONS
    key = kind in _KEYS or _flag(given, "primary_key")
    return Column(
        told if isinstance(told, str) else f"{name}_id" if relates else name,
        "" if kind == MANY else _type(kind, field, given),
        null=_flag(given, "null") and not key,
        default="db_default" in given or kind in _KEYS or kind == "GeneratedField",
        key=key,
        unique=_flag(given, "unique") or kind == "OneToOneField",
    )


def _flag(given: Mapping[str, ast.expr], name: str) -> bool:
    return name in given and bool(constant(given[name], {}))


def _type(kind: str, field: ast.Call, given: Mapping[str, ast.expr]) -> str:
    if kind in RELATIONS:
        return quoted("key of another table")  # whatever type that has
    known = _TYPES.get(kind)
    if known is None:
        return quoted(f"{kind or 'type'} of line {field.lineno}, {field.col_offset}")
    if known == "varchar":
        size = constant(given["max_length"], {}) if "max_length" in given else _LENGTHS.get(kind)
        return f"varchar({size})" if isinstance(size, int) else "varchar"
    if known == "numeric":
        sizes = [constant(given[each], {}) for each in ("max_digits", "decimal_places") if each in given]
        return f"numeric({', '.join(map(str, sizes))})" if len(sizes) == 2 else "numeric"
    return known
