"""How long Python code goes on asking: until a deadline of a clock, for a number of rounds, as a retry library is told.

Source: Python documentation, "time", "datetime"; tenacity documentation ("Stopping", "Waiting before retrying");
backoff, README; retrying, README; retry, README.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from checker.model.pipeline.python import nodes_of
from checker.model.pipeline.scripts import Loop
from checker.model.sources import Spot
from checker.resolve.python.machine import Frame
from checker.resolve.python.syntax_facts import called_as, exits, written

_CLOCKS: Final = frozenset(
    {"time.time", "time.monotonic", "time.perf_counter", "monotonic", "perf_counter", "time", "datetime.now",
     "datetime.utcnow", "datetime.datetime.now", "datetime.datetime.utcnow", "dt.datetime.now", "loop.time"}
)  # fmt: skip
_SPANS: Final[Mapping[str, float]] = {
    "days": 86400, "seconds": 1, "microseconds": 1e-6, "milliseconds": 1e-3, "minutes": 60, "hours": 3600,
    "weeks": 604800,
}  # fmt: skip
_KEEPING: Final = frozenset({"float", "int", "timestamp", "total_seconds"})
_DEPTH: Final = 8


class _Line(NamedTuple):
    """``now`` times the clock as it is asked, and ``then`` times what it said before, and a number of seconds."""

    now: float
    then: float
    seconds: float


@lru_cache(maxsize=4096)
def _function_around(tree: ast.Module, node: ast.stmt) -> ast.AST:
    """The innermost function that a statement stands in; the module where none is."""
    found: ast.AST = tree
    for each in nodes_of(tree):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and any(node is inner for inner in nodes_of(each)):
            found = each  # nodes come from the outside in
    return found


class _Told:
    """What expressions around one loop come to."""

    def __init__(self, loop: ast.stmt, frame: Frame) -> None:
        self.frame = frame
        self.inside = {id(each) for each in nodes_of(loop)}
        self.set: dict[str, list[ast.expr]] = {}
        self.grown: set[str] = set()  # names that are counted up, or put off
        for each in nodes_of(_function_around(frame.module.tree, loop)):
            if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name):
                self.set.setdefault(each.targets[0].id, []).append(each.value)
            elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name):
                self.grown.add(each.target.id)

    def number(self, expression: ast.expr) -> float | None:
        found = self.line(expression)
        return found.seconds if found is not None and not found.now and not found.then else None

    def line(self, expression: ast.expr, depth: int = 0) -> _Line | None:
        if depth > _DEPTH:
            return None
        match expression:
            case ast.Constant(value=int() | float() as value):
                return _Line(0, 0, float(value))
            case ast.Name(id=name) if name not in self.grown:
                known = self.frame.names.get(name, self.frame.module.names.get(name))
                if isinstance(known, int | float):
                    return _Line(0, 0, float(known))
                values = self.set.get(name, [])
                found = self.line(values[0], depth + 1) if len(values) == 1 else None
                earlier = found is not None and id(values[0]) not in self.inside
                return _Line(0, found.then + found.now, found.seconds) if found is not None and earlier else found
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                found = self.line(inner, depth + 1)
                return _Line(-found.now, -found.then, -found.seconds) if found is not None else None
            case ast.BinOp(left=left, op=operator, right=right):
                return _joined(self.line(left, depth + 1), operator, self.line(right, depth + 1))
            case ast.Call():
                return self._called(expression, depth)
        return None

    def _called(self, call: ast.Call, depth: int) -> _Line | None:
        name = written(call.func)
        if name in _CLOCKS or name.endswith(("loop().time", "timezone.now")):
            return _Line(1, 0, 0)
        if called_as(call) == "timedelta":
            given = [*zip(_SPANS, call.args, strict=False), *((each.arg or "", each.value) for each in call.keywords)]
            parts = [(self.number(value), _SPANS.get(span)) for span, value in given]
            if any(value is None or unit is None for value, unit in parts):
                return None
            return _Line(0, 0, sum((value or 0) * (unit or 0) for value, unit in parts))
        if called_as(call) in _KEEPING:
            inner = call.func.value if isinstance(call.func, ast.Attribute) else next(iter(call.args), None)
            return self.line(inner, depth + 1) if inner is not None else None
        return None


def _joined(one: _Line | None, operator: ast.operator, other: _Line | None) -> _Line | None:
    if one is None or other is None:
        return None
    if isinstance(operator, ast.Add | ast.Sub):
        sign = 1 if isinstance(operator, ast.Add) else -1
        return _Line(*(left + sign * right for left, right in zip(one, other, strict=True)))
    plain = not other.now and not other.then
    if isinstance(operator, ast.Mult) and plain:
        return _Line(*(each * other.seconds for each in one))
    if isinstance(operator, ast.Mult) and not one.now and not one.then:
        return _Line(*(each * one.seconds for each in other))
    if isinstance(operator, ast.Div) and plain and other.seconds:
        return _Line(*(each / other.seconds for each in one))
    return None


# --- loops ---------------------------------------------------------------------------------------


def rounds_of(loop: ast.For | ast.AsyncFor, frame: Frame) -> int | None:
    """How often a loop over ``range(...)`` goes round; ``None`` where that is not known."""
    told = _Told(loop, frame)
    found = [told.number(each) for each in (loop.iter.args if isinstance(loop.iter, ast.Call) else ())]
    numbers = [int(each) for each in found if each is not None and each == int(each)]
    if not found or len(found) > 3 or len(numbers) < len(found) or numbers[2:] == [0]:
        return None
    return len(range(*numbers))


def seconds_of(loop: ast.For | ast.AsyncFor | ast.While, frame: Frame) -> float | None:
    """The bound of a loop that waits; ``None`` where it does not show."""
    told = _Told(loop, frame)
    pause = _pause(loop, told)
    found = []
    if not isinstance(loop, ast.While):
        rounds = _rounds(loop.iter, told)
        found += [rounds * pause] if rounds is not None and pause is not None else []
    for test in _tests(loop):
        deadline = _deadline(test, told)
        counted = _counted(test, loop, told)
        found += [deadline] if deadline is not None else []
        found += [counted * pause] if counted is not None and pause is not None else []
    return min(found, default=None)


def _pause(loop: ast.stmt, told: _Told) -> float | None:
    """How long one round sleeps, where all its sleeps are known."""
    calls = [each for each in nodes_of(loop) if isinstance(each, ast.Call) and called_as(each) == "sleep"]
    spans = [told.number(each.args[0]) if each.args else None for each in calls]
    known = [each for each in spans if each is not None]
    return sum(known) if known and len(known) == len(spans) else None


def _rounds(iterated: ast.expr, told: _Told) -> float | None:
    if not isinstance(iterated, ast.Call) or called_as(iterated) != "range":
        return None
    numbers = [told.number(each) for each in iterated.args]
    match numbers:
        case [float() as stop]:
            return max(stop, 0)
        case [float() as start, float() as stop]:
            return max(stop - start, 0)
    return None


def _tests(loop: ast.For | ast.AsyncFor | ast.While) -> Iterator[ast.Compare]:
    """The comparisons that keep a loop going, and those behind which it is left."""
    if isinstance(loop, ast.While):
        every = (
            loop.test.values if isinstance(loop.test, ast.BoolOp) and isinstance(loop.test.op, ast.And) else [loop.test]
        )
        yield from (each for each in every if isinstance(each, ast.Compare))
    again_at = min((each.lineno for each in nodes_of(loop) if isinstance(each, ast.Continue)), default=None)
    for test in _asked(loop.body):
        if again_at is None or test.lineno < again_at:  # what stands behind `continue` may never be asked
            yield test


def _asked(body: Sequence[ast.stmt]) -> Iterator[ast.Compare]:
    """The comparisons that each round comes to, behind which the loop is left."""
    for each in body:
        if isinstance(each, ast.If):
            if isinstance(each.test, ast.Compare) and _leaves(each.body):
                yield each.test
            yield from _asked(each.orelse)
        elif isinstance(each, ast.Try | ast.With):
            yield from _asked(each.body)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    last = body[-1]
    ends = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and exits(last.value)
    return ends or isinstance(last, ast.Break | ast.Raise | ast.Return)


def _deadline(test: ast.Compare, told: _Told) -> float | None:
    """When a comparison with a clock turns: as many seconds behind what the clock said before."""
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return None
    apart = _joined(told.line(test.left), ast.Sub(), told.line(test.comparators[0]))
    if apart is None or apart.now not in {1, -1} or apart.now + apart.then != 0:
        return None
    seconds = -apart.seconds * apart.now
    return seconds if seconds > 0 else None


def _counted(test: ast.Compare, loop: ast.stmt, told: _Told) -> float | None:
    """How often a loop comes round whose test compares what each round adds one to."""
    names = {
        each.target.id
        for each in nodes_of(loop)
        if isinstance(each, ast.AugAssign)
        and isinstance(each.target, ast.Name)
        and isinstance(each.op, ast.Add | ast.Sub)
        and isinstance(each.value, ast.Constant)
        and each.value.value == 1
    }
    left, right = test.left, test.comparators[0]
    for counter, limit in ((left, right), (right, left)):
        if isinstance(counter, ast.Name) and counter.id in names and len(test.ops) == 1:
            begun = [told.number(each) for each in told.set.get(counter.id, [])]
            stop = told.number(limit) if not (isinstance(limit, ast.Name) and limit.id in names) else None
            if stop is not None and len(begun) == 1 and begun[0] is not None:
                return abs(stop - begun[0])
    return None


# --- libraries that call a function again --------------------------------------------------------

_AGAIN: Final = frozenset({"retry", "on_predicate", "retrying", "AsyncRetrying"})
_MILLI: Final = 1000


def again(function: ast.FunctionDef | ast.AsyncFunctionDef, spot: Spot, frame: Frame) -> Loop | None:
    """The loop around a function that a decorator calls until it gives, or does not raise, what is waited for."""
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = called_as(call) if call is not None else written(decorator).rpartition(".")[2]
        if name not in _AGAIN or not _waits_for(function, call):
            continue
        given = {str(each.arg): each.value for each in call.keywords} if call is not None else {}
        told = _Told(function, frame)
        bounds = list(_bounds(given, told))
        known = [each for each in bounds if each is not None]
        seconds = min(known, default=None)
        return Loop("retry", spot, sleeps=True, bounded=bool(bounds), seconds=seconds, by_library=True)
    return None


def _waits_for(function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call | None) -> bool:
    """Whether it is called again by what it answers, and not only where its call failed."""
    asked = written(call) if call is not None else ""
    by_answer = any(word in asked for word in ("result", "on_predicate"))
    return by_answer or any(isinstance(each, ast.Raise | ast.Assert) for each in nodes_of(function))


def _bounds(given: Mapping[str, ast.expr], told: _Told) -> Iterator[float | None]:
    """Each bound that is told; ``None`` for one whose seconds are not known."""
    pause = _first(given, told, {"interval": 1, "delay": 1, "wait_fixed": 1 / _MILLI})
    if pause is None and isinstance(wait := given.get("wait"), ast.Call) and called_as(wait) == "wait_fixed":
        pause = (
            told.number(wait.args[0])
            if wait.args
            else _first({str(k.arg): k.value for k in wait.keywords}, told, {"wait": 1})
        )
    stop = given.get("stop")
    for each in nodes_of(stop) if stop is not None else ():
        if isinstance(each, ast.Call) and called_as(each) in {"stop_after_delay", "stop_before_delay"}:
            yield told.number(each.args[0]) if each.args else None
        elif isinstance(each, ast.Call) and called_as(each) == "stop_after_attempt":
            rounds = told.number(each.args[0]) if each.args else None
            yield rounds * pause if rounds is not None and pause is not None else None
    if stop is not None and not any(isinstance(each, ast.Call) for each in nodes_of(stop)):
        yield None
    for name, unit in (("max_time", 1.0), ("stop_max_delay", 1 / _MILLI)):
        if name in given:
            seconds = told.number(given[name])
            yield seconds * unit if seconds is not None else None
    for name in ("max_tries", "stop_max_attempt_number", "tries"):
        if name in given:
            rounds = told.number(given[name])
            yield rounds * pause if rounds is not None and pause is not None else None


def _first(given: Mapping[str, ast.expr], told: _Told, units: Mapping[str, float]) -> float | None:
    for name, unit in units.items():
        if name in given and (number := told.number(given[name])) is not None:
            return number * unit
    return None
