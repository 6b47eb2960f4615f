"""What an assignment binds: names, attributes, keys of what is known, and of what AWS has answered."""

from __future__ import annotations

import ast

from checker.resolve.python.libraries.task_containers import described, is_described, put_back
from checker.resolve.python.machine import OWN, Frame, Machine, value
from checker.resolve.python.objects import bind_name
from checker.resolve.python.syntax_facts import shown, written
from checker.resolve.python.values import (
    Dict,
    Either,
    Extern,
    Instance,
    Value,
    bounded,
    either,
    elements,
    extern,
    part_of,
)


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
    taken = False
    for each in found.options if isinstance(found, Either) else (found,):
        home = each.home if isinstance(each, Dict) else None
        if isinstance(each, Dict) and home is not None:
            taken = True
            whole = put_back(value(machine, home, frame), each)
            if whole is not None:
                bind(machine, home, whole, frame)
    if not taken or isinstance(target, ast.Name):
        bind(machine, target, found, frame)


def bind(machine: Machine, target: ast.expr, found: Value, frame: Frame) -> None:
    """An assignment's left side."""
    match target:
        case ast.Name():
            bind_name(machine, target.id, found, frame)
        case ast.Attribute():
            owner = value(machine, target.value, frame)
            if isinstance(owner, Instance):
                machine.notes(OWN)
                owner.attributes[target.attr] = found
        case ast.Tuple() | ast.List():
            each = elements(found)
            star = next((index for index, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
            if star is not None and isinstance(found, tuple) and len(found) >= len(target.elts) - 1:
                taken = len(found) - len(target.elts) + 1
                each = [*found[:star], found[star : star + taken], *found[star + taken :]]
            exact = each is not None and len(each) == len(target.elts)
            for index, inner in enumerate(target.elts):
                bind(machine, inner, each[index] if exact and each is not None else extern(shown(inner)), frame)
        case ast.Starred():
            bind(machine, target.value, found if isinstance(found, tuple) else extern(shown(target)), frame)
        case ast.Subscript():
            owner = value(machine, target.value, frame)
            if isinstance(owner, Dict):
                key = value(machine, target.slice, frame)
                kept = (item for item in owner.items if not (isinstance(key, str) and item[0] == key))
                grown = Dict((*kept, (key, found)), open=True, rest=owner.rest, home=owner.home)
                nests = isinstance(found, tuple | Dict)
                changed(machine, target.value, bounded(grown, shown(target.value)) if nests else grown, frame)
            elif isinstance(owner, Either) and all(map(is_described, owner.options)):
                set_ = ((value(machine, target.slice, frame), found),)
                parts = [part for each in owner.options if (part := described(each)) is not None]
                grew = [Dict((*each.items, *set_), True, each.rest, each.home) for each in parts]
                changed(machine, target.value, either([*grew]), frame)
            elif isinstance(owner, Extern) and owner.answer is not None:
                _changed(machine, target, owner, found, frame)
        case _:
            pass
