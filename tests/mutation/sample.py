"""Which of the mutants that the tool can make are made: the same ones each time.

Left out are those that only change what people read (messages, reasons, fixes, and the place that a verdict points at),
and two of the three forms in which the tool changes a string. Of the rest, each file gives one in so many: those with
the lowest checksums of what they change, so that a change elsewhere in the file leaves the choice alone, and every file
gives at least one.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from math import ceil
from typing import Any, Final

import libcst as cst

# A string of so many words is a sentence, and somebody's to read.
_WORDS: Final = 3
# What a verdict says beside its outcome and its sub-id, by the names of its arguments.
_SHOWN: Final = frozenset({"fix", "path", "expected", "actual", "related", "violation", "shown", "looked_for", "holds"})
# The calls that make verdicts, and how many of their first arguments are not for people.
_VERDICTS: Final = {"passes": 1, "fails": 1, "undecided": 1, "not_applicable": 1, "must_be": 1, "must": 1}
# What says only why something is not known.
_REASONS: Final = {"Unknown": 0, "Open": 0}
# Variables that hold such texts.
_TEXTS: Final = frozenset({"why", "fix", "violation", "message", "reason", "shown"})
_CODE: Final = cst.Module([])


def code(node: cst.CSTNode) -> str:
    return str(_CODE.code_for_node(node))


def sampling(every: int, share: int, create: Callable[..., Any]) -> Callable[..., Any]:
    """``create`` (mutmut's maker of all mutations of a file), with one in ``every`` of what it makes."""

    def create_some(filename: str, *arguments: Any, **more: Any) -> Any:
        module, mutations, classes, functions = create(filename, *arguments, **more)
        inside = [each for each in mutations if each.contained_by_top_level_function]
        return module, chosen(filename, module, inside, every, share), classes, functions

    return create_some


def chosen(filename: str, module: cst.CSTNode, mutations: Sequence[Any], every: int, share: int = 1) -> list[Any]:
    """Those of a file's mutations that are made, in the order of the file."""
    shown = for_people(module)
    seen: Counter[str] = Counter()
    numbered = []
    for place, each in enumerate(mutations):
        if each.original_node in shown or is_for_people(each.original_node, each.mutated_node, shown):
            continue
        key = f"{filename} {_name(each)} {code(each.original_node)} -> {code(each.mutated_node)}"
        seen[key] += 1
        numbered.append((zlib.crc32(f"{key} {seen[key]}".encode()), place))
    size = ceil(len(numbered) / every)
    these = sorted(numbered)[size * (share - 1) : size * share]
    return [mutations[place] for place in sorted(place for _, place in these)]


def _name(mutation: Any) -> str:
    function = mutation.contained_by_top_level_function
    return function.name.value if isinstance(function, cst.FunctionDef) else ""


def for_people(module: cst.CSTNode) -> set[cst.CSTNode]:
    """All nodes of a module that only make what people read."""
    found: set[cst.CSTNode] = set()
    for node in walk(module):
        for text in _texts(node):
            found.update(walk(text))
    return found


def _texts(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Call):
        name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
        first = {**_VERDICTS, **_REASONS}.get(name.value) if isinstance(name, cst.Name) else None
        if first is not None:
            yield from (each for each in node.args[first:] if each.keyword is None)
            yield from (each for each in node.args if each.keyword is not None and each.keyword.value in _SHOWN)
    elif isinstance(node, cst.Assign):
        if any(isinstance(each.target, cst.Name) and each.target.value in _TEXTS for each in node.targets):
            yield node
    elif isinstance(node, cst.BaseExpression) and is_sentence(node):
        yield node


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def is_for_people(before: cst.CSTNode, after: cst.CSTNode, shown: Set[cst.CSTNode]) -> bool:
    """Whether only such a text is gone, or the string is changed as another mutant changes it."""
    if isinstance(before, cst.SimpleString) and isinstance(after, cst.SimpleString):
        return "XX" not in after.value
    if isinstance(before, cst.Call) and isinstance(after, cst.Call):
        kept = {id(argument.value) for argument in after.args}
        gone = [argument for argument in before.args if id(argument.value) not in kept]
        return bool(gone) and all(argument in shown or argument.value in shown for argument in gone)
    if isinstance(before, cst.Assign | cst.AnnAssign):
        return before.value is not None and before.value in shown
    return False


def is_sentence(node: cst.CSTNode) -> bool:
    """Whether an expression makes a text of several words, whichever way it goes."""
    if isinstance(node, cst.IfExp):
        return is_sentence(node.body) and is_sentence(node.orelse)
    if isinstance(node, cst.BinaryOperation):
        return is_sentence(node.left) or is_sentence(node.right)
    return isinstance(node, cst.SimpleString | cst.FormattedString | cst.ConcatenatedString) and (
        len(code(node).split()) >= _WORDS
    )
