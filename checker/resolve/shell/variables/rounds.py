"""What variables hold in a loop that is followed once for all of its rounds."""

from __future__ import annotations

from checker.model.pipeline.shell import Block, Simple, Test
from checker.model.possible import Possible, one_of, open_text
from checker.model.values import Unknown
from checker.resolve.shell.lists.keyed import Keyed
from checker.resolve.shell.state import State
from checker.resolve.shell.syntax_facts import assigned_in, counted_in
from checker.resolve.shell.variables.scopes import meant


def widen(body: Block, state: State, where: str) -> None:
    """What a loop assigns may hold something else when it comes round again."""
    for name in (meant(each, state.variables) for each in assigned_in(body)):
        known = state.variables.get(name)
        if known is not None and not isinstance(known, tuple):
            state.variables[name] = _widened(known, open_text(f"${{{name}}}", where))


def count(statement: Simple | Test, state: State) -> None:
    """What a loop counts has many values: none of them is followed."""
    for name in counted_in(statement):
        state.set(name, open_text(f"${{{name}}}", str(state.script.spot(statement.line))))


def _widened(known: Possible, opened: Possible) -> Possible:
    """Of an array of names not even those are known."""
    return Unknown(known.why) if isinstance(known, Keyed) else one_of([known, opened])
