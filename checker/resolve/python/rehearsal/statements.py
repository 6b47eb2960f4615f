"""What statements do on one way through a program: control goes as Python's does, exceptions and all.

Source: The Python Language Reference, "Compound statements" (``try``, ``with``, ``else`` of a loop).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from checker.model.pipeline.scripts import Loop
from checker.resolve.python.binding import bind
from checker.resolve.python.machine import Follow, Frame, Machine, block, spot_of, value
from checker.resolve.python.objects import enter, method
from checker.resolve.python.rehearsal.flows import (
    BrokenError,
    ContinuedError,
    EndlessError,
    FlowError,
    RaisedError,
    ReturnedError,
    raised,
    takes,
)
from checker.resolve.python.rehearsal.lending import iterated
from checker.resolve.python.rehearsal.managers import managed
from checker.resolve.python.rehearsal.questions import decide, exactly
from checker.resolve.python.syntax_facts import sleeps, written
from checker.resolve.python.values import Extern, Instance, Manager, Value, elements

MAX_ROUNDS: Final = 400
# How often a loop goes round that asks what nobody knows; as often as that, it goes on for ever.
_ASKING_ROUNDS: Final = 2
_MAX_EACH: Final = 64
_EXITS: Final = frozenset({"SystemExit", "typer.Exit", "click.exceptions.Exit"})
# How many rounds a loop makes over something that is not known.
_UNKNOWN_ROUNDS: Final = 1


def _if(machine: Machine, node: ast.If, frame: Frame) -> bool:
    assert machine.stage is not None
    found = machine.stage.searches(frame.names) and isinstance(node.body[-1], ast.Return)
    rather = found or (_leaves(node.orelse) and not _leaves(node.body))
    block(machine, node.body if decide(machine, node.test, frame, rather=rather) else node.orelse, frame)
    return False


def _leaves(body: list[ast.stmt]) -> bool:
    """Whether a branch ends with an error: the way on which all goes well takes the other."""
    return bool(body) and isinstance(body[-1], ast.Raise)


def _for(machine: Machine, node: ast.For | ast.AsyncFor, frame: Frame) -> bool:
    whole = iterated(machine, value(machine, node.iter, frame), frame)
    spot = spot_of(frame.module, node)
    variable = written(node.target)
    values: list[Value] | None = elements(whole) if isinstance(whole, tuple) else None
    if values is None:
        answer = whole.answer if isinstance(whole, Extern) else None
        values = elements(whole) or [Extern(variable, (), False, answer)] * _UNKNOWN_ROUNDS
    try:
        for index, each in enumerate(values[:_MAX_EACH]):
            bind(machine, node.target, each, frame)
            inner = frame.inside(Loop("each", spot, variable, None, index, sleeps=sleeps(node.body)))
            _round(machine, node.body, inner)
    except BrokenError as flow:
        if flow.names is not frame.names:
            raise
        return False
    block(machine, node.orelse, frame)
    return False


def _while(machine: Machine, node: ast.While, frame: Frame) -> bool:
    stage = machine.stage
    assert stage is not None
    loop = Loop("retry" if sleeps(node.body) else "while", spot_of(frame.module, node), sleeps=sleeps(node.body))
    inner = frame.inside(loop)
    began, asking = stage.answered(), 0
    try:
        for _ in range(MAX_ROUNDS):
            asked = stage.questions()
            if not decide(machine, node.test, inner, rather=True):
                break
            _round(machine, node.body, inner)
            asking += asked != stage.questions()
            if asking > _ASKING_ROUNDS:
                raise EndlessError(began)
        else:
            raise EndlessError(began)
    except BrokenError as flow:
        if flow.names is not frame.names:
            raise
        return False
    block(machine, node.orelse, frame)
    return False


def _round(machine: Machine, body: list[ast.stmt], frame: Frame) -> None:
    try:
        block(machine, body, frame)
    except ContinuedError as flow:
        if flow.names is not frame.names:
            raise


def _return(machine: Machine, node: ast.Return, frame: Frame) -> bool:
    raise ReturnedError(frame.names, value(machine, node.value, frame) if node.value is not None else None)


def _break(machine: Machine, node: ast.Break, frame: Frame) -> bool:  # noqa: ARG001 - the table's shape
    raise BrokenError(frame.names)


def _continue(machine: Machine, node: ast.Continue, frame: Frame) -> bool:  # noqa: ARG001 - the table's shape
    raise ContinuedError(frame.names)


def _raise(machine: Machine, node: ast.Raise, frame: Frame) -> bool:
    stage = machine.stage
    assert stage is not None
    if node.exc is None:
        current = stage.current()
        raise current if isinstance(current, RaisedError) else raised(machine, Extern("RuntimeError"), frame)
    if isinstance(node.exc, ast.Call) and written(node.exc.func) in {
        "SystemExit",
        "typer.Exit",
        "click.exceptions.Exit",
    }:
        given = [*node.exc.args, *(each.value for each in node.exc.keywords)]
        error = raised(machine, Extern("SystemExit"), frame)
        error.status = value(machine, given[0], frame) if given else 0
        raise error
    found = value(machine, node.exc, frame)
    known = stage.known(found)
    if isinstance(known, RaisedError):
        raise known
    error = raised(machine, found, frame)
    if isinstance(found, Extern) and found.name == "SystemExit":
        error.status = 0
    elif isinstance(found, Instance) and "SystemExit" in error.names:
        error.status = found.attributes.get("code")
    raise error


def _assert(machine: Machine, node: ast.Assert, frame: Frame) -> bool:
    if not decide(machine, node.test, frame, rather=True):
        raise raised(machine, Extern("AssertionError"), frame)
    return False


def _try(machine: Machine, node: ast.Try | ast.TryStar, frame: Frame) -> bool:
    pending: BaseException | None = None
    try:
        try:
            block(machine, node.body, frame)
        except RaisedError as error:
            _handle(machine, node, error, frame)
        else:
            block(machine, node.orelse, frame)
    except (FlowError, RaisedError) as left:
        pending = left
    block(machine, node.finalbody, frame)
    if pending is not None:
        raise pending
    return False


def _handle(machine: Machine, node: ast.Try | ast.TryStar, error: RaisedError, frame: Frame) -> None:
    stage = machine.stage
    assert stage is not None
    for handler in node.handlers:
        if takes(machine, handler.type, error, frame):
            if handler.name:
                frame.names[handler.name] = error.value
            with stage.handling(error):
                block(machine, handler.body, frame)
            return
    raise error


def _with(machine: Machine, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
    _within(machine, node, 0, frame)
    return False


def _within(machine: Machine, node: ast.With | ast.AsyncWith, index: int, frame: Frame) -> None:
    """The block of a ``with``, inside what its items from ``index`` on do around it."""
    if index == len(node.items):
        block(machine, node.body, frame)
        return
    item = node.items[index]
    expression = item.context_expr
    found = value(machine, expression, frame)

    def rest(entered: Value) -> None:
        if item.optional_vars is not None:
            bind(machine, item.optional_vars, entered, frame)
        _within(machine, node, index + 1, frame)

    if isinstance(found, Manager):
        managed(machine, found, rest)
    elif isinstance(found, Instance) and (leave := method(machine, found.cls, "__exit__")) is not None:
        start = method(machine, found.cls, "__enter__")
        rest_of = enter(machine, start.of(found), (), {}, frame) if start is not None else found
        try:
            rest(rest_of)
        except RaisedError as error:
            assert machine.stage is not None
            with machine.stage.handling(error):
                taken = enter(machine, leave.of(found), (error.value, error.value, None), {}, frame)
            if exactly(taken) is not True:
                raise
        else:
            enter(machine, leave.of(found), (None, None, None), {}, frame)
    else:
        rest(found)


def _match(machine: Machine, node: ast.Match, frame: Frame) -> bool:
    stage = machine.stage
    assert stage is not None
    subject = value(machine, node.subject, frame)
    for case in node.cases:
        holds = _fits(case.pattern, subject)
        if holds is None:
            holds = stage.choose(case.pattern, subject)
        if holds and (case.guard is None or decide(machine, case.guard, frame)):
            block(machine, case.body, frame)
            return False
    return False


def _fits(pattern: ast.pattern, subject: Value) -> bool | None:
    """Whether a value fits a pattern; ``None`` where that is not known. Source: Python Language Reference, "The match
    statement", Patterns."""
    match pattern:
        case ast.MatchAs():
            return True if pattern.pattern is None else _fits(pattern.pattern, subject)
        case ast.MatchOr():
            answers = [_fits(each, subject) for each in pattern.patterns]
            return True if True in answers else None if None in answers else False
        case ast.MatchValue(value=ast.Constant(value=literal)) if isinstance(subject, str | int):
            return bool(literal == subject)
        case ast.MatchSequence() | ast.MatchMapping() | ast.MatchSingleton() if isinstance(subject, str):
            return False
    return None


def _delete(machine: Machine, node: ast.Delete, frame: Frame) -> bool:  # noqa: ARG001 - the table's shape
    return False


STATEMENTS: Final[Mapping[type[ast.AST], Follow]] = {
    ast.If: _if,
    **dict.fromkeys((ast.For, ast.AsyncFor), _for),
    ast.While: _while,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Raise: _raise,
    ast.Assert: _assert,
    **dict.fromkeys((ast.Try, ast.TryStar), _try),
    **dict.fromkeys((ast.With, ast.AsyncWith), _with),
    ast.Match: _match,
    ast.Delete: _delete,
}
