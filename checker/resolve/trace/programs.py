"""Python programs as jobs start them: each followed once per command line and environment, then placed in its job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.scripts import AwsCall, Command, Reached
from checker.model.pipeline.within import within
from checker.model.possible import Possible, shown
from checker.model.sources import Problem, Spot
from checker.resolve.effort import OF_A_PROGRAM, RECORDING, STARTING, Effort
from checker.resolve.shell.state import Library
from checker.resolve.tasks.recipes import TaskLibrary
from checker.resolve.trace.builds import BuildLibrary
from checker.resolve.trace.other_tests import TestLibrary

if TYPE_CHECKING:
    from checker.resolve.python.machine import Machine
    from checker.resolve.python.rehearsal.gone import Gone
    from checker.resolve.python.rehearsal.ways import Rehearsals

Call: TypeAlias = "AwsCall | Command"
_FOR_LATER: Final = lazy_re.compile(r"GITHUB_(?:OUTPUT|ENV|PATH)\b")
_Gone: TypeAlias = "Mapping[tuple[object, ...], Sequence[Gone]]"


class Scripts(Library, PythonLibrary, TaskLibrary, TestLibrary, BuildLibrary, Protocol):
    """All of the repository's code that can be followed."""

    def python_in(self, folder: str) -> tuple[str, ...]:
        """The Python files of a folder and those below it."""

    def python_text(self, text: str, file: str, line: int) -> str | None:
        """Keep Python text that stands inside another file; the path to follow it by, ``None`` if it is not Python."""


class Earlier(Protocol):
    """What following came to in earlier runs, by what was started; each in plain data and the model's own classes."""

    def recall(self, path: str, started: str) -> object | None: ...

    def keep(self, path: str, started: str, what: Callable[[], object]) -> None:
        """Keep for later runs what this one will have come to when it ends."""
        ...


class Followed(NamedTuple):
    """The calls of a program, what of it could not be followed, and libraries that nobody knows."""

    calls: tuple[Call, ...]
    problems: tuple[Problem, ...]
    foreign: tuple[Problem, ...]


class _Start(NamedTuple):
    path: str
    words: tuple[Possible, ...] | None
    folder: str | None
    function: str


class _Run(Struct, frozen=True):
    """What following gave, and the environment variables that it asked for on the way.

    ``foreign``: libraries that it calls, and that are neither followed nor known to change nothing.
    """

    asked: Mapping[str, Possible]
    calls: tuple[Call, ...]
    problems: tuple[Problem, ...]
    foreign: tuple[Problem, ...]


class _Kept(NamedTuple):
    """A run as it is kept for later ones, with the ways that were gone through it."""

    asked: Mapping[str, Possible]
    calls: tuple[Call, ...]
    problems: tuple[Problem, ...]
    foreign: tuple[Problem, ...]
    steps: int
    gone: _Gone


class Programs(Struct):
    """Follows Python programs. Jobs of one pipeline start the same few commands over and over."""

    library: PythonLibrary
    effort: Effort
    earlier: Earlier | None = None
    _runs: dict[_Start, list[_Run]] = field(default_factory=dict)

    def follow(
        self,
        path: str,
        words: tuple[Possible, ...] | None,
        environment: Mapping[str, Possible],
        function: str,
        by: Command,
    ) -> Followed:
        """What a program does that a command starts. ``words``: its arguments, ``None`` if unknown."""
        start = _Start(path, words, by.folder, function)
        runs = self._runs.setdefault(start, [])
        run = next((each for each in runs if _same(each.asked, environment)), None)
        if run is None:
            run = self._run(start, environment)
            runs.append(run)
        self.effort.spend(STARTING + RECORDING * len(run.calls))
        return Followed(tuple(_placed(call, by) for call in run.calls), run.problems, run.foreign)

    def _run(self, start: _Start, environment: Mapping[str, Possible]) -> _Run:
        # What follows Python takes long to import, and few pipelines start a program of their own.
        from checker.resolve.python.rehearsal.gone import Start
        from checker.resolve.python.rehearsal.ways import Rehearsals

        left = self.effort.at_most(OF_A_PROGRAM)
        asked = Start(start.path, start.words, dict(environment), start.folder, start.function)
        followed = cache(lambda: self._followed(start, environment, left))
        rehearsals = Rehearsals(self.library, asked, self.effort.rehearsals, self.effort.asides, followed)
        kept = self._kept(start, environment, left, rehearsals, followed)
        self.effort.spend(kept.steps)
        rehearsals.gone.update({key: list(ways) for key, ways in kept.gone.items()})
        calls = tuple(_rehearsable(call, rehearsals) for call in kept.calls)
        return _Run(kept.asked, calls, kept.problems, kept.foreign)

    def _followed(self, start: _Start, environment: Mapping[str, Possible], left: int) -> Machine:
        from checker.resolve.python.code import follow

        path, words, folder, function = start
        return follow(self.library, path, Reached(Spot(path)), words, environment, folder, function, left)

    def _kept(
        self,
        start: _Start,
        environment: Mapping[str, Possible],
        left: int,
        rehearsals: Rehearsals,
        followed: Callable[[], Machine],
    ) -> _Kept:
        """What following comes to: as an earlier run found it, or by following."""
        started = repr((start, sorted(environment.items()), left))
        earlier = self.earlier.recall(start.path, started) if self.earlier is not None else None
        if isinstance(earlier, _Kept):
            made = earlier
        else:
            machine = followed()
            calls, problems, foreign = tuple(machine.calls), tuple(machine.problems), tuple(machine.foreign)
            made = _Kept(dict(machine.asked), calls, problems, foreign, left - machine.left, {})
            if machine.cut:
                return made
        if self.earlier is not None:
            known = _ways(made.gone) if made is earlier else -1
            self.earlier.keep(start.path, started, lambda: _more(made, rehearsals.gone, known))
        return made


def _ways(gone: _Gone) -> int:
    return sum(map(len, gone.values()))


def _more(made: _Kept, gone: _Gone, known: int) -> _Kept | None:
    """A run with all the ways that were gone through it, ``None`` where so many were known before."""
    whole = {key: tuple(way for way in ways if not way.cut) for key, ways in gone.items()}
    return made._replace(gone=whole) if _ways(whole) > known else None


def _same(asked: Mapping[str, Possible], environment: Mapping[str, Possible]) -> bool:
    return all(environment.get(name) == value for name, value in asked.items())


def _rehearsable(call: Call, rehearsals: Rehearsals) -> Call:
    """A call that can be asked what becomes of its program where it fails."""
    return replace(call, handling=replace(call.handling, rehearsal=rehearsals.of(call)))


def started_by(around: Handling, command: Command) -> Command:
    """A command of a shell as one of what starts the shell."""
    words = tuple(map(shown, command.words)) if command.program == "aws" else ()
    return replace(command, handling=within(command.handling, around, words))


def _placed(call: Call, by: Command) -> Call:
    """A program's call as one of the job that starts the program."""
    inner, outer = call.reached, by.reached
    reached = Reached(
        inner.spot,
        (*outer.via, outer.spot, *inner.via),
        outer.step,
        outer.certain and inner.certain,
        outer.on_failure or inner.on_failure,
        (*outer.loops, *inner.loops),
        outer.trap or inner.trap,
    )
    return replace(call, reached=reached, handling=within(call.handling, by.handling, kept=_keeps(by)))


def _keeps(by: Command) -> bool:
    """Whether what a program prints is written to where a later step finds it."""
    return any(each.descriptor == 1 and _FOR_LATER.search(shown(each.target)) for each in by.writes)
