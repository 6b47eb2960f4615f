"""Reads which context keys the code of a CDK app asks for, in each language that the CDK has.

Text is searched rather than parsed: the forms are few, and the five languages' calls differ in letter case alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.folders import walk
from checker.collect.pipeline.scripts import MAX_FILES, ScriptLibrary
from checker.collect.templates.search import is_test
from checker.model.pipeline.app_context import AppContext
from checker.model.sources import Problem

_SOURCES: Final = (".ts", ".mts", ".js", ".mjs", ".cjs", ".py", ".java", ".kt", ".cs", ".fs", ".go")
# Languages in which a file sees others of its package without importing them.
_WHOLE_PACKAGES: Final = (".java", ".kt", ".cs", ".fs", ".go")
_NO_APP: Final = lazy_re.compile(r"^test_|^conftest\.|[._]test\.|\.spec\.|_test\.|Tests?\.\w+$|\.d\.ts$")
# `app.node.tryGetContext("key")`, Go's `jsii.String("key")` in it; `get_context` of a node; all of it at once.
_ASKED: Final = lazy_re.compile(
    r"(?i:\btry_?get_?context|\bnode(?:\(\))?\s*[?!]?\.\s*get_?(?:all_?)?context)\b"
    r"(?:\s*\(\s*(?:jsii\.String\(\s*)?(?P<argument>[^()]{0,200}))?"
    r"|env(?:iron)?\W{1,3}(?:get\W{1,3})?CDK_CONTEXT_JSON\b"
)
# What is in every such call: most files have none, and a glance costs less.
_GLANCE: Final = ("tContext", "t_context", "llContext", "ll_context", "CDK_CONTEXT_JSON")
_LITERAL: Final = lazy_re.compile(r"""^(?P<quote>["'`])(?P<key>[^"'`$]*)(?P=quote)\s*,?\s*$""")
# A text that is put together: its parts tell nothing of the key.
_MADE: Final = lazy_re.compile(r"""\$\{|\+|^[rR]?[fF]["']|%|\.format\b|\$["']|\.concat\b""")
_PYTHON_IMPORT: Final = lazy_re.compile(
    r"(?m)^[ \t]*(?:from[ \t]+(?P<of>[\w.]+)[ \t]+import\b[ \t]*(?P<names>\([^)]*\)|[^\n#;]*)"
    r"|import[ \t]+(?P<whole>[\w., \t]+))"
)
_SCRIPT_IMPORT: Final = lazy_re.compile(r"""\b(?:from|import|require)\b\s*+\(?\s*["'](?P<of>[^"'\n]+)["']""")
_NAME: Final = lazy_re.compile(r"[\w.]+")


class _Found(Struct):
    named: set[str] = field(default_factory=set)
    handing_on: set[str] = field(default_factory=set)  # files that ask for keys which they get from elsewhere
    doubt: str = ""

    def see(self, path: str, text: str) -> None:
        if not any(part in text for part in _GLANCE):
            return
        for asked in _ASKED.finditer(text):
            argument = (asked["argument"] or "").strip()
            literal = _LITERAL.match(argument)
            if literal:
                self.named.add(literal["key"])
            elif _MADE.search(argument):
                self.doubt = f"{path} puts the keys that it reads together"
            else:
                self.handing_on.add(path)


def read_app_context(library: ScriptLibrary, folder: str, keys: Collection[str]) -> AppContext | None:
    """What the app below ``folder`` reads, of ``keys`` at least; ``None`` where none of its code is at hand."""
    problems: list[Problem] = []
    found, texts = _Found(), dict[str, str]()
    for path in walk(library.root, lambda name: name.endswith(_SOURCES), MAX_FILES, problems, folder):
        if is_test(path) or _NO_APP.search(path.rpartition("/")[2]):
            continue
        text = library.text(path)
        if text is None:
            found.doubt = f"{path} could not be read"
            continue
        texts[path] = text
        found.see(path, text)
    if not texts:
        return None
    if problems:
        found.doubt = found.doubt or f"{problems[0].spot.file}: {problems[0].message}"
    written = _written([key for key in keys if key and key not in found.named], found.handing_on, texts)
    return AppContext(frozenset(found.named), bool(found.handing_on), frozenset(written), found.doubt)


def _written(keys: Collection[str], handing_on: Collection[str], texts: Mapping[str, str]) -> set[str]:
    """Which keys stand in the code around files that hand keys on. Each is looked for no further than it is met."""
    written: set[str] = set()
    left = {key for key in keys if handing_on and any(key in text for text in texts.values())}
    around = _around(handing_on, texts)
    while left and (path := next(around, None)) is not None:
        met = {key for key in left if _is_written(key, path, texts[path])}
        written |= met
        left -= met
    return written


def _around(handing_on: Collection[str], texts: Mapping[str, str]) -> Iterator[str]:
    """The files that may give those that hand keys on a key: themselves, what they import, and what imports them."""
    yield from handing_on
    if any(path.endswith(_WHOLE_PACKAGES) for path in handing_on):
        yield from (path for path in texts if path.endswith(_WHOLE_PACKAGES))
    below = {target for path in handing_on for target in _imported(path, texts[path])}
    called = {_last(target) for target in below}
    yield from (path for path in texts if _stem(path) in called and any(_is_module(path, each) for each in below))
    above, left = set(handing_on), set(handing_on)
    imported: dict[str, tuple[str, ...]] = {}  # asked for round after round
    while left:
        called = {_stem(path) for path in left}
        marks = [(f"import {_stem(path)}", f".{_stem(path)}", f"/{_stem(path)}") for path in left]
        left = {
            path
            for path, text in texts.items()
            if path not in above
            and any(part in text for parts in marks for part in parts)
            and _imports_one(
                imported[path] if path in imported else imported.setdefault(path, tuple(_imported(path, text))),
                left,
                called,
            )
        }
        above |= left
        yield from left


def _imports_one(targets: Iterable[str], modules: Collection[str], called: Collection[str]) -> bool:
    return any(_last(target) in called and any(_is_module(module, target) for module in modules) for target in targets)


def _last(target: str) -> str:
    return target.rpartition("/")[2]


def _imported(path: str, text: str) -> Iterator[str]:
    """What a file imports, as paths without an ending; those that are not relative may begin anywhere."""
    folder = posixpath.dirname(path)
    if not path.endswith(".py"):
        for found in _SCRIPT_IMPORT.finditer(text):
            of = re.sub(r"\.[mc]?[jt]sx?$", "", found["of"])
            yield posixpath.normpath(posixpath.join(folder, of)) if of.startswith(".") else of.lstrip("@~/")
        return
    for found in _PYTHON_IMPORT.finditer(text):
        if found["whole"]:
            yield from (name.replace(".", "/") for name in _NAME.findall(found["whole"]))
            continue
        of = found["of"]
        dots = len(of) - len(of.lstrip("."))
        base = of.lstrip(".").replace(".", "/")
        if dots:
            base = posixpath.normpath(posixpath.join(folder, *[".."] * (dots - 1), base))
        yield base
        yield from (f"{base}/{name}" for name in _NAME.findall(found["names"]))


def _is_module(path: str, target: str) -> bool:
    """Whether a file is the one that an import means."""
    module = posixpath.splitext(path)[0]
    module = module.removesuffix("/index").removesuffix("/__init__")
    return module == target or module.endswith(f"/{target}") or target.endswith(f"/{module}")


def _stem(path: str) -> str:
    """The name by which imports call a file: its own, or its folder's."""
    stem = posixpath.basename(posixpath.splitext(path)[0])
    return posixpath.basename(posixpath.dirname(path)) if stem in {"index", "__init__"} else stem


def _is_written(key: str, path: str, text: str) -> bool:
    """Whether a key stands in code as a text of its own, as a member's name, or taken out of an object."""
    if key not in text:
        return False
    name = re.escape(key)
    quote = "[\"']" if path.endswith(".py") else "[\"'`]"  # Python's documentation writes names between backticks
    return re.search(rf"{quote}{name}{quote}|(?<=\w)[?!]?\.{name}\b|[{{,]\s*{name}\s*[,}}=:]", text) is not None
