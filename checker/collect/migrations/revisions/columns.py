"""Values, types and columns in an Alembic revision, as PostgreSQL would be given them.

Source: SQLAlchemy documentation, "The Type Hierarchy" and "PostgreSQL": the type that each comes to there.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.collect.migrations.sql import parse_sql

Plain: TypeAlias = "str | int | float | bool | tuple[Any, ...] | None"

_DEPTH: Final = 10
_TYPES: Final[Mapping[str, str]] = {
    "Integer": "integer", "INTEGER": "integer", "INT": "integer", "BigInteger": "bigint", "BIGINT": "bigint",
    "SmallInteger": "smallint", "SMALLINT": "smallint", "Text": "text", "TEXT": "text", "UnicodeText": "text",
    "String": "varchar", "Unicode": "varchar", "VARCHAR": "varchar", "CHAR": "char", "Boolean": "boolean",
    "BOOLEAN": "boolean", "Date": "date", "DATE": "date", "DateTime": "timestamp", "TIMESTAMP": "timestamp",
    "Time": "time", "Interval": "interval", "INTERVAL": "interval", "Numeric": "numeric", "NUMERIC": "numeric",
    "DECIMAL": "numeric", "Float": "double precision", "Double": "double precision", "REAL": "real",
    "DOUBLE_PRECISION": "double precision", "JSON": "json", "JSONB": "jsonb", "UUID": "uuid", "Uuid": "uuid",
    "LargeBinary": "bytea", "BYTEA": "bytea", "INET": "inet", "TSVECTOR": "tsvector",
}  # fmt: skip
_SIZED: Final = frozenset({"varchar", "char", "numeric"})
_FILLED: Final = frozenset({"Identity", "Computed", "Sequence"})
_CHECK: Final = "CheckConstraint"
_NO_TYPES: Final = _FILLED | {_CHECK, "ForeignKey"}
_OF_TEXT: Final = frozenset({"text", "DDL", "dedent", "f", "cleandoc"})
_PARAMETER: Final = lazy_re.compile(r"(?<![:\w]):[A-Za-z_]\w*")  # SQLAlchemy documentation, "text": a bound parameter


# What stands in place of a condition that is not told, with its line: two of them are never the same one. A type that
# is not told is called by its line too.
NOT_TOLD: Final = "condition_of_line_"


class Unread(Exception):  # noqa: N818 - no error: what it says is not known before it runs
    """A value that does not stand in the file."""


class Column(Struct, frozen=True):
    """A column that is added, or what one becomes. ``default``: whether the database keeps one."""

    name: str
    type: str
    null: bool = True
    default: bool = False
    key: bool = False
    unique: bool = False

    @property
    def definition(self) -> str:
        parts = [quoted(self.name), self.type, "NULL" if self.null and not self.key else "NOT NULL"]
        if self.default:
            parts.append("DEFAULT (now())")
        if self.key:
            parts.append("PRIMARY KEY")
        elif self.unique:
            parts.append("UNIQUE")
        return " ".join(parts)


def called(expression: ast.expr) -> str:
    """The last name of what is called, or of a name."""
    function = expression.func if isinstance(expression, ast.Call) else expression
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def checked(name: str, condition: str) -> str:
    """A CHECK constraint of a new table; empty where its condition is not PostgreSQL's: the table is told without."""
    written = f"{f'CONSTRAINT {quoted(name)} ' if name else ''}CHECK ({condition})"
    return "" if parse_sql(f"CREATE TABLE t (c text, {written})", "").problems else written


def constant(expression: ast.expr, names: Mapping[str, ast.expr], depth: int = 0) -> Plain:
    """A value that stands in the file."""
    if depth > _DEPTH:
        raise Unread
    match expression:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.Name(id=name) if name in names:
            return constant(names[name], names, depth + 1)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(constant(each, names, depth + 1) for each in items)
        case ast.JoinedStr(values=parts):
            return "".join(_part(each, names, depth) for each in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = constant(left, names, depth + 1), constant(right, names, depth + 1)
            if isinstance(one, str) and isinstance(other, str):
                return one + other
        case ast.Call(func=ast.Attribute(attr="strip", value=inner), args=[]):
            return constant(inner, names, depth + 1)
        case ast.Call(args=[inner, *_]) if called(expression) in _OF_TEXT:
            return constant(inner, names, depth + 1)
    raise Unread


def _part(part: ast.expr, names: Mapping[str, ast.expr], depth: int) -> str:
    value = constant(part.value if isinstance(part, ast.FormattedValue) else part, names, depth + 1)
    if isinstance(part, ast.FormattedValue) and (part.format_spec is not None or isinstance(value, tuple)):
        raise Unread
    return str(value)


def sql_text(expression: ast.expr, names: Mapping[str, ast.expr]) -> str:
    """SQL that stands in the file; a parameter that is bound in it is some value."""
    if (
        isinstance(expression, ast.Call)
        and called(expression) == "bindparams"
        and isinstance(expression.func, ast.Attribute)
    ):
        expression = expression.func.value
    value = constant(expression, names)
    if not isinstance(value, str):
        raise Unread
    return _PARAMETER.sub("NULL", value) if isinstance(expression, ast.Call) else value


def type_sql(expression: ast.expr, names: Mapping[str, ast.expr]) -> str:
    """A type; one that nobody knows is like no other."""
    name = called(expression)
    call = expression if isinstance(expression, ast.Call) else None
    if name == "ARRAY" and call is not None and call.args:
        return f"{type_sql(call.args[0], names)}[]"
    known = _TYPES.get(name)
    if known is None or (call is not None and any(each.arg is None for each in call.keywords)):
        return quoted(f"{name or 'type'} of line {expression.lineno}, {expression.col_offset}")
    given = {each.arg: constant(each.value, names) for each in call.keywords if _tells(each)} if call else {}
    if given.get("timezone"):
        return f"{known} with time zone"
    places = [constant(each, names) for each in call.args] if call else []
    sizes = [*places, *(given[each] for each in ("length", "precision", "scale") if given.get(each) is not None)]
    numbers = [str(each) for each in sizes if isinstance(each, int) and not isinstance(each, bool)]
    return f"{known}({', '.join(numbers)})" if known in _SIZED and numbers else known


def _tells(keyword: ast.keyword) -> bool:
    return keyword.arg in {"length", "precision", "scale", "timezone"}


def pg_type(expression: ast.expr, names: Mapping[str, ast.expr]) -> str:
    """A type as PostgreSQL calls it, empty where it is not told."""
    try:
        written = type_sql(expression, names)
    except Unread:
        return ""
    made = parse_sql(f"CREATE TABLE t (c {written})", "").statements
    return made[0].types[0][1] if made and made[0].types else ""


def definition(expression: ast.expr, names: Mapping[str, ast.expr]) -> str:
    """What defines a column, or a CHECK constraint of the table; empty where it is another constraint."""
    if isinstance(expression, ast.Call) and called(expression) == _CHECK:
        return _check(expression, names)
    if not isinstance(expression, ast.Call) or called(expression) != "Column":
        return ""
    if not expression.args or any(isinstance(each, ast.Starred) for each in expression.args):
        raise Unread
    name = constant(expression.args[0], names)
    if not isinstance(name, str) or any(each.arg is None for each in expression.keywords):
        raise Unread
    given = {str(each.arg): each.value for each in expression.keywords}
    others = expression.args[1:]
    kind = next((each for each in others if called(each) not in _NO_TYPES), given.get("type_"))
    written = [quoted(name), type_sql(kind, names) if kind is not None else quoted(f"type of {name}")]
    default = given.get("server_default")
    if default is not None and not (isinstance(default, ast.Constant) and default.value is None):
        written.append("DEFAULT (now())")
    elif any(called(each) in _FILLED for each in others):
        written.append("GENERATED BY DEFAULT AS IDENTITY")
    if _is(given, "primary_key", names):
        written.append("PRIMARY KEY")
    if "nullable" in given and not constant(given["nullable"], names):
        written.append("NOT NULL")
    if _is(given, "unique", names):
        written.append("UNIQUE")
    checks = (_check(each, names) for each in others if isinstance(each, ast.Call) and called(each) == _CHECK)
    return " ".join([*written, *filter(None, checks)])


def _check(call: ast.Call, names: Mapping[str, ast.expr]) -> str:
    """``sa.CheckConstraint("a > 0", name="a_is_positive")``; empty where its condition does not stand there."""
    given = {str(each.arg): each.value for each in call.keywords}
    condition = call.args[0] if call.args else given.get("sqltext")
    own = call.args[1] if len(call.args) > 1 else given.get("name")
    try:
        name = constant(own, names) if own is not None else None
        return (
            checked(name if isinstance(name, str) else "", sql_text(condition, names)) if condition is not None else ""
        )
    except Unread:
        return ""


def _is(given: Mapping[str, ast.expr], name: str, names: Mapping[str, ast.expr]) -> bool:
    return name in given and bool(constant(given[name], names))
