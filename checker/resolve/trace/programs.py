"""Python programs as jobs start them: each followed once per command line and environment, then placed in its job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.scripts import AwsCall, Command, Reached
from checker.model.possible import Possible
from checker.model.sources import Problem, Spot
from checker.resolve.effort import RECORDING, STARTING, Effort

if TYPE_CHECKING:
    from checker.resolve.python.rehearsal.ways import Rehearsals

Call: TypeAlias = "AwsCall | Command"


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


@dataclass(frozen=True, slots=True)
class _Run:
    """What following gave, and the environment variables that it asked for on the way.

    ``foreign``: libraries that it calls, and that are neither followed nor known to change nothing.
    """

    asked: Mapping[str, Possible]
    calls: tuple[Call, ...]
    problems: tuple[Problem, ...]
    foreign: tuple[Problem, ...]


@dataclass(slots=True)
class Programs:
    """Follows Python programs. Jobs of one pipeline start the same few commands over and over."""

    library: PythonLibrary
    effort: Effort
    _runs: dict[_Start, list[_Run]] = field(default_factory=dict)

    def follow(
        self,
        path: str,
        words: tuple[Possible, ...] | None,
        environment: Mapping[str, Possible],
        folder: str | None,
        function: str,
        reached: Reached,
    ) -> Followed:
        """What a program does that is started at ``reached``. ``words``: its arguments, ``None`` if unknown."""
        start = _Start(path, words, folder, function)
        runs = self._runs.setdefault(start, [])
        run = next((each for each in runs if _same(each.asked, environment)), None)
        if run is None:
            # What follows Python takes long to import, and few pipelines start a program of their own.
            from checker.resolve.python.code import follow
            from checker.resolve.python.machine import MAX_STATEMENTS
            from checker.resolve.python.rehearsal.way import Start
            from checker.resolve.python.rehearsal.ways import Rehearsals

            left = self.effort.at_most(MAX_STATEMENTS)
            machine = follow(self.library, path, Reached(Spot(path)), words, environment, folder, function, left)
            self.effort.spend(left - machine.left)
            asked = Start(path, words, dict(environment), folder, function)
            rehearsals = Rehearsals(self.library, asked, self.effort.rehearsals, self.effort.asides)
            calls = tuple(_rehearsable(call, rehearsals) for call in machine.calls)
            run = _Run(dict(machine.asked), calls, tuple(machine.problems), tuple(machine.foreign))
            runs.append(run)
        self.effort.spend(STARTING + RECORDING * len(run.calls))
        return Followed(tuple(_placed(call, reached) for call in run.calls), run.problems, run.foreign)


def _same(asked: Mapping[str, Possible], environment: Mapping[str, Possible]) -> bool:
    return all(environment.get(name) == value for name, value in asked.items())


def _rehearsable(call: Call, rehearsals: Rehearsals) -> Call:
    """A call that can be asked what becomes of its program where it fails."""
    handling = replace(
        call.handling,
        rehearse=rehearsals.ends(call),
        notice=rehearsals.notices(call),
        last=rehearsals.lasts(call),
        miss=rehearsals.missed(call),
        turn=rehearsals.turns(call),
    )
    return replace(call, handling=handling)


def _placed(call: Call, outer: Reached) -> Call:
    """A program's call as one of the job that starts the program."""
    inner = call.reached
    reached = Reached(
        inner.spot,
        (*outer.via, outer.spot, *inner.via),
        outer.step,
        outer.certain and inner.certain,
        outer.on_failure or inner.on_failure,
        (*outer.loops, *inner.loops),
    )
    return replace(call, reached=reached)
