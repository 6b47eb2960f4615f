"""Archives that git has packed, by their names: another file may take the place of one, or it may get another name.

Sources: POSIX, ``cp``, ``mv``, ``rm``; gzip(1), "--keep"; GNU tar manual, "--append"; Info-ZIP, unzip(1).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker.model.pipeline.scripts import Command, Write
from checker.model.possible import Possible, plain_words, shown
from checker.resolve.shell.files.changing import FETCHING, fetched
from checker.resolve.shell.files.filling import TAR, filled, packed, tar_of, value_of
from checker.resolve.shell.files.told import place, put_into

UNPACKING: Final = frozenset({*TAR, "unzip"})
_COPIES: Final = frozenset({"cp", "mv", "install", "ln"})
_TAKES_AWAY: Final = frozenset({"rm", "unlink", "shred", "truncate", "tee"})
_ENDINGS: Final = {"gzip": ".gz", "pigz": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst", "lz4": ".lz4"}
_UNPRESSES: Final = frozenset({"gunzip", "bunzip2", "unxz", "unzstd"})


class Taken(Struct, frozen=True):
    """The paths that git takes from a commit, all of it where none is named; ``at_hand``: that is the one which the job
    has checked out, so that a file is what it was before. ``surely``: nothing else may come with them, or be left."""

    paths: tuple[Possible, ...]
    at_hand: bool
    surely: bool = True
    moved: Possible = None  # the folder that they are put into, where that is another one than theirs
    by_head: bool = False


def follow(archives: dict[Possible, Taken], command: Command, outputs: Sequence[Write]) -> None:
    """What is left of the archives when a command has run that is not the one which packs them."""
    named = [place(each, command.folder) for each in plain_words(command.words[1:])]
    held = {key: archives[key] for key in named if key in archives}
    for key in _written_over(command, named, outputs):
        archives.pop(key, None)
    for write in outputs:
        if ">>" in write.operator and (key := place(write.target, command.folder)) in archives:
            archives[key] = replace(archives[key], surely=False)
    if command.program in TAR and not {*"ru"}.isdisjoint((tar := tar_of(command.words[1:])).letters):
        key = place(tar.archive, command.folder)
        archives |= {key: replace(archives[key], surely=False)} if key in archives else {}
    for source, found in held.items():
        archives |= dict.fromkeys(_called(command, named, source), found)


def _written_over(command: Command, named: Sequence[Possible], outputs: Iterable[Write]) -> Iterator[Possible]:
    folder, program = command.folder, command.program
    yield from (place(each.target, folder) for each in outputs if each.operator in {">", ">|"})
    yield from (place(each, folder) for each in packed(command))
    yield from (place(each.place, folder) for each in filled(command))
    if program in FETCHING:
        yield from (place(each, folder) for each in fetched(command, list(plain_words(command.words[1:]))))
    elif program in _COPIES and len(named) > 1:
        yield named[-1]
        yield from (put_into(named[-1], source) for source in named[:-1])
        yield from named[:-1] if program == "mv" else ()
    elif program in _TAKES_AWAY:
        yield from named


def _called(command: Command, named: Sequence[Possible], source: Possible) -> Iterator[Possible]:
    """What an archive is called beside its name, or in its place."""
    if command.program in _COPIES and len(named) > 1 and source != named[-1]:
        yield from (named[-1], put_into(named[-1], source))
    elif command.program in _ENDINGS and not {"-d", "--decompress"} & {*command.words}:
        yield f"{shown(source)}{_ENDINGS[command.program]}"
    elif command.program in _UNPRESSES or command.program in _ENDINGS:
        yield posixpath.splitext(shown(source))[0]


class Unpacking(Struct, frozen=True):
    """What a command unpacks, and where to: some ``members``, under other names where it ``strips``, or not all."""

    archive: Possible
    into: Possible
    members: tuple[Possible, ...]
    strips: bool
    picks: bool


def unpacking(command: Command) -> Unpacking:
    words = command.words[1:]
    if command.program == "unzip":
        plain = [*plain_words(words, {"-d", "-x"}), None]
        flat = any(isinstance(each, str) and re.fullmatch(r"-[a-zA-Z]*j[a-zA-Z]*", each) for each in words)
        return Unpacking(plain[0], value_of(words, "-d") or ".", tuple(plain[1:-1]), flat, "-x" in words)
    tar = tar_of(words)
    options = [shown(each) for each in words if shown(each).startswith("--")]
    strips = any(each.startswith(("--strip", "--transform", "--xform")) for each in options)
    picks = any(each.startswith(("--exclude", "--wildcards", "--files-from")) for each in options)
    return Unpacking("-" if tar.archive is None else tar.archive, tar.into, tar.members, strips, picks)
