"""Conditions that frameworks write as objects, as SQL.

Sources: Django documentation, "Complex lookups with Q objects", "Field lookups", "Constraints reference"; Sequelize
documentation, "Query Interface" (``addConstraint``).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final

from checker.collect.migrations.revisions.columns import Unread, called, constant, quoted

_MOST: Final = 2_000  # values of a list
_DEEPEST: Final = 20
_COMPARES: Final[Mapping[str, str]] = {"exact": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def literal(value: object) -> str:
    """A constant as SQL writes it. Raises :class:`Unread` for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise Unread


def literals(values: object) -> str:
    """``('a', 'b')``. Raises :class:`Unread`."""
    if not isinstance(values, tuple | list) or not values or len(values) > _MOST:
        raise Unread
    return f"({', '.join(map(literal, values))})"


# -- Django ------------------------------------------------------------------------------------------------------------


def of_q(written: ast.expr, depth: int = 0) -> str:
    """What ``models.Q(...)`` asks for. Raises :class:`Unread`."""
    if depth > _DEEPEST:
        raise Unread
    match written:
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as operator, right=right):
            word = "AND" if isinstance(operator, ast.BitAnd) else "OR"
            return f"({of_q(left, depth + 1)} {word} {of_q(right, depth + 1)})"
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return f"(NOT {of_q(inner, depth + 1)})"
        case ast.Call(args=args, keywords=keywords) if called(written) == "Q":
            named = {each.arg: each.value for each in keywords}
            said = {name: constant(named.pop(name), {}) for name in ("_connector", "_negated") if name in named}
            parts = [_part(each, depth) for each in args]
            parts += [_lookup(str(name), constant(value, {})) for name, value in named.items() if name]
            joins = said.get("_connector", "AND")
            if not parts or None in named or joins not in {"AND", "OR"}:
                raise Unread
            whole = f"({f' {joins} '.join(parts)})"
            return f"(NOT {whole})" if said.get("_negated") else whole
    raise Unread


def _part(written: ast.expr, depth: int) -> str:
    if isinstance(written, ast.Tuple) and len(written.elts) == 2:
        name = constant(written.elts[0], {})
        if isinstance(name, str):
            return _lookup(name, constant(written.elts[1], {}))
    return of_q(written, depth + 1)


def _lookup(name: str, value: object) -> str:
    field, _, lookup = name.partition("__")
    column = quoted(field)
    if lookup == "isnull" and isinstance(value, bool):
        return f"{column} IS {'' if value else 'NOT '}NULL"
    if lookup == "in":
        return f"{column} IN {literals(value)}"
    if lookup == "range" and isinstance(value, tuple) and len(value) == 2:
        return f"{column} BETWEEN {literal(value[0])} AND {literal(value[1])}"
    if lookup and lookup not in _COMPARES:
        raise Unread
    return f"{column} {_COMPARES[lookup or 'exact']} {literal(value)}"


# -- Sequelize ---------------------------------------------------------------------------------------------------------


def of_where(given: Any) -> str:
    """What a ``where`` asks for: attributes with a value or a list of them. Raises :class:`Unread`."""
    if not isinstance(given, dict) or not given or "**" in given:
        raise Unread
    return " AND ".join(
        f"{quoted(str(name))} {f'IN {literals(value)}' if isinstance(value, tuple) else f'= {literal(value)}'}"
        for name, value in given.items()
    )
