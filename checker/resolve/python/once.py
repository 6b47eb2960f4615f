"""Calls that come to the same wherever they are made, gone through once: programs share their modules, and much of what
each start of one does is the same (a command line that is declared, a text that is made printable).

A call is one of those where

- the function is one of a module that is the same for every program, and hangs on nothing else: no object that it is a
  method of, no names of a function around it;
- all that it is given is plain, and so is what it gives, and new: told from others by what it is, not by which;
- all that it read or did beyond its own names is on record in the machine's journal, and can be asked or done again:
  options declared, other commands ruled out, questions chosen. Whatever else a machine or an object holds puts
  :data:`checker.resolve.python.machine.OWN` on that record, and such a call is gone through each time.

What remains is part of the key: whether all or one of its ways are gone, whether the call is certain, how deep it is.
How it is reached and handled is read where an AWS call or a program goes on record: then it must be the same as well.
A call that is done again takes the steps that it took, so that where a program is cut off does not depend on what was
followed before.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker.model.pipeline.python import Names
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import OneOf
from checker.model.values import Text
from checker.resolve.python.machine import (
    MAX_CALLS,
    OWN,
    Chosen,
    Declared,
    Entry,
    Frame,
    Machine,
    Question,
    Remembered,
)
from checker.resolve.python.values import Extern, Function, Value, extern

Key: TypeAlias = tuple[object, ...]
_MAX_KEPT: Final = 4_096  # of one module
_MAX_OF_ONE: Final = 64  # of one key: a start's answers differ from the next one's
_HANGS: Final = object()


def key_of(
    machine: Machine, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
) -> Key | None:
    """What a call is told by, ``None`` for one that may come to something else each time."""
    node = function.node
    if function.owner is not None or function.closure or not function.module.names.settled:
        return None
    if isinstance(node, ast.Lambda):
        return None
    given = [_told(each) for each in positional]
    by_name = [(name, _told(each)) for name, each in named.items()] if named else []
    if _HANGS in given or any(each is _HANGS for _, each in by_name):
        return None
    return (node, machine.stage is None, frame.reached.certain, machine.depth, *given, *by_name)


def _told(given: Value) -> object:
    """What a plain value is told by. Equal is not enough: ``True`` is ``1``."""
    if given is None or isinstance(given, str | bool | int):
        return (type(given), given)
    if isinstance(given, Text):
        return given
    if isinstance(given, Extern):
        return given if _is_the_one(given) else _HANGS
    if isinstance(given, OneOf):
        each = [_told(option) for option in given.options]
        return _HANGS if _HANGS in each else (OneOf, *each)
    return _HANGS


def _is_the_one(given: Extern) -> bool:
    """Whether it is the only one of its name: two that are alike may be told apart."""
    return extern(given.name, given.words, parsed=given.parsed, answer=given.answer, library=given.library) is given


class _Kept(Struct, frozen=True):
    """What a call came to: what it gave, how many steps it took, and what it did and read, in order.

    ``calls`` are those of AWS and of programs, and ``around`` what they were reached through; ``memo`` what the machine
    remembers of the calls inside, and ``held`` what that is told by.
    """

    result: Value
    steps: int
    events: tuple[object, ...]
    rebound: int
    calls: tuple[AwsCall | Command, ...] = ()
    around: tuple[object, ...] = ()
    memo: tuple[Entry, ...] = ()
    held: tuple[object, ...] = ()

    def again(self, machine: Machine, frame: Frame) -> bool:
        """Do the same on another machine; whether it comes to the same there. If not, nothing was done."""
        if self.rebound != Names.rebound or machine.left < self.steps:
            return False
        if len(machine.calls) + len(self.calls) >= MAX_CALLS or (self.calls and self.around != _around(machine, frame)):
            return False
        journal, machine.journal = machine.journal, None
        try:
            chosen = (each for each in self.events if isinstance(each, Chosen))
            if not all(machine.other_command(each.word) is each.answer for each in chosen):
                return False
            questions = [each for each in self.events if isinstance(each, Question)]
            if questions and not (machine.stage is not None and machine.stage.retrace(questions)):
                return False
            for each in self.events:
                if isinstance(each, Declared):
                    machine.declare(each.name, each.absent, flag=each.flag)
        finally:
            machine.journal = journal
        for event in self.events if journal is not None else ():
            machine.notes(event)
        machine.left -= self.steps
        machine.calls.extend(self.calls)
        machine.remember(self.memo)
        return True


def _around(machine: Machine, frame: Frame) -> tuple[object, ...]:
    return (frame.reached, frame.handling, machine.reached, machine.folder)


def once(
    machine: Machine, function: Function, key: Key, given: Iterable[Value], frame: Frame, go: Callable[[], Value]
) -> Value:
    """What a call gives: as the last one of its kind did, or by going through it."""
    kept: dict[Key, list[_Kept]] = function.module.kept
    before = kept.get(key, [])
    last = next((each for each in before if each.again(machine, frame)), None)
    if last is not None:
        return _new(last.result)
    outer, left, rebound = machine.journal, machine.left, Names.rebound
    called, held = len(machine.calls), len(machine.kept)
    known = len(machine.memo) + 1  # the call itself is remembered first
    journal: list[object] = []
    machine.journal = journal
    try:
        result = go()
    finally:
        machine.journal = outer
        if outer is not None:
            outer.extend(journal)
    shared = rebound == Names.rebound and not any(_is_own(event, left) for event in journal)
    if shared and _is_new(result, given) and len(kept) < _MAX_KEPT and len(before) < _MAX_OF_ONE:
        events = tuple(each for each in journal if not isinstance(each, Remembered))
        made = _Kept(result, left - machine.left, events, rebound)
        if len(machine.calls) > called:
            calls, around, alive = machine.calls[called:], _around(machine, frame), machine.kept[held:]
            made = replace(made, calls=tuple(calls), around=around, memo=machine.since(known), held=tuple(alive))
        kept.setdefault(key, []).append(made)
    return result


def _is_own(event: object, left: int) -> bool:
    """Whether a call hangs on this program alone: on its state, or on what it had remembered before that call."""
    return event is OWN or (isinstance(event, Remembered) and event.left >= left)


def _is_new(result: Value, given: Iterable[Value]) -> bool:
    """Whether a call gives something plain that it did not get: of what it got, the next one gives its own."""
    handed_on = isinstance(result, Text | OneOf) and any(result is each for each in given)
    return _told(result) is not _HANGS and not handed_on


def _new(result: Value) -> Value:
    """The same again: of texts with holes, and of several values, each call makes its own."""
    if isinstance(result, Text):
        return Text(result.parts)
    return OneOf(result.options) if isinstance(result, OneOf) else result
