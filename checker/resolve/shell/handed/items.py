"""``xargs``: the command that it starts, with what it reads put in.

Source: GNU findutils manual, "Invoking xargs": the words that are read follow the command's own; with ``-I`` they take
the place of a text in them, a line each.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, joined, marked, one_of, open_text
from checker.model.values import Text, pieces
from checker.model.written.shell_lines import line_at

_VALUES: Final = frozenset(
    {"-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E", "--max-args", "--max-procs", "--max-lines", "--delimiter",
     "--arg-file", "--max-chars", "--process-slot-var", "--replace"}
)  # fmt: skip
_PLAIN: Final = lazy_re.compile(r"[\w./:@=+-]+")  # the shell takes nothing in it for more than it says
_MAX_ITEMS: Final = 20
_OPEN_PART: Final = lazy_re.compile(r"(\ue000\d+\ue001)")
OPEN: Final = "a word that xargs reads"


def with_items(words: Sequence[Possible], fed: Possible, mark: str, marks: dict[str, Possible]) -> list[Possible]:
    """A command of xargs with the words that it gets; one that nobody knows where what comes in is not known. In a line
    of shell a ``mark`` stands for the several that it gets one by one; ``marks`` gets what it stands for."""
    rest = list(words[1:])
    replaced, delimiter, by_line, several = "", "", False, True
    while rest and isinstance(rest[0], str) and rest[0].startswith("-"):
        option = rest[0]
        name, has_value, value = option.partition("=")
        behind = rest[1] if len(rest) > 1 and isinstance(rest[1], str) else ""
        if name == "--replace" or option.startswith(("-I", "-i")):
            replaced = behind if option == "-I" else (value if has_value else option[2:]) or "{}"
            replaced = "{}" if option in {"-i", "--replace"} else replaced
            by_line = True
        elif option.startswith("-d") or name == "--delimiter":
            delimiter = (behind if option in {"-d", "--delimiter"} else value or option[2:]).replace("\\n", "\n")
        elif option in {"-0", "--null"}:
            delimiter = "\0"
        elif option.startswith(("-a", "--arg-file")):
            fed = None
        elif re.fullmatch(r"-[nL]1?|--max-(?:args|lines)(?:=1)?", option):
            several = False
        rest = rest[2 if option in _VALUES - {"--replace"} and not has_value else 1 :]
        if option == "--":
            break
    found = _items(fed, delimiter, by_line=by_line)
    item: Possible = open_text(OPEN) if not found else one_of(found)
    if not rest:  # "If no command is specified, the default is echo": it prints what is read
        return ["echo", *found] if found and (several or len(found) == 1) else ["echo", open_text(OPEN)]
    if replaced:
        at = line_at(rest)
        lines = len(rest) if at is None else at
        if len(found) > 1 and all(isinstance(each, str) and _PLAIN.fullmatch(each) for each in found):
            marks[mark] = item
            rest[lines : lines + 1] = [_put(word, replaced, mark) for word in rest[lines : lines + 1]]
        return [_put(word, replaced, item) for word in rest]
    if found:
        return [*rest, *found] if several else [*rest, item]
    return [*rest, item] if _waits(rest) else rest


def with_arguments(
    words: Sequence[Possible], fed: Possible, text_of: Callable[[Possible], str | None]
) -> list[Possible]:
    """A command of GNU parallel with the lines that it reads behind ``:::``, where they are known: of a file (``-a``,
    ``::::``), or what comes in (GNU Parallel manual, "Input sources")."""
    listed = list(words)
    if ":::" in listed:
        return listed
    for index, word in enumerate(listed[:-1]):
        if word in {"-a", "--arg-file", "::::"}:
            fed = text_of(listed[index + 1])
            del listed[index : index + 2]
            break
    found = _items(fed, "", by_line=True)
    return [*listed, ":::", *found] if found else list(words)


def _waits(words: Sequence[Possible]) -> bool:
    """Whether what is read decides what a command is: its verb, its line of shell, the value of its last option."""
    last = words[-1]
    return len(words) == 1 or (isinstance(last, str) and last.startswith("-"))


def _items(fed: Possible, delimiter: str, *, by_line: bool) -> list[Possible]:
    """What is read, where it is known; empty where it is not."""
    if isinstance(fed, Text):
        if any(isinstance(part, str) and part.strip("\n") != part.strip() for part in fed.parts):
            return []  # an open word between others may be several
        taken = marked(fed, lambda number: f"\ue000{number}\ue001")
        if taken is None:
            return [fed]
        written, values = taken
        split = _items(written, delimiter, by_line=by_line)
        return [joined(values.get(piece, piece) for piece in _OPEN_PART.split(str(each)) if piece) for each in split]
    if not isinstance(fed, str):
        return []
    try:
        if delimiter:
            found = [each for each in fed.strip("\n").split(delimiter) if each]
        else:
            found = [each.strip() for each in fed.splitlines() if each.strip()] if by_line else shlex.split(fed)
    except ValueError:
        return []
    return [*found] if len(found) <= _MAX_ITEMS else []


def _put(word: Possible, replaced: str, item: Possible) -> Possible:
    if not isinstance(word, str | Text):
        return word
    parts: list[Possible] = []
    for part in pieces(word):
        for index, piece in enumerate(part.split(replaced)) if isinstance(part, str) else ((0, Text((part,))),):
            parts += [item, piece] if index else [piece]
    return joined(parts) if len(parts) > 1 else word
