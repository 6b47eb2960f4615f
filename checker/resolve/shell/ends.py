"""How the statements of a shell that is followed end: what a failure leads to, and what the shell does not survive.

Source: Bash Reference Manual, "The Set Builtin", "Shell Parameter Expansion", "Command Execution Environment".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, Answer
from checker.model.pipeline.shell import (
    AndOr,
    Background,
    Block,
    Declare,
    Group,
    If,
    Not,
    Opaque,
    Pipe,
    Script,
    Simple,
    Statement,
    Substitution,
    Test,
    Variable,
    While,
    Word,
)
from checker.resolve.shell.state import UNTOLD, Context, Flow, Leaving, Result, State
from checker.resolve.shell.syntax_facts import first_word, leaves, within, word_text, words_in

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


# What a shell does beside something that runs in its background, until that is over.
_MEANWHILE: Final = frozenset({"echo", "printf", "sleep", "kill", "date", ":", "trap"})
# `wait` for whichever ends first, and until it has ended: where no other runs, for this one.
_OF_WAIT: Final = frozenset({"-n", "-f", "-nf", "-fn"})
_MAX_LEVELS: Final = 8


def in_turn(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Statements, with those told that run in the background and are waited for before anything else is done: they run
    beside nothing (Bash Reference Manual, "Job Control Builtins": ``wait`` for a process ends as that did)."""
    running = False  # something in the background that nothing has waited for
    for index, each in enumerate(statements):
        if not isinstance(each, Background):
            running = running and not (isinstance(each, Simple) and first_word(each) == "wait")
            yield each
            continue
        awaited = not running and _is_awaited(statements, index + 1)
        running = running or not awaited
        yield replace(each, awaited=True) if awaited else each


def _is_awaited(statements: Sequence[Statement], start: int) -> bool:
    names = {"!"}
    for at in range(start, len(statements)):
        each = statements[at]
        if isinstance(each, Declare) or (isinstance(each, Simple) and not each.words):
            held = [one.value for one in each.assignments if one.value is not None and _is_one_of(one.value, names)]
            if not held or len(held) < len(each.assignments):
                return False
            names |= {one.name for one in each.assignments}
        elif not _passes_time(each):
            first = _first_of(each)
            if first is None or first_word(first) != "wait":
                return False
            words = [word for word in first.words[1:] if word_text(word) not in _OF_WAIT]
            return len(words) < 2 and all(_is_one_of(word, names) for word in words)
    return False


def _is_one_of(word: Word, names: set[str]) -> bool:
    part = word.parts[0] if len(word.parts) == 1 else None
    return isinstance(part, Variable) and part.name in names and not part.operator


def _passes_time(statement: Statement) -> bool:
    """Whether nothing is started meanwhile: a command that only says something or sleeps, or a loop of such ones."""
    if not isinstance(statement, While):
        return isinstance(statement, Simple) and _starts_nothing(statement)
    return all(map(_starts_nothing, (*within(statement.condition), *within(statement.body))))


def _starts_nothing(statement: Statement) -> bool:
    if isinstance(statement, AndOr | If | Not | While):
        return True  # what is inside is asked for itself
    if not isinstance(statement, Declare | Simple | Test):
        return False
    if any(isinstance(part, Substitution | Opaque) for word in words_in(statement) for part in word.parts):
        return False
    words = [word_text(each) for each in statement.words] if isinstance(statement, Simple) else []
    return not words or (words[0] in _MEANWHILE and (words[0] != "kill" or words[1:2] == ["-0"]))


def _first_of(statement: Statement) -> Simple | None:
    """The command that a statement begins with."""
    for _ in range(_MAX_LEVELS):
        match statement:
            case Simple():
                return statement
            case AndOr(left=first) | Not(statement=first):
                statement = first
            case If(branches=((condition, _), *_)) if condition.statements:
                statement = condition.statements[0]
            case _:
                break
    return None


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


# Programs that answer a question by their status. Source: POSIX.1-2024, "Utilities" (EXIT STATUS of each).
_ASKING: Final = frozenset({"test", "grep", "egrep", "fgrep", "which", "type", "diff", "cmp", "pgrep", "hash"})


def is_test(
    statement: Statement, functions: Mapping[str, tuple[Statement, Script]] | None = None, depth: int = 0
) -> bool:
    """Whether a statement only asks about values, so that its failure is an answer."""
    if depth > _MAX_LEVELS:
        return False
    match statement:
        case Test():
            return True
        case Not():
            return is_test(statement.statement, functions, depth + 1)
        case AndOr():
            return is_test(statement.left, functions, depth + 1) and is_test(statement.right, functions, depth + 1)
        case Group():
            return _ends_in_test(statement.body, functions, depth)
        case Pipe():
            return bool(statement.statements) and is_test(statement.statements[-1], functions, depth + 1)
        case Simple():
            name = first_word(statement)
            body = (functions or {}).get(name)
            return (
                name in _ASKING
                or looks_up(statement)
                or (name == "command" and _is_asked_for(statement))
                or _exits_as_told(statement)
                or (body is not None and is_test(body[0], functions, depth + 1))
            )
    return False


# Commands that fail where what they look for is not there. Sources: the references of Docker's and AWS's command lines,
# of Git ("git-show-ref", "git-cat-file", "git-ls-remote", "git-diff") and of GitHub's, crane, skopeo and kubectl.
_LOOKING: Final[Mapping[str, re.Pattern[str]]] = {
    "docker": lazy_re.compile(r"^(?:(?:manifest|image|container|volume|network|buildx imagetools) )?inspect\b"),
    "podman": lazy_re.compile(r"^(?:(?:manifest|image|container|volume|network) )?(?:inspect|exists)\b"),
    "crane": lazy_re.compile(r"^(?:manifest|digest)\b"),
    "skopeo": lazy_re.compile(r"^inspect\b"),
    "git": lazy_re.compile(r"^(?:show-ref|rev-parse|cat-file|ls-remote|diff|merge-base|ls-files)\b"),
    "gh": lazy_re.compile(r"^(?:release|pr|run|repo|variable) view\b"),
    "kubectl": lazy_re.compile(r"^get\b"),
    "aws": lazy_re.compile(r" (?:describe|get|list|head|batch-get)-(?!login-password)|\bs3 ls\b"),
}


def looks_up(statement: Simple) -> bool:
    """``docker manifest inspect IMAGE``, ``aws ecr describe-images ...``: that it is not there is an answer."""
    words = [word_text(word) for word in statement.words[:6]]
    pattern = _LOOKING.get(words[0]) if words else None
    plain = " ".join(word for word in words[1:] if word and not word.startswith("-"))
    return pattern is not None and pattern.search(plain) is not None


def _is_asked_for(statement: Simple) -> bool:
    """``command -v aws`` asks whether there is such a program; ``command grep`` is the program (Bash Reference Manual,
    "Bash Builtin Commands", ``command``)."""
    second = next((word_text(word) for word in statement.words[1:]), "")
    return second in _ASKING or (second.startswith("-") and not second.startswith("-p"))


def _exits_as_told(statement: Simple) -> bool:
    """``jq -e``: its status is the value that it prints (jq manual, "Invoking jq", ``--exit-status``)."""
    words = [word_text(word) for word in statement.words]
    told = any(re.fullmatch(r"--exit-status|-(?!-)[A-Za-z]*e[A-Za-z]*", word) for word in words[1:])
    return words[:1] in (["jq"], ["gojq"], ["jaq"], ["yq"]) and told


def _ends_in_test(block: Block, functions: Mapping[str, tuple[Statement, Script]] | None, depth: int) -> bool:
    return bool(block.statements) and is_test(block.statements[-1], functions, depth + 1)
