"""Archives that Python code unpacks, as the lines of ``tar`` and ``unzip`` that do the same.

Source: Python documentation, "tarfile", "zipfile", "shutil" (``unpack_archive``: the format by the file's ending).
"""

from __future__ import annotations

import ast
from typing import Final

from checker.model.possible import Possible
from checker.resolve.python.machine import Call, Machine, value
from checker.resolve.python.record import program
from checker.resolve.python.values import Extern, Value

_LIBRARIES: Final = frozenset({"tarfile", "zipfile", "shutil"})
_UNPACKING: Final = frozenset({"extractall", "extract"})
_NO_FILE: Final = "-"  # what the archive is made of has no name: the memory of the program


def unpacks(machine: Machine, function: Extern, given: Call) -> None:
    """Put on record what a call of such a library unpacks."""
    library = function.library.partition(".")[0]
    if library not in _LIBRARIES:
        return
    last = function.name.rpartition(".")[2]
    if last == "unpack_archive":
        archive, into = given.plain(_argument(given, 0, "filename")), _argument(given, 1, "extract_dir")
        ends = archive.lower() if isinstance(archive, str) else str(archive).lower()
        _line(machine, "unzip" if ends.endswith(".zip") else "tar", archive, into, given)
    elif last in _UNPACKING and library != "shutil":
        into = _argument(given, 0 if last == "extractall" else 1, "path")
        _line(machine, "unzip" if library == "zipfile" else "tar", _opened(machine, function, given), into, given)


def _line(machine: Machine, tool: str, archive: Possible, into: Value, given: Call) -> None:
    folder = given.plain(into) if into is not None else "."
    words = (tool, archive, "-d", folder) if tool == "unzip" else (tool, "-x", "-f", archive, "-C", folder)
    program(machine, words, given, checked=True)


def _opened(machine: Machine, function: Extern, given: Call) -> Possible:
    """The file of the archive whose method is called: what it was opened with."""
    try:
        node = ast.parse(function.name, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return _NO_FILE
    while isinstance(node, ast.Attribute):
        node = node.value
    if not isinstance(node, ast.Call):
        return _NO_FILE
    named = {each.arg: each.value for each in node.keywords}
    path = node.args[0] if node.args else named.get("name", named.get("file"))
    if path is None or "fileobj" in named:
        return _NO_FILE
    return given.plain(value(machine, path, given.frame)) if not _calls(path) else _NO_FILE


def _calls(node: ast.expr) -> bool:
    """Whether an expression calls something other than a path's name: that would go on record once more."""
    return any(
        isinstance(each, ast.Call) and ast.unparse(each.func).rpartition(".")[2] != "Path" for each in ast.walk(node)
    )


def _argument(given: Call, at: int, name: str) -> Value:
    return given.positional[at] if at < len(given.positional) else given.named.get(name)
