"""Questions on one way through a program: answered by what is known, and where nothing is, by that way's choice."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.answers import YES, Certain, alike
from checker.model.possible import open_text, options, same
from checker.resolve.python.expressions import truth
from checker.resolve.python.machine import Frame, Machine, value
from checker.resolve.python.rehearsal.flows import mistaken
from checker.resolve.python.rehearsal.libraries import ERRORS
from checker.resolve.python.rehearsal.standins import OTHER, SAME
from checker.resolve.python.syntax_facts import shown, written
from checker.resolve.python.values import (
    SCALARS,
    Class,
    Client,
    Dict,
    Extern,
    Function,
    Instance,
    Resource,
    Value,
    is_plain,
    plain,
)

_UNKNOWN: Final = object()
_NUMBERS: Final = (int, float)
# The runner gives every step a file for its outputs (GitHub documentation, "Variables reference").
_OF_EACH_STEP: Final = open_text("${GITHUB_OUTPUT}")


def decide(machine: Machine, node: ast.expr, frame: Frame, *, rather: bool = False) -> bool:
    """Whether a condition holds on this way. ``rather``: what is chosen first where nobody knows."""
    stage = machine.stage
    assert stage is not None
    if isinstance(node, ast.BoolOp):
        stops = isinstance(node.op, ast.Or)
        for each in node.values:
            if decide(machine, each, frame, rather=rather) is stops:
                return stops
        return not stops
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not decide(machine, node.operand, frame, rather=not rather)
    found = value(machine, node, frame)
    answer = exactly(found)
    if answer is None:
        return stage.choose(node, found, rather=rather)
    stage.decided(node, answer)
    return answer


def exactly(found: Value) -> bool | None:
    """Whether a value counts as true, where all that was done to it was gone through."""
    if isinstance(found, tuple):
        return bool(found)
    if isinstance(found, Dict):
        return True if found.items else (None if found.open else False)
    return True if found == _OF_EACH_STEP else truth(found)


def compare(machine: Machine, node: ast.Compare, frame: Frame) -> Value:
    """A comparison of what is known; of several in a row, each with the next."""
    left = value(machine, node.left, frame)
    answers: list[object] = []
    for operator, each in zip(node.ops, node.comparators, strict=True):
        right = value(machine, each, frame)
        answers.append(_compared(operator, left, right))
        left = right
    if any(answer is False for answer in answers):
        return False
    return Extern(shown(node)) if any(answer is _UNKNOWN for answer in answers) else True


def _compared(operator: ast.cmpop, left: Value, right: Value) -> object:
    match operator:
        case ast.Is() | ast.Eq():
            return _same(left, right)
        case ast.IsNot() | ast.NotEq():
            same = _same(left, right)
            return same if same is _UNKNOWN else not same
        case ast.In() | ast.NotIn():
            inside = _inside(left, right)
            return inside if inside is _UNKNOWN else inside is isinstance(operator, ast.In)
    if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        match operator:
            case ast.Lt():
                return left < right
            case ast.LtE():
                return left <= right
            case ast.Gt():
                return left > right
            case ast.GtE():
                return left >= right
    if (left is None and isinstance(right, _NUMBERS)) or (right is None and isinstance(left, _NUMBERS)):
        raise mistaken()
    return _UNKNOWN


def compared_alike(found: Value) -> bool | None:
    """Whether a stand-in is the same as whatever it is compared with, or another; ``None`` of any other value."""
    named = found.name if isinstance(found, Extern) else ""
    return named == SAME if named in (SAME, OTHER) else None


def _same(left: Value, right: Value) -> object:
    if left is right and isinstance(left, Instance | Class | Function):
        return True
    stand_ins = (compared_alike(left), compared_alike(right))
    if stand_ins == (False, False):
        return _UNKNOWN  # of one answer two parts, each of which is another than all that the program knows
    if True in stand_ins or False in stand_ins:
        return True in stand_ins
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            return False
        each = [_same(one, other) for one, other in zip(left, right, strict=True)]
        return False if False in each else (_UNKNOWN if _UNKNOWN in each else True)
    if _is_known(left) and _is_known(right):
        return left == right
    if is_plain(left) and is_plain(right) and left is not None and right is not None:
        one, other = options(plain(left, "", "")), options(plain(right, "", ""))
        answer = alike((same(first, second) for first in one or () for second in other or ()), "they differ")
        if isinstance(answer, Certain):
            return answer is YES
    # Something is not nothing.
    there = (Instance, Dict, tuple, Function, Class, Client, Resource)
    if (left is None and isinstance(right, there)) or (right is None and isinstance(left, there)):
        return False
    return _UNKNOWN


_OF_PATTERNS: Final[Mapping[str, Callable[[str, str], object]]] = {
    "re.search": re.search,
    "re.match": re.match,
    "re.fullmatch": re.fullmatch,
}
# What may take long is not tried: a group that is repeated, or many repetitions.
_REPEATED: Final = lazy_re.compile(r"\)[*+{]|(?:[*+}].*?){5}|\\\d|\(\?[^:]", re.DOTALL)
_LONGEST: Final = 200
# Of a text as long as an error's, at most two repetitions.
_TWICE: Final = lazy_re.compile(r"(?:[*+}].*?){3}", re.DOTALL)
_LONGEST_ERROR: Final = 800


def fits_pattern(name: str, given: Sequence[Value]) -> bool | None:
    """Whether a call of ``re`` finds its pattern in a text, an error's code for one; ``None`` where that is open."""
    if name not in _OF_PATTERNS or not given[1:] or given[2:]:
        return None
    pattern, text = given
    if (answer := compared_alike(text)) is not None:
        return answer
    if not isinstance(pattern, str) or not isinstance(text, str) or len(pattern) > _LONGEST:
        return None
    if len(text) > (_LONGEST if _TWICE.search(pattern) else _LONGEST_ERROR):
        return None
    try:
        return None if _REPEATED.search(pattern) else bool(_OF_PATTERNS[name](pattern, text))
    except (re.error, RecursionError, OverflowError):
        return None


def _inside(left: Value, right: Value) -> object:
    if (answer := compared_alike(right)) is not None:
        return answer
    if isinstance(right, str) and isinstance(left, str):
        return left in right
    if isinstance(right, Dict):
        if not right.items and not right.open:
            return False
        keys: tuple[Value, ...] = tuple(key for key, _ in right.items)
        each = [_same(left, key) for key in keys]
        return True if True in each else (_UNKNOWN if right.open or _UNKNOWN in each else False)
    if isinstance(right, tuple):
        each = [_same(left, option) for option in right]
        return True if True in each else (_UNKNOWN if _UNKNOWN in each else False)
    return _UNKNOWN


def _is_known(found: Value) -> bool:
    return found is None or isinstance(found, SCALARS)


def is_instance(given: Sequence[Value]) -> bool | None:
    """Whether an object is one of a class, or of a class of errors, by what its own classes are called; ``None`` where
    that is open."""
    found, kind = given
    kinds = kind if isinstance(kind, tuple) else (kind,)
    answers = [_is_one(found, each) for each in kinds]
    return True if True in answers else (None if _UNKNOWN in answers else False)


def _is_one(found: Value, kind: Value) -> object:
    if isinstance(found, Instance) and isinstance(kind, Class):
        lineage = _lineage(found.cls)
        if any(isinstance(each, Class) and each.node is kind.node for each in lineage):
            return True
        return False if all(map(_is_named, lineage)) else _UNKNOWN
    name = kind.name.rpartition(".")[2] if isinstance(kind, Extern) else ""
    known = getattr(builtins, name, None)
    if not isinstance(known, type) or not issubclass(known, BaseException):
        return _UNKNOWN
    if found is None or isinstance(found, (*SCALARS, tuple, Dict)):
        return False
    if isinstance(found, Extern) and (raised := ERRORS.get(found.name.rpartition(".")[2])) is not None:
        return issubclass(raised, known)  # `assert` raised it
    if not isinstance(found, Instance):
        return _UNKNOWN
    above = [each for each in _lineage(found.cls) if not isinstance(each, Class)]
    if not found.cls.module.file:
        above.append(found.cls.node.name)  # one of Python's own
    kinds = [getattr(builtins, each, None) for each in above]
    if any(isinstance(each, type) and issubclass(each, known) for each in kinds):
        return True
    return False if all(isinstance(each, type) for each in kinds) else _UNKNOWN


def _lineage(cls: Class, depth: int = 0) -> list[Class | str]:
    """A class and those above it, by name those that are no code of the program's."""
    found: list[Class | str] = [cls]
    for base in cls.node.bases:
        name = written(base).rpartition(".")[2]
        above = cls.module.names.get(name)
        known = isinstance(above, Class) and above is not cls and depth < _MOST_ABOVE
        found.extend(_lineage(above, depth + 1) if known and isinstance(above, Class) else [name])
    return found


def _is_named(found: Class | str) -> bool:
    return isinstance(found, Class) or isinstance(getattr(builtins, found, None), type)


_MOST_ABOVE: Final = 8
