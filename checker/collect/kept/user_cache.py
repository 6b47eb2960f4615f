"""The user's own folder for what can be made again. Never in the judged repository: a change could bring its own."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from checker.collect.outputs import write_whole_bytes
from checker.errors import PACKAGE, OutputError


def user_cache(*parts: str) -> Path:
    """A path in the user's cache; nothing is made there. Relative folders are not taken, as the source asks.

    Source: XDG Base Directory Specification, ``XDG_CACHE_HOME``. Raises :class:`RuntimeError` where nobody has a home.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = named if named.is_absolute() else Path.home() / ".cache"
    return base.joinpath(PACKAGE, *parts)


def key_of(root: Path) -> str:
    """The name of what is kept of one project, by where it lies."""
    return hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def keep(file: Path, content: bytes, most: int) -> None:
    """Put ``content`` into a file of the cache, whole or not at all; of its folder's files the newest ``most`` stay.

    Where nothing can be kept all is made anew each time: that is no error.
    """
    with suppress(OSError, OutputError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole_bytes(file, content)
        kept = sorted(file.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
        for old in kept[most:]:
            old.unlink(missing_ok=True)
