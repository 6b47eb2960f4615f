"""Dictionaries of a program: what is put into one and taken out, and what is found in it. The variables of its
environment are one, and so are copies of them."""

from __future__ import annotations

from collections.abc import Iterable

from checker.model.possible import OneOf, one_of, open_text
from checker.resolve.python.machine import Machine
from checker.resolve.python.values import ENVIRONMENTS, Dict, Either, Extern, Value, either, extern, part_of, within


def variable_of(machine: Machine, name: str, default: Value = None) -> Value:
    """A variable of the environment: as the program or the workflow sets it, else open, or what stands in for it."""
    machine.depends()
    if name in machine.put:
        return machine.put[name]
    if (known := machine.variable(name)) is not None:
        return known
    opened = open_text(f"${{{name}}}")
    return one_of([opened, default]) if isinstance(default, str) else opened


def copied(found: Value) -> Value:
    """``dict(os.environ)``: all of its variables, as a dictionary of its own. Anything else as it is."""
    is_it = isinstance(found, Extern) and found.name in ENVIRONMENTS
    return Dict((), open=True, rest=found) if isinstance(found, Extern) and is_it else found


def is_copy(found: Dict) -> bool:
    """Whether what it has not been given is looked up among the variables."""
    return found.rest is not None and found.rest.name in ENVIRONMENTS


def with_key(whole: Dict, key: Value, found: Value) -> Dict:
    """A dictionary with one more key, or another value in the place of one that it has: a loop goes through it in the
    order in which its keys came."""
    named = isinstance(key, str)
    at = next((index for index, (each, _) in enumerate(whole.items) if named and each == key), len(whole.items))
    items = (*whole.items[:at], (key, found), *whole.items[at + 1 :])
    return Dict(items, open=whole.open or not named, rest=whole.rest, home=whole.home)


def without_key(whole: Dict, key: Value) -> Dict:
    """A dictionary that one key was taken out of."""
    named = isinstance(key, str) and all(isinstance(each, str) for each, _ in whole.items)
    items = tuple(item for item in whole.items if item[0] != key) if named else whole.items
    return Dict(items, open=whole.open or not named, rest=whole.rest, home=whole.home)


def with_more(whole: Dict) -> Dict:
    """A dictionary that may hold more, or something else, from now on."""
    return Dict(whole.items, open=True, rest=whole.rest, home=whole.home)


def of_ways(found: Value) -> Value:
    """Of dictionaries that one name may stand for (``if wait: given["wait"] = True``) one with the keys of all: what
    not all have, or have alike, is open."""
    ways = found.options if isinstance(found, Either) else ()
    known = [each for each in ways if isinstance(each, Dict) and not each.open and each.rest is None]
    if not known or len(known) < len(ways):
        return found
    keys = dict.fromkeys(key for each in known for key, _ in each.items)
    if not all(isinstance(key, str) for key in keys):
        return found
    held = {key: [dict(each.items).get(key, extern(f"{key}?")) for each in known] for key in keys}
    return Dict(tuple((key, either(values)) for key, values in held.items()))


def last_of(items: Iterable[tuple[Value, Value]]) -> tuple[tuple[Value, Value], ...]:
    """Of a key that is written more than once what was written last, where the key came first."""
    places: dict[str, int] = {}
    told: list[tuple[Value, Value]] = []
    for key, found in items:
        if isinstance(key, str) and key in places:
            told[places[key]] = (key, found)
            continue
        if isinstance(key, str):
            places[key] = len(told)
        told.append((key, found))
    return tuple(told)


def united(left: Value, right: Value) -> Dict | None:
    """``left | right``: what stands right counts. ``None`` where that is no dictionary that is known."""
    left, right = copied(left), copied(right)
    if not isinstance(right, Dict):
        return None
    if not isinstance(left, Dict):  # one as well: a dictionary is joined to nothing else
        return part_of(left, right.items) if isinstance(left, Extern) else Dict(right.items, open=True)
    if right.open:  # any key of the left one may be in it, too
        return Dict(right.items, open=True, rest=right.rest)
    for key, found in right.items:
        left = with_key(left, key, found)
    return left


def looked_up_in(machine: Machine, owner: Dict, key: Value) -> Value:
    """``owner[key]``, as far as the command line tells the key."""
    if isinstance(key, str | int):
        for name, found in owner.items:
            if name == key:
                return found
        others = [found for name, found in owner.items if isinstance(name, Extern)]
        if others:
            return either(others)
    if isinstance(key, str) and is_copy(owner):
        return variable_of(machine, key)
    if isinstance(key, str) and owner.rest is not None:
        return within(owner.rest, f"{owner.rest.name}[{key!r}]")
    if isinstance(key, str) or not owner.items:
        return extern("a key that is not there")
    if isinstance(key, OneOf) and all(isinstance(each, str) for each in key.options):
        return either([looked_up_in(machine, owner, each) for each in key.options])
    names = [name for name, _ in owner.items if isinstance(name, str)]
    chosen = [found for name, found in owner.items if not machine.not_asked_for(str(name), names)]
    return either(chosen) if chosen else extern("one of a table")


def got_from(machine: Machine, owner: Dict, key: Value, *default: Value) -> Value:
    """``owner.get(key, default)``. Of a key that nobody knows the table may have none."""
    if isinstance(key, OneOf) and all(isinstance(each, str) for each in key.options):
        return either([got_from(machine, owner, each, *default) for each in key.options])
    if isinstance(key, str) and is_copy(owner) and all(name != key for name, _ in owner.items):
        return variable_of(machine, key, default[0] if default else None)
    found = looked_up_in(machine, owner, key)
    if lacks(machine, owner, key) or (default and isinstance(found, Extern)):
        return default[0] if default else None
    names = [str(name) for name, _ in owner.items]
    told = isinstance(key, str | int) or any(machine.not_asked_for(name, names) for name in names)
    return either([found, *default]) if not told else found


def lacks(machine: Machine, owner: Value, key: Value) -> str:
    """The exception of Python's that ``owner[key]`` makes where an answer holds less than is expected of it, and this
    is surely not in it; else empty."""
    if machine.stage is None or not machine.stage.holds_little:
        return ""
    if owner == () and isinstance(key, int):
        return "IndexError"
    if not isinstance(owner, Dict) or owner.open or owner.rest is not None or not isinstance(key, str):
        return ""
    names = [name for name, _ in owner.items]
    return "KeyError" if key not in names and all(isinstance(name, str) for name in names) else ""
