"""What one run has seen of a repository: each folder is listed once, each file read once.

A run asks for the same files a dozen times over, for templates, migrations, scripts and apps. It sees the repository as
it was at first, whatever is written there meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct, field

# Folders of other people's code, and caches: too large for all of their files to be told apart from time to time.
UNTOLD: Final = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox", ".mypy_cache",
     ".pytest_cache", ".ruff_cache", ".hypothesis", "site-packages", ".terraform", ".next", ".cache"}
)  # fmt: skip

# Texts of more signs are not kept: nobody but templates is that long, and those are read once.
MOST_KEPT: Final = 1024 * 1024


class Listing(NamedTuple):
    """What lies in a folder, each in order, by name; or why it could not be read."""

    links: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    fault: str = ""


class Seen(Struct):
    """Listings and texts, by the paths that folders and files have in truth, or were asked for by; and all paths in
    untold folders (:data:`UNTOLD`) that were asked for, there or not."""

    listings: dict[str, Listing] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)


_SEEN: ContextVar[Seen | None] = ContextVar("seen", default=None)


def seen() -> Seen | None:
    """What the run that this is a part of has seen; ``None`` outside of one."""
    return _SEEN.get()


def ask(path: str) -> None:
    """Take note that a file or folder is asked for."""
    run = _SEEN.get()
    if run is not None and not UNTOLD.isdisjoint(path.split("/")):
        run.untold.add(path)


def asked(path: Path) -> Path:
    """The path, noted as asked for: whether it is there is about to be looked at."""
    ask(str(path))
    return path


def forget() -> None:
    """A command of the project's has run: what was seen before may be another now."""
    run = seen()
    if run is not None:
        run.listings.clear()
        run.texts.clear()


@contextmanager
def seen_once() -> Iterator[None]:
    """One run: what is looked at in here is looked at once. Within one it is a part of that."""
    if _SEEN.get() is not None:
        yield
        return
    token = _SEEN.set(Seen())
    try:
        yield
    finally:
        _SEEN.reset(token)
