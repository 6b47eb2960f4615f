"""GitHub's ``${{ }}`` expressions, evaluated as far as their contexts are known.

Source: GitHub documentation, "Evaluate expressions in workflows and actions". Comparison ignores case, ``&&`` and
``||`` give back an operand, an absent property is null. What only a run knows stays a value with a name
(:class:`~checker.resolve.expressions.values.Open`), and a comparison with it is ``OneOf((True, False))``: so
``x && 'a' || 'b'`` is one of ``a`` and ``b``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from checker.model.answers import NO, YES, Certain, negated
from checker.model.possible import Possible, joined, open_text
from checker.model.values import Text, Unknown
from checker.resolve.expressions.functions import FUNCTIONS
from checker.resolve.expressions.syntax import ExpressionError, Node, parse, split
from checker.resolve.expressions.values import (
    EITHER,
    Data,
    Filtered,
    Open,
    Partial,
    Several,
    as_number,
    boolean,
    choices,
    equal,
    in_order,
    is_text_or_nothing,
    lift,
    plain,
    property_of,
    scalar,
    several,
    truthy,
)

Contexts: TypeAlias = Mapping[str, Data]
# Under names that no context has: see `assuming`.
_ASSUMED: Final = "?"
_STATUS: Final = "?status"
# What of these is so at once. A run that was cancelled may have failed before.
_STATUSES: Final = (("success",), ("failure",), ("cancelled",), ("failure", "cancelled"))
_CONDITIONS: Final = frozenset({"contains", "startswith", "endswith"})
STATUS_FUNCTIONS: Final = frozenset({"success", "failure", "always", "cancelled"})


def evaluate(source: str, contexts: Contexts) -> Data:
    """The value of an expression. One that cannot be read, or that needs what is not modelled, is ``Unknown``."""
    try:
        return _eval(parse(source), contexts)
    except ExpressionError as error:
        return Unknown(f"the expression {source.strip()[:80]!r} cannot be read: {error}")


def interpolate(written: object, contexts: Contexts) -> Data:
    """A value as written, its expressions evaluated: what a lone expression gives, or the text it all makes."""
    if isinstance(written, str):
        parts = split(written)
        if len(parts) == 1:
            return evaluate(parts[0][0], contexts) if parts[0][1] else written
        return joined(scalar(evaluate(part, contexts)) if is_code else part for part, is_code in parts)
    if isinstance(written, list):
        return [interpolate(each, contexts) for each in written]
    if isinstance(written, dict):
        return {str(key): interpolate(each, contexts) for key, each in written.items()}
    return written if isinstance(written, bool | int | float) else None


def text_value(written: object, contexts: Contexts) -> Possible:
    """Like :func:`interpolate`, as a value that is no list or object."""
    return scalar(interpolate(written, contexts))


def assuming(conditions: Mapping[str, bool]) -> Contexts:
    """What contexts are given so that some conditions, named as :func:`open_conditions` names them, hold or do not."""
    return {_ASSUMED: True, **{f"{_ASSUMED}{name}": holds for name, holds in conditions.items()}} if conditions else {}


def in_each_status(contexts: Contexts) -> Iterator[Contexts]:
    """The contexts in a run where all went well, in one that failed, and in one that was cancelled."""
    for status in _STATUSES:
        yield {**contexts, _STATUS: list(status)}


def ended(contexts: Contexts, *status: str) -> Contexts:
    """The contexts in a run of that status; of none where what came before was skipped."""
    return {**contexts, _STATUS: list(status)}


def open_conditions(source: str, contexts: Contexts) -> Iterator[str]:
    """The conditions of an expression that choose between values and that the contexts leave open."""
    try:
        yield from _open_in(parse(source), contexts, chooses=False)
    except ExpressionError:
        return


def _open_in(node: Node, contexts: Contexts, *, chooses: bool) -> Iterator[str]:
    kind = node[0]
    if kind == "binary" and node[1] in {"&&", "||"}:
        yield from _open_in(node[2], contexts, chooses=chooses or node[1] == "&&")
        yield from _open_in(node[3], contexts, chooses=chooses)
    elif kind == "not":
        yield from _open_in(node[1], contexts, chooses=chooses)
    elif kind == "call" and node[1].lower() == "case":
        for index, each in enumerate(node[2]):
            yield from _open_in(each, contexts, chooses=index % 2 == 0 and index < len(node[2]) - 1)
    elif kind == "call" and node[1].lower() not in _CONDITIONS:
        for each in node[2]:
            yield from _open_in(each, contexts, chooses=False)
    elif chooses and kind in {"binary", "call"} and _eval(node, contexts) == EITHER:
        yield _named(node)


def _named(node: Node) -> str:
    """A condition's name: a difference has that of the equality that it denies."""
    return repr(("binary", "==", *node[2:]) if node[:2] == ("binary", "!=") else node)


def _assumed(node: Node, contexts: Contexts) -> bool | None:
    holds = contexts.get(f"{_ASSUMED}{_named(node)}")
    if not isinstance(holds, bool):
        return None
    return not holds if node[:2] == ("binary", "!=") else holds


def _eval(node: Node, contexts: Contexts) -> Data:
    kind = node[0]
    if _ASSUMED in contexts and kind in {"binary", "call"}:
        holds = _assumed(node, contexts)
        if holds is not None:
            return holds
    if kind == "literal":
        value: Data = node[1]
        return value
    if kind == "context":
        return property_of(contexts, node[1], Unknown(f"there is no context {node[1]!r}"))
    if kind == "index":
        return lift(_index, _eval(node[1], contexts), _eval(node[2], contexts))
    if kind == "each":
        return _each(_eval(node[1], contexts))
    if kind == "not":
        return lift(lambda value: boolean(negated(truthy(value))), _eval(node[1], contexts))
    if kind == "call":
        return _call(node[1], node[2], contexts)
    operator, left = node[1], _eval(node[2], contexts)
    if operator in {"&&", "||"}:
        return _logical(operator, left, node[3], contexts)
    return lift(lambda one, other: _compare(operator, one, other), left, _eval(node[3], contexts))


def _logical(operator: str, left: Data, right: Node, contexts: Contexts) -> Data:
    if isinstance(left, Unknown):
        return left
    found: list[Data] = []
    for option in choices(left):
        answer = truthy(option)
        stays = answer is (YES if operator == "||" else NO)
        if not isinstance(answer, Certain):
            # An open operand: of `&&` only the falsy ones stay, of which nothing but "it is empty" is known.
            other = _eval(right, contexts)
            same = operator == "||" and other == "" and is_text_or_nothing(option)
            found.extend((option,) if same else (option if operator == "||" else "", other))
        else:
            found.append(option if stays else _eval(right, contexts))
    if any(isinstance(each, Unknown) for each in found):
        return next(each for each in found if isinstance(each, Unknown))
    return several(found)


def _index(value: Data, key: Data) -> Data:
    if isinstance(value, Filtered):
        found = [lift(_index, each, key) for each in value if _has(each, key)]
        return next((each for each in found if isinstance(each, Unknown)), Filtered(found))
    if isinstance(value, list):
        number = as_number(key)
        if number is None:
            return Unknown("an index that is not known")
        return value[int(number)] if 0 <= number < len(value) else None
    name = plain(key)
    if isinstance(name, Text):
        return Unknown("a property whose name is not known")
    if name is None:
        return None
    if isinstance(value, Open):
        return value.below(name)
    if isinstance(value, Partial):
        return value.get(name)
    if isinstance(value, Mapping):
        return property_of(value, name, None)
    if isinstance(value, Text):
        return Unknown(f"a property of {value}")
    return value if isinstance(value, Unknown) else None


_ABSENT: Final = Open("no property")


def _has(value: Data, key: Data) -> bool:
    """Whether an element of a list that ``.*`` gave has such a property, or may have it."""
    if isinstance(value, list):
        return (number := as_number(key)) is None or 0 <= number < len(value)
    if isinstance(value, Mapping):
        name = plain(key)
        return not isinstance(name, str) or property_of(value, name, _ABSENT) is not _ABSENT
    return isinstance(value, Open | Partial | Unknown | Several)


def _each(value: Data) -> Data:
    """``value.*``. Source: GitHub documentation, "Evaluate expressions in workflows and actions", Object filters."""
    if isinstance(value, Filtered):
        if any(isinstance(each, Open | Partial | Several | Unknown) for each in value):
            return Unknown("a list that is not known")
        return Filtered(inner for each in value for inner in _elements(each))
    if isinstance(value, Open):
        return value.below("*")
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Partial | Text):
        return Unknown("a list that is not known")
    return Filtered(_elements(value))


def _elements(value: Data) -> Iterable[Data]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _compare(operator: str, left: Data, right: Data) -> Data:
    if operator in {"==", "!="}:
        answer = equal(left, right)
        return boolean(answer if operator == "==" else negated(answer))
    if operator in {"<=", ">="} and equal(left, right) is YES:
        return True
    if isinstance(left, str) and isinstance(right, str):
        first, second = in_order(left), in_order(right)
        return _ordered(operator, (first > second) - (first < second))
    one, other = as_number(left), as_number(right)
    if one is None or other is None:
        return EITHER
    if math.isnan(one) or math.isnan(other):  # a text that is no number
        return False
    return _ordered(operator, (one > other) - (one < other))


def _ordered(operator: str, sign: int) -> bool:
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def _call(name: str, arguments: tuple[Node, ...], contexts: Contexts) -> Data:
    folded = name.lower()
    if folded in STATUS_FUNCTIONS:
        status = contexts.get(_STATUS)
        if isinstance(status, list):
            return folded == "always" or folded in status
        # Read for a run in which all went well so far; `failure()` and `cancelled()` are what no one can know.
        return EITHER if folded in {"failure", "cancelled"} else True
    if folded == "case":
        return _case(arguments, contexts)
    values = [_eval(argument, contexts) for argument in arguments]
    function = FUNCTIONS.get(folded)
    if function is None:
        return Unknown(f"there is no function {name!r}")
    try:
        given = lift(function, *values)
    except (TypeError, ValueError, KeyError, IndexError, RecursionError):
        raise ExpressionError(f"{name}() cannot take these arguments") from None
    path = _path(arguments[0]) if folded == "tojson" and isinstance(given, Unknown) else ""
    return open_text(f"${{{{ toJSON({path}) }}}}") if path else given


def _path(node: Node) -> str:
    """``github.event`` as it is written; empty for anything but a context and what lies below it."""
    if node[0] == "context":
        return str(node[1])
    if node[0] == "index" and node[2][0] == "literal" and (above := _path(node[1])):
        return f"{above}.{node[2][1]}"
    return ""


def _case(arguments: tuple[Node, ...], contexts: Contexts) -> Data:
    """``case(test, value, test, value, ..., otherwise)``."""
    found: list[Data] = []
    for test, value in zip(arguments[0:-1:2], arguments[1::2], strict=False):
        tried = choices(_eval(test, contexts))
        if not any(isinstance(each, bool | Open | Text | Unknown) for each in tried):
            raise ExpressionError("a test of case() is neither true nor false")
        answers = {truthy(option) for option in tried}
        if answers != {NO}:
            found.append(_eval(value, contexts))
        if answers == {YES}:
            return several(found)
    if len(arguments) % 2:
        found.append(_eval(arguments[-1], contexts))
    return several(found)
