"""JSON and YAML documents, read safely, with the line of every path.

Scanned documents are hostile: sizes are bounded, aliases may not multiply, duplicate keys are errors (a reviewer reads
the first, CloudFormation takes the last), and nothing is constructed but plain data. Lines are found on demand: most
runs ask for a handful, and finding all of them would cost more than parsing.
"""

from __future__ import annotations

import json
import re
import stat
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.seen import MOST_KEPT, ask, seen
from checker.errors import InputError
from checker.model.resources import Raw

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_YAML_NODES: Final = 1_000_000

_WHITESPACE: Final = lazy_re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()


class Document(Struct):
    """A parsed file. ``file`` is how people name it; ``data`` is its top-level object."""

    file: str
    data: dict[str, Raw]
    text: str
    # YAML: path -> line, as the parser saw it. JSON has none: lines are found in the text.
    lines: Mapping[tuple[str | int, ...], int] | None = None
    _scans: dict[int, _Scan] = field(default_factory=dict)
    _newlines: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Document {self.file}>"  # never its text: it may hold what is secret

    def line_of(self, path: tuple[str | int, ...]) -> int | None:
        """The 1-based line of a path's key, or of its nearest parent that is there."""
        if self.lines is not None:
            for length in range(len(path), -1, -1):
                line = self.lines.get(tuple(map(str, path[:length])))
                if line is not None:
                    return line
            return None
        position = key_at = _skip(self.text, 0)
        for step in path:
            scan = self._scans.get(position)
            if scan is None:
                scan = self._scans[position] = _Scan(self.text, position)
            found = scan.find(str(step))
            if found is None:
                break
            key_at, position = found
        return self._line_at(key_at)

    def _line_at(self, offset: int) -> int:
        if not self._newlines:
            lengths = map((1).__add__, map(len, self.text.split("\n")))
            self._newlines.extend(accumulate(lengths))
        return bisect_right(self._newlines, offset) + 1


class _Scan:
    """Where the children of one object or list stand, found as far as somebody asked."""

    __slots__ = ("_found", "_index", "_is_object", "_position", "_source")

    def __init__(self, source: str, position: int) -> None:
        opening = source[position : position + 1]
        self._source = source
        self._is_object = opening == "{"
        self._position = _skip(source, position + 1) if opening in {"{", "["} else len(source)
        self._index = 0
        self._found: dict[str, tuple[int, int]] = {}

    def find(self, name: str) -> tuple[int, int] | None:
        """The offsets of a child's key and value (the same in a list), ``None`` where there is no such child."""
        source = self._source
        while name not in self._found and self._position < len(source) and source[self._position] not in "}]":
            key_at = value_at = self._position
            key = str(self._index)
            if self._is_object:
                key, end = _DECODER.raw_decode(source, key_at)
                value_at = _skip(source, _skip(source, end) + 1)
            self._found[key] = (key_at, value_at)
            _, end = _DECODER.raw_decode(source, value_at)
            end = _skip(source, end)
            self._position = _skip(source, end + 1) if source[end : end + 1] == "," else end
            self._index += 1
        return self._found.get(name)


def _skip(source: str, position: int) -> int:
    match = _WHITESPACE.match(source, position)
    return match.end() if match else position


def read_text(path: Path, shown: str, limit: int = MAX_BYTES) -> str:
    """The file's text. Errors say what to do; a file over ``limit`` bytes or with bytes that are no text is refused."""
    run, name = seen(), str(path)
    known = run.texts.get(name) if run is not None and limit >= MOST_KEPT else None
    if known is None:
        ask(name)
        known = _read_text(path, shown, limit)
        if run is not None and len(known) <= MOST_KEPT:
            run.texts[name] = known
    return known


def _read_text(path: Path, shown: str, limit: int) -> str:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise InputError(f"{shown}: not a regular file", "Name a file.")
        if state.st_size > limit:
            raise InputError(
                f"{shown}: {state.st_size:,} bytes, over the limit of {limit:,}", "Is this the file you meant?"
            )
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file", "Check the path, or make the file first.") from None
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror or error}", "Check the path and its permissions.") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{shown}:{line}: not UTF-8 (byte {error.start})", "Save the file as UTF-8.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{shown}:{line}: a NUL byte: this is not a text file", "Is this the file you meant?")
    return text


def read_document(path: Path, shown: str) -> Document:
    """Parse a JSON or YAML file (told apart by content) whose top level is an object."""
    text = read_text(path, shown)
    is_json = text.lstrip()[:1] in {"{", "["} and path.suffix.lower() not in {".yaml", ".yml"}
    return parse_json(text, shown) if is_json or path.suffix.lower() == ".json" else parse_yaml(text, shown)


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return result


def _not_json(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def parse_json(text: str, shown: str) -> Document:
    """Parse JSON text. Raises :class:`InputError` with the line of the fault."""
    try:
        data = json.loads(text, object_pairs_hook=_object_without_duplicates, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{shown}:{error.lineno}: not valid JSON: {error.msg}", "Write the file again, or mend the line."
        ) from None
    except _DuplicateKeyError as error:
        line = _line_of_duplicate(text, error.key)
        raise InputError(f"{shown}:{line}: the key {error.key!r} stands twice in one object", "Keep one.") from None
    except RecursionError:
        raise InputError(f"{shown}: nested too deeply to be a template", "Is this the file you meant?") from None
    except ValueError as error:
        raise InputError(f"{shown}: not valid JSON: {error}", "Write the file again, or mend the line.") from None
    if not isinstance(data, dict):
        raise InputError(f"{shown}:1: the top level is not an object", "A template is an object with Resources.")
    return Document(shown, data, text)


def _line_of_duplicate(text: str, key: str) -> int:
    """The line of the last place where the key stands: which of several objects it is, the parser does not say."""
    quoted = json.dumps(key)
    offsets = [match.start() for match in re.finditer(re.escape(quoted) + r"\s*:", text)]
    return text.count("\n", 0, offsets[-1]) + 1 if offsets else 1


def parse_yaml(text: str, shown: str, *, top: str = "A template is a mapping with Resources.") -> Document:
    """Parse YAML text with CloudFormation's short forms (``!Ref``, ``!Sub`` ...) as plain data."""
    from checker.collect.yaml_nodes import construct

    data, lines = construct(text, shown, MAX_YAML_NODES)
    if not isinstance(data, dict):
        raise InputError(f"{shown}:1: the top level is not a mapping", top)
    return Document(shown, data, text, lines)
