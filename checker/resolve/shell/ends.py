"""How the statements of a shell that is followed end: what a failure leads to, and what the shell does not survive.

Source: Bash Reference Manual, "The Set Builtin", "Shell Parameter Expansion", "Command Execution Environment".
"""

from __future__ import annotations

from typing import Final

from checker.model.answers import NO, Answer
from checker.model.pipeline.shell import Block, Declare, Group, If, Not, Pipe, Simple, Statement, Test, Variable
from checker.resolve.shell.state import UNTOLD, Context, Flow, Leaving, Result, State
from checker.resolve.shell.syntax_facts import is_test, leaves

FAILED: Final = Result(Flow.NEXT, NO)


def surely_fails(result: Result, leaving: Leaving) -> Answer:
    """No where every way through a process ends with a failure: what ends it well may still fail before."""
    truths = leaving.truths | ({result.truth} if result.flow is Flow.NEXT else set())
    return NO if truths == {NO} else UNTOLD


def ends_shell(statement: Statement, state: State, context: Context) -> bool:
    """Whether the shell ends where this fails: by ``set -e``, which holds for a list or a branch as it does for the
    command in it, and not inside of a substitution."""
    if "-n" in state.guessed or (state.guessed and not state.sealed):
        return False
    handling = context.handling
    asked = handling.tested or handling.negated or handling.captured or handling.inside
    own = isinstance(statement, Simple | Test | Pipe) or (isinstance(statement, Group) and statement.own_shell)
    return state.errexit and own and not asked


def demands(statement: Simple | Declare, state: State) -> bool:
    """Whether it asks for a variable that nobody gave (``${NAME:?}``): that ends a shell whatever is set."""
    words = [] if isinstance(statement, Declare) else [*statement.words]
    words += [each.value for each in statement.assignments if each.value is not None]
    return any(_missing(part, state) for word in words for part in word.parts if isinstance(part, Variable))


def _missing(part: Variable, state: State) -> bool:
    if part.operator not in {":?", "?"} or part.index or part.indirect or not part.name.isidentifier():
        return False
    if part.name not in state.variables:
        return state.sealed and not state.may_be_set_outside(part.name)
    return part.operator == ":?" and state.variables[part.name] == ""


def asks_for_failure(condition: Block) -> bool:
    """``if ! command``: the body runs after a failure."""
    last = condition.statements[-1] if condition.statements else None
    return isinstance(last, Not) and not is_test(last)


def ends_badly(body: Block, state: State) -> bool:
    """Whether a branch ends the script with a failure, whatever decided for it: it is the way on which something is
    wrong."""
    return any(leaves(each, state.functions) for each in body.statements)


def stops_on_failure(statement: If, condition: Block, body: Block, state: State) -> bool:
    """Whether the script surely ends with a failure where the condition's command fails."""
    branch = body if asks_for_failure(condition) else statement.otherwise
    if branch is None or (branch is not body and condition is not statement.branches[-1][0]):
        return False
    return any(leaves(each, state.functions) for each in branch.statements)


def asks_for_success(condition: Block) -> bool:
    last = condition.statements[-1] if condition.statements else None
    return last is not None and not isinstance(last, Not) and not is_test(last)


def last_leaves(body: Block) -> bool:
    return bool(body.statements) and leaves(body.statements[-1], {})
