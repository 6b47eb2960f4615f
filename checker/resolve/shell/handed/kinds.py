"""What a program is asked with, and what it is given to run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.possible import Possible, joined, marked, open_text
from checker.model.values import Text

# The words of a command that a program starts; or what it runs, in words, where nobody can follow that.
Handed: TypeAlias = "list[Possible] | str"
_MARK: Final = lazy_re.compile(r"(__handed\d+__)")


class Told(Struct, frozen=True):
    """A program, its name without a folder in front, with all that it may be told by: its words, its environment, what
    comes in, and the repository's files."""

    words: Sequence[Possible]
    variable: Callable[[str], Possible]  # None where it is not set
    fed: Possible  # what comes in; None where nothing does, or nobody knows
    text_of: Callable[[Possible], str | None]
    is_file: Callable[[Possible], bool]
    settings: tuple[tuple[str, Possible], ...] = ()  # of git, by commands before
    rake_files: Callable[[], Sequence[str]] = tuple  # that tell rake of tasks
    # The Go files of a folder, or of `folder/...`, from where the program is started; None where they are too many.
    go_files: Callable[[str], tuple[str, ...] | None] = lambda _: None
    files_of: Callable[[Possible], Sequence[Possible]] = (
        lambda _: ()
    )  # each file of SQL, or gemspec, that a name may mean
    fed_by: Possible = None  # the name of the file that comes in, open where something else does

    @property
    def name(self) -> str:
        return str(self.words[0])


def line(text: Possible) -> list[Possible]:
    """A line that a shell is given."""
    return ["sh", "-c", text]


def unknown(what: str) -> list[Possible]:
    """A line that a shell is given, and that nobody knows before the run."""
    return line(open_text(what))


def command(text: Possible) -> Iterator[Handed]:
    """A line in the place of another program. ``ssh`` that is told how it connects only carries what is sent."""
    try:
        words = shlex.split(text) if isinstance(text, str) else str(text).split()
    except ValueError:
        words = []
    if words and words[0].rpartition("/")[2] == "ssh":
        yield from connecting(words)
    elif words and not (len(words) == 1 and words[0] in {"true", "false", "cat", ":"}):
        yield line(text)


def connecting(words: Sequence[Possible]) -> Iterator[Handed]:
    """What ``ssh`` and those that connect as it does start on this side: ssh_config(5), "ProxyCommand" and its kin."""
    for option in given(words, ("-o",)):
        name, value = _setting(option)
        if name.lower() in {"proxycommand", "localcommand", "knownhostscommand"}:
            yield from () if value in {"none", ""} else command(value)


def _setting(option: Possible) -> tuple[str, Possible]:
    """``Name=value`` or ``Name value``."""
    first, *rest = option.parts if isinstance(option, Text) else (option,)
    match = re.match(r"\s*(\w+)\s*[=\s]\s*", first) if isinstance(first, str) else None
    if match is None or not isinstance(first, str):
        return "", ""
    return match[1], joined(
        [first[match.end() :], *(Text((part,)) if not isinstance(part, str) else part for part in rest)]
    )


def given(words: Sequence[Possible], wanted: Sequence[str]) -> Iterator[Possible]:
    """What an option is given: behind a space, an equals sign or its one letter, as often as it stands there."""
    for index, word in enumerate(words):
        if isinstance(word, str) and word in wanted:
            yield from words[index + 1 : index + 2]
            continue
        first = word.parts[0] if isinstance(word, Text) else word
        for option in wanted if isinstance(first, str) else ():
            assert isinstance(first, str)
            short = len(option) == len("-o")
            if not first.startswith(f"{option}=") and not (short and first.startswith(option)):
                continue
            cut = len(option) + (first[len(option) : len(option) + 1] == "=")
            rest = word.parts[1:] if isinstance(word, Text) else ()
            yield joined([first[cut:], *(part if isinstance(part, str) else Text((part,)) for part in rest)])


def plain(text: Possible) -> tuple[str, Mapping[str, Possible]] | None:
    """A text with a word for each value in it that is not known, and those values; ``None`` where all of it is open."""
    return marked(text, lambda number: f"__handed{number}__")


def filled(text: str, marks: Mapping[str, Possible]) -> Possible:
    """A part of such a text, with its values."""
    return joined([marks.get(piece, piece) for piece in _MARK.split(text) if piece]) if marks else text


def apart(words: Sequence[Possible], letters: str) -> list[Possible]:
    """Words with an option that stands at the end of several letters on its own: ``-Atc`` is ``-At -c``."""
    found: list[Possible] = []
    for word in words:
        if isinstance(word, str) and re.fullmatch(rf"-[A-Za-z]+[{letters}]", word):
            found += [word[:-1], f"-{word[-1]}"]
        else:
            found.append(word)
    return found
