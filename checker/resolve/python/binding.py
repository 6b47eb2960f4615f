"""What an assignment binds: names, attributes, keys of what is known, and of what AWS has answered; and variables of
the environment, which a program sets for itself or has a default for."""

from __future__ import annotations

import ast

from checker.model.possible import OneOf, one_of, open_text
from checker.model.values import Text
from checker.resolve.python.libraries.dictionaries import variable_of, with_key, with_more, without_key
from checker.resolve.python.libraries.task_containers import described, is_described, put_back
from checker.resolve.python.machine import OWN, Call, Frame, Machine, value
from checker.resolve.python.objects import bind_name
from checker.resolve.python.record import keeps_key
from checker.resolve.python.syntax_facts import fills, fills_own, shown, written
from checker.resolve.python.values import (
    ENVIRONMENTS,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Value,
    bounded,
    either,
    elements,
    extern,
    part_of,
)


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
    names = fills_own(function.node)
    handed = {**dict(zip(_names_of(function), given.node.args, strict=False))} if names else {}
    handed |= {each.arg: each.value for each in given.node.keywords if each.arg is not None}
    for name in sorted(names & handed.keys()):
        if isinstance(owner := value(machine, handed[name], given.frame), Dict):
            changed(machine, handed[name], with_more(owner), given.frame)


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
                grown = with_key(owner, value(machine, target.slice, frame), found)
                # What is no name of its own is not put together from the ways of a function.
                own = isinstance(target.value, ast.Name) and target.value.id in frame.names
                grown = grown if own or frame.reached.certain else with_more(grown)
                nests = isinstance(found, tuple | Dict)
                changed(machine, target.value, bounded(grown, shown(target.value)) if nests else grown, frame)
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
        case _:
            pass
