"""The parts that a shell which is followed is put together of, and what each may ask of the others.

:mod:`.commands` takes commands for what they are. Two go through the statements around them, each in its own way:
:mod:`.follower` takes every branch that a run may take, :mod:`.rehearsal.way` one after the other. What differs
between the two inside a command is its manner: :mod:`.followed` and :mod:`.rehearsal.manner`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct

from checker.model.answers import Answer
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.scripts import Command, Reached, Write
from checker.model.pipeline.shell import Block, Script, Simple, Statement, Substitution, Word
from checker.model.possible import Possible
from checker.model.sources import Problem, Spot
from checker.resolve.shell.state import UNTOLD, Context, Flow, Leaving, Library, Result, State, Stored


class EndlessError(Exception):
    """The script waits until something stops it."""


class Way(Protocol):
    """Who goes through the statements of a script."""

    def block(self, block: Block, state: State, context: Context) -> Result: ...

    def statement(self, statement: Statement, state: State, context: Context) -> Result: ...

    def process(self, block: Block, state: State, context: Context) -> Result:
        """A script in a process of its own: nothing leaves it but its exit status."""
        ...


class Shell(Protocol):
    """A process being followed: its statements, its ways out, and what is put on record."""

    library: Library
    reached: Reached
    commands: list[Command]
    depth: int

    def block(self, block: Block, state: State, context: Context) -> Result: ...

    def process(self, block: Block, state: State, context: Context) -> Result: ...

    def single(self, word: Word, state: State, context: Context) -> Possible: ...

    def inside(self, *flows: Flow) -> AbstractContextManager[Leaving]: ...

    def leave(self, flow: Flow, state: State, truth: Answer = UNTOLD, loops: int = 1) -> Result: ...

    def returned(self, result: Result, leaving: Leaving, state: State) -> Result: ...

    def enter(self, spot: Spot, what: str) -> bool: ...

    def emit(
        self,
        words: list[Possible],
        statement: Simple,
        spot: Spot,
        state: State,
        context: Context,
        own: Mapping[str, Stored],
    ) -> None: ...

    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None: ...

    def note(self, problems: Sequence[Problem]) -> None: ...


class Manner(Protocol):
    """How commands are taken by one who goes through statements."""

    @property
    def nothing(self) -> Result:
        """How a command without words ends."""
        ...

    def captured(
        self, shell: Shell, substitution: Substitution, state: State, context: Context, *, name: str, lost: bool
    ) -> Possible:
        """What a substitution prints. ``name``: the variable that takes it; ``lost``: nobody sees it fail."""
        ...

    def fed(self, shell: Shell, block: Block, state: State, context: Context) -> None:
        """A process whose output a word stands for: ``<(command)``."""
        ...

    def number(self, word: Word, state: State) -> int | None:
        """What arithmetic in a word comes to, where that is worked out."""
        ...

    def builtin(
        self, shell: Shell, name: str, words: list[Possible], statement: Simple, state: State, context: Context
    ) -> Result | None:
        """How one of the shell's own commands ends; ``None`` where the name is none of them."""
        ...

    def after_started(self, results: Sequence[Result], state: State, *, told: bool) -> Result | None:
        """How a command ends that started these others (``find``), where they decide it. ``told``: as they do."""
        ...

    def opened(self, writes: Sequence[Write]) -> None:
        """Redirections are made."""
        ...

    def handling(
        self,
        handling: Handling,
        words: Sequence[Possible],
        spot: Spot,
        writes: Sequence[Write],
        script: Script,
    ) -> Handling | None:
        """How the failure of a program is taken; ``None`` where it fails here, and so does nothing."""
        ...

    def begun(self) -> float:
        """How much time has gone by."""
        ...

    def cut(self, begun: float, limit: Possible, *, endless: bool) -> bool:
        """Whether ``timeout`` ends what was begun then, and has come to its end or never will."""
        ...

    def wrote(self, command: Command, state: State) -> None:
        """A program was put on record that may print something."""
        ...

    def ended(self, words: list[Possible], state: State, truth: Answer) -> Result:
        """How a program ends that was put on record."""
        ...


class Asked(Struct, frozen=True):
    """One of the shell's own commands, as it is met: in which shell, with which words, in which state."""

    shell: Shell
    words: list[Possible]
    statement: Simple
    state: State
    context: Context

    @property
    def spot(self) -> Spot:
        return self.state.script.spot(self.statement.line, self.statement.column)

    def note(self) -> None:
        """Put the end of a script or function on record: where a failure leads is told by what follows it."""
        self.shell.emit(self.words, self.statement, self.spot, self.state, self.context, {})
