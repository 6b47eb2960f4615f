"""Which values a shell calculates: their texts are expressions in their turn, and what stands in an index is run.

``[[ $N -gt 3 ]]`` with ``a[$(reboot)]`` in ``N`` reboots. So do ``(( N > 3 ))``, ``${list[$N]}``, ``${text:$N:2}``,
``declare -i M=$N``, and names that come out of variables: ``${!N}``, ``read "$N"``, ``unset "$N"``, ``[ -v "$N" ]``.
Sources: GNU Bash manual, "Shell Arithmetic" ("the value of a variable is evaluated as an arithmetic expression when it
is referenced"), "Arrays" (subscripts undergo arithmetic expansion, those of an array of names do not), "Bash
Conditional Expressions" (``-v``; "when used with the [[ command, arg1 and arg2 are evaluated as arithmetic
expressions"), "Shell Parameter Expansion" (indirect expansion; substrings), "Bash Builtins" (``declare -i``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.scripts import Command, Reached
from checker.model.pipeline.shell import (
    AndOr,
    Assignment,
    Declare,
    For,
    Group,
    If,
    Literal,
    Not,
    Opaque,
    Part,
    Simple,
    Statement,
    Substitution,
    Test,
    Variable,
    Word,
)
from checker.model.possible import Possible, open_text, options
from checker.model.sources import brief
from checker.model.values import Text
from checker.resolve.shell.lists.keyed import Keyed
from checker.resolve.shell.state import Context, State
from checker.resolve.shell.syntax_facts import first_word, leaves, within, word_text
from checker.resolve.shell.variables.operators import derived
from checker.resolve.shell.variables.scopes import meant

_NUMBERS: Final = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
# Commands that take names of variables, each with the option in front of a name; none where all plain words are names.
_NAMES: Final = {"read": "", "unset": "", "mapfile": "", "readarray": "", "printf": "-v", "test": "-v"}
_DEFAULTS: Final = lazy_re.compile(r":?[-=+?]")
_SUBSTRING: Final = lazy_re.compile(r"\$\{\w+(?:\[[^\]]*\])?:")
# What is calculated, as it is written: variables with and without an operator. A length is a number.
_BRACED: Final = lazy_re.compile(r"\$\{(#?)(\w+)([^{}]*)\}")
_PLAIN: Final = lazy_re.compile(r"\$(\d)|\$?([A-Za-z_]\w*)|__gha\d{4,}__")
_DIGITS: Final = lazy_re.compile(r"\^(?:\[0-9\]|\[\[:digit:\]\])(?:\+|\{\d+(?:,\d*)?\})\$")
_MARK: Final = lazy_re.compile(r"__gha\d{4,}__")


def calculated(statement: Statement, state: State, context: Context, reached: Reached) -> Iterator[Command]:
    """What a statement calculates of values that are not known, as a command with those behind its first word. dash has
    no arrays, and takes a number for a number."""
    if state.dialect or not isinstance(statement, Simple | Declare | Test | For):
        return
    found = [each for each in _values(statement, state) if _is_open(each)]
    if found and (numbers := _numbers_by(statement, state)):
        kept = {name: state.variables.pop(name) for name in numbers if name in state.variables}
        found = [each for each in _values(statement, state) if _is_open(each)]
        state.variables.update(kept)
    if not found:
        return
    if isinstance(statement, Simple):
        name = first_word(statement) or "".join(each.name for each in statement.assignments[:1])
        spot = state.script.spot(statement.line, statement.column)
    else:
        name = statement.keyword if isinstance(statement, Declare) else "((" if _is_sum(statement) else "[["
        column = statement.words[0].column if isinstance(statement, Test) and statement.words else 0
        spot = state.script.spot(statement.line, column)
    here = reached._replace(
        spot=spot,
        via=(*reached.via, *state.via),
        certain=context.certain,
        on_failure=context.on_failure,
        trap=context.trap,
        loops=context.loops,
    )
    source = brief(statement.source, 500) if isinstance(statement, Simple) else ""
    yield Command((name or "a calculation", *found), here, Handling(), source, state.folder)


def _numbers_by(statement: Simple | Declare | Test | For, state: State) -> set[str]:
    """The variables of which the script lets only numbers through before: ``[[ $N =~ ^[0-9]+$ ]] || exit 1``."""
    found: set[str] = set()
    for each in within(state.script.body):
        asked: Statement | None = None
        if isinstance(each, AndOr) and each.operator == "||" and leaves(each.right, state.functions):
            asked = each.left
        elif isinstance(each, If) and each.branches and leaves(Group(each.branches[0][1]), state.functions):
            only = each.branches[0][0].statements
            asked = only[0].statement if len(only) == 1 and isinstance(only[0], Not) else None
        if isinstance(asked, Test) and asked.line < statement.line and len(asked.words) == 3:
            name, sign, pattern = asked.words
            part = name.parts[0] if len(name.parts) == 1 else None
            plain = isinstance(part, Variable) and not (part.operator or part.index or part.indirect)
            if plain and word_text(sign) == "=~" and _DIGITS.fullmatch(word_text(pattern)):
                found.add(part.name if isinstance(part, Variable) else "")
    return found


def _is_sum(statement: Test | For) -> bool:
    return isinstance(statement, For) or bool(statement.arithmetic)


def _is_open(value: Possible) -> bool:
    return any(isinstance(each, Text) for each in options(value) or ())


def _values(statement: Simple | Declare | Test | For, state: State) -> Iterator[Possible]:
    match statement:
        case For():
            if statement.arithmetic:
                yield from _of_expression(statement.arithmetic, state)
        case Test():
            yield from _of_expression(statement.arithmetic, state)
            yield from _of_words(statement.words, state)
            yield from _of_test([word_text(word) for word in statement.words], statement, state)
        case Declare():
            counts = any(flag.startswith("-") and "i" in flag for flag in statement.flags)
            for each in statement.assignments:
                yield from _of_assignment(each, state, counts=counts or statement.refers)
        case Simple():
            for each in statement.assignments:
                yield from _of_assignment(each, state)
            yield from _of_words([*statement.words, *(each.target for each in statement.redirects)], state)
            yield from _of_names(statement, state)


def _of_test(words: Sequence[str], statement: Test, state: State) -> Iterator[Possible]:
    """The sides of a comparison of numbers, which only ``[[`` calculates, and the names that are asked for."""
    for index, word in enumerate(words):
        if word in _NUMBERS and statement.double and 0 < index < len(words) - 1:
            yield from _whole(statement.words[index - 1], state)
            yield from _whole(statement.words[index + 1], state)
        elif word in {"-v", "-R"} and index < len(words) - 1:
            yield from _whole(statement.words[index + 1], state, name=True)


def _of_names(statement: Simple, state: State) -> Iterator[Possible]:
    """Variables that hold the name of the one that a command sets, takes away or asks for."""
    command = first_word(statement)
    option = _NAMES.get(command)
    if option is None:
        return
    for before, word in zip(statement.words, statement.words[1:], strict=False):
        written = word_text(before)
        if option and written != option:
            continue
        if not option and written.startswith("-") and command != "unset" and written[-1:] in "adinNptuCcOs":
            continue  # what stands behind such an option is its value
        yield from _whole(word, state, name=True)


def _of_assignment(assignment: Assignment, state: State, *, counts: bool = False) -> Iterator[Possible]:
    if assignment.index:
        yield from _of_index(assignment.name, assignment.index, state)
    if assignment.value is not None:
        yield from _of_words((assignment.value,), state)
        if counts:
            yield from _whole(assignment.value, state)
    yield from _of_words(assignment.items or (), state)


def _of_words(words: Sequence[Word], state: State) -> Iterator[Possible]:
    """What is calculated inside of words."""
    for word in words:
        cut = False  # inside of `${text:`, whose parts the grammar gives one by one
        for part in word.parts:
            if isinstance(part, Opaque):
                if part.source.startswith("$(("):
                    yield from _of_expression(part.source, state)
                cut = bool(_SUBSTRING.fullmatch(part.source))
            elif isinstance(part, Variable):
                if cut:
                    yield from _of_variable(part, state)
                if part.indirect and part.index not in {"@", "*"}:
                    yield from _held(part.name, state)
                if part.index not in {"", "@", "*"}:
                    yield from _of_index(part.name, part.index, state)
                if part.operator == ":" and part.argument is not None:
                    yield from _whole(part.argument, state)
            elif cut and isinstance(part, Literal) and "}" in part.text:
                cut = False


def _of_index(array: str, written: str, state: State) -> Iterator[Possible]:
    held = state.variables.get(meant(array, state.variables))
    if isinstance(held, Keyed) and held.named:
        return
    if any(isinstance(each, Declare) and _makes_names(each, array) for each in within(state.script.body)):
        return
    yield from _of_expression(written, state)


def _makes_names(statement: Declare, array: str) -> bool:
    named = any(each.name == array for each in statement.assignments)
    return named and any(flag.startswith("-") and "A" in flag for flag in statement.flags)


def _whole(word: Word, state: State, *, name: bool = False) -> Iterator[Possible]:
    """The values of a word that is an expression as a whole. ``name``: it is one of a variable, which is not looked
    up."""
    for part in word.parts:
        yield from _of_part(part, state, name=name)


def _of_part(part: Part, state: State, *, name: bool) -> Iterator[Possible]:
    match part:
        case Variable() if part.operator != "length":
            yield from _of_variable(part, state)
        case Literal() if not name:
            yield from _of_expression(part.text, state)
        case Literal():
            yield from (state.marks[each] for each in _MARK.findall(part.text) if each in state.marks)
        case Substitution():
            yield open_text(part.source, str(state.script.file))


def _of_variable(part: Variable, state: State) -> Iterator[Possible]:
    """A variable's text, or what an operator makes of it."""
    held = list(_held(part.name, state))
    changed = bool(part.operator) and not _DEFAULTS.fullmatch(part.operator)
    yield from (derived(part, state) for each in held[:1] if _is_open(each)) if changed else held
    if part.argument is not None and not changed:
        yield from _whole(part.argument, state)


def _of_expression(written: str, state: State) -> Iterator[Possible]:
    """The variables of an expression, as it is written. What a command in it prints is not what it is given."""
    left = _without_commands(written) if "$(" in written or "`" in written else written
    for length, name, rest in _BRACED.findall(left):
        if not length and not (rest and not _DEFAULTS.match(rest)):
            yield from _held(name, state)
        elif not length and any(_is_open(each) for each in _held(name, state)):
            yield open_text(f"${{{name}{rest[:1]}...}}", state.script.file)
    for match in _PLAIN.finditer(_BRACED.sub(" ", left)):
        if match[0] in state.marks:
            yield state.marks[match[0]]
        elif match[1] or match[2]:
            yield from _held(match[1] or match[2], state)


def _without_commands(written: str) -> str:
    """An expression without the commands in it: ``$(...)``, and what stands in backquotes."""
    kept: list[str] = []
    depth = index = 0
    text = re.sub(r"`[^`]*`", " ", written)
    while index < len(text):
        if text.startswith("$((", index) and not depth:
            index += 3
            continue
        if text.startswith("$(", index) or (depth and text[index] == "("):
            depth += 1
        elif depth and text[index] == ")":
            depth -= 1
        elif not depth:
            kept.append(text[index])
        index += 1
    return "".join(kept)


def _held(name: str, state: State) -> Iterator[Possible]:
    """What a variable holds, or one of the values that the script was given."""
    if name.isdigit():
        number = int(name) if len(name) < 4 else 0  # nobody gives a script more
        yield from (state.positional or ())[number - 1 : number] if number else ()
        return
    value = state.variables.get(meant(name, state.variables), ())
    yield from value if isinstance(value, tuple) else (value,)
