"""What text sets for later steps, beside what it is written for.

A line of the file ``GITHUB_ENV`` is a variable, one of ``GITHUB_PATH`` a folder of programs. A text that begins a line
there says itself which; one behind ``NAME=`` does so with a line break in it, and one between ``NAME<<END`` and ``END``
with the line ``END``, unless nobody can know that word beforehand. Variables such as ``BASH_ENV`` and ``LD_PRELOAD``
name code. Source: GitHub documentation, "Workflow commands for GitHub Actions", "Setting an environment variable",
"Multiline strings" ("make sure the delimiter you are using won't occur on a line of its own within the value"),
"Adding a system path".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from checker import lazy_re
from checker.model.pipeline.scripts import Command, Trace
from checker.model.possible import Possible, options, shown
from checker.model.values import Hole, Text, pieces, split, text

_FILE: Final = lazy_re.compile(r"\bGITHUB_(ENV|PATH)\b")
_BEGUN: Final = lazy_re.compile(r"[\w-]+<<")
_NEW_LINE: Final = lazy_re.compile(r"\\n")
_HERE: Final = frozenset({"<<", "<<-", "<<<"})


class SetForLater(NamedTuple):
    """A command that writes a text into such a file. ``broken``: a line break in it is needed to set something."""

    command: Command
    text: Text
    broken: bool


def set_for_later(trace: Trace) -> Iterator[SetForLater]:
    """The texts that commands write into files which set something for later steps, as far as they decide what."""
    ends: dict[tuple[str, str], str] = {}  # step and file -> the word that ends a value of several lines
    for command in trace.commands:
        file = next((found[1] for each in command.writes if (found := _FILE.search(shown(each.target)))), "")
        if file and command.program in {"echo", "printf", "cat"}:
            within = (str(command.step.spot) if command.step is not None else "", file)
            yield from _of_lines(command, within, ends)


def _of_lines(command: Command, within: tuple[str, str], ends: dict[tuple[str, str], str]) -> Iterator[SetForLater]:
    for line in _lines(command):
        first = line[0] if line else ""
        written = shown(text(line))
        end = ends.get(within)
        if end is not None:
            if written == end:
                del ends[within]
            elif not _is_secret(end):
                yield from (SetForLater(command, hole, True) for hole in _holes(line))
            continue
        if isinstance(first, str) and (begun := _BEGUN.match(first)):
            ends[within] = written[begun.end() :]
            continue
        starts = line[:1] if first and not isinstance(first, str) else []
        yield from (SetForLater(command, hole, False) for hole in _holes(starts))
        yield from (SetForLater(command, hole, True) for hole in _holes(line[len(starts) :]))


def _is_secret(end: str) -> bool:
    """Whether nobody knows the word beforehand: a command has made it up."""
    return "$(" in end or "RANDOM" in end


def _holes(parts: list[str | Hole]) -> Iterator[Text]:
    yield from (Text((part,)) for part in parts if isinstance(part, Hole))


def _lines(command: Command) -> Iterator[list[str | Hole]]:
    """The lines that a command writes, as far as its words and its input tell."""
    for option in options(_printed(command)) or ():
        for line in split(option, "\n") if isinstance(option, str | Text) else ():
            if line:
                yield line


def _printed(command: Command) -> Possible:
    words = [*command.words[1:]]
    if command.program == "cat":
        return next((each.target for each in command.writes if each.operator in _HERE), None)
    if command.program == "echo":
        while words and words[0] in {"-n", "-e", "-ne", "-en", "-E"}:
            del words[0]
        return text([part for word in words for part in (*_pieces(word), " ")][:-1])
    form = words[0] if words and isinstance(words[0], str) else "%s"
    parts: list[str | Hole] = []
    given = words[1:] or [""]
    # A format is used again as long as there are words for it (POSIX, "printf").
    for _ in range(min(max(1, -(-len(given) // max(1, form.count("%s")))), 50)):
        for index, each in enumerate(_NEW_LINE.sub("\n", form).split("%s")):
            parts += [*(_pieces(given.pop(0)) if index and given else ()), each]
    return text(parts)


def _pieces(word: Possible) -> tuple[str | Hole, ...]:
    if isinstance(word, str | Text):
        return pieces(word)
    found = [each for each in options(word) or () if isinstance(each, Text)]
    return pieces(found[0]) if found else ("",)
