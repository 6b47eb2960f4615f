"""What commands run as code of what they are given: text that becomes a script again once variables stand in it.

``eval "$X"``, ``bash -c "deploy $X"``, ``python -c "$X"``, ``xargs -I{} sh -c 'deploy {}'`` and ``echo "$X" | bash``
make a script of the variable's text, as GitHub does of an expression's. Sources: GNU Bash manual, "Bourne Shell
Builtins" (``eval``), "Invoking Bash" (``-c``); POSIX, ``xargs``; the command lines of Python, Node.js, Perl, Ruby, PHP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.model.values import Text

_SHELLS: Final = frozenset({"bash", "sh", "dash", "zsh", "ksh"})
# Programs and the options in front of code (their own help texts).
_CODE: Final = {
    **dict.fromkeys(_SHELLS, ("-c",)),
    "node": ("-e", "--eval", "-p", "--print"),
    "perl": ("-e", "-E", "-ne", "-pe"),
    "ruby": ("-e",),
    "php": ("-r",),
    "deno": ("eval",),
}
_PYTHON: Final = lazy_re.compile(r"python[\d.]*")
# What stands for a variable's text in a text that is read as a script: a step's own expressions have lower numbers.
_MARK: Final = lazy_re.compile(r"__gha\d{4,}__")


def run_as_code(commands: Sequence[Command]) -> Iterator[tuple[Command, tuple[Possible, ...]]]:
    """The commands that run text as code, each with that text as far as it is not known."""
    before: Command | None = None
    for command in commands:
        found = tuple(each for each in _texts(command, before) if isinstance(each, Text))
        if found:
            yield command, found
        before = command


def _texts(command: Command, before: Command | None) -> Iterator[Possible]:
    words = command.words
    if _MARK.search(command.source):
        tokens = command.source.split()
        alike = len(tokens) == len(words)
        yield from (word for index, word in enumerate(words) if not alike or _MARK.search(tokens[index]))
        return
    if words[:1] == ("eval",):
        yield from words[1:]
        return
    options = ("-c",) if _PYTHON.fullmatch(command.program) else _CODE.get(command.program, ())
    at = next((index for index, word in enumerate(words) if index and word in options), None)
    if at is not None:
        yield from words[at + 1 : at + 2]
    elif command.program in _SHELLS and all(isinstance(word, str) and word.startswith("-") for word in words[1:]):
        yield from (each.target for each in command.writes if each.operator == "<<<")
        if before is not None and before.handling.piped and before.spot.line == command.spot.line:
            yield from before.words[1:]
