"""Loops that take one argument after another: ``while [ $# -gt 0 ]; do ... shift; done``, ``while getopts ...``.

Where all arguments are known, each round is gone through by itself, as a list's: a round handles another option than
the one before. Source: Bash Reference Manual, "Bourne Shell Builtins" (``shift``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from checker.model.answers import Certain, yes_if
from checker.model.pipeline.shell import Simple, Statement, Test, While
from checker.resolve.shell.lists.lines import over_lines
from checker.resolve.shell.lists.turns import Turns
from checker.resolve.shell.process import Shell
from checker.resolve.shell.state import Context, Flow, Result, State
from checker.resolve.shell.syntax_facts import first_word, within

_MOST: Final = 64  # rounds
_ALWAYS: Final = frozenset({":", "true", "false"})


def over_arguments(
    shell: Shell, statement: While, state: State, context: Context, otherwise: Callable[..., Result]
) -> Result:
    """Go through a loop: line by line, or round by round as long as it takes arguments that are known, and
    ``otherwise``."""
    if (by_lines := over_lines(shell, statement, state, context)) is not None:
        return by_lines
    if not _takes_arguments(statement):
        return otherwise(statement, state, context)
    ended, broken = _round_by_round(shell, statement, state, context)
    if ended is not None:
        return ended
    result = otherwise(statement, state, context)
    if not broken:
        return result
    state.join([*broken, *([state.fork()] if result.flow is Flow.NEXT else ())])
    return Result()


def _takes_arguments(statement: While) -> bool:
    """Whether a loop's rounds take arguments, and its condition does nothing but ask, or takes an option itself."""
    if _asks_options(statement):
        return True
    asks = all(map(_only_asks, statement.condition.statements))
    return asks and any(isinstance(each, Simple) and first_word(each) == "shift" for each in within(statement.body))


def _asks_options(statement: While) -> bool:
    asks = statement.condition.statements
    return len(asks) == 1 and isinstance(asks[0], Simple) and first_word(asks[0]) == "getopts"


def _left(state: State) -> tuple[object, ...] | None:
    """What tells that a round has taken something: the arguments, and the option that comes next."""
    told = (state.variables.get(name) for name in ("OPTIND", "OPTIND letter"))
    return None if state.positional is None else (len(state.positional), *told)


def _only_asks(statement: Statement) -> bool:
    return isinstance(statement, Test) or (isinstance(statement, Simple) and first_word(statement) in _ALWAYS)


def _round_by_round(
    shell: Shell, statement: While, state: State, context: Context
) -> tuple[Result | None, list[State]]:
    """How the loop ends, ``None`` where it goes on with arguments that are not known; and the states at its breaks,
    which are joined already where it has ended."""
    each = state.positional
    # It does the same with each.
    alone = sum(isinstance(one, Simple) and first_word(one) == "shift" for one in statement.body.statements) == 1
    turns = Turns(shell, statement.body, state.script.spot(statement.line), "1", each or ())
    for turn in range(_MOST):
        left = _left(state)
        asked = shell.block(statement.condition, state, context)
        # With all taken, a question that nobody can answer asks for one that is not there.
        all_taken = turn > 0 and state.positional == () and not isinstance(asked.truth, Certain)
        if all_taken or asked.truth is yes_if(statement.until):
            return turns.done(state), []
        if left is None or asked.truth is not yes_if(not statement.until):
            break
        ended = turns.turn(turn, state, context) if alone else turns.go(state, context)
        if ended is not None:
            return ended, []
        if _left(state) in (None, left):
            break
    return None, turns.broken
