"""The commands that a program is handed, whatever the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from checker.resolve.shell.handed.clients import mysql, psql, sqlite3
from checker.resolve.shell.handed.consoles import rails
from checker.resolve.shell.handed.generating import go
from checker.resolve.shell.handed.git import git
from checker.resolve.shell.handed.installing import BUILDERS, PYTHONS, build, bundle, composer, gem, pip, python, uv
from checker.resolve.shell.handed.kinds import Handed, Told
from checker.resolve.shell.handed.languages import awk, lines_with_bang, m4, sed
from checker.resolve.shell.handed.options import NAMES, by_options
from checker.resolve.shell.handed.projects.code import TOOLS, python_code, sam
from checker.resolve.shell.handed.projects.hooks import lefthook, pre_commit, releases, versions
from checker.resolve.shell.handed.variables import HELPED, extended, helped

_READERS: Final[Mapping[str, Callable[[Told], Iterator[Handed]]]] = {
    "git": git,
    "psql": psql,
    "sqlite3": sqlite3,
    **dict.fromkeys(("mysql", "mariadb"), mysql),
    **dict.fromkeys(("sed", "gsed"), sed),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), awk),
    **dict.fromkeys(("m4", "gm4"), m4),
    "pre-commit": pre_commit,
    "lefthook": lefthook,
    "semantic-release": releases,
    **dict.fromkeys(TOOLS, python_code),
    "sam": sam,
    **dict.fromkeys(("standard-version", "commit-and-tag-version"), versions),
    **dict.fromkeys(("pip", "pip3"), pip),
    **dict.fromkeys(PYTHONS, python),
    "uv": uv,
    "composer": composer,
    **dict.fromkeys(BUILDERS, build),
    "bundle": bundle,
    "gem": gem,
    "go": go,
    "rails": rails,
    **dict.fromkeys(("ed", "dc"), lines_with_bang),
}
PROGRAMS: Final = frozenset({*_READERS, *NAMES, *HELPED})


def handed_over(told: Told) -> Iterator[Handed]:
    """What a program of :data:`PROGRAMS` is given to run."""
    reader = _READERS.get(told.name)
    if reader is not None:
        yield from reader(told)
    yield from by_options(told)
    yield from helped(told)
    if (more := extended(told)) is not None:
        yield from by_options(more)
