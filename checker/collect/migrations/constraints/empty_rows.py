"""What a CHECK constraint answers of a row whose new columns are empty, as code adds it that does not know them.

A constraint refuses a row where its condition is false; where it is null it does not (PostgreSQL documentation,
"Constraints"). Nearly all operators answer null where they are given one ("Comparison Functions and Operators").
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Set
from enum import Enum
from typing import Any, Final, TypeAlias


class _Value(Enum):
    ANY = "any"  # null or not: not told
    SOME = "some"  # not null


_Answer: TypeAlias = bool | int | _Value | None

# What may answer null with something else than null.
_ASKING: Final = ("NullTest", "BooleanTest", "CoalesceExpr", "num_nonnulls", "num_nulls", "_DISTINCT", "CaseExpr")
_NULL_TESTS: Final = {"IS_NULL": True, "IS_NOT_NULL": False}
_TRUTH: Final = {
    "IS_TRUE": (True, True), "IS_NOT_TRUE": (True, False), "IS_FALSE": (False, True), "IS_NOT_FALSE": (False, False),
    "IS_UNKNOWN": (None, True), "IS_NOT_UNKNOWN": (None, False),
}  # fmt: skip

_SIGNS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "<>": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip


def is_empty(expression: Any) -> bool:
    """Whether an expression is NULL, of whatever type."""
    while isinstance(expression, dict) and "TypeCast" in expression:
        expression = expression["TypeCast"].get("arg")
    return isinstance(expression, dict) and bool(expression.get("A_Const", {}).get("isnull"))


def may_refuse(tree: str, empty: Set[str]) -> bool:
    """Whether a condition refuses a row in which these columns are empty, or may: what is not seen through is taken to
    where it asks about what is empty at all."""
    answer = _answer(json.loads(tree), empty)
    if isinstance(answer, bool) or answer is None:
        return answer is False
    return any(each in tree for each in _ASKING)


def _answer(node: Any, empty: Set[str]) -> _Answer:
    if not isinstance(node, dict) or len(node) != 1:
        return _Value.ANY
    ((kind, body),) = node.items()
    match kind:
        case "ColumnRef":
            fields = body.get("fields", [])
            name = fields[-1].get("String", {}).get("sval") if fields else None
            return None if name in empty else _Value.ANY
        case "A_Const":
            return None if body.get("isnull") else _constant(body)
        case "TypeCast":
            return _answer(body.get("arg"), empty)
        case "NullTest":
            return _tested(_answer(body.get("arg"), empty), of_null=_NULL_TESTS[body["nulltesttype"]])
        case "BooleanTest":
            wanted, yes = _TRUTH[body["booltesttype"]]
            found = _answer(body.get("arg"), empty)
            return found if isinstance(found, _Value) else (found is wanted) is yes
        case "BoolExpr":
            return _joined(body["boolop"], [_answer(each, empty) for each in body.get("args", [])])
        case "FuncCall":
            return _called(body, [_answer(each, empty) for each in body.get("args", [])])
        case "A_Expr":
            return _compared(body, _answer(body.get("lexpr"), empty), _answer(body.get("rexpr"), empty))
    return _Value.ANY


def _constant(body: dict[str, Any]) -> _Answer:
    if "boolval" in body:
        return bool(body["boolval"].get("boolval", False))
    return int(body["ival"].get("ival", 0)) if "ival" in body else _Value.SOME


def _tested(found: _Answer, *, of_null: bool) -> _Answer:
    if found is _Value.ANY:
        return _Value.ANY
    return of_null if found is None else not of_null


def _joined(word: str, parts: list[_Answer]) -> _Answer:
    if word == "NOT_EXPR":
        (only,) = parts
        return not only if isinstance(only, bool) else only
    decides = word == "OR_EXPR"  # one that is true decides OR, one that is false AND
    if any(each is decides for each in parts):
        return decides
    if any(isinstance(each, _Value) for each in parts):
        return _Value.ANY
    return None if None in parts else not decides


def _called(body: dict[str, Any], given: list[_Answer]) -> _Answer:
    name = str(body.get("funcname", [{}])[-1].get("String", {}).get("sval", ""))
    if name in {"num_nulls", "num_nonnulls"} and _Value.ANY not in given:
        return sum((each is None) is (name == "num_nulls") for each in given)
    return _Value.ANY


def _compared(body: dict[str, Any], left: _Answer, right: _Answer) -> _Answer:
    kind = body.get("kind", "")
    sign = body.get("name", [{}])[-1].get("String", {}).get("sval", "")
    if kind == "AEXPR_OP" and sign in _SIGNS and type(left) is type(right) is not _Value and left is not None:
        return _SIGNS[sign](left, right)
    if kind in {"AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT"}:
        if None not in {left, right} or _Value.ANY in {left, right}:
            return _Value.ANY
        return (left is right) is (kind == "AEXPR_NOT_DISTINCT")
    if kind in {"AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_IN", "AEXPR_BETWEEN", "AEXPR_SIMILAR"} and left is None:
        return None
    return None if kind == "AEXPR_OP" and right is None else _Value.ANY
