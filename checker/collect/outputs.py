"""Writing: a named output appears whole or not at all, and nothing else is touched.

A device or a pipe is written to as it is: a file in its place would be another thing. A link stays; its target changes.
"""

from __future__ import annotations

import os
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
        path = path.resolve()
        if path.exists() and not path.is_file():
            with path.open("wb", buffering=0) as stream:
                stream.write(content)
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        mode = 0o666 & ~_umask()
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}", "Check the folder.") from None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
