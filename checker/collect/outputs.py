"""Writing: a named output appears whole or not at all, and nothing else is touched.

A device or a pipe is written to as it is: a file in its place would be another thing. A link stays; its target changes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from checker.errors import OutputError


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` through a temporary file beside it. Raises :class:`OutputError`."""
    write_whole_bytes(path, text.encode("utf-8"))


def write_whole_bytes(path: Path, content: bytes) -> None:
    """The same for bytes."""
    handle, temporary = -1, ""
    try:
        if path.exists() and not path.is_file():  # asked before the link is followed: a pipe has no name of its own
            _write_through(path, content)
            return
        path = path.resolve()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        # What is there keeps who may read it: a person may have closed it to others.
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}", "Check the folder.") from None


def _write_through(path: Path, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), path.open("wb") as stream:  # nobody reads it any longer
        stream.write(content)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
