"""Which containers of a task definition code picks out of those that AWS has described: by a name, or by a position.

They are not known: what is kept of one that code sets something in is how it was picked. Inside ``if each["name"] ==
"web":`` the name stands for the container that is called so, behind ``else`` for all the others.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from checker.model.pipeline.python import AT, NAMED, NOT_NAMED
from checker.model.pipeline.scripts import plain_name
from checker.resolve.python.machine import Frame, Machine, value
from checker.resolve.python.values import Dict, Either, Extern, Value, either, within

_MARKS: Final = (AT, NAMED, NOT_NAMED)
_Kept: TypeAlias = "dict[str, tuple[Value, Value]]"  # of each name what it was, and what it is now
_NO_NAMES: Final[_Kept] = {}


def is_described(found: Value) -> bool:
    """Whether it is a part of a task definition that AWS has described, with something set in it or not."""
    rest = found.rest if isinstance(found, Dict) else found
    answer = rest.answer if isinstance(rest, Extern) else None
    return answer is not None and plain_name(answer.operation) == "describetaskdefinition"


def described(found: Value) -> Dict | None:
    """Such a part as a dictionary of which no key is known; ``None`` for anything else."""
    if not is_described(found):
        return None
    return found if isinstance(found, Dict) else Dict((), open=True, rest=found if isinstance(found, Extern) else None)


def picked(found: Value) -> bool:
    """Whether it is such a part that code has picked, or taken out of a list that is known by its name."""
    return isinstance(found, Dict) and is_described(found) and (found.home is not None or bool(_marks(found)))


def _marks(found: Dict) -> list[tuple[Value, Value]]:
    return [item for item in found.items if isinstance(item[0], str) and item[0] in _MARKS]


def drawn(whole: Value, home: ast.expr, name: str) -> Value | None:
    """An element of the list that ``home`` names, as going through it gives one; ``None`` of any other list."""
    if not isinstance(whole, Extern) or not is_described(whole) or not isinstance(home, ast.Name | ast.Subscript):
        return None
    return Dict((), open=True, rest=_part(whole, name), home=home)


def numbered(whole: Value, key: Value, home: ast.expr, name: str) -> Value | None:
    """The element at a position of such a list; ``None`` of any other one."""
    if not isinstance(key, int) or isinstance(key, bool) or not isinstance(home, ast.Name | ast.Subscript):
        return None
    if isinstance(whole, Extern) and is_described(whole):
        return Dict(((AT, key),), open=True, rest=_part(whole, name), home=home)
    if not isinstance(whole, tuple) or not any(map(picked, whole)):
        return None
    there = next((each for each in whole if isinstance(each, Dict) and (AT, key) in each.items), None)
    first = next(each for each in whole if isinstance(each, Dict) and picked(each))
    assert isinstance(first.rest, Extern)
    return there or Dict(((AT, key),), open=True, rest=_part(first.rest, name), home=home)


def _part(whole: Extern, name: str) -> Extern:
    part = within(whole, name)
    assert isinstance(part, Extern)
    return part


def put_back(whole: Value, changed: Dict) -> tuple[Value, ...] | None:
    """The list that a container was taken from, with what was set in it; ``None`` where it is another list by now."""
    rest = changed.rest
    if isinstance(whole, Extern) and rest is not None and is_described(whole) and whole.answer == rest.answer:
        return (changed,)
    if not isinstance(whole, tuple) or rest is None:
        return None
    if not all(isinstance(each, Dict) and each.rest is not None and each.rest.answer == rest.answer for each in whole):
        return None
    marks = _marks(changed)
    return (*(each for each in whole if not (isinstance(each, Dict) and _marks(each) == marks)), changed)


# -- what a test tells -----------------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """A name whose value's ``name`` is one of these, or none of them."""

    variable: str
    names: tuple[ast.expr, ...]
    same: bool


def narrow(machine: Machine, test: ast.expr, frame: Frame, *, holds: bool) -> _Kept:
    """Names while a test holds, or does not: containers are those that it picks. What they were is for ``widen``."""
    asked = _asked(test, holds)
    if not asked:
        return _NO_NAMES
    kept: _Kept = {}
    for each in asked:
        before = frame.names.get(each.variable)
        parts = before.options if isinstance(before, Either) else (before,)
        if not any(map(is_described, parts)):
            continue
        names = [_name_of(value(machine, name, frame)) for name in each.names]
        texts = [name for name in names if isinstance(name, str)]
        now = [one for part in parts for one in _picks(part, texts, same=each.same)]
        if len(texts) == len(names) and now:
            frame.names[each.variable] = chosen = either(now)
            kept[each.variable] = (kept[each.variable][0] if each.variable in kept else before, chosen)
    return kept


def _name_of(found: Value) -> Value:
    """The name of a container that code has picked by it; anything else is what it is."""
    marks = dict(_marks(found)) if isinstance(found, Dict) and is_described(found) else {}
    return marks.get(NAMED, found)


def widen(names: dict[str, Value], kept: Mapping[str, tuple[Value, Value]]) -> None:
    """What a test was about is what it was before, where nothing was set in it."""
    for name, (before, now) in kept.items():
        if names.get(name) is now:
            names[name] = before


def _picks(part: Value, names: Sequence[str], *, same: bool) -> list[Value]:
    whole = described(part)
    if whole is None:
        return [part]
    known = next((each for key, each in whole.items if key == NAMED), None)
    if known is not None:
        return [part] if (known in names) is same else []
    if same:
        return [Dict((*whole.items, (NAMED, each)), True, whole.rest, whole.home) for each in names]
    left_out = [(NOT_NAMED, each) for each in names] if len(names) == 1 else []
    return [Dict((*whole.items, *left_out), True, whole.rest, whole.home)] if left_out else [part]


@lru_cache(maxsize=16_384)
def _asked(test: ast.expr, holds: bool) -> list[_Asked]:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _asked(inner, not holds)
        case ast.BoolOp(op=op, values=values):
            each = [_asked(inner, holds) for inner in values]
            if isinstance(op, ast.And) is holds:
                return [one for some in each for one in some]
            flat = [one for some in each for one in some]
            alone = all(len(some) == 1 for some in each) and len({one.variable for one in flat}) == 1
            if alone and all(one.same for one in flat):
                return [_Asked(flat[0].variable, tuple(name for one in flat for name in one.names), same=True)]
        case ast.Compare(left=ast.Name() as left, ops=[op], comparators=[ast.Name() as right]) if isinstance(
            op, _ALIKE
        ):
            # Whether one container is another: `each is not web`, where that was picked before.
            same = isinstance(op, ast.Is | ast.Eq) is holds
            return [_Asked(left.id, (right,), same), _Asked(right.id, (left,), same)]
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[right]):
            for one, other in ((left, right), (right, left)):
                variable = _named_by(one)
                if variable and isinstance(other, _TOLD):
                    return [_Asked(variable, (other,), isinstance(op, ast.Eq) is holds)]
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[several]):
            variable = _named_by(left)
            within_it = several.elts if isinstance(several, ast.Tuple | ast.List | ast.Set) else []
            if variable and within_it and all(isinstance(each, _TOLD) for each in within_it):
                return [_Asked(variable, tuple(within_it), isinstance(op, ast.In) is holds)]
    return []


_ALIKE: Final = (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)
# What is worked out twice without anything happening twice.
_TOLD: Final = (ast.Constant, ast.Name, ast.Attribute, ast.Subscript)


def _named_by(node: ast.expr) -> str:
    """The variable whose ``["name"]`` an expression asks for, or whose ``get("name")``; empty for any other."""
    match node:
        case ast.Subscript(value=ast.Name(id=variable), slice=ast.Constant(value="name")):
            return variable
        case ast.Call(func=ast.Attribute(value=ast.Name(id=variable), attr="get"), args=[first, *_]):
            return variable if isinstance(first, ast.Constant) and first.value == "name" else ""
    return ""


def by_test(node: ast.Dict) -> ast.IfExp | None:
    """``{**each, "image": new if each["name"] == "web" else old}`` as one dictionary or the other: a value that depends
    on which container it is for."""
    pairs = zip(node.keys, node.values, strict=True)
    spread = {each.id for key, each in pairs if key is None and isinstance(each, ast.Name)}
    for index, each in enumerate(node.values if spread else ()):
        if isinstance(each, ast.IfExp) and any(one.variable in spread for one in _asked(each.test, True)):
            return _by_test(node, index)
    return None


@lru_cache(maxsize=1024)
def _by_test(node: ast.Dict, index: int) -> ast.IfExp:
    chosen = node.values[index]
    assert isinstance(chosen, ast.IfExp)
    ways = [
        ast.copy_location(ast.Dict(node.keys, [*node.values[:index], way, *node.values[index + 1 :]]), node)
        for way in (chosen.body, chosen.orelse)
    ]
    return ast.copy_location(ast.IfExp(chosen.test, *ways), node)
