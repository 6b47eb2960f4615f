"""Metric math: whether what an alarm watches is a share of something, or a count that grows with the traffic.

An expression is worked out for several loads, each time with ten times the traffic too: a share stays what it is then,
and differs between loads. Source: Amazon
CloudWatch User Guide, "Using math expressions with CloudWatch metrics" (operators and functions).
"""

from __future__ import annotations

import math
import operator
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.values import Known, Resolved, Text, Unknown, Value

_TOKEN: Final = lazy_re.compile(
    r"""\s*(?:((?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(==|!=|<=|>=|&&|\|\||[-+*/^(),\[\]<>])|("[^"]*"|'[^']*'))"""
)
_WORD: Final = lazy_re.compile(r"[A-Za-z_]\w*")
_MOST: Final = 2_000  # characters of an expression
_DEEP: Final = 40
_PERIOD: Final = 300.0
# So many that of two metrics each is the smaller one by far in some of them.
_LOADS: Final = 32
_LEVELS: Final = (
    frozenset({"||", "OR"}),
    frozenset({"&&", "AND"}),
    frozenset({"==", "!=", "<", ">", "<=", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
    frozenset({"^"}),
)
# What gives one of its arguments, or all of them put together. Those of a series give its value at each time.
_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "ABS": abs,
    "AVG": lambda *x: sum(x) / len(x),
    "CEIL": lambda x: float(math.ceil(x)),
    "FLOOR": lambda x: float(math.floor(x)),
    "FILL": lambda x, instead: instead if math.isnan(x) else x,
    "IF": lambda test, *x: x[0] if test else (x[1] if len(x) > 1 else 0.0),
    "MAX": lambda *x: max(x),
    "MIN": lambda *x: min(x),
    "SUM": lambda *x: sum(x),
    "RUNNING_SUM": lambda x: x,
    "RATE": lambda x: x / _PERIOD,
    "DIFF": lambda x: x,
    "DIFF_TIME": lambda _: _PERIOD,
    "PERIOD": lambda _: _PERIOD,
    "TIME_SERIES": lambda x: x,
}
# An array of series has a value for each of them.
_Many: TypeAlias = tuple[float, ...]
# All metrics of the alarm as an array; expressions are not among them (ibid.).
_METRICS: Final = "METRICS"
# How ``FILL`` goes on from values that there were: where there are none at all it puts nothing.
_CONTINUED: Final = frozenset({"REPEAT", "LINEAR"})
# What gives values where there are none, and what is made of several values, some of which may be missing.
_FILLS: Final = frozenset({"FILL", "TIME_SERIES"})
_NOT_READ: Final = Open("what its expression puts where data is missing")
_OF_SEVERAL: Final = frozenset({"AVG", "MAX", "MIN", "SUM"})


# Amazon CloudWatch API Reference, PutMetricAlarm, ComparisonOperator.
BREACHES: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


class _UnreadError(Exception):
    """Something that is not known here."""


def is_share(expression: str, others: Mapping[str, str], metrics: Sequence[str] = ()) -> Answer:
    """Whether an expression stays the same when all metrics grow. ``others``: the expressions it may name, by id;
    ``metrics``: the ids of the metrics beside them."""
    try:
        loads = [
            tuple(_Reader(others, scale, load, metrics=metrics).whole(expression) for scale in (1.0, 10.0))
            for load in range(_LOADS)
        ]
    except (_UnreadError, ZeroDivisionError, OverflowError, TypeError, ValueError, RecursionError):
        return Open("what its expression comes to is not known")
    same = all(math.isclose(small, large, rel_tol=1e-6, abs_tol=1e-9) for small, large in loads)
    return yes_if(same and not _all_alike([small for small, _ in loads]))


def is_constant(expression: str, others: Mapping[str, str], metrics: Sequence[str] = ()) -> bool:
    """Whether an expression surely comes to the same whatever its metrics are (``m1 / m1``)."""
    try:
        return _all_alike([_Reader(others, 1.0, load, metrics=metrics).whole(expression) for load in range(_LOADS)])
    except (_UnreadError, ZeroDivisionError, OverflowError, TypeError, ValueError, RecursionError):
        return False


def breaches_without_data(
    expression: Resolved,
    named: Mapping[str, Resolved],
    breaches: Callable[[float, float], bool] | None,
    limit: float | None,
) -> tuple[Answer, float]:
    """Whether an expression breaches while none of its metrics has any data, and what it comes to then. ``named``: the
    expressions that it may name, by id; ``breaches``: how it is held against the limit, as far as both are known."""
    if may_fill(expression):
        return _NOT_READ, math.nan
    written = {name: each for name, each in named.items() if isinstance(each, str)}
    unread = {name for name, each in named.items() if may_fill(each)}
    metrics = [name for name, each in named.items() if each is None]
    may = _without_data(expression, written, unread, metrics) if isinstance(expression, str) else ()
    if isinstance(may, Open):
        return may, math.nan
    there = [each for each in may if each is not None]
    wrong = [each for each in there if limit is None or breaches is None or breaches(each, limit)]
    if not wrong:
        return NO, math.nan
    if limit is not None and breaches is not None and len(may) == 1:
        return YES, wrong[0]
    return Open(f"whether the {wrong[0]:g} of {expression} without data breaches"), wrong[0]


def _without_data(
    expression: str, others: Mapping[str, str], unread: Set[str], metrics: Sequence[str]
) -> tuple[float | None, ...] | Open:
    """What an expression may come to while none of its metrics has any data: of ``FILL`` what that puts there, ``None``
    where it has no data either. Open where something is not read, and may put something there: an expression of
    ``unread``, which it names by its id, is such."""
    if not _fills(expression, others, unread, set()):
        return (None,)
    try:
        values = [
            _Reader(others, math.nan, 0, unread=unread, skips=each, metrics=metrics).whole(expression)
            for each in (False, True)
        ]
    except ZeroDivisionError:
        return (None,)
    except (_UnreadError, OverflowError, TypeError, ValueError, RecursionError):
        return _NOT_READ
    return tuple(dict.fromkeys(None if math.isnan(each) else each for each in values))


def _fills(expression: str, others: Mapping[str, str], unread: Set[str], seen: set[str]) -> bool:
    """Whether something in an expression, or in one that it names, may give values where there are none."""
    words = set(_WORD.findall(expression)) - seen
    seen.update(words)
    if words & unread or any(word.upper() in _FILLS for word in words):
        return True
    return any(_fills(others[word], others, unread, seen) for word in words if word in others)


def is_read(metrics: Value) -> bool:
    """Whether all of an alarm's queries are known; their expressions may not be."""
    listed = metrics.value if isinstance(metrics, Known) and isinstance(metrics.value, list) else []
    return not isinstance(metrics, Unknown) and not any(isinstance(each, Unknown | Text) for each in listed)


def may_fill(expression: Resolved) -> bool:
    """Whether an expression that is not all known may put something where data is missing: nothing is known of it, or
    it is seen to fill."""
    if isinstance(expression, Text):
        return expression.only_hole is not None or "FILL" in str(expression).upper()
    return isinstance(expression, Unknown)


def _all_alike(values: list[float]) -> bool:
    return all(math.isclose(each, values[0], rel_tol=1e-9, abs_tol=1e-12) for each in values)


class _Reader:
    """Works an expression out, every metric being a number of its own under that load, times the scale; none has data
    where that is not a number. What is made of several values has none where one of them is missing, or ``skips`` that:
    nothing says which of the two holds."""

    def __init__(
        self,
        others: Mapping[str, str],
        scale: float,
        load: int,
        depth: int = 0,
        *,
        unread: Set[str] = frozenset(),
        skips: bool = False,
        metrics: Sequence[str] = (),
    ) -> None:
        self._others = others
        self._metrics = metrics
        self._unread = unread
        self._skips = skips
        self._scale = scale
        self._load = load
        self._depth = depth
        self._tokens: list[str] = []

    def whole(self, expression: str) -> float:
        """What an alarm can be held against: one series."""
        found = self._value(expression)
        if isinstance(found, tuple):
            raise _UnreadError
        return found

    def _value(self, expression: str) -> float | _Many:
        if len(expression) > _MOST or self._depth > _DEEP:
            raise _UnreadError
        at = 0
        while at < len(expression.rstrip()):
            match = _TOKEN.match(expression, at)
            if match is None:
                raise _UnreadError
            self._tokens.append(match[0].strip())
            at = match.end()
        self._tokens.reverse()
        found = self._level(0)
        if self._tokens:
            raise _UnreadError
        return found

    def _level(self, level: int) -> float | _Many:
        if level == len(_LEVELS):
            return self._one()
        left = self._level(level + 1)
        while self._tokens and self._tokens[-1].upper() in _LEVELS[level]:
            operator = self._tokens.pop().upper()
            left = _each(partial(_together, operator), left, self._level(level + 1))
        return left

    def _one(self) -> float | _Many:
        word = self._next()
        if word == "-":
            return _each(lambda x: -x, self._one())
        if word == "(":
            inner = self._list(")")
            if len(inner) != 1:
                raise _UnreadError
            return inner[0]
        if word == "[":
            return _flat(self._list("]"))
        if word[0].isdigit() or word[0] == ".":
            return float(word)
        if self._tokens and self._tokens[-1] == "(":
            self._next()
            return self._of_metrics() if word.upper() == _METRICS else self._call(word.upper())
        if word in self._unread or not word[0].isalpha():
            raise _UnreadError
        if word in self._others:
            named = _Reader(
                self._others,
                self._scale,
                self._load,
                self._depth + 1,
                unread=self._unread,
                skips=self._skips,
                metrics=self._metrics,
            )
            return named._value(self._others[word])
        return self._measured(word)

    def _measured(self, metric: str) -> float:
        # Far above any number that an expression compares with; which of two metrics is larger changes with the load.
        spread = zlib.crc32(f"{metric}/{self._load}".encode()) % 997
        return 1e6 * 10.0 ** (spread % 7) * (1.0 + spread / 1_000.0) * self._scale

    def _of_metrics(self) -> _Many:
        """All metrics that are no expressions, or those in whose ids a text stands."""
        word = self._next()
        wanted = "" if word == ")" else word[1:-1]
        if word != ")" and (word[0] not in "\"'" or self._next() != ")"):
            raise _UnreadError
        found = tuple(self._measured(each) for each in self._metrics if wanted in each)
        if not found or any(each in self._unread for each in self._metrics):
            raise _UnreadError
        return found

    def _call(self, name: str) -> float | _Many:
        function = _FUNCTIONS.get(name)
        given = self._list(")")
        if function is None or not given:
            raise _UnreadError
        if name in _OF_SEVERAL:
            of = _flat(given)
            if self._skips:
                of = tuple(each for each in of if not math.isnan(each)) or of
            return math.nan if any(map(math.isnan, of)) else float(function(*of))
        return _each(partial(_applied, name, function), *given)

    def _list(self, end: str) -> list[float | _Many]:
        """What stands between brackets."""
        found: list[float | _Many] = []
        while True:
            if self._tokens and self._tokens[-1].upper() in _CONTINUED:
                self._next()
                found.append(math.nan)
            else:
                found.append(self._level(0))
            word = self._next()
            if word == end:
                return found
            if word != ",":
                raise _UnreadError

    def _next(self) -> str:
        if not self._tokens:
            raise _UnreadError
        return self._tokens.pop()


def _flat(given: Sequence[float | _Many]) -> _Many:
    found: list[float] = []
    for each in given:
        found.extend(each if isinstance(each, tuple) else (each,))
    return tuple(found)


def _each(function: Callable[..., float], *given: float | _Many) -> float | _Many:
    """What a function gives for each of an array's series, each beside what there is one of alone."""
    widths = {len(each) for each in given if isinstance(each, tuple)}
    if not widths:
        return function(*given)
    if len(widths) > 1:
        raise _UnreadError
    return tuple(
        function(*(each[index] if isinstance(each, tuple) else each for each in given)) for index in range(widths.pop())
    )


def _applied(name: str, function: Callable[..., float], *given: float) -> float:
    if name != "FILL" and any(map(math.isnan, given[:1] if name == "IF" else given)):
        return math.nan
    return float(function(*given))


def _together(operator: str, left: float, right: float) -> float:
    if math.isnan(left) or math.isnan(right):
        return math.nan
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "^":
            return float(left**right)
        case "&&" | "AND":
            return float(bool(left) and bool(right))
        case "||" | "OR":
            return float(bool(left) or bool(right))
        case "==":
            return float(left == right)
        case "!=":
            return float(left != right)
        case "<":
            return float(left < right)
        case ">":
            return float(left > right)
        case "<=":
            return float(left <= right)
    return float(left >= right)
