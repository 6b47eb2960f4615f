"""A Python program while it is followed: its state, the frames of its functions, and the way from a node to its value.

The parts that know what a node does stand in tables by the node's type (:data:`Machine.expressions`,
:data:`Machine.statements`), so that each of them is a module of functions over this state.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonLibrary, PythonModule
from checker.model.pipeline.scripts import AwsCall, Command, Loop, Reached
from checker.model.possible import Possible
from checker.model.sources import Problem, Spot
from checker.resolve.effort import OF_A_PROGRAM
from checker.resolve.python.syntax_facts import shown
from checker.resolve.python.values import SCALARS, Extern, Function, Session, Value, either, extern, plain

AT_EXIT: Final = "atexit.register"
MAX_CALLS: Final = 5_000
MAX_DEPTH: Final = 24


class StopError(Exception):
    """More than can be followed."""


@lru_cache(maxsize=65_536)
def spot_of(module: PythonModule, node: ast.AST) -> Spot:
    """Where a node stands. One call in a loop is met over and over."""
    return module.spot(node)


COMMAND: Final = "command "  # in front of what a parser calls the command that is chosen (argparse, ``add_subparsers``)


class Frame(Struct):
    """A function's names while it is followed, and the constructs around the statement at hand.

    ``around`` is the number of those constructs among all that were met (:meth:`Machine.number`), -1 until asked.
    """

    module: PythonModule
    names: dict[str, Value]
    reached: Reached
    handling: Handling
    returned: list[Value] = field(default_factory=list)
    around: int = -1
    jumped: list[dict[str, Value]] = field(default_factory=list)  # names where the loop around is left, or comes round

    def maybe(self, *, on_failure: bool = False) -> Frame:
        """The same names, in a branch that may not run."""
        reached = self.reached
        if not reached.certain and (reached.on_failure or not on_failure):
            return self
        inner = Reached(reached.spot, reached.via, reached.step, False, reached.on_failure or on_failure, reached.loops)
        return Frame(self.module, self.names, inner, self.handling, self.returned, jumped=self.jumped)

    def inside(self, loop: Loop) -> Frame:
        handling = self.handling
        if loop.kind == "retry" and not handling.retried:
            handling = replace(handling, retried=True)
        around = self.reached
        loops = (*around.loops, loop)
        inner = Reached(around.spot, around.via, around.step, around.certain, around.on_failure, loops)
        return Frame(self.module, self.names, inner, handling, self.returned)

    def handled(self, handling: Handling) -> Frame:
        return Frame(self.module, self.names, self.reached, handling, self.returned, jumped=self.jumped)


class Call(Struct):
    """A call with what it is given. ``complete``: whether that is all of it (``*args`` may hold more)."""

    node: ast.Call
    positional: list[Value]
    named: dict[str, Value]
    frame: Frame
    complete: bool = True

    @property
    def first(self) -> Value:
        return self.positional[0] if self.positional else None

    @property
    def spot(self) -> Spot:
        return spot_of(self.frame.module, self.node)

    @property
    def shown(self) -> str:
        return shown(self.node)

    @property
    def file(self) -> str:
        return self.frame.module.file

    def plain(self, given: Value) -> Possible:
        """One of the values as a plain one, named after the call where it has no other name."""
        return plain(given, self.shown, self.file)


class Stage(Protocol):
    """One way through a program that is rehearsed: control goes as Python's does there, and questions are chosen."""

    @property
    def holds_little(self) -> bool:
        """Whether an answer holds less than is expected of it, so that a part of it may not be there."""
        ...

    def choose(self, asker: ast.AST, about: Value, *, rather: bool = False) -> bool: ...

    def decided(self, asker: ast.AST, answer: bool) -> None:
        """A question that what is known answers."""
        ...

    def retrace(self, questions: Sequence[Question]) -> bool: ...

    def questions(self) -> int: ...

    def answered(self) -> int: ...

    def searches(self, names: object) -> bool: ...

    def enter(
        self, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
    ) -> Value: ...

    def yielding(self, names: object, to: Callable[[Value], None]) -> AbstractContextManager[None]: ...

    def yielded(self, names: object, found: Value) -> None: ...

    def handling(self, error: BaseException) -> AbstractContextManager[None]: ...

    def current(self) -> BaseException | None: ...

    def known(self, found: Value) -> BaseException | None: ...

    def leaves(self, status: Value, *, at_once: bool) -> None: ...

    def made(self, call: AwsCall | Command) -> Value: ...

    def gives(self, function: Extern, given: Call) -> Value: ...

    def later(
        self, function: Value, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
    ) -> Value: ...


class Declared(Struct, frozen=True):
    """A call made an option of the command line known."""

    name: str
    absent: Value
    flag: bool


class Chosen(Struct, frozen=True):
    """A call asked whether the command line surely chooses another command."""

    word: str
    answer: bool


class Question(Struct, frozen=True):
    """A call asked what nobody can answer beforehand."""

    asker: ast.AST
    about: Value
    rather: bool
    answer: bool


class Remembered(Struct, frozen=True):
    """A call was known from before, when so much work was left."""

    left: int


OWN: Final = object()
"""A call read or did what is this program's own."""


# A call that is remembered: the function with what it was given, the constructs around it, what it gave and made.
Entry: TypeAlias = "tuple[tuple[object, ...], tuple[object, ...], Value, tuple[AwsCall | Command, ...]]"
# What a node of the syntax does: its value, or whether control surely left the block with it.
Evaluate: TypeAlias = "Callable[[Machine, Any, Frame], Value]"
Follow: TypeAlias = "Callable[[Machine, Any, Frame], bool]"


class Machine(Struct):
    """One start of a program. ``calls`` are AWS calls and programs that it starts, in order."""

    library: PythonLibrary
    reached: Reached
    expressions: Mapping[type[ast.AST], Evaluate]
    statements: Mapping[type[ast.AST], Follow]
    arguments: tuple[Possible, ...] | None = ()  # of the command line, without the program; None: not known
    environment: Mapping[str, Possible] = field(default_factory=dict)
    folder: str | None = ""
    calls: list[AwsCall | Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    foreign: list[Problem] = field(default_factory=list)  # libraries that are neither followed nor harmless
    roots: tuple[str, ...] = ("",)
    asked: dict[str, Possible] = field(default_factory=dict)  # of the environment, so far
    put: dict[str, Value] = field(default_factory=dict)  # what it sets in its environment itself
    session: Session | None = None  # what ``boto3.client`` uses, where the program has set that up
    options: dict[str, Value] = field(default_factory=dict)  # of the command line: what each is where it is not given
    flags: set[str] = field(default_factory=set)  # those of them that take no value
    modules: dict[str, PythonModule | None] = field(default_factory=dict)
    found: dict[tuple[str, str | None], PythonModule | None] = field(default_factory=dict)
    own: int = 0  # how often something was met that only this program knows
    left: int = OF_A_PROGRAM
    depth: int = 0
    cut: bool = False  # Python's own stack ended it, which depends on who asked
    # What calls gave and did, and how much work was left then.
    memo: dict[tuple[object, ...], tuple[Value, tuple[AwsCall | Command, ...], int]] = field(default_factory=dict)
    kept: list[object] = field(default_factory=list)  # whose identity is a key of the memo
    # What the call that was last gone through has made of the lists and dictionaries that it was given; of each.
    filled: Mapping[str, Value] = field(default_factory=dict)
    filled_by: dict[tuple[object, ...], Mapping[str, Value]] = field(default_factory=dict)
    journal: list[object] | None = None  # what the call does that is gone through, where that is put on record
    awaited: set[int] = field(default_factory=set)  # the calls of coroutines that are waited for at once
    leaving: list[tuple[Value, Call]] = field(default_factory=list)  # what runs when the program ends, and with what
    stage: Stage | None = None  # where one way of it is rehearsed, rather than all that it may do followed
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def awaits(self, *nodes: ast.expr) -> None:
        """Take note of calls of coroutines that are waited for before anything else goes on."""
        self.awaited.update(id(each) for each in nodes if isinstance(each, ast.Call))

    def at_end(self, function: Value, given: Call) -> Value:
        """Take note of what runs when the program ends, and with what."""
        self.depends()
        self.leaving.append((function, given))
        return function

    def work(self) -> None:
        """Take note of one more step: a statement, a call that is entered, a round of a comprehension."""
        self.left -= 1
        if self.left < 0 or len(self.calls) >= MAX_CALLS:
            raise StopError

    def depends(self) -> None:
        """Take note that what comes next is this program's own: another one may find something else here."""
        self.own += 1
        self.notes(OWN)

    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None:
        self.depends()
        problem = Problem(spot, message, fix, unread)
        if problem not in self.problems:
            self.problems.append(problem)

    def variable(self, name: str) -> Possible:
        """An environment variable that the workflow sets, ``None`` where it sets none."""
        self.depends()
        self.asked[name] = self.environment.get(name)
        return self.asked[name]

    @property
    def words(self) -> tuple[Possible, ...] | None:
        """The words of the command line."""
        self.depends()
        return self.arguments

    def declare(self, name: str, absent: Value, *, flag: bool) -> None:
        """Take note of an option of the command line, and of what it is where it is not given."""
        self.own += 1
        self.notes(Declared(name, absent, flag))
        if flag:
            self.flags.add(name)
        self.options[name] = either([self.options[name], absent]) if name in self.options else absent

    def other_command(self, word: str) -> bool:
        """Whether the command line's first word is another command than this one."""
        words = self.arguments or ()
        first = next((each for each in words if not (isinstance(each, str) and each.startswith("-"))), None)
        answer = isinstance(first, str) and first != word and word not in words
        self.own += 1
        self.notes(Chosen(word, answer))
        return answer

    def notes(self, event: object) -> None:
        """Put on record what a call does beyond its own names, or reads there."""
        if self.journal is not None:
            self.journal.append(event)

    def not_asked_for(self, name: str, among: Iterable[str]) -> bool:
        """Whether the command line surely chooses another command than ``name`` of those."""
        given = self.words
        if given is None:
            return False
        words = {word for word in given if isinstance(word, str)}
        return name not in words and bool(words & set(among))

    def number(self, frame: Frame) -> int:
        """Of the constructs around a frame's statement, the same for the same ones: comparing them takes long."""
        if frame.around < 0:
            reached = frame.reached
            key = (reached.certain, reached.on_failure, reached.loops, frame.handling)
            frame.around = self._numbers.setdefault(key, len(self._numbers))
        return frame.around

    def since(self, known: int) -> tuple[Entry, ...]:
        """What was remembered after so many calls."""
        constructs = list(self._numbers)
        return tuple(
            ((node, owner, *given), constructs[around], result, calls)
            for (node, owner, around, *given), (result, calls, _) in islice(self.memo.items(), known, None)
            if isinstance(around, int)
        )

    def remember(self, entries: Iterable[Entry]) -> None:
        """Remember what another machine did."""
        for (node, owner, *given), around, result, calls in entries:
            number = self._numbers.setdefault(around, len(self._numbers))
            self.memo.setdefault((node, owner, number, *given), (result, calls, self.left))

    def called_at(self, node: ast.AST, frame: Frame) -> Frame:
        """The constructs around a call, for what is called there."""
        if self.stage is not None:
            return frame  # through which calls a place is reached is asked of what is followed alone
        reached = frame.reached
        via = (*reached.via, spot_of(frame.module, node))
        inner = Reached(reached.spot, via, reached.step, reached.certain, reached.on_failure, reached.loops)
        return Frame(frame.module, frame.names, inner, frame.handling, frame.returned, self.number(frame))


def value(machine: Machine, node: ast.expr, frame: Frame) -> Value:
    """What an expression is; calls in it go on record."""
    if type(node) is ast.Name:  # every second one
        name = node.id
        if name in frame.names:
            return frame.names[name]
        everywhere = frame.module.names
        return everywhere[name] if name in everywhere else extern(name)
    if type(node) is ast.Constant:  # every fifth one
        found = node.value
        if isinstance(found, bytes):  # what programs and answers hold is text here, decoded or not
            return found.decode("utf-8", "backslashreplace")
        return found if isinstance(found, SCALARS) else None
    evaluate = machine.expressions.get(type(node))
    if evaluate is not None:
        return evaluate(machine, node, frame)
    parts(machine, node, frame)
    return extern(shown(node))


def parts(machine: Machine, node: ast.AST, frame: Frame) -> None:
    """Go through the expressions in a node that is not followed itself: there may be calls among them."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            value(machine, inner, frame)


def block(machine: Machine, statements: Sequence[ast.stmt], frame: Frame) -> bool:
    """Follow statements; whether control surely left them (return, raise, continue, exit)."""
    for statement in statements:
        machine.work()
        follow = machine.statements.get(type(statement))
        if follow is None:
            parts(machine, statement, frame)
        elif follow(machine, statement, frame):
            return True
    return False
