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
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise  # somebody ends the command
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}", "Check the folder.") from None


def refuse_unwritable(path: Path, named: str) -> None:
    """Raise :class:`OutputError` where ``path`` surely cannot be written, before the work is done that it is for.

    ``named``: how the person called it. No folder is made: one that is misspelt would be.
    """
    why, fix = _unwritable(path)
    if why:
        raise OutputError(f"{named}: cannot be written: {why}", fix)


def _unwritable(path: Path) -> tuple[str, str]:
    try:
        if path.is_dir():
            return "it is a folder", "Name a file in it."
        if path.exists() and not path.is_file():
            return ("" if os.access(path, os.W_OK) else "it takes no writing"), "Name another file."
        folder = path.resolve().parent
        if not folder.exists():
            return f"there is no folder {path.parent}", "Make the folder first, or name another file."
        if not folder.is_dir():
            return f"{path.parent} is no folder", "Name another file."
        if not os.access(folder, os.W_OK | os.X_OK):
            return (
                f"nothing can be written in the folder {path.parent}",
                "Let it be written to, or name a file elsewhere.",
            )
    except (OSError, RuntimeError) as error:  # a name that is too long; links in a ring
        return str(getattr(error, "strerror", None) or error), "Name another file."
    return "", ""


def write_or_keep(path: Path, content: bytes) -> None:
    """Write what took long to make. Where that fails it is kept among the temporary files, and the error says where."""
    try:
        write_whole_bytes(path, content)
    except OutputError as error:
        try:
            handle, kept = tempfile.mkstemp(prefix="checker-", suffix=f"-{path.name[-64:]}")
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
        except OSError:
            raise error from None
        raise OutputError(error.message, f"It is kept in {kept}. {error.hint}") from None


def _write_through(path: Path, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), path.open("wb") as stream:  # nobody reads it any longer
        stream.write(content)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
