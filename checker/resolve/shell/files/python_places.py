"""Which files a program in Python names where it opens, moves or writes one, as far as its own text tells.

Names that are assigned once stand for what they are assigned; words of the command line, options of argparse and
variables of the environment for what they are given. Source: Python documentation, "os.path", "pathlib", "argparse".
"""

from __future__ import annotations

import ast
import os
import posixpath
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible, joined, open_text, plain_words

_DEPTH: Final = 12
_SAME: Final = frozenset(
    {"Path", "PurePath", "PosixPath", "str", "fspath", "abspath", "realpath", "resolve", "absolute", "expanduser",
     "normpath", "as_posix", "expandvars"}
)  # fmt: skip
_TEMPORARY: Final = frozenset(
    {"mkdtemp", "mkstemp", "gettempdir", "NamedTemporaryFile", "TemporaryDirectory", "mktemp", "TemporaryFile"}
)
_LISTING: Final = frozenset({"glob", "rglob", "iglob", "listdir", "scandir", "iterdir"})
_PARTS: Final = frozenset({"join", "Path", "PurePath", "joinpath"})


class Places(Struct):
    """A program with what it is given. ``file``: its own path, empty where it is none of a file."""

    tree: ast.Module
    file: str
    words: Sequence[Possible]
    environment: Mapping[str, Possible]

    @property
    def names(self) -> Mapping[str, list[ast.expr]]:
        """What is assigned to each name, wherever."""
        return _names(self.tree)

    @property
    def functions(self) -> Mapping[str, ast.FunctionDef]:
        return _functions(self.tree)

    def of(self, node: ast.expr | None, depth: int = 0) -> tuple[Possible, ...]:
        """The texts that an expression may come to; none where that is not known."""
        if node is None or depth > _DEPTH:
            return ()
        match node:
            case ast.Constant(value=str() as text):
                return (text,)
            case ast.Name(id="__file__"):
                return (f"{WORKSPACE}/{self.file}",) if self.file else ()
            case ast.Name(id=name):
                each = [self.of(value, depth + 1) for value in self.names.get(name, ())]
                return tuple(dict.fromkeys(one for several in each for one in several)) if all(each) else ()
            case ast.JoinedStr(values=parts):
                return self._joined(parts, "", depth)
            case ast.FormattedValue(value=value):
                return self.of(value, depth + 1)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined([left, right], "/", depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], "", depth)
            case ast.BoolOp(values=values):
                return tuple(one for value in values for one in self.of(value, depth + 1))
            case ast.IfExp(body=body, orelse=otherwise):
                return tuple(one for value in (body, otherwise) for one in self.of(value, depth + 1))
            case ast.Attribute(value=value, attr="parent"):
                return tuple(posixpath.dirname(one) or "." for one in self.of(value, depth + 1) if isinstance(one, str))
            case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int() as up)):
                return tuple(
                    "/".join(one.split("/")[: -up - 1]) for one in self.of(value, depth + 1) if isinstance(one, str)
                )
            case ast.Subscript(value=value, slice=at):
                return self._given(ast.unparse(value), at)
            case ast.Attribute(value=ast.Name(), attr=name):
                return self._option(name)
            case ast.Call():
                return self._called(node, depth)
        return ()

    def _given(self, value: str, at: ast.expr) -> tuple[Possible, ...]:
        if value == "sys.argv" and isinstance(at, ast.Constant) and isinstance(at.value, int):
            return tuple(self.words[at.value - 1 : at.value]) if at.value > 0 else ()
        if value.endswith("environ") and isinstance(at, ast.Constant):
            return (self.variable(str(at.value)),)
        return ()

    def variable(self, name: str) -> Possible:
        return self.environment.get(name, open_text(f"${{{name}}}"))

    def _called(self, node: ast.Call, depth: int) -> tuple[Possible, ...]:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if called in {"getenv", "get"} and node.args and ast.unparse(node.func).startswith("os."):
            name = node.args[0]
            return (self.variable(str(name.value)),) if isinstance(name, ast.Constant) else ()
        if called in _TEMPORARY:
            return ("/tmp/of-its-own",)  # noqa: S108 - the name of a file that nobody else has
        if called in {"getcwd", "cwd"} or (called in {"Path", "PurePath"} and not node.args):
            return (".",)
        if called in _LISTING:
            pattern: list[ast.expr] = [*node.args[:1]] or [ast.Constant("*")]
            if called in {"glob", "rglob", "iglob"}:
                above = owner is not None and ast.unparse(owner) != "glob"
                return self._joined([owner, *pattern] if above and owner is not None else pattern, "/", depth)
            return (
                ("*",)
                if called in {"listdir", "scandir"}
                else self._joined([owner, *pattern], "/", depth)
                if owner
                else ()
            )
        if called in {"sorted", "list", "reversed", "set", "tuple", "map", "enumerate"} and node.args:
            return self.of(node.args[-1], depth + 1)
        if called in _PARTS and len(node.args) > 1:
            return self._joined(node.args, "/", depth)
        if called == "joinpath" and owner is not None:
            return self._joined([owner, *node.args], "/", depth)
        if called == "dirname" and node.args:
            return tuple(
                posixpath.dirname(one) or "." for one in self.of(node.args[0], depth + 1) if isinstance(one, str)
            )
        if called in _SAME:
            return self.of(node.args[0] if node.args else owner, depth + 1)
        if called == "with_suffix" and owner is not None and node.args:
            ends = self.of(node.args[0], depth + 1)
            each = self.of(owner, depth + 1)
            return tuple(posixpath.splitext(one)[0] + str(end) for one in each if isinstance(one, str) for end in ends)
        return ()

    def _joined(self, parts: Sequence[ast.expr], sign: str, depth: int) -> tuple[Possible, ...]:
        """Every combination of what the parts may be."""
        found: list[Possible] = []
        for index, part in enumerate(parts):
            each = self.of(part, depth + 1)
            if not each or len(each) * max(len(found), 1) > 32:
                return ()
            found = [_after(before, sign, one) for before in found for one in each] if index else [*each]
        return tuple(found)

    def _option(self, name: str) -> tuple[Possible, ...]:
        """What an option of that name, or a word in its place, is given on the command line."""
        declared, plain, taking = _declared(self.tree)
        spelled, default = declared.get(name, ((f"--{name.replace('_', '-')}", f"--{name}"), None))
        for at, word in enumerate(self.words):
            option, equals, value = word.partition("=") if isinstance(word, str) else ("", "", "")
            if option in spelled:
                return (value,) if equals else tuple(self.words[at + 1 : at + 2])
        if name in plain:
            words = list(plain_words(self.words, taking))
            return tuple(words[plain.index(name) : plain.index(name) + 1])
        return (default,) if default is not None else ()


def _after(before: Possible, sign: str, one: Possible) -> Possible:
    if sign and isinstance(one, str) and one.startswith("/"):
        return one
    return joined([before, sign, one])


# Of one program, which many jobs run with other words.
@lru_cache(maxsize=256)
def _functions(tree: ast.Module) -> Mapping[str, ast.FunctionDef]:
    return {each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


@lru_cache(maxsize=256)
def _names(tree: ast.Module) -> Mapping[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            found.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            _each(node.target, node.iter, found)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            _arguments(node, _functions(tree).get(node.func.id), found)
    return found


def _each(target: ast.expr, over: ast.expr, found: dict[str, list[ast.expr]]) -> None:
    """What a loop's name stands for: each element of a list, or whatever the files are called that are listed."""
    walks = isinstance(over, ast.Call) and ast.unparse(over.func).endswith("walk") and over.args
    if isinstance(target, ast.Name):
        each = over.elts if isinstance(over, ast.Tuple | ast.List) else [over]
        found.setdefault(target.id, []).extend(each)
    elif walks and isinstance(over, ast.Call) and isinstance(target, ast.Tuple) and len(target.elts) == 3:
        folder, _, names = target.elts
        for name, stands in ((folder, over.args[0]), (names, ast.Constant("*"))):
            if isinstance(name, ast.Name):
                found.setdefault(name.id, []).append(stands)


def _arguments(node: ast.Call, function: ast.FunctionDef | None, found: dict[str, list[ast.expr]]) -> None:
    """What the parameters of a function of the program's own are given where it is called."""
    if function is not None:
        for parameter, given in zip(function.args.args, node.args, strict=False):
            found.setdefault(parameter.arg, []).append(given)
        for keyword in node.keywords:
            if keyword.arg:
                found.setdefault(keyword.arg, []).append(keyword.value)


@lru_cache(maxsize=256)
def _declared(tree: ast.Module) -> tuple[dict[str, tuple[tuple[str, ...], str | None]], list[str], frozenset[str]]:
    """The options that argparse is told of, each by the name of what it sets, with its default (no file where it has
    none); the words in their order; the options that take a value."""
    declared: dict[str, tuple[tuple[str, ...], str | None]] = {}
    plain: list[str] = []
    taking: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            names = [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
            given = [each.value for each in node.keywords if each.arg == "default"] or [ast.Constant(os.devnull)]
            if names and names[0].startswith("-"):
                longest = max(names, key=lambda each: each.startswith("--"))
                default = str(given[0].value) if isinstance(given[0], ast.Constant) else None
                declared[longest.lstrip("-").replace("-", "_")] = (tuple(names), default)
            elif names:
                plain.append(names[0])
            if not any(each.arg == "action" for each in node.keywords):
                taking.update(names)
    return declared, plain, frozenset(taking)
