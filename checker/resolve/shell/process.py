"""What a command may ask of the shell that it is followed in. The shell itself is :mod:`.follower`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from checker.model.pipeline.shell import Block, Simple
from checker.model.possible import Possible
from checker.model.sources import Problem, Spot
from checker.resolve.shell.state import Context, Flow, Leaving, Library, Result, State, Stored


class Shell(Protocol):
    """A process being followed: its statements, its ways out, and what is put on record."""

    library: Library
    depth: int

    def block(self, block: Block, state: State, context: Context) -> Result: ...

    def process(self, block: Block, state: State, context: Context) -> Result: ...

    def inside(self, *flows: Flow) -> AbstractContextManager[Leaving]: ...

    def leave(self, flow: Flow, state: State, truth: bool | None = None) -> Result: ...

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
