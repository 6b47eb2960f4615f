"""CHECK constraints as the grammar's trees: what each is called, and whether one allows all that another allows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec import Struct

from checker import lazy_re

_DEPTH: Final = 40  # of a condition, past which nothing is said of it
_FLIPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
_OPPOSITE: Final = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "=": "<>", "<>": "="}
_OTHER_WAY: Final = {"AND_EXPR": "OR_EXPR", "OR_EXPR": "AND_EXPR"}
# What a comparison of the same two implies.
_IMPLIES: Final = {"<": {"<", "<=", "<>"}, ">": {">", ">=", "<>"}, "=": {"=", "<=", ">="}, "<=": {"<="}, ">=": {">="},
                   "<>": {"<>"}}  # fmt: skip
_LIMIT: Final = 2_000  # values of a list
# An element of an array that is written as a text (PostgreSQL documentation, "Array Value Input").
_ELEMENT: Final = lazy_re.compile(r"\"(?P<quoted>[^\"\\]*)\"|(?P<plain>[^\",{}\\]+)")
_DATE: Final = lazy_re.compile(r"(\d{4})-(\d\d)-(\d\d)")


def checks_of(elements: Sequence[Any], table: str) -> Iterator[tuple[str, str]]:
    """Name and condition of the constraints among a table's elements, or of a column's or a constraint's definition.

    PostgreSQL names one that has no name after its table and, where it speaks of one column alone, that column
    (PostgreSQL source, ``ChooseConstraintName``); a number follows where the name is taken.
    """
    taken: set[str] = set()
    for element in elements:
        column = element.get("ColumnDef", {})
        own = [part.get("Constraint", {}) for part in column.get("constraints", [])]
        for each in [*own, element.get("Constraint", {})]:
            if each.get("contype") != "CONSTR_CHECK" or each.get("raw_expr") is None:
                continue
            named = column.get("colname") or _only_column(each["raw_expr"])
            base = "_".join(part for part in (table.rsplit(".", 1)[-1], named, "check") if part)
            name = each.get("conname") or base
            count = 0
            while name in taken:
                count += 1
                name = f"{base}{count}"
            taken.add(name)
            yield name, json.dumps(bare(each["raw_expr"]), sort_keys=True)


def bare(node: Any, depth: int = 0) -> Any:
    """A tree without its places, and without the casts that only write a constant's type, or make a column's text of
    it (as ``pg_dump`` writes each comparison of one)."""
    if depth > 4 * _DEPTH:
        return None
    if isinstance(node, dict):
        cast = node.get("TypeCast")
        of = set(cast.get("arg", {})) if cast is not None else set[str]()
        if cast is not None and (of & {"A_Const", "A_ArrayExpr"} or ("ColumnRef" in of and _is_text(cast))):
            return bare(cast["arg"], depth + 1)
        return {
            key: bare(value, depth + 1)
            for key, value in node.items()
            if key not in {"location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"}
        }
    return [bare(each, depth + 1) for each in node] if isinstance(node, list) else node


def _is_text(cast: Any) -> bool:
    names = cast.get("typeName", {}).get("names", [])
    return bool(names) and names[-1].get("String", {}).get("sval") == "text"


def _only_column(expression: Any) -> str:
    found = set(_columns(expression))
    return next(iter(found)) if len(found) == 1 else ""


def _columns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        fields = node.get("ColumnRef", {}).get("fields", [])
        if fields:
            yield str(fields[-1].get("String", {}).get("sval", ""))
            return
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        yield from _columns(each)


def widens(old: Sequence[str], new: str) -> bool:
    """Whether every row that all the old conditions allow is allowed by the new one; ``False`` where it is not seen."""
    conditions = [_without_not(json.loads(each)) for each in old]
    return bool(conditions) and _implied(
        [part for each in conditions for part in _parts(each, "AND_EXPR")], _without_not(json.loads(new)), 0
    )


def _without_not(node: Any, depth: int = 0, *, negated: bool = False) -> Any:
    """A condition that says the same without NOT, as far as it is made of comparisons: NULL stays NULL by either."""
    together = node.get("BoolExpr", {}) if isinstance(node, dict) else {}
    operator, args = together.get("boolop"), together.get("args", [])
    if depth <= _DEPTH and operator == "NOT_EXPR" and len(args) == 1:
        return _without_not(args[0], depth + 1, negated=not negated)
    if depth <= _DEPTH and operator in _OTHER_WAY:
        parts = [_without_not(each, depth + 1, negated=negated) for each in args]
        return {"BoolExpr": {**together, "boolop": _OTHER_WAY[operator] if negated else operator, "args": parts}}
    if not negated:
        return node
    expression = node.get("A_Expr", {}) if isinstance(node, dict) else {}
    opposite = _OPPOSITE.get(_operator(expression)) if expression.get("kind") in {"AEXPR_OP", "AEXPR_IN"} else None
    if opposite is not None:
        return {"A_Expr": {**expression, "name": [{"String": {"sval": opposite}}]}}
    return {"BoolExpr": {"args": [node], "boolop": "NOT_EXPR"}}


def _parts(node: Any, operator: str) -> list[Any]:
    together = node.get("BoolExpr", {}) if isinstance(node, dict) else {}
    if together.get("boolop") != operator:
        return [node]
    return [part for each in together.get("args", []) for part in _parts(each, operator)]


def _implied(given: list[Any], new: Any, depth: int) -> bool:
    """Whether what holds all of ``given`` holds ``new``. NULL passes a constraint, and both sides ask one operand."""
    if depth > _DEPTH:
        return False
    wanted = _parts(new, "AND_EXPR")
    if len(wanted) > 1:
        return all(_implied(given, each, depth + 1) for each in wanted)
    for index, each in enumerate(given):
        if len(choices := _parts(each, "OR_EXPR")) > 1:
            rest = given[:index] + given[index + 1 :]
            if all(_implied([*rest, *_parts(choice, "AND_EXPR")], new, depth + 1) for choice in choices):
                return True
    if new in given or any(_compares_less(each, new) or _is_null_of(each, new) for each in given):
        return True
    either = _parts(new, "OR_EXPR")
    if len(either) > 1 and any(_implied(given, each, depth + 1) for each in either):
        return True
    goal = _range(new)
    if goal is None and len(either) > 1:
        goal = _union(either)
    held = [each for one in given if (each := _range(one)) is not None and goal and each.operand == goal.operand]
    return goal is not None and all(any(each.within(side) for each in held) for side in goal.sides)


def _operator(expression: Any) -> str:
    return "".join(part.get("String", {}).get("sval", "") for part in expression.get("name", []))


def _compares_less(given: Any, new: Any) -> bool:
    """Whether both compare the same two, and what the one says implies the other: ``a < b``, ``b >= a``."""
    one, other = (each.get("A_Expr", {}) if isinstance(each, dict) else {} for each in (given, new))
    if not one.get("kind") == other.get("kind") == "AEXPR_OP" or "lexpr" not in one or "lexpr" not in other:
        return False
    means = _operator(other)
    if (one["lexpr"], one["rexpr"]) == (other["rexpr"], other["lexpr"]):
        means = _FLIPPED.get(means, "")
    elif (one["lexpr"], one["rexpr"]) != (other["lexpr"], other["rexpr"]):
        return False
    return means in _IMPLIES.get(_operator(one), ())


def _is_null_of(given: Any, new: Any) -> bool:
    """Whether what a comparison asks of is NULL: a constraint that is neither true nor false is kept."""
    test = given.get("NullTest", {}) if isinstance(given, dict) else {}
    asked = _range(new) if test.get("nulltesttype") == "IS_NULL" else None
    return asked is not None and asked.operand == json.dumps(test.get("arg"), sort_keys=True)


def _may_be_one(value: str, other: str) -> bool:
    """Whether two constants may be one value, whatever the type and the collation of what they are compared with."""
    if value.strip().casefold() == other.strip().casefold():
        return True
    one, another = _decimal(value), _decimal(other)
    return one is not None and another is not None and one == another


class _Range(Struct, frozen=True):
    """The values that a condition allows of its operand: listed, all but those in ``but``, or between bounds (each with
    whether it counts)."""

    operand: str
    values: frozenset[str] | None = None
    low: tuple[Decimal, bool] | None = None
    high: tuple[Decimal, bool] | None = None
    but: frozenset[str] | None = None

    @property
    def sides(self) -> tuple[_Range, ...]:
        """What to ask one after the other: each of two bounds may follow from another condition."""
        if self.low is None or self.high is None:
            return (self,)
        return (_Range(self.operand, None, self.low), _Range(self.operand, None, None, self.high))

    def within(self, other: _Range) -> bool:
        if other.but is not None:
            return all(self._leaves_out(value) for value in other.but)
        if self.but is not None:
            return False
        if self.values is not None:
            return all(other.allows(value) for value in self.values)
        if other.values is not None:
            return False
        below = other.low is None or (self.low is not None and _inside(self.low, other.low, 1))
        above = other.high is None or (self.high is not None and _inside(self.high, other.high, -1))
        return below and above

    def _leaves_out(self, value: str) -> bool:
        if self.but is not None:
            return value in self.but
        if self.values is not None:
            return not any(_may_be_one(value, each) for each in self.values)
        number = _decimal(value)
        return number is not None and not self.allows(value)

    def allows(self, value: str) -> bool:
        if self.values is not None:
            return value in self.values
        number = _decimal(value)
        if number is None:
            return False
        point = (number, True)
        return (self.low is None or _inside(point, self.low, 1)) and (
            self.high is None or _inside(point, self.high, -1)
        )


def _inside(one: tuple[Decimal, bool], bound: tuple[Decimal, bool], sign: int) -> bool:
    difference = (one[0] - bound[0]) * sign
    return difference > 0 or (difference == 0 and (bound[1] or not one[1]))


def _range(node: Any) -> _Range | None:
    """What a comparison with constants allows; ``None`` where it is none."""
    expression = node.get("A_Expr", {}) if isinstance(node, dict) else {}
    kind, left, right = expression.get("kind"), expression.get("lexpr"), expression.get("rexpr")
    operator = _operator(expression)
    if left is None or right is None:
        return None
    if kind == "AEXPR_OP" and "A_Const" in left and "A_Const" not in right:
        left, right, operator = right, left, _FLIPPED.get(operator, "")
    operand = json.dumps(left, sort_keys=True)
    listed = _listed(kind, operator, right)
    if listed is not None:
        return _Range(operand, frozenset(listed)) if operator == "=" else _Range(operand, but=frozenset(listed))
    if kind == "AEXPR_BETWEEN":
        bounds = [_number(each) for each in right.get("List", {}).get("items", [])]
        if len(bounds) == 2 and bounds[0] is not None and bounds[1] is not None:
            return _Range(operand, None, (bounds[0], True), (bounds[1], True))
    number = _number(right) if kind == "AEXPR_OP" else None
    if number is None or operator not in {"<", ">", "<=", ">="}:
        return None
    bound = (number, "=" in operator)
    return _Range(operand, None, bound, None) if ">" in operator else _Range(operand, None, None, bound)


def _listed(kind: Any, operator: str, right: Any) -> list[str] | None:
    if operator not in {"=", "<>"}:
        return None
    if kind == "AEXPR_OP":
        items = [right]
    elif kind == "AEXPR_IN":
        items = right.get("List", {}).get("items", [])
    elif kind == ("AEXPR_OP_ANY" if operator == "=" else "AEXPR_OP_ALL"):
        if "A_Const" in right:
            return _written_array(_constant(right) or "")
        items = right.get("A_ArrayExpr", {}).get("elements", [])
    else:
        return None
    found = [_constant(each) for each in items[: _LIMIT + 1]]
    return None if not found or len(found) > _LIMIT or None in found else [each for each in found if each is not None]


def _written_array(text: str) -> list[str] | None:
    """The elements of ``'{a,b}'``; ``None`` where it is another form of an array, or one of them is NULL."""
    if not (text.startswith("{") and text.endswith("}")) or text.count(",") > _LIMIT:
        return None
    found = [_ELEMENT.fullmatch(each.strip()) for each in text[1:-1].split(",")]
    if any(each is None or (each["plain"] or "").upper() == "NULL" for each in found):
        return None
    return [each["plain"] if each["quoted"] is None else each["quoted"] for each in found if each is not None]


def _union(choices: list[Any]) -> _Range | None:
    """The values of an OR of lists of one operand."""
    ranges = [_range(each) for each in choices]
    operands = {each.operand for each in ranges if each is not None}
    if len(operands) != 1 or any(each is None or each.values is None for each in ranges):
        return None
    return _Range(next(iter(operands)), frozenset(value for each in ranges if each for value in each.values or ()))


def _constant(node: Any) -> str | None:
    constant = node.get("A_Const", {}) if isinstance(node, dict) else {}
    if constant.get("isnull") or not constant:
        return None
    for key, inner, default in (
        ("sval", "sval", ""),
        ("ival", "ival", 0),
        ("fval", "fval", ""),
        ("boolval", "boolval", False),
    ):
        if key in constant:
            return str(constant[key].get(inner, default))
    return None


def _number(node: Any) -> Decimal | None:
    """A number, or a day that is written as ISO 8601 does: those have one order, also as texts in any collation."""
    constant = _constant(node) or ""
    if isinstance(node, dict) and "sval" in node.get("A_Const", {}):
        day = _DATE.fullmatch(constant)
        return Decimal("".join(day.groups())) if day is not None else None
    return _decimal(constant)


def _decimal(written: str) -> Decimal | None:
    try:
        found = Decimal(written)
    except InvalidOperation:
        return None
    return None if found.is_nan() else found
