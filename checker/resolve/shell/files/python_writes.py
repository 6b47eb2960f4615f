"""Which files a program in Python writes, and what it makes of them where it reads one, puts values into it and writes
it again.

Sources: Python documentation, "open", "pathlib", "shutil", "os", "fileinput", "tarfile", "zipfile", "json",
"urllib.request"; PyYAML documentation, "Dumping YAML"; Boto3 documentation, "Downloading files".
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from checker.model.possible import Possible, shown
from checker.resolve.shell.files.python_places import Places

# Functions that write where an argument says: its place among the arguments, and its name.
_TARGETS: Final = {
    **dict.fromkeys(
        ("copy", "copy2", "copyfile", "move", "copytree", "symlink", "link", "rename", "replace"), (1, "dst")
    ),
    "urlretrieve": (1, "filename"),
    "download_file": (2, "Filename"),
}
_OF_MODULES: Final = ("shutil.", "os.", "urllib", "request.", "s3", "client", "bucket", "boto3", "self.", "resource")
_WRITES: Final = frozenset({"write_text", "write_bytes"})
_REMOVES: Final = frozenset({"unlink", "remove", "rmtree", "truncate", "touch"})
_UNPACKS: Final = {"extractall": (0, "path"), "extract": (1, "path"), "unpack_archive": (1, "extract_dir")}


@lru_cache(maxsize=256)
def targets(tree: ast.Module) -> tuple[tuple[ast.Call, ast.expr | None, bool], ...]:
    """The calls that write a file, each with the expression that names it, and whether a folder is filled."""
    return tuple(_targets(tree))


def _targets(tree: ast.Module) -> Iterator[tuple[ast.Call, ast.expr | None, bool]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        spelled = ast.unparse(node.func)
        if called == "open" and opens_to_write(node):
            plain = owner is None or spelled in {"io.open", "codecs.open", "gzip.open", "os.open"}
            yield node, (node.args[0] if node.args else _named(node, "file")) if plain else owner, False
        elif called in _WRITES and owner is not None:
            yield node, owner, False
        elif called in {"rename", "replace", "symlink_to"} and len(node.args) == 1 and owner is not None:
            if not spelled.startswith("os."):
                yield node, node.args[0], False
        elif called in _UNPACKS and (owner is not None or called == "unpack_archive"):
            at, name = _UNPACKS[called]
            yield node, _argument(node, at, name) or ast.Constant("."), True
        elif called in _TARGETS and spelled.startswith(_OF_MODULES):
            yield node, _argument(node, *_TARGETS[called]), called == "copytree"
        elif called in {"input", "FileInput"} and spelled.startswith("fileinput") and _is_true(_named(node, "inplace")):
            yield node, _argument(node, 0, "files"), False
        elif called in _REMOVES and owner is not None and spelled.startswith(("os.", "shutil.")):
            yield node, _argument(node, 0, "path"), called == "rmtree"


def opens_to_write(node: ast.Call) -> bool:
    """Whether a call of ``open`` may change the file."""
    own = isinstance(node.func, ast.Attribute) and ast.unparse(node.func) not in {"io.open", "codecs.open", "gzip.open"}
    mode = _argument(node, 0 if own else 1, "mode")
    if mode is None:
        return False
    return bool({*"wax+"} & {*mode.value}) if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else True


def written(program: Places) -> tuple[dict[Possible, list[ast.Call]], list[Possible], list[ast.Call]]:
    """The files that are written, by which calls; the folders that are filled; the calls that write nobody knows
    which."""
    files: dict[Possible, list[ast.Call]] = {}
    folders: list[Possible] = []
    others: list[ast.Call] = []
    for node, name, whole in targets(program.tree):
        each = program.of(name)
        others += [] if each else [node]
        for one in each:
            if whole:
                folders.append(one)
            elif "*" in shown(one):
                folders.append(posixpath.dirname(shown(one).partition("*")[0]) or ".")
            else:
                files.setdefault(one, []).append(node)
    return files, folders, others


@lru_cache(maxsize=2048)
def around(tree: ast.Module, text: str, node: ast.AST) -> str:
    """The text of the function that a node stands in, and of its calls; outside of all, the rest of the module."""
    functions, calls = _parts(tree)
    line = getattr(node, "lineno", 0)
    inside = [each for each in functions if each.lineno <= line <= (each.end_lineno or 0)]
    lines = text.splitlines()
    if inside:
        inner = max(inside, key=lambda each: each.lineno)
        given = [ast.unparse(each) for each in calls if _called(each) == inner.name]
        return "\n".join([*lines[inner.lineno - 1 : inner.end_lineno], *given])
    taken = {at for each in functions for at in range(each.lineno, (each.end_lineno or 0) + 1)}
    return "\n".join(each for at, each in enumerate(lines, 1) if at not in taken)


@lru_cache(maxsize=256)
def _parts(tree: ast.Module) -> tuple[list[ast.FunctionDef | ast.AsyncFunctionDef], list[ast.Call]]:
    """The functions of a program, and its calls."""
    every = [*ast.walk(tree)]
    functions = [each for each in every if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return functions, [each for each in every if isinstance(each, ast.Call)]


def _called(node: ast.Call) -> str:
    """The last name of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _argument(node: ast.Call, at: int, name: str) -> ast.expr | None:
    return node.args[at] if len(node.args) > at else _named(node, name)


def _named(node: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in node.keywords if each.arg == name), None)


def _is_true(node: ast.expr | None) -> bool:
    return node is not None and not (isinstance(node, ast.Constant) and not node.value)
