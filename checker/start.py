"""Where the command starts: before anything is imported that a judged project could have put in its place."""

from __future__ import annotations

import os
import sys


def own_path() -> None:
    """Take the folder that the command is called in, and what lies in it, off the path that modules are imported from.

    A project may have packages of any name there (``PYTHONPATH=.`` is common): none of its code may run here. What
    belongs to the interpreter stays, a virtual environment inside the project included, and the checker's own folder.
    """
    here = os.path.realpath(os.getcwd())  # noqa: PTH109 - os alone: this runs before every import
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


def entry_point() -> None:
    """The ``checker`` command."""
    own_path()
    from checker.cli import entry_point as start

    start()
