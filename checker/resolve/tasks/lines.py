"""One line of a task as the shell that runs it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.shell import Block, Script
from checker.model.possible import Possible
from checker.resolve.shell.dialects.plain_sh import dialect, dialect_of
from checker.resolve.shell.state import State
from checker.resolve.tasks.recipes import Line

_SHORT: Final = lazy_re.compile(r"-[A-Za-z]*e")


def _stops(flags: str) -> bool:
    """Whether a shell with these flags stops where a command fails."""
    return "errexit" in flags or any(_SHORT.match(each) for each in flags.split())


def states_of(
    line: Line,
    script: Script,
    folder: str,
    environment: Mapping[str, Possible],
    begun: Callable[[Script, State], Script],
    sh: str = "",
    *,
    sealed: bool = False,
) -> Iterator[tuple[State, State]]:
    """What to follow, one after the other, each with the whole that it is a part of: a line fails as its last command
    does, so that only that one runs where failures stop. ``sh`` is which shell ``sh`` is where they run; ``sealed``:
    whether every variable that they are given was seen; ``begun`` puts in front what a bash reads first."""
    state = State(
        script,
        variables={**environment, **line.variables},
        exported={*environment, *(line.variables if line.exported else ())},
        positional=line.positional,
        errexit=_stops(line.flags if not line.whole else f"{line.flags} {script.shebang.partition(' ')[2]}"),
        pipefail="pipefail" in line.flags,
        folder=folder,
        closed=True,
        sealed=sealed,
        sh=sh,
        dialect=dialect_of(script.shebang, sh) if line.whole else dialect(line.shell, sh),
    )
    shell = script.shebang.split()[:3] if line.whole else [line.shell]  # behind `env -S` too
    if any(each.rpartition("/")[2] == "bash" for each in shell):
        state.script = script = begun(script, state)
    whole = state.fork()
    before = script.body.statements[:-1]
    if line.whole or state.errexit:
        yield state, whole
        return
    if before:
        state.script = replace(script, body=Block(before))
        yield state, whole
        state.script = replace(script, body=Block(script.body.statements[-1:]))
    state.errexit = True
    yield state, whole
