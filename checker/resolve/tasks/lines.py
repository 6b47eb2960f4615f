"""One line of a task as the shell that runs it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from checker.model.pipeline.shell import Block, Script
from checker.model.possible import Possible
from checker.resolve.shell.state import State
from checker.resolve.tasks.recipes import Line


def states_of(
    line: Line, script: Script, folder: str, environment: Mapping[str, Possible]
) -> Iterator[tuple[State, State]]:
    """What to follow, one after the other, each with the whole that it is a part of: a line fails as its last command
    does, so that only that one runs where failures stop."""
    state = State(
        script,
        variables={**environment, **line.variables},
        exported={*environment, *(line.variables if line.exported else ())},
        positional=line.positional,
        errexit=not line.whole and "e" in line.flags.replace("pipefail", ""),
        pipefail="pipefail" in line.flags,
        folder=folder,
        closed=True,
    )
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
