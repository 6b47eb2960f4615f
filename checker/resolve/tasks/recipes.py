"""What a named task runs, as shell text: the common form that every kind of task file is brought into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.shell import PASTED
from checker.model.possible import Possible, one_of, options
from checker.model.values import Text, pieces, text


class Line(Struct, frozen=True):
    """Shell text that one shell runs, from ``line`` (counted from 1) of ``file`` on.

    ``shell`` runs it, as a program is named; empty where the runner is a shell by itself, or it is not told.
    ``whole``: the text is a script of its own under ``set -e`` or a shebang's flags (``flags``), rather than a line
    whose status is that of its last command. ``variables`` are what the text names beside the environment.
    ``at_root``: it runs where the first file stands, whichever file calls it; ``folder``: it runs there, and not
    where the others do. ``beside``: others of the task's lines run at the same time.
    """

    text: str
    file: str
    line: int
    variables: Mapping[str, Possible] = field(default_factory=dict)
    exported: bool = False  # whether programs that it starts see those variables too
    positional: tuple[Possible, ...] = ()
    whole: bool = False
    flags: str = ""
    shell: str = ""
    at_root: bool = False
    folder: str | None = None
    beside: bool = False


def side_by_side(parts: Sequence[Sequence[Line]]) -> list[Line]:
    """The lines of several tasks that run at the same time."""
    several = sum(map(bool, parts)) > 1
    return [replace(each, beside=each.beside or several) for part in parts for each in part]


class Tasks(Struct, frozen=True):
    """What a command of a task runner comes to: lines in order, run in ``folder``; ``missing`` is what is not seen."""

    lines: tuple[Line, ...] = ()
    folder: str = ""
    missing: str = ""


class TaskLibrary(Protocol):
    """The repository's files, as text."""

    def text(self, path: str) -> str | None:
        """The text of a file of the repository; ``None`` where it is not there, or cannot be read."""
        ...

    def is_file(self, path: str) -> bool: ...

    def packages(self) -> Mapping[str, str]:
        """The folders of the repository's npm packages by the packages' names."""
        ...

    def project_files(self) -> tuple[str, ...]:
        """The files that tell Nx of a project."""
        ...

    def makefiles(self) -> tuple[str, ...]:
        """The files that are make's by their names, in order."""
        ...


_WORD: Final = lazy_re.compile(r"[\w.:/@+-]+")
_SETS: Final = lazy_re.compile(r"([A-Za-z_]\w*)=")


def assigned(word: Possible) -> tuple[str, Possible] | None:
    """The variable that a word sets (``NAME=value``) and its value, with what is known of that; ``None`` for others."""
    names, values = set[str](), list[Possible]()
    for each in options(word) or ():
        first, *rest = (pieces(each) if isinstance(each, str | Text) else ()) or ("",)
        match = _SETS.match(first) if isinstance(first, str) else None
        if match is None:
            return None
        names.add(match[1])
        values.append(text([match.string[match.end() :], *rest]))
    return (names.pop(), one_of(values)) if len(names) == 1 else None


def placed(name: str, value: Possible, before: str, used: dict[str, Possible]) -> str:
    """A value that a caller gives, as the shell's text gets it behind ``before``: as a variable, so that it is seen to
    be the caller's and not the file's own. What is more than a word is put in place."""
    if isinstance(value, str) and not _WORD.fullmatch(value):
        return value
    plain = put_in(re.sub(r"\W", "_", name)[:40] or "given", value, used)
    return behind(before, f"${{{plain}}}")


def behind(before: str, expansion: str) -> str:
    """What the shell is to expand where the tool itself puts a value in, which it does in single quotes too: these are
    left for it."""
    return f"'\"{expansion}\"'" if before.count("'") % 2 else expansion


def put_in(name: str, value: Possible, used: dict[str, Possible]) -> str:
    """The variable that stands for a value in the shell's text. The shell gets the value as a part of its script, which
    no other variable's is: where the value is not the files' own, the variable's name says so."""
    used[name] = value
    if isinstance(value, str):
        return name
    used[f"{PASTED}{name}"] = value
    return f"{PASTED}{name}"


def joined_path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def plain(words: Sequence[Possible]) -> list[str]:
    """The words that are known."""
    return [word for word in words if isinstance(word, str)]


_LONGEST_NAME: Final = 200
# What means the same to JavaScript and takes no longer than the text is long: no group is repeated, few signs are.
_QUICK: Final = lazy_re.compile(
    r"\^?(?:[\w:@/|()-]|\\[.:/-]|\.(?![*+])){0,100}+(?:\.[*+](?:[\w:@/|()-]|\\[.:/-]){0,100}+){0,3}\$?"
)


def named_by(pattern: str, names: Iterable[str]) -> list[str]:
    """The tasks that a project names by a pattern; none for one that may take long, or means something else here."""
    try:
        fits = re.compile(pattern) if _QUICK.fullmatch(pattern) else None
    except re.error:
        return []
    return [name for name in names if fits is not None and len(name) <= _LONGEST_NAME and fits.search(name)]
