"""What the syntax alone tells of a statement: whether it leaves the script, sleeps, or tries again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.shell import (
    AndOr,
    Background,
    Block,
    Case,
    Declare,
    For,
    Function,
    Group,
    If,
    Literal,
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
from checker.model.possible import Possible

_MAX_LEVELS: Final = 40


def leaves(statement: Statement, functions: Mapping[str, tuple[Statement, Script]], depth: int = 0) -> bool:
    """Whether it surely ends the script or function with a failure: ``exit 1``, ``{ ...; return 1; }``, ``die``."""
    if depth > _MAX_LEVELS:
        return False
    match statement:
        case Simple():
            name = first_word(statement)
            if name in {"exit", "return"}:
                return word_text(statement.words[1]) != "0" if len(statement.words) > 1 else True
            if name == "false":
                return True
            body = functions.get(name)
            return body is not None and leaves(body[0], {}, depth + 1)
        case Group():
            return any(leaves(each, functions, depth + 1) for each in statement.body.statements)
        case AndOr():
            # `echo failed && exit 1`: the echo works.
            return statement.operator == "&&" and leaves(statement.right, functions, depth + 1)
        case If():
            bodies = [body for _, body in statement.branches] + ([statement.otherwise] if statement.otherwise else [])
            return statement.otherwise is not None and all(
                any(leaves(each, functions, depth + 1) for each in body.statements) for body in bodies
            )
    return False


def first_word(statement: Simple) -> str:
    return word_text(statement.words[0]) if statement.words else ""


def rounds_of(statement: While) -> tuple[str, str]:
    """Of which kind a loop is, and which variable tells its rounds apart: ``while read NAME`` goes through lines."""
    asks = statement.condition.statements[:1]
    first = asks[0].left if asks and isinstance(asks[0], AndOr) else asks[0] if asks else None
    if not statement.until and len(statement.condition.statements) == 1 and isinstance(first, Simple):
        words = [word_text(word) for word in first.words]
        if words[:1] == ["read"]:
            named = (
                word
                for before, word in pairwise(words)
                if word.isidentifier() and not re.fullmatch(r"-\w*[dtupnNia]", before)
            )
            return "each", next(named, "REPLY")
    return "retry" if statement.until or sleeps(statement.body) else "while", ""


def word_text(word: Word) -> str:
    """The word where it is all literal, else empty."""
    return "".join(part.text for part in word.parts if isinstance(part, Literal)) if _literal(word) else ""


def _literal(word: Word) -> bool:
    return all(isinstance(part, Literal) for part in word.parts)


def within(block: Block, depth: int = 0, *, loops: bool = True) -> Iterator[Statement]:
    """Every statement of a block, nested ones included; without those of loops inside where ``loops`` is false."""
    if depth > _MAX_LEVELS:
        return
    for statement in block.statements:
        yield from _inside(statement, depth, loops)


def _inside(statement: Statement, depth: int, loops: bool) -> Iterator[Statement]:
    yield statement
    if depth > _MAX_LEVELS:
        return
    match statement:
        case Pipe():
            for each in statement.statements:
                yield from _inside(each, depth + 1, loops)
        case AndOr():
            yield from _inside(statement.left, depth + 1, loops)
            yield from _inside(statement.right, depth + 1, loops)
        case Not() | Background():
            yield from _inside(statement.statement, depth + 1, loops)
        case Group():
            yield from within(statement.body, depth + 1, loops=loops)
        case If():
            for condition, body in statement.branches:
                yield from within(condition, depth + 1, loops=loops)
                yield from within(body, depth + 1, loops=loops)
            if statement.otherwise is not None:
                yield from within(statement.otherwise, depth + 1, loops=loops)
        case While() if loops:
            yield from within(statement.condition, depth + 1, loops=loops)
            yield from within(statement.body, depth + 1, loops=loops)
        case For() if loops:
            yield from within(statement.body, depth + 1, loops=loops)
        case Case():
            for _, body in statement.items:
                yield from within(body, depth + 1, loops=loops)


def _has_command(block: Block, names: frozenset[str], *, loops: bool) -> bool:
    return any(isinstance(each, Simple) and first_word(each) in names for each in within(block, loops=loops))


def sleeps(block: Block) -> bool:
    return _has_command(block, frozenset({"sleep"}), loops=True)


def retries(loop: For, values: Sequence[Possible] | None) -> bool:
    """Whether a ``for`` tries the same thing again rather than doing one thing for each value."""
    if loop.arithmetic:
        return True
    counted = values is not None and all(isinstance(value, str) and value.isdigit() for value in values) and values
    sequence = any(
        isinstance(part, Substitution) and part.source.startswith(("$(seq", "`seq"))
        for word in loop.words or ()
        for part in word.parts
    )
    keys = any(isinstance(part, Variable) and part.indirect for word in loop.words or () for part in word.parts)
    if (counted and not keys) or sequence:
        return True
    again = _has_command(loop.body, frozenset({"break", "sleep"}), loops=False)
    return again and not any(loop.variable in names_in(each) for each in within(loop.body))


def names_in(statement: Statement) -> set[str]:
    """The variables that a statement's own words use."""
    return {name for word in words_in(statement) for name in _names(word, 0)}


def words_in(statement: Statement) -> list[Word]:
    """A statement's own words."""
    words: list[Word] = []
    match statement:
        case Simple():
            words = [*statement.words, *(redirect.target for redirect in statement.redirects)]
            words += [each.value for each in statement.assignments if each.value is not None]
            words += [item for each in statement.assignments for item in each.items or ()]
        case Declare():
            words = [each.value for each in statement.assignments if each.value is not None]
        case Test():
            words = list(statement.words)
        case For():
            words = list(statement.words or ())
        case Case():
            words = [statement.word]
    return words


def _names(word: Word, depth: int) -> Iterator[str]:
    if depth > _MAX_LEVELS:
        return
    for part in word.parts:
        if isinstance(part, Variable):
            yield part.name
            yield from re.findall(r"[A-Za-z_]\w*", part.index)
            if part.argument is not None:
                yield from _names(part.argument, depth + 1)
        elif isinstance(part, Substitution):
            for statement in within(part.body, depth + 1):
                yield from names_in(statement)
        elif isinstance(part, Opaque):
            yield from re.findall(r"[A-Za-z_]\w*", part.source)


def literals_in(block: Block) -> Iterator[str]:
    """The literal words of a block's statements, and the patterns of cases: in functions, too."""
    for statement in within(block):
        if isinstance(statement, Function):
            yield from literals_in(Block((statement.body,)))
        patterns = statement.items if isinstance(statement, Case) else ()
        words = [*words_in(statement), *(word for some, _ in patterns for word in some)]
        yield from filter(None, map(word_text, words))


def assigned_in(block: Block) -> set[str]:
    """The variables that the statements of a block set."""
    found: set[str] = set()
    for statement in within(block):
        if isinstance(statement, Simple | Declare):
            found.update(each.name for each in statement.assignments if each.name)
        if isinstance(statement, Simple) and first_word(statement) == "read":
            found.update(word_text(word) for word in statement.words[1:])
        if isinstance(statement, Simple) and first_word(statement) == "printf":
            found.update(word_text(word).partition("[")[0] for word in statement.words[2:3])
        if isinstance(statement, For):
            found.add(statement.variable)
        if isinstance(statement, Simple | Test):
            found.update(counted_in(statement))
    return found


# `i++`, `--i`, `i += 2`, `i = j`; not `i == j`.
_COUNTED: Final = lazy_re.compile(
    r"(?:\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))"
)


# Bash Reference Manual, "Bash Variables".
_MOVING: Final = frozenset({"SECONDS", "RANDOM", "EPOCHSECONDS"})


def counted_in(statement: Simple | Test) -> set[str]:
    """The variables that arithmetic in a statement sets, and those that go on counting by themselves."""
    moving = {each.name for each in statement.assignments} & _MOVING if isinstance(statement, Simple) else set[str]()
    sources = [statement.arithmetic] if isinstance(statement, Test) else []
    words = list(statement.words)
    if isinstance(statement, Simple):
        words += [each.value for each in statement.assignments if each.value is not None]
        program = first_word(statement)
        if program == "let":
            sources += [word_text(word) for word in statement.words[1:]]
    for word in words:
        sources += [part.source for part in word.parts if isinstance(part, Opaque) and part.source.startswith("$((")]
    return moving.union(name for source in sources for name in counted(source))


def counted(arithmetic: str) -> set[str]:
    """The variables that an arithmetic expression sets."""
    return {one or other for one, other in _COUNTED.findall(arithmetic)}


def attempts_of(loop: For) -> int | None:
    """The bound of ``for ((i=0; i<30; i++))`` or ``$(seq 1 30)``."""
    sources = [loop.arithmetic] if loop.arithmetic else []
    sources += [
        part.source for word in loop.words or () for part in word.parts if isinstance(part, Substitution | Opaque)
    ]
    for source in sources:
        numbers = [int(number) for number in re.findall(r"\b\d{1,9}\b", source)]
        if numbers:
            return max(numbers)
    return None


_COMPARISONS: Final = frozenset({"-lt", "-le", "-gt", "-ge", "-eq", "-ne", "<", ">"})


def ends(loop: While) -> bool:
    """Whether a loop counts: its condition compares numbers, or its body does so and then leaves."""
    if any(_counts(each) for each in within(loop.condition)):
        return True
    for each in within(loop.body):
        if isinstance(each, If):
            for condition, body in each.branches:
                if any(_counts(test) for test in within(condition)) and _leaves_loop(body):
                    return True
        elif isinstance(each, AndOr) and _counts(each.left) and _leaves_loop(Block((each.right,))):
            return True
    return False


def _counts(statement: Statement) -> bool:
    if not isinstance(statement, Test):
        return False
    if not statement.words:
        return True  # `((i < 30))`
    parts = [part for word in statement.words for part in word.parts]
    arithmetic = any(isinstance(part, Opaque) and re.search(r"[<>=]|--", part.source) for part in parts)
    return arithmetic or any(word_text(word) in _COMPARISONS for word in statement.words)


def _leaves_loop(block: Block) -> bool:
    return _has_command(block, frozenset({"exit", "return", "break", "die"}), loops=True)


def runs_something(statement: Simple) -> bool:
    """Whether an assignment's status is that of a command in it."""
    words = [each.value for each in statement.assignments if each.value is not None]
    return any(isinstance(part, Substitution) for word in words for part in word.parts)


def takes_all(statement: Simple) -> bool:
    """Whether a command is given all that its script or function is given."""
    return any(
        isinstance(part, Variable) and part.name in {"@", "*"} for word in statement.words for part in word.parts
    )


def spelled_out(statement: Simple) -> Simple:
    """A shell that reads what a process prints as a file, as the command that it comes to: ``source <(X)`` is
    ``eval "$(X)"``, ``bash <(X)`` is ``bash -c "$(X)"``, and a file that is only printed is read by itself.

    Source: Bash Reference Manual, "Process Substitution", "Command Substitution".
    """
    name = first_word(statement).rpartition("/")[2]
    words, at = statement.words, 1
    if name == "bash" and len(words) > 2 and re.fullmatch(r"-[eux]+", word_text(words[1])):
        at = 2
    printed = _printed(words[at], name) if len(words) > at else None
    if printed is None or (name != "bash" and len(words) > 2):
        return statement
    file = _shown_only(printed.body)
    text = Word((printed,), words[at].line, words[at].column)
    if name == "bash":
        options = (file,) if file is not None else (_plain("-c"), text, _plain(name))
        return replace(statement, words=(*words[:at], *options, *words[at + 1 :]))
    return replace(statement, words=(_plain("source"), file) if file is not None else (_plain("eval"), text))


def _printed(word: Word, name: str) -> Substitution | None:
    """What a shell, or ``eval``, is given to run, as the substitution that it is or comes to."""
    part = word.parts[0] if len(word.parts) == 1 else None
    if isinstance(part, Substitution) and name == "eval":
        return part
    if isinstance(part, Opaque) and part.source.startswith("<(") and part.inner and name in {"source", ".", "bash"}:
        return Substitution(part.inner[0], part.source, True)
    return None


def _shown_only(body: Block) -> Word | None:
    """The file that ``cat FILE`` or ``< FILE`` shows as it is."""
    only = body.statements[0] if len(body.statements) == 1 else None
    if not isinstance(only, Simple) or only.assignments or first_word(only) != "cat":
        return None
    if len(only.words) == 1 and [each.operator for each in only.redirects] == ["<"]:  # `$(< FILE)` too
        return only.redirects[0].target
    plain = len(only.words) == 2 and not only.redirects and not word_text(only.words[1]).startswith("-")
    return only.words[1] if plain else None


def _plain(text: str) -> Word:
    return Word((Literal(text),))
