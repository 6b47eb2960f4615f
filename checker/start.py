"""Where the command starts: before anything is imported that a judged project could have put in its place."""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False  # ``typing`` is not loaded yet, and a project may have one
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_USAGE = 2  # checker.errors.ExitCode.USAGE: nothing is imported before the path is our own
_INTERRUPTED = 130  # 128 and the number of SIGINT, as a shell has it
_STOPPED = "error: stopped\n  fix: What was asked for is not done: run it again.\n"
_NOWHERE = "error: the folder that the command is called in is not there any more\n  fix: Go to one that is.\n"


def own_path() -> None:
    """Take the folder that the command is called in, and what lies in it, off the path that modules are imported from.

    A project may have packages of any name there (``PYTHONPATH=.`` is common): none of its code may run here. What
    belongs to the interpreter stays, a virtual environment inside the project included, and the checker's own folder.
    """
    try:
        here = os.path.realpath(os.getcwd())  # noqa: PTH109 - os alone: this runs before every import
    except OSError:
        if sys.stderr is not None:
            sys.stderr.write(_NOWHERE)
        raise SystemExit(_USAGE) from None
    home = os.path.realpath(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120
    interpreters = [os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)]

    def stays(entry: str) -> bool:
        path = os.path.realpath(entry or here)
        if path == home or any(_within(path, each) for each in interpreters if each != here):
            return True
        return not _within(path, here)

    sys.path[:] = [entry for entry in sys.path if stays(entry)]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


class _UntilNobodyReads(io.FileIO):
    """A file descriptor that takes what nobody reads any longer, and drops it."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def own_streams() -> None:
    """Streams for which a reader that leaves (``| head``), or one that never was (``>&-``), is no error.

    The command then ends as it would have: the exit code of a gate is that of what it found, whoever read it.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed: a file that is opened later would get its number, and what is printed in it
            while (taken := os.open(os.devnull, os.O_RDWR)) < number:
                pass
            descriptor, encoding, errors = taken, "utf-8", "backslashreplace"
        else:
            descriptor, encoding, errors = stream.fileno(), stream.encoding, stream.errors
        raw = _UntilNobodyReads(descriptor, "w", closefd=False)
        text = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=number == 2 or raw.isatty()
        )
        setattr(sys, name, text)


def entry_point() -> None:
    """The ``checker`` command."""
    try:
        own_path()
        own_streams()
        from checker.cli import entry_point as start

        start()
    except KeyboardInterrupt:  # before or after all that says it better
        if sys.stderr is not None:
            sys.stderr.write(_STOPPED)
            sys.stderr.flush()
        os._exit(_INTERRUPTED)
