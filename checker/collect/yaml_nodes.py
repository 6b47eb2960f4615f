"""YAML as plain data with lines, from the parser's nodes: no constructor of PyYAML's ever runs.

CloudFormation reads YAML 1.1 with its own short tags for intrinsics; dates stay strings.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import yaml

from checker.errors import InputError
from checker.model.resources import Raw

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 200
_MAX_AGAIN: Final = 1_000_000  # signs of a text that is read by the slower parser
# Short tags whose long form has no "Fn::" in front.
_BARE: Final = frozenset({"Ref", "Condition"})
_TRUE: Final = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})


class Mark(NamedTuple):
    """Where a node stands: line and column of its key (of itself in a list), from 1; its value's own; its style.

    ``style`` is YAML's: ``|`` and ``>`` for blocks, quotes for quoted scalars, empty otherwise.
    """

    line: int
    column: int
    value_line: int
    style: str


def construct(
    text: str,
    shown: str,
    max_nodes: int,
    *,
    yaml_1_2_booleans: bool = False,
    marks: dict[tuple[str | int, ...], Mark] | None = None,
) -> tuple[Raw, dict[tuple[str | int, ...], int]]:
    """Data and the 1-based line of every path. ``max_nodes`` bounds the document after its aliases are expanded.

    ``yaml_1_2_booleans`` keeps ``on``, ``yes`` and ``no`` as strings, as GitHub Actions reads its workflows.
    ``marks``, where given, is filled with the :class:`Mark` of every path.
    """
    try:
        root = composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError(
            f"{shown}:{line}: not valid YAML: {error.problem}", "Fix that line, or the one above it."
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{shown}: not valid YAML: {' '.join(str(error).split())}", "Save it as UTF-8 text.") from None
    except RecursionError:
        raise InputError(f"{shown}: nested too deeply to be read", "Is this the file you meant?") from None
    if root is None:
        return {}, {}
    if "&" in text and "*" in text:
        _refuse_multiplied(root, shown, max_nodes)
    builder = _Builder(shown, max_nodes, yaml_1_2_booleans, marks)
    return builder.build(root, (), 0), builder.lines


class _LaterAnchors(yaml.SafeLoader):
    """YAML 1.2, "Anchors": an anchor may be defined again, and an alias means the last one before it."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            self.anchors.pop(self.peek_event().anchor, None)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


def composed(text: str) -> yaml.Node | None:
    """The nodes of a document, aliases as the nodes that they mean; ``None`` of one that says nothing."""
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        if error.problem != "second occurrence" or len(text) > _MAX_AGAIN:
            raise
    return yaml.compose(text, Loader=_LaterAnchors)


def _refuse_multiplied(root: yaml.Node, shown: str, limit: int) -> None:
    """Refuse a document whose aliases stand for more than ``limit`` nodes, without building any of them."""
    sizes: dict[int, int] = {}
    active: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if depth > _MAX_DEPTH or id(node) in active:
            return 1  # refused when it is built
        active.add(id(node))
        total = 1
        for each in node.value if isinstance(node, yaml.SequenceNode | yaml.MappingNode) else ():
            for part in each if isinstance(each, tuple) else (each,):
                total += size(part, depth + 1)
        active.discard(id(node))
        if total > limit:
            line = node.start_mark.line + 1
            raise InputError(f"{shown}:{line}: aliases expand to too many nodes", "Write the parts out.")
        sizes[id(node)] = total
        return total

    size(root, 0)


class _Builder:
    def __init__(
        self,
        shown: str,
        max_nodes: int,
        yaml_1_2_booleans: bool,
        marks: dict[tuple[str | int, ...], Mark] | None,
    ) -> None:
        self.shown = shown
        self.lines: dict[tuple[str | int, ...], int] = {}
        self._left = max_nodes
        self._active: set[int] = set()
        self._plain_booleans = yaml_1_2_booleans
        self._marks = marks

    def build(self, node: yaml.Node, path: tuple[str | int, ...], depth: int) -> Raw:
        line = node.start_mark.line + 1
        self._left -= 1
        if self._left < 0:
            raise InputError(f"{self.shown}:{line}: aliases expand to too many nodes", "Write the parts out.")
        if depth > _MAX_DEPTH:
            raise InputError(
                f"{self.shown}:{line}: nested more than {_MAX_DEPTH} levels deep", "Is this the file you meant?"
            )
        if id(node) in self._active:
            raise InputError(f"{self.shown}:{line}: an alias contains itself", "Remove the cycle.")
        self.lines.setdefault(path, line)
        if self._marks is not None and path not in self._marks:
            self._mark(path, node, node)
        self._active.add(id(node))
        try:
            data = self._untagged(node, path, depth)
        finally:
            self._active.discard(id(node))
        tag = node.tag
        if not tag or not tag.startswith("!") or tag == "!":
            return data
        name = tag[1:]
        if name == "GetAtt" and isinstance(data, str):
            data = data.split(".", 1)
        return {name if name in _BARE else f"Fn::{name}": data}

    def _mark(self, path: tuple[str | int, ...], at: yaml.Node, value: yaml.Node) -> None:
        assert self._marks is not None
        style = value.style if isinstance(value, yaml.ScalarNode) else None
        key, start = at.start_mark, value.start_mark
        self._marks[path] = Mark(key.line + 1, key.column + 1, start.line + 1, style or "")

    def _untagged(self, node: yaml.Node, path: tuple[str | int, ...], depth: int) -> Raw:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(each, (*path, str(index)), depth + 1) for index, each in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            raise InputError(f"{self.shown}:{node.start_mark.line + 1}: a node of no known kind", "Fix that line.")
        result: dict[str, Raw] = {}
        merged: dict[str, Raw] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                if self._marks is not None:
                    self._mark((*path, "<<"), key_node, value_node)
                base = self.build(value_node, path, depth + 1)
                for each in base if isinstance(base, list) else [base]:
                    if isinstance(each, dict):
                        merged = {**each, **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                line = key_node.start_mark.line + 1
                raise InputError(f"{self.shown}:{line}: a key must be plain text", "Write the key as a string.")
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in result:
                raise InputError(f"{self.shown}:{line}: the key {key!r} stands twice in one mapping", "Keep one.")
            self.lines[(*path, key)] = line
            if self._marks is not None:
                self._mark((*path, key), key_node, value_node)
            result[key] = self.build(value_node, (*path, key), depth + 1)
        return {**merged, **result}

    def _scalar(self, node: yaml.ScalarNode) -> Raw:
        value = str(node.value)
        kind = node.tag.rsplit(":", 1)[-1] if node.tag else "str"
        if kind == "null":
            return None
        if kind == "bool":
            if self._plain_booleans and value.lower() not in {"true", "false"}:
                return value
            return value in _TRUE
        if kind in {"int", "float"}:
            return _number(value)
        return value


def _number(value: str) -> Raw:
    """A decimal number, or the text: octal, sexagesimal and the like are account ids and times in templates."""
    plain = value.replace("_", "")
    try:
        if plain.lstrip("+-").isdigit():
            return value if len(plain) > 1 and plain.lstrip("+-").startswith("0") else int(plain)
        return float(plain)
    except ValueError:
        return value
