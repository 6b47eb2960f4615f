"""Libraries for git in Python: what their calls do to a working tree, as the lines of ``git`` that do the same.

Sources: GitPython documentation, "API Reference" (``Git`` runs any command of git as a method, its options as keyword
arguments; ``Repo``, ``Remote``, ``Head.checkout``, ``HEAD.reset``, which changes the tree with ``working_tree=True``
alone); Dulwich documentation, "Porcelain"; pygit2 documentation, "Branches", "Merge & Cherrypick".
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.python import nodes_of
from checker.model.possible import Possible, joined, open_text, options
from checker.resolve.python.machine import Call, Machine, value
from checker.resolve.python.record import program
from checker.resolve.python.values import Extern, Value, elements, extern

_GITPYTHON: Final = "git"
_OTHERS: Final = frozenset({"dulwich", "pygit2"})
# What GitPython itself takes of a call's keyword arguments (``Git.execute``).
_OWN: Final = frozenset(
    {"istream", "with_extended_output", "with_exceptions", "as_process", "output_stream", "stdout_as_string",
     "kill_after_timeout", "with_stdout", "universal_newlines", "shell", "env", "max_chunk_size",
     "strip_newline_in_stdout",
     "insert_kwargs_after", "split_single_char_options", "progress", "allow_unsafe_protocols", "allow_unsafe_options"}
)  # fmt: skip
# Calls of the other two that put another commit's files into the tree.
_MOVES: Final = lazy_re.compile(
    r"(?:dulwich\.)?porcelain\.(?P<porcelain>pull|checkout|checkout_branch|merge|rebase|cherry_pick)"
    r"|.*\.(?P<tree>checkout(?:_tree|_head)?|merge|cherrypick)"
)
_PATH: Final = lazy_re.compile(r"(?:pathlib\.)?Path\('(?P<path>[^']*)'\)(?:\.(?:resolve|absolute|expanduser)\(\))?")
_OF_HEAD: Final = frozenset({"reference", "ref", "commit"})


def of_git(machine: Machine, function: Extern, given: Call) -> tuple[Value] | None:
    """What a call of such a library gives, as the only one of a tuple; ``None`` where it is not told what it does."""
    library = function.library.partition(".")[0]
    if library in _OTHERS:
        line = _of_others(library, function.name, given)
        if line is not None:
            program(machine, tuple(line), given, checked=True)
        return None
    if library != _GITPYTHON:
        return None
    chain = _chain(function.name)
    if chain[-1:] == ["Repo"] or chain[-2:] == ["Repo", "init"]:
        return (_repository(_folder(_argument(given, 0, "path"), given), function),)
    if chain[-2:] == ["Repo", "clone_from"]:
        program(machine, tuple(_cloning(given)), given, checked=True)
        return (_repository(_folder(_argument(given, 1, "to_path"), given), function),)
    words = _words(machine, chain, function.name, given)
    if words is None:
        return None
    folder = _folder_of(function.name, given)
    program(machine, ("git", *(["-C", folder] if folder else []), *words), given, checked=True)
    return (extern(given.shown, library=function.library),)


def _repository(folder: str, function: Extern) -> Value:
    return extern(f"git.Repo({folder!r})", library=function.library)


def _folder(path: Value, given: Call) -> str:
    """The folder of a repository as a text: empty for the one that the program stands in."""
    if path is None:
        return ""
    found = _PATH.fullmatch(path.name) if isinstance(path, Extern) else None
    folder = found["path"] if found is not None else str(given.plain(path))
    return "" if folder in {".", "./"} else folder


def _chain(name: str) -> list[str]:
    """The names that a call is reached by, without what their own calls are given: ``repo.remote("origin").pull``."""
    return [node.attr if isinstance(node, ast.Attribute) else "[]" for node in _nodes(name) if _is_step(node)]


def _is_step(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute | ast.Subscript)


def _nodes(name: str) -> list[ast.expr]:
    """The nodes of a call's name, from its root on."""
    try:
        node = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: list[ast.expr] = []
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        found.append(node)
        node = node.func if isinstance(node, ast.Call) else node.value
    return [node, *reversed(found)]


def _folder_of(name: str, given: Call) -> str:
    """The folder of the repository whose object is called, by what the root of its name was made with."""
    nodes = _nodes(name)
    root = nodes[0] if nodes else None
    if isinstance(root, ast.Name) and root.id != _GITPYTHON:
        known = given.frame.names.get(root.id, given.frame.module.names.get(root.id))
        nodes = _nodes(known.name) if isinstance(known, Extern) else []
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"git.Repo", "git.Git", "git.cmd.Git", "Repo"}:
            path = node.args[0] if node.args else None
            return path.value if isinstance(path, ast.Constant) and isinstance(path.value, str) else ""
    return ""


def _words(machine: Machine, chain: Sequence[str], name: str, given: Call) -> list[Value] | None:
    """The words behind ``git`` of a call; ``None`` for one that changes no file of the tree."""
    owner, verb = ([*chain[-2:-1], ""][0], chain[-1]) if chain else ("", "")
    if owner == "git" or _is_of_command(name):
        return _as_command(verb, given)
    match owner, verb:
        case _, "pull" | "fetch" if "remote" in chain or "remotes" in chain or owner == "":
            return [verb, "origin", *_spread(_argument(given, 0, "refspec"))]
        case "head", "reset":
            return _reset(given, _argument(given, 0, "commit") or "HEAD", given.named.get("working_tree", False))
        case "index", "reset":
            return _reset(given, _argument(given, 0, "commit") or "HEAD", given.named.get("working_tree", False))
        case _, "checkout" if owner != "index":
            return ["checkout", _branch(machine, chain, name, given)]
        case _, "submodule_update":
            return ["submodule", "update", *(["--remote"] if given.named.get("to_latest_revision") is True else [])]
        case _, "update" if given.named.get("to_latest_revision") is True:
            return ["submodule", "update", "--remote"]
    return None


def _is_of_command(name: str) -> bool:
    """Whether a method is called of an object that stands for git itself: ``git.Git(path).checkout``."""
    nodes = _nodes(name)
    made = next((each for each in nodes if isinstance(each, ast.Call)), None)
    return made is not None and ast.unparse(made.func) in {"git.Git", "git.cmd.Git", "Git"} and made is nodes[-2]


def _as_command(verb: str, given: Call) -> list[Value] | None:
    """``repo.git.checkout("-b", name, force=True)``: the options go before the other arguments."""
    if verb == "execute":
        words = elements(given.first)
        return list(words[1:]) if words and words[0] == "git" else None
    words = [given.plain(each) for each in given.positional]
    if not given.complete:
        words.append(open_text(given.shown, given.file))
    return [verb.replace("_", "-"), *_options(given), *words]


def _options(given: Call) -> Iterator[Possible]:
    """The options that keyword arguments become (``Git.transform_kwarg``)."""
    for name, each in given.named.items():
        if name in _OWN or each is False or each is None:
            continue
        option = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
        if each is True:
            yield option
        elif len(name) == 1:
            yield from (option, given.plain(each))
        else:
            yield joined([f"{option}=", given.plain(each)])


def _spread(given: Value) -> Sequence[Value]:
    return [] if given is None else list(elements(given) or [given])


def _reset(given: Call, commit: Value, tree: Value) -> list[Value]:
    """``repo.head.reset``: what the head was made to name before is told by an assignment, which is no call."""
    if tree is False:
        return ["reset", "--mixed"]
    moved = [each for each in nodes_of(given.frame.module.tree) if isinstance(each, ast.Assign) and _moves_head(each)]
    if moved and commit == "HEAD":
        commit = open_text(ast.unparse(moved[-1].value), given.file)
    return ["reset", "--hard", commit]


def _moves_head(node: ast.Assign) -> bool:
    return any(
        isinstance(each, ast.Attribute)
        and each.attr in _OF_HEAD
        and isinstance(each.value, ast.Attribute)
        and each.value.attr == "head"
        for each in node.targets
    )


def _branch(machine: Machine, chain: Sequence[str], name: str, given: Call) -> Possible:
    """What a head that is checked out names: ``repo.heads.main``, ``repo.heads["main"]``, a new one of a commit."""
    func = given.node.func
    made = func.value if isinstance(func, ast.Attribute) else None
    if isinstance(made, ast.Call) and chain[-2:-1] == ["create_head"] and len(made.args) > 1:
        return given.plain(value(machine, made.args[1], given.frame))
    remote = [*_before(chain, "refs"), ""][-1] if "remotes" in chain else ""
    prefix = f"{remote}/" if remote not in {"", "[]"} else ""
    if len(chain) > 2 and chain[-3] in {"heads", "branches", "refs"} and chain[-2] != "[]":
        return f"{prefix}{chain[-2]}"
    if isinstance(made, ast.Subscript) and chain[-3:-2] and chain[-3] in {"heads", "branches", "refs"}:
        found = given.plain(value(machine, made.slice, given.frame))
        return joined([prefix, found]) if options(found) else found
    return open_text(f"the head of {name}", given.file)


def _before(chain: Sequence[str], name: str) -> list[str]:
    return list(chain[: chain.index(name)]) if name in chain else []


def _split(option: Value) -> list[str]:
    try:
        return shlex.split(option) if isinstance(option, str) else []
    except ValueError:  # a quote that nothing ends
        return []


def _cloning(given: Call) -> list[Value]:
    """``Repo.clone_from(url, to_path, branch="main", multi_options=["--depth=1"])``."""
    several = elements(given.named.get("multi_options")) or ()
    more = [word for each in several for word in _split(each)]
    branch = given.named.get("branch", given.named.get("b"))
    into = _argument(given, 1, "to_path")
    words: list[Value] = ["git", "clone", *more, *(["--branch", given.plain(branch)] if branch is not None else [])]
    return [*words, _argument(given, 0, "url"), *([_folder(into, given) or "."] if into is not None else [])]


def _of_others(library: str, name: str, given: Call) -> list[Value] | None:
    """A call of another library that brings another commit's files; of which one is not gone into."""
    if library == "pygit2" and name.endswith("clone_repository"):
        branch = given.named.get("checkout_branch")
        named = ["--branch", given.plain(branch)] if branch is not None else []
        return ["git", "clone", *named, _argument(given, 0, "url"), _folder(_argument(given, 1, "path"), given) or "."]
    if library == "dulwich" and name.endswith("porcelain.clone"):
        branch = given.named.get("branch")
        named = ["--branch", given.plain(branch)] if branch is not None else []
        return [
            "git",
            "clone",
            *named,
            _argument(given, 0, "source"),
            _folder(_argument(given, 1, "target"), given) or ".",
        ]
    found = _MOVES.fullmatch(name)
    if found is None or (library == "dulwich") != (found["porcelain"] is not None):
        return None
    if found["porcelain"] == "pull":
        return ["git", "pull"]
    at = 1 if library == "dulwich" else 0
    target = given.positional[at] if at < len(given.positional) else given.named.get("target")
    return ["git", "checkout", given.plain(target) if target is not None else open_text(given.shown, given.file)]


def _argument(given: Call, at: int, name: str) -> Value:
    return given.positional[at] if at < len(given.positional) else given.named.get(name)
