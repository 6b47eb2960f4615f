"""Where what a command answers is shown to a person, if nothing else in its script comes of it.

By the syntax alone: every place where the variable stands is an ``echo`` or a ``printf`` whose output goes to the log,
or to the summary of its job (GitHub Actions documentation, "Adding a job summary"). Anywhere else it may be asked, or
given to a program: in a test, a pipe, a substitution, a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.pipeline.shell import (
    AndOr,
    Assignment,
    Block,
    Case,
    Declare,
    For,
    Function,
    Group,
    If,
    Literal,
    Opaque,
    Redirect,
    Script,
    Simple,
    Statement,
    Substitution,
    Variable,
    While,
    Word,
)
from checker.model.sources import Spot
from checker.resolve.shell.syntax_facts import first_word, within, word_text

_SHOWS: Final = frozenset({"echo", "printf"})
# What may hand variables on unseen.
_OPENS: Final = frozenset({"eval", "source", ".", "set", "shopt", "exec"})
_SUMMARY: Final = "GITHUB_STEP_SUMMARY"


def where_shown(script: Script, spot: Spot, name: str) -> tuple[Spot, ...]:
    """Where what the command at ``spot`` answers is shown, if nothing else comes of it. Its output goes to the variable
    ``name``, or where that is empty becomes a part of other words."""
    simple = [each for each in _all(script.body) if isinstance(each, Simple)]
    if not name:
        showing = [each for each in simple if _shows(each) and any(_holds(word, script, spot) for word in each.words)]
    elif any(_assigns_at(each, script, spot, name) for each in _all(script.body)) and all(
        _shown(each, name) for each in script.body.statements
    ):
        showing = [each for each in simple if each.words and _names(each.words, name)]
    else:
        return ()
    return tuple(script.spot(each.line, each.column) for each in showing)


def hands_on(script: Script) -> bool:
    """Whether a script may hand its variables on unseen."""
    opens = (each for each in _all(script.body) if isinstance(each, Simple) and first_word(each) in _OPENS)
    return not all(map(_is_set, opens))


def _all(block: Block) -> Iterator[Statement]:
    """Every statement, those of functions too."""
    for each in within(block):
        yield each
        if isinstance(each, Function):
            yield from _all(Block((each.body,)))


def _is_set(statement: Simple) -> bool:
    """``set -euo pipefail``: options that hand on no variable."""
    words = [word_text(word) for word in statement.words]
    return words[0] == "set" and not any("a" in each for each in words[1:] if each != "pipefail")


def _shown(statement: Statement, name: str) -> bool:
    match statement:
        case Simple():
            if not statement.words:
                return _only_sets(statement.assignments, name)
            # Also in a text of its own: `trap 'test "$name"' EXIT`.
            if not (_names(statement, name) or re.search(rf"\$\{{?[#!]?{name}\b", statement.source)):
                return True
            return _shows(statement) and not any(_names(each, name) for each in statement.assignments)
        case Declare():
            return _only_sets(statement.assignments, name) and not (
                (statement.keyword == "export" or any("x" in each for each in statement.flags))
                and any(each.name == name for each in statement.assignments)
            )
        case AndOr():
            return _shown(statement.left, name) and _shown(statement.right, name)
        case Group():
            inner = all(_shown(each, name) for each in statement.body.statements)
            return inner and (_to_a_person(statement.redirects) or not _names(statement, name))
        case Function():
            return _shown(statement.body, name)  # where what it prints goes is told of each command
        case If():
            asked = any(_names(condition, name) for condition, _ in statement.branches)
            bodies = [body for _, body in statement.branches] + ([statement.otherwise] if statement.otherwise else [])
            return not asked and all(_shown(each, name) for body in bodies for each in body.statements)
        case While():
            return not _names(statement.condition, name) and all(
                _shown(each, name) for each in statement.body.statements
            )
        case For():
            asked = _names(statement.words or (), name) or name in statement.arithmetic or statement.variable == name
            return not asked and all(_shown(each, name) for each in statement.body.statements)
        case Case():
            asked = _names(statement.word, name) or any(_names(patterns, name) for patterns, _ in statement.items)
            return not asked and all(_shown(each, name) for _, body in statement.items for each in body.statements)
    return not _names(statement, name)


def _only_sets(assignments: Sequence[Assignment], name: str) -> bool:
    """``name=$(...)``, or other variables that are set to other things."""
    return not any(_names(each.value, name) or _names(each.items or (), name) for each in assignments)


def _shows(statement: Simple) -> bool:
    second = word_text(statement.words[1]) if len(statement.words) > 1 else ""
    return first_word(statement) in _SHOWS and second != "-v" and _to_a_person(statement.redirects)


def _to_a_person(redirects: Sequence[Redirect]) -> bool:
    return all(
        (each.operator == ">&" and word_text(each.target) in {"1", "2"}) or _is_summary(each.target)
        for each in redirects
    )


def _is_summary(word: Word) -> bool:
    return len(word.parts) == 1 and isinstance(word.parts[0], Variable) and word.parts[0].name == _SUMMARY


def _names(node: object, name: str) -> bool:
    """Whether the variable stands anywhere in it, in its value or by its name alone (``read name``)."""
    if isinstance(node, Variable):
        return node.name == name or node.indirect or name in node.index or _names(node.argument, name)
    if isinstance(node, Word):
        return word_text(node) == name or any(_names(each, name) for each in node.parts)
    if isinstance(node, Substitution | Opaque):
        return name in node.source
    if isinstance(node, Literal | str | int | None):
        return False
    if isinstance(node, tuple):
        return any(_names(each, name) for each in node)
    if isinstance(node, Assignment) and node.name == name:
        return True
    fields: tuple[str, ...] = getattr(node, "__struct_fields__", ())
    return any(
        name in str(value) if field == "arithmetic" else _names(value, name)
        for field in fields
        if (value := getattr(node, field)) is not None
    )


def _assigns_at(statement: Statement, script: Script, spot: Spot, name: str) -> bool:
    """Whether it sets ``name`` to what the command at ``spot`` prints."""
    if not isinstance(statement, Simple | Declare):
        return False
    given = [each.value for each in statement.assignments if each.name == name and each.value is not None]
    return any(_holds(each, script, spot) for each in given)


def _holds(word: Word, script: Script, spot: Spot) -> bool:
    """Whether the command at ``spot`` prints into the word."""
    return any(
        isinstance(inner, Simple) and script.spot(inner.line, inner.column) == spot
        for part in word.parts
        if isinstance(part, Substitution)
        for inner in within(part.body)
    )
