"""Whether files are as they were, by what the file system says of them: nothing is read.

Size and times of each file, as Git tells by them whether a file of its index was changed
(https://git-scm.com/docs/racy-git). The time of the last change of a file's state is among them, which nobody can set
(POSIX, ``struct stat``, ``st_ctim``), so a file that is changed and given its old times is another one all the same.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from checker.collect.seen import UNTOLD

MOST_ENTRIES: Final = 200_000


class Tree(NamedTuple):
    """All that lies below a folder: ``digest`` tells one state of it from another, ``newest`` is when a file or link of
    it was changed last, in nanoseconds since 1970."""

    digest: str
    newest: int


def tree_of(root: Path) -> Tree | None:
    """The state of all files below ``root``, but not below untold folders (:data:`UNTOLD`).

    ``None`` where it cannot be told: something could not be looked at, a link leads to a folder that is not among them,
    or there is more than :data:`MOST_ENTRIES`.
    """
    digest, newest = hashlib.sha256(), 0
    top = os.path.realpath(root)
    pending, count = [top], 0
    try:
        while pending:
            with os.scandir(pending.pop()) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            count += len(entries)
            for entry in entries:
                told = f"{entry.path}/"
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in UNTOLD:
                        pending.append(entry.path)
                else:
                    stat = entry.stat(follow_symlinks=False)
                    newest = max(newest, stat.st_mtime_ns, stat.st_ctime_ns)
                    told = _told(entry.path, stat)
                    if entry.is_symlink():
                        real = os.path.realpath(entry.path)
                        if os.path.isdir(real) and not _is_below(real, top):  # noqa: PTH112 - strings, as all of this
                            return None
                        told += f" {state_of(real)}"
                digest.update(f"{told}\0".encode("utf-8", "surrogateescape"))
            if count > MOST_ENTRIES:
                return None
    except OSError:
        return None
    return Tree(digest.hexdigest(), newest)


def _is_below(real: str, top: str) -> bool:
    """Whether a folder is among those that are looked at for a tree."""
    return real == top or (real.startswith(f"{top}/") and UNTOLD.isdisjoint(real[len(top) :].split("/")))


def state_of(path: str) -> str:
    """The state of one file or folder, links followed; that of nothing where it is not there."""
    try:
        return _told(path, os.stat(path))  # noqa: PTH116 - strings
    except OSError as error:
        return f"{path} {error.errno}"


def changed_at(path: str) -> int:
    """When a file or folder was changed last, in nanoseconds since 1970; of one that is not there the folder, which
    changes with what is taken out of it."""
    while True:
        try:
            found = os.stat(path)  # noqa: PTH116 - strings
        except OSError:
            above = os.path.dirname(path)  # noqa: PTH120
            if above in {path, ""}:
                return 0
            path = above
        else:
            return max(found.st_mtime_ns, found.st_ctime_ns)


def code_state(home: Path, rooms: Iterable[str]) -> str:
    """What tells one state of the checker's own code, and the Python that runs it, from another: all files in these
    folders, or of these names, in the package's folder ``home``."""
    states = [sys.version, *sorted(each for room in rooms for each in _states(home / room))]
    return hashlib.sha256("\0".join(states).encode("utf-8", "surrogateescape")).hexdigest()


def _states(place: Path) -> Iterator[str]:
    if place.suffix:
        yield _told(str(place), place.stat())
        return
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _states(Path(entry))
            else:
                yield _told(entry.path, entry.stat())


def _told(path: str, found: os.stat_result) -> str:
    return f"{path} {found.st_mode} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
