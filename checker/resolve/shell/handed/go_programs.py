"""``go run``: a program of somebody's module is known by its name, one of the project by what it imports.

Sources: ``go help run``, ``go help packages``; Go Modules Reference, "replace directive"; The Go Programming Language
Specification, "Import declarations". Of the standard library, few packages start programs or open connections: a
program that imports none of them, and nothing of anybody else's, reads and writes files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.shell.handed.kinds import Told

_VALUES: Final = frozenset(
    {"-C", "-tags", "-mod", "-modfile", "-ldflags", "-gcflags", "-asmflags", "-p", "-overlay", "-pkgdir", "-buildmode"}
)
_MODULE: Final = lazy_re.compile(r"^\s*module\s+[\"`]?([^\s\"`]+)", re.MULTILINE)
_REPLACED: Final = lazy_re.compile(r"^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s*=>\s*\.", re.MULTILINE)
_VERSION: Final = lazy_re.compile(r"v\d+|.*@.*")
_IMPORTS: Final = lazy_re.compile(r"\bimport\b\s*(?:\([^)]*\)|(?:[\w.]+\s*)?[\"`][^\"`\n]*[\"`])")
_PATH: Final = lazy_re.compile(r"[\"`]([^\"`\n]*)[\"`]")
_INERT: Final = frozenset(
    """bufio bytes cmp context embed errors flag fmt io iter log maps os path reflect regexp slices sort strconv strings
    sync time unicode unique testing runtime math hash mime go text html io/fs io/ioutil path/filepath log/slog os/user
    os/signal net/url net/mail net/netip""".split()  # noqa: SIM905 - a table
)
_INERT_BELOW: Final = frozenset(
    ("archive", "compress", "container", "crypto", "debug", "encoding", "go", "hash", "html", "image", "index", "math",
     "mime", "regexp", "sync", "text", "unicode")
)  # fmt: skip
# What starts programs or connects without an import of its own, or writes what later steps are told.
_REACHES: Final = lazy_re.compile(
    r"StartProcess|go:linkname|os/exec|syscall|\bplugin\b|net/(?:http|rpc|smtp)|GITHUB_|\.aws\b"
)
_MAX_PACKAGES: Final = 40


def go_run(told: Told) -> list[Possible] | None:
    """The command that ``go run X`` comes to, where that is known."""
    rest = [word if isinstance(word, str) else "" for word in told.words[2:]]
    if told.words[1:2] != ["run"] or "-exec" in rest or "" in rest[:1]:
        return None
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in _VALUES else 1
    named = rest[at] if at < len(rest) else ""
    if not named or {"-C", "-overlay", "-modfile"} & set(rest[:at]):
        return None
    module, top, text = _module(told)
    own = named.partition("@")[0]
    if named.endswith(".go") or named.startswith(("./", "../")) or named == ".":
        files = [each for each in rest[at:] if each.endswith(".go")] if named.endswith(".go") else [named]
    elif module and (own == module or own.startswith(f"{module}/")):
        files = [posixpath.join(top, own.removeprefix(module).lstrip("/"))]
    elif "." in own.partition("/")[0] and not any(own.startswith(each) for each in _REPLACED.findall(text)):
        return [_name(named), *told.words[2 + at + 1 :]]
    else:
        return None
    return ["go", "build", named] if module and _is_inert(told, files, module, top) else None


def _module(told: Told) -> tuple[str, str, str]:
    """The module around the folder that a command stands in: its path, its folder from there, its file's text."""
    for level in range(8):
        top = "/".join([".."] * level) or "."
        text = told.text_of(posixpath.join(top, "go.mod"))
        if text is not None:
            found = _MODULE.search(text)
            return found[1] if found is not None else "", top, text
    return "", ".", ""


def _name(path: str) -> str:
    """A program is called as the last element of its path that is no version."""
    elements = [each for each in path.partition("@")[0].split("/") if not _VERSION.fullmatch(each)]
    return elements[-1] if elements else path


def _is_inert(told: Told, files: list[str], module: str, top: str) -> bool:
    pending, seen = list(files), set[str]()
    while pending:
        each = posixpath.normpath(pending.pop())
        if each in seen:
            continue
        seen.add(each)
        if len(seen) > _MAX_PACKAGES:
            return False
        of_package = [each] if each.endswith(".go") else told.go_files(each)
        texts = [told.text_of(file) for file in of_package or () if not file.endswith("_test.go")]
        if not texts:
            return False
        for text in texts:
            if text is None or _REACHES.search(text):
                return False
            for path in _imports(text):
                if path == module or path.startswith(f"{module}/"):
                    pending.append(posixpath.join(top, path.removeprefix(module).lstrip("/")))
                elif path not in _INERT and path.partition("/")[0] not in _INERT_BELOW:
                    return False
    return True


def _imports(text: str) -> Iterator[str]:
    for found in _IMPORTS.finditer(text):
        yield from _PATH.findall(found[0])
