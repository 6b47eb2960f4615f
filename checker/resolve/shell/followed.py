"""Commands of a script that is followed: on record with what becomes of the script where they fail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from checker.model.answers import Answer
from checker.model.pipeline.handling import Handling, Rehearsal, Stream
from checker.model.pipeline.scripts import Command, Write
from checker.model.pipeline.shell import Block, Script, Simple, Substitution, Word
from checker.model.possible import Possible, call_behind, one_of, open_text, shown
from checker.model.sources import Spot, brief
from checker.model.values import CallPlace
from checker.resolve.shell.builtins import BUILTINS
from checker.resolve.shell.files.told import call_place, place
from checker.resolve.shell.files.written import Written
from checker.resolve.shell.printing import output_of
from checker.resolve.shell.process import Asked, Shell
from checker.resolve.shell.state import Context, Flow, Result, State

_NOTHING: Final = Result()


class Rehearsing(Protocol):
    """Who tells what becomes of a script when one of its commands fails."""

    def of(self, spot: Spot, words: tuple[str, ...], script: Script, *, again: bool) -> Rehearsal: ...


class Followed(Struct):
    """The manner of :class:`~checker.resolve.shell.follower.Follower`. ``rehearsals`` tell of a script's ends."""

    rehearsals: Rehearsing | None = None
    _captures: int = 0

    @property
    def nothing(self) -> Result:
        """Not known: what the words were may have been a command."""
        return _NOTHING

    def captured(
        self, shell: Shell, substitution: Substitution, state: State, context: Context, *, name: str, lost: bool
    ) -> Possible:
        """What is surely printed; else a value of its own each time."""
        handling = replace(
            context.handling,
            captured=name,
            lost=context.handling.lost or lost,
            stdout=Stream.SHOWN,
            stderr=context.handling.apart,
            piped=not name,
            inside=not name,
        )
        inner = replace(context, handling=handling, writes=())
        fork = state.fork()
        start = len(shell.commands)
        with shell.inside(*Flow):
            shell.block(substitution.body, fork, inner)
        printed = [c for c in shell.commands[start:] if c.handling.stdout in {Stream.SHOWN, Stream.MERGED}]
        printed = [command for command in printed if not command.handling.piped or not name]
        printed = [command for command in printed if command.program not in {"exit", "return"}]
        self._captures += 1
        # Each time it runs it may print something else: two holes of one source are not the same value.
        source = as_written(substitution.source, state)
        call = _asked(shell.commands[start:])
        opened = open_text(brief(source, 200), str(state.script.file), self._captures, call=call)
        if not printed:
            last = substitution.body.statements[-1] if substitution.body.statements else None
            return opened if last is not None else ""
        values = [_printed(command, state) for command in printed]
        known = [value for value in values if value is not None]
        if len(known) < len(values) or (len(known) > 1 and any(command.certain_in_job for command in printed)):
            return opened
        return one_of(known)

    def fed(self, shell: Shell, block: Block, state: State, context: Context) -> None:
        """Followed like any other process, whose failure nobody sees."""
        shell.block(block, state.fork(), context.handled(lost=True, piped=True, inside=True))

    def number(self, word: Word, state: State) -> int | None:  # noqa: ARG002 - what a loop counts is not followed
        """Never: a variable that a loop counts has many values."""
        return None

    def builtin(
        self, shell: Shell, name: str, words: list[Possible], statement: Simple, state: State, context: Context
    ) -> Result | None:
        """As :mod:`.builtins` has it."""
        builtin = BUILTINS.get(name)
        return builtin(Asked(shell, words, statement, state, context)) if builtin is not None else None

    def after_started(self, results: Sequence[Result], state: State, *, told: bool) -> Result | None:  # noqa: ARG002
        """The starting command is a program like any other."""
        return None

    def opened(self, writes: Sequence[Write]) -> None:
        """Nothing is kept of a file that is only emptied."""

    def begun(self) -> float:
        """No time goes by."""
        return 0.0

    def cut(self, begun: float, limit: Possible, *, endless: bool) -> bool:  # noqa: ARG002
        """Only what never ends."""
        return endless

    def wrote(self, command: Command, state: State) -> None:
        """What it writes into files is what a later command may run."""
        if state.written is not None:
            state.written.note(command, state.fed)

    def handling(
        self,
        handling: Handling,
        words: Sequence[Possible],
        spot: Spot,
        writes: Sequence[Write],  # noqa: ARG002
        script: Script,
    ) -> Handling | None:
        """With what becomes of the script where the command fails, and where it works."""
        if self.rehearsals is None:
            return handling
        given = tuple(shown(word) for word in words)
        return replace(handling, rehearsal=self.rehearsals.of(spot, given, script, again=handling.retried))

    def ended(self, words: list[Possible], state: State, truth: Answer) -> Result:  # noqa: ARG002
        """As far as it can be told beforehand."""
        return Result(Flow.NEXT, truth)


def as_written(source: str, state: State) -> str:
    """A part of a script with its expressions in their places, as a person has written it."""
    return re.sub(r"__gha\d+__", lambda match: str(state.marks.get(match[0], match[0])), source)


def _printed(command: Command, state: State) -> Possible | None:
    """What a command prints, by itself or of a file that is known."""
    found = output_of(command)
    if found is not None or not isinstance(state.written, Written):
        return found
    return state.written.changes.object_of(command, lambda word: place(word, command.folder))


def _asked(commands: Sequence[Command]) -> CallPlace | None:
    """The AWS call whose answer a substitution holds; ``None`` where it holds none."""
    for command in reversed(commands):
        if command.program == "aws":
            return call_place(command)
        fed = [write.target for write in command.writes if write.operator in {"<<", "<<-", "<<<"}]
        for word in (*fed, *command.words[1:]):
            if (call := call_behind(word)) is not None:
                return call
    return None
