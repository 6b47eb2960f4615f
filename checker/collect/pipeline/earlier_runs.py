"""What following the repository's Python programs came to in earlier runs, so that the next one need not follow them.

It is kept with the user (:mod:`checker.collect.kept.user_cache`), one file for each repository. A file counts only
where all is the same that following hangs on:

- the checker's own code, and the Python that runs it;
- every question about Python files that following has asked: is there a file at this path, what stands in it, which
  files could an import mean. They are asked again of the files as they are now, and answers are compared by content;
- the start: program, words, environment, folder, and the allowance of steps. That is part of each entry's key.

What may hold a secret is not kept.

A file that cannot be read, is cut short or was written by something else is as if there were none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from checker.collect.kept.packing import packed, unpacked
from checker.collect.kept.states import code_state
from checker.collect.kept.user_cache import keep, key_of, user_cache
from checker.collect.kept.withheld import holds_secret
from checker.collect.seen import seen
from checker.model.shown.known_secrets import secrets_set

if TYPE_CHECKING:
    from checker.collect.pipeline.scripts import ScriptLibrary

_MOST_BYTES: Final = 32 * 1024 * 1024
_MOST_REPOSITORIES: Final = 32
# Whose code decides what following comes to.
_DECIDING: Final = (
    *("model", "data", "resolve", "errors.py", "lazy_re.py"),
    # What is read, and how it is parsed.
    *("collect/pipeline", "collect/documents.py", "collect/folders.py", "collect/seen.py"),
)


class EarlierRuns(Struct):
    """The entries of one repository, from :meth:`begin` on. Without a file nothing is kept."""

    _library: ScriptLibrary | None = None
    _file: Path | None = None
    _read: dict[str, bytes] = field(default_factory=dict)
    _asked: Mapping[str, str] = field(default_factory=dict)
    _made: dict[str, Callable[[], object]] = field(default_factory=dict)

    def begin(self, library: ScriptLibrary) -> EarlierRuns:
        """Take in what is kept of the repository that these files are of, where its questions are answered as then."""
        self._library, self._file = library, None
        self._read, self._asked, self._made = {}, {}, {}
        with suppress(OSError, RuntimeError):
            self._file = user_cache("followed", key_of(library.root))
            self._load(self._file, library)
        return self

    def recall(self, path: str, started: str) -> object | None:
        """What a start came to, ``None`` where that is not known."""
        content = self._read.get(self._key(path, started))
        return unpacked(content) if content is not None else None

    def keep(self, path: str, started: str, what: Callable[[], object]) -> None:
        """Keep what ``what`` will give when the run is over; nothing where that is ``None``."""
        self._made[self._key(path, started)] = what

    def save(self) -> None:
        """Write what is new, beside what was known of the same code."""
        if self._file is None or self._library is None:
            return
        made = {key: each for key, what in self._made.items() if (each := what()) is not None}
        looked_at = seen()
        secrets = secrets_set(looked_at.texts.values()) if made and looked_at is not None else frozenset[str]()
        open_ = {key: each for key, each in made.items() if not holds_secret(each, secrets)}
        new = {key: content for key, each in open_.items() if (content := packed(each)) is not None}
        if not new:
            return
        entries = {**self._read, **new}
        if sum(map(len, entries.values())) > _MOST_BYTES:
            entries = {key: each for key, each in entries.items() if key in self._made}
        body = packed(({**self._asked, **self._library.asked()}, entries))
        if body is not None:
            keep(self._file, f"{_own_code()}{hashlib.sha256(body).hexdigest()}".encode() + body, _MOST_REPOSITORIES)

    def _key(self, path: str, started: str) -> str:
        told = f"{path}\0{started}\0{self._library.inline(path) if self._library is not None else ''}"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def _load(self, file: Path, library: ScriptLibrary) -> None:
        if file.stat().st_size > 2 * _MOST_BYTES:
            return
        content = file.read_bytes()
        own, told, body = content[:64], content[64:128], content[128:]
        if own != _own_code().encode() or told != hashlib.sha256(body).hexdigest().encode():
            return
        read = unpacked(body)
        if isinstance(read, tuple) and len(read) == 2 and library.answers_as(read[0]):
            self._asked, self._read = read


def _own_code() -> str:
    return code_state(Path(__file__).parents[2], _DECIDING)
