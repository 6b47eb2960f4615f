"""Loops over the lines of a text that is known: ``while read -r name; do ... done < names.txt``.

Source: Bash Reference Manual, "Bash Builtin Commands" (``read``: a line is split by ``IFS``, its rest goes to the last
name).
"""

from __future__ import annotations

from typing import Final

from checker.model.pipeline.shell import AndOr, Simple, While
from checker.resolve.shell.handed.asking import coming_in
from checker.resolve.shell.lists.turns import Turns
from checker.resolve.shell.process import Shell
from checker.resolve.shell.state import Context, Result, State
from checker.resolve.shell.syntax_facts import first_word, rounds_of, within, word_text

_MOST: Final = 64  # lines
_BLANKS: Final = " \t"


def over_lines(shell: Shell, statement: While, state: State, context: Context) -> Result | None:
    """Go through a loop line by line; ``None`` where it goes through no lines, or nobody knows them."""
    asks = statement.condition.statements[0] if statement.condition.statements else None
    read = asks.left if isinstance(asks, AndOr) else asks  # `read ... || [ -n "$line" ]`
    if rounds_of(statement)[0] != "each" or not isinstance(read, Simple):
        return None
    names = _names(read)
    given = coming_in(shell, state, context) if names else None
    raw = len(read.words) > len(names) + 1  # `-r`: without it a backslash changes what stands behind it
    if not isinstance(given, str) or given.count("\n") >= _MOST or ("\\" in given and not raw):
        return None
    if any(isinstance(each, Simple) and first_word(each) in {"read", "mapfile"} for each in within(statement.body)):
        return None  # it takes lines of its own
    rows = [_fields(line, names, _separator(read)) for line in given.removesuffix("\n").split("\n")] if given else []
    turns = Turns(shell, statement.body, state.script.spot(statement.line), names[0], tuple(row[0] for row in rows))
    for index, row in enumerate(rows):
        for name, value in zip(names, row, strict=True):
            state.set(name, value)
        if (ended := turns.turn(index, state, context)) is not None:
            return ended
    return turns.done(state)


def _names(read: Simple) -> tuple[str, ...]:
    """The variables that a plain ``read`` fills; none of one with other options than ``-r``."""
    words = [word_text(word) for word in read.words[1:]]
    names = words[1:] if words[:1] == ["-r"] else words
    return tuple(names) if all(name.isidentifier() for name in names) else ()


def _separator(read: Simple) -> str | None:
    """What ``IFS`` of the command's own says; ``None`` for blanks."""
    given = next((each for each in read.assignments if each.name == "IFS"), None)
    return word_text(given.value) if given is not None and given.value is not None else "" if given else None


def _fields(line: str, names: tuple[str, ...], separator: str | None) -> list[str]:
    if separator == "":
        found = [line]
    elif separator is None or not separator.strip():
        found = line.strip(_BLANKS).split(None, len(names) - 1)
    else:
        found = line.split(separator[0], len(names) - 1)
    return [*found, *[""] * (len(names) - len(found))]
