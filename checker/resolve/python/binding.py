"""What an assignment binds: names, attributes, keys of what is known, and of what AWS has answered; and variables of
the environment, which a program sets for itself or has a default for."""

from __future__ import annotations

import ast
import re
from functools import lru_cache, reduce
from typing import Final

from checker.model.pipeline.python import nodes_of
from checker.model.possible import OneOf, one_of, open_text
from checker.model.values import Text
from checker.resolve.python.libraries.dictionaries import variable_of, with_key, with_more, without_key
from checker.resolve.python.libraries.filled_parts import fills_parts
from checker.resolve.python.libraries.task_containers import described, is_described, put_back
from checker.resolve.python.machine import OWN, Call, Frame, Machine, value
from checker.resolve.python.objects import bind_name
from checker.resolve.python.record import keeps_key
from checker.resolve.python.syntax_facts import fills, fills_own, root_of, shown, written
from checker.resolve.python.values import (
    ENVIRONMENTS,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Unordered,
    Value,
    bounded,
    either,
    elements,
    extern,
    part_of,
)

_MOST_LOOKED_AT: Final = 64
# What hands on what it is given as it is.
_PICKING: Final = frozenset(
    {"next", "iter", "list", "tuple", "filter", "sorted", "reversed", "enumerate", "zip", "max", "min", "get", "items",
     "values"}
)  # fmt: skip


_PLACES: Final = (ast.Name, ast.Subscript, ast.Attribute)


class Taken(tuple["Value", ...]):
    """A list that has a name of its own and is a part of something, ``home``: what is set in it is set there."""

    home: ast.expr


def taken(machine: Machine, found: Value, home: ast.expr, frame: Frame) -> Value:
    """What a name is given that stands for a part of a list or dictionary: ``task["containerDefinitions"][0]``, or what
    was picked, ``next(each for each in task["containerDefinitions"] if ...)``; with such parts in it likewise."""
    if isinstance(home, ast.Name | ast.Attribute) or not _has_parts(found):
        return found
    if (fixed := _fixed(machine, home, frame)) is not None:
        return _at(found, fixed)
    if not _picks(home):
        return found
    if (place := _holding(frame, found)) is not None:
        return _at(found, place)
    if isinstance(found, Dict):
        return Dict(tuple((key, _held(frame, each)) for key, each in found.items), found.open)
    assert isinstance(found, tuple)
    return tuple(_held(frame, each) for each in found)


def _held(frame: Frame, found: Value) -> Value:
    place = _holding(frame, found) if _has_parts(found) else None
    return _at(found, place) if place is not None else found


@lru_cache(maxsize=4_096)
def _picks(node: ast.expr) -> bool:
    """Whether an expression gives what is there, and makes no other one of it, as ``copy.deepcopy`` does."""
    inner = list(nodes_of(node))
    calls = (each.func for each in inner if isinstance(each, ast.Call))
    names = {each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in calls}
    return names <= _PICKING and any(isinstance(each, ast.Name) for each in inner)


def _has_parts(found: Value) -> bool:
    return type(found) is tuple or (isinstance(found, Dict) and found.rest is None and found.home is None)


def _at(found: Value, home: ast.expr) -> Value:
    if isinstance(found, Dict):
        return Dict(found.items, found.open, home=home)
    assert isinstance(found, tuple)
    whole = Taken(found)
    whole.home = home
    return whole


def _fixed(machine: Machine, home: ast.expr, frame: Frame) -> ast.expr | None:
    """The place as it is told now, whatever becomes of the names in its keys; ``None`` where no place is told."""
    match home:
        case ast.Name() | ast.Attribute(value=ast.Name()):
            return home
        case ast.Subscript(value=whole, slice=ast.Name() | ast.Constant() as place):
            pass
        case ast.Call(func=ast.Attribute(value=whole, attr="get"), args=[ast.Constant() as place, *_]):
            pass
        case _:
            return None
    inside, key = _fixed(machine, whole, frame), value(machine, place, frame)
    if inside is None or not isinstance(key, str | int):
        return None
    return _place(inside, key)


def _place(whole: ast.expr, key: str | int) -> ast.expr:
    made = ast.Subscript(whole, ast.Constant(key), ast.Load())
    return ast.fix_missing_locations(ast.copy_location(made, whole))


def _holding(frame: Frame, found: Value) -> ast.expr | None:
    """The place in what a name of the frame stands for that holds this very value; ``None`` where none is seen."""
    pending: list[tuple[Value, tuple[str | int, ...]]] = [
        (whole, (name,)) for name, whole in frame.names.items() if isinstance(whole, tuple | Dict)
    ]
    for looked, (whole, place) in enumerate(pending):
        if looked == _MOST_LOOKED_AT:
            return None
        inner = whole.items if isinstance(whole, Dict) else enumerate(whole) if isinstance(whole, tuple) else ()
        for key, each in inner:
            if isinstance(key, str | int) and isinstance(each, tuple | Dict):
                pending.append((each, (*place, key)))
                if each is found:
                    name, *keys = pending[-1][1]
                    whole_name: ast.expr = ast.Name(str(name), ast.Load(), lineno=1, col_offset=0)
                    return reduce(_place, keys, whole_name)
    return None


def _loosen(picked: str, frame: Frame) -> None:
    """Something is set in what nobody knows, and what that was picked from has it then: any part of it may."""
    for name, whole in [*frame.names.items()] if "(" in picked or "[" in picked else ():
        if _has_parts(whole) and re.search(rf"(?<![\w.]){re.escape(name)}\b", picked):
            frame.names[name] = _with_any_parts(whole) if isinstance(whole, Dict) else extern(name)


def _refresh(machine: Machine, whole: str, frame: Frame) -> None:
    """Names of parts of what was changed stand for what these are now."""
    homes = [(name, home) for name, found in frame.names.items() if (home := _home(found)) is not None]
    for name, home in homes:
        if root_of(home) == whole and _has_parts(now := value(machine, home, frame)):
            frame.names[name] = _at(now, home)


def _home(found: Value) -> ast.expr | None:
    if isinstance(found, Taken):
        return found.home
    return found.home if isinstance(found, Dict) and found.rest is None else None


def element(machine: Machine, whole: ast.expr, index: int, found: Value, frame: Frame) -> Value:
    """What a loop's name stands for in one round; with its number, if the loop counts."""
    match whole, found:
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]), (number, each):
            return number, element(machine, inner, index, each, frame)
    fixed = _fixed(machine, whole, frame)
    return _at(found, _place(fixed, index)) if fixed is not None and _has_parts(found) else found


def _put_into(machine: Machine, target: ast.Subscript, owner: tuple[Value, ...], found: Value, frame: Frame) -> None:
    """``found["list"][0] = value``: another list, with that in it; in any place of it where that is not known."""
    key = value(machine, target.slice, frame)
    sure = isinstance(key, int) and not isinstance(key, bool) and -len(owner) <= key < len(owner)
    if isinstance(owner, Unordered) or isinstance(target.slice, ast.Slice):
        bind(machine, target.value, extern(shown(target.value)), frame)
        return
    at = {range(len(owner))[key]} if sure and isinstance(key, int) else set(range(len(owner)))
    surely = sure and (frame.reached.certain or isinstance(target.value, ast.Name))
    now = tuple(
        each if index not in at else found if surely else either([each, found]) for index, each in enumerate(owner)
    )
    if isinstance(owner, Taken):
        bind(machine, owner.home, now, frame)
    bind(machine, target.value, _at(now, owner.home) if isinstance(owner, Taken) else now, frame)


def put_variable(machine: Machine, name: str, found: Value, frame: Frame) -> None:
    """A program sets a variable of its environment: surely, or on some of its ways."""
    before = variable_of(machine, name)
    answer = found.answer if isinstance(found, Extern) else None
    now = found if isinstance(found, str | Text | OneOf) else open_text(f"${{{name}}}", call=answer)
    machine.put[name] = now if frame.reached.certain else either([before, now])


def put_default(machine: Machine, name: str, default: Value, frame: Frame) -> Value:
    """``os.environ.setdefault``."""
    found = variable_of(machine, name, default)
    put_variable(machine, name, found, frame)
    return found


def put_all(machine: Machine, given: Call) -> None:
    """``os.environ.update(...)``."""
    first = given.positional[0] if given.positional else None
    items = [*(first.items if isinstance(first, Dict) else ()), *given.named.items()]
    for name, found in items:
        if isinstance(name, str):
            put_variable(machine, name, found, given.frame)


def with_default(machine: Machine, function: Extern, given: Call) -> Value:
    """``settings.get("cluster", "docs")`` of what is not known; ``None`` for other calls. A parser of configuration
    files gets a section's option so."""
    name, _, default = function.name.rpartition(".")[2], *[*given.positional, None, None][:2]
    told = name == "get" and len(given.positional) == 2 and not given.named and function.answer is None
    if not told or not isinstance(default, str) or function.library.startswith("configparser"):
        return None
    # On one way of a rehearsal it is a question like others.
    return one_of([open_text(f"${{{shown(given.node)}}}"), default]) if machine.stage is None else None


def _changed(machine: Machine, target: ast.Subscript, owner: Extern, found: Value, frame: Frame) -> None:
    """``answer["key"] = value``, ``answer["list"][0]["key"] = value``: what was answered, with that in it."""
    key = value(machine, target.slice, frame)
    if isinstance(key, str):
        bind(machine, target.value, part_of(owner, [(key, found)]), frame)
    elif isinstance(key, int) and isinstance(found, Dict):
        bind(machine, target.value, (found,), frame)


def looped(machine: Machine, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
    """What a loop sets in each element of an AWS call's answer stands in that answer from then on."""
    element = frame.names.get(written(node.target))
    each = element.options if isinstance(element, Either) else (element,)
    if any(isinstance(one, Dict) and one.rest is not None for one in each):
        bind(machine, node.iter, (element,), frame)


def changed(machine: Machine, target: ast.expr, found: Value, frame: Frame) -> None:
    """What a name stands for has changed in itself: what it was taken from holds that, too."""
    is_part = False
    for each in found.options if isinstance(found, Either) else (found,):
        home = each.home if isinstance(each, Dict) else None
        if not isinstance(each, Dict) or home is None:
            continue
        there = value(machine, home, frame)
        if is_described(each):
            is_part = True
            if (whole := put_back(there, each)) is not None:
                bind(machine, home, whole, frame)
        elif isinstance(there, Dict) and _keys(there) <= _keys(each):
            bind(machine, home, Dict(each.items, each.open), frame)
    if not is_part or isinstance(target, ast.Name):
        bind(machine, target, found, frame)


def _keys(whole: Dict) -> set[str]:
    return {key for key, _ in whole.items if isinstance(key, str)}


def _as_shared(machine: Machine, name: str, found: Value, frame: Frame) -> Value:
    """A dictionary of a module into which functions put something may hold more than is seen here. One way of a
    rehearsal has what they did."""
    shared = isinstance(found, Dict) and frame.names is frame.module.names and machine.stage is None
    return with_more(found) if shared and isinstance(found, Dict) and name in fills(frame.module.tree) else found


def delete(machine: Machine, node: ast.Delete, frame: Frame) -> bool:
    """``del found["key"]``."""
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            owner = value(machine, target.value, frame)
            if isinstance(owner, Dict):
                changed(machine, target.value, without_key(owner, value(machine, target.slice, frame)), frame)
            elif isinstance(owner, tuple):
                bind(machine, target.value, extern(shown(target.value)), frame)
    return False


def filled(machine: Machine, function: Function, given: Call) -> None:
    """A dictionary that a function is handed which puts something in it: from then on there may be more."""
    names, parts, made = fills_own(function.node), fills_parts(function.node), machine.filled
    told = names or parts or made
    handed = {**dict(zip(_names_of(function), given.node.args, strict=False))} if told else {}
    handed |= {each.arg: each.value for each in given.node.keywords if each.arg is not None}
    for name, found in made.items():
        if name in handed and isinstance(found, tuple | Dict) and isinstance(handed[name], _PLACES):
            changed(machine, handed[name], _as_given(found, value(machine, handed[name], given.frame)), given.frame)
    for name in sorted(names & handed.keys() - made.keys()):
        if isinstance(owner := value(machine, handed[name], given.frame), Dict):
            changed(machine, handed[name], with_more(owner), given.frame)
    for name in sorted(parts & handed.keys() - made.keys()):
        owner = value(machine, handed[name], given.frame)
        if isinstance(owner, Dict) and owner.rest is None:
            changed(machine, handed[name], _with_any_parts(owner), given.frame)
        elif isinstance(owner, tuple):
            bind(machine, handed[name], extern(shown(handed[name])), given.frame)


def _as_given(found: Value, before: Value) -> Value:
    """What a function has made of a list or dictionary, which stays a part of what it was a part of."""
    home = _home(before)
    if isinstance(found, Dict):
        return found if found.rest is not None else Dict(found.items, found.open, home=home)
    assert isinstance(found, tuple)
    return _at(found, home) if home is not None else found if isinstance(found, Unordered) else tuple(found)


def _with_any_parts(whole: Dict) -> Dict:
    """A dictionary whose lists and dictionaries may hold something else from now on."""
    items = ((key, extern(str(key)) if isinstance(each, tuple | Dict) else each) for key, each in whole.items)
    return Dict(tuple(items), open=True, home=whole.home)


def _names_of(function: Function) -> list[str]:
    """The parameters that a call's own words go to by their places."""
    arguments = function.node.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    return names[1:] if function.owner is not None else names


def bind(machine: Machine, target: ast.expr, found: Value, frame: Frame) -> None:
    """An assignment's left side."""
    match target:
        case ast.Name():
            bind_name(machine, target.id, _as_shared(machine, target.id, found, frame), frame)
        case ast.Attribute():
            owner = value(machine, target.value, frame)
            if isinstance(owner, Instance):
                machine.notes(OWN)
                owner.attributes[target.attr] = found
        case ast.Tuple() | ast.List():
            each = elements(found)
            star = next((index for index, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
            if star is not None and isinstance(found, tuple) and len(found) >= len(target.elts) - 1:
                count = len(found) - len(target.elts) + 1
                each = [*found[:star], found[star : star + count], *found[star + count :]]
            exact = each is not None and len(each) == len(target.elts)
            for index, inner in enumerate(target.elts):
                bind(machine, inner, each[index] if exact and each is not None else extern(shown(inner)), frame)
        case ast.Starred():
            bind(machine, target.value, found if isinstance(found, tuple) else extern(shown(target)), frame)
        case ast.Subscript():
            owner = value(machine, target.value, frame)
            if isinstance(owner, Dict):
                grown = with_key(owner, value(machine, target.slice, frame), found)
                # What is no name of its own is not put together from the ways of a function.
                own = isinstance(target.value, ast.Name) and target.value.id in frame.names
                grown = grown if own or frame.reached.certain else with_more(grown)
                nests = isinstance(found, tuple | Dict)
                changed(machine, target.value, bounded(grown, shown(target.value)) if nests else grown, frame)
            elif isinstance(owner, tuple) and not any(map(is_described, owner)):
                _put_into(machine, target, owner, found, frame)
            elif isinstance(owner, Either) and all(map(is_described, owner.options)):
                set_ = ((value(machine, target.slice, frame), found),)
                parts = [part for each in owner.options if (part := described(each)) is not None]
                grew = [Dict((*each.items, *set_), True, each.rest, each.home) for each in parts]
                changed(machine, target.value, either([*grew]), frame)
            elif isinstance(owner, Extern) and owner.name in ENVIRONMENTS:
                if isinstance(name := value(machine, target.slice, frame), str):
                    put_variable(machine, name, found, frame)
            elif isinstance(owner, Extern) and owner.library.startswith("configparser"):
                items = found.items if isinstance(found, Dict) else ((value(machine, target.slice, frame), found),)
                keeps_key(machine, items, target, frame)
            elif isinstance(owner, Extern) and owner.answer is not None:
                _changed(machine, target, owner, found, frame)
            elif isinstance(owner, Extern) and owner.answer is None:
                _loosen(owner.name, frame)
            if isinstance(target.value, ast.Name):
                _refresh(machine, target.value.id, frame)
        case _:
            pass
