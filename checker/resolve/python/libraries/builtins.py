"""Python's builtins that give back what they are given, and what lists and dictionaries do to themselves.

Source: Python documentation, "Built-in Functions", "Mapping Types": a dictionary is gone through in its keys' order.
"""

from __future__ import annotations

import ast
from typing import Final

from msgspec.structs import replace

from checker.resolve.python.libraries.dictionaries import copied, united, with_key, with_more
from checker.resolve.python.machine import Call
from checker.resolve.python.syntax_facts import shown
from checker.resolve.python.values import (
    SCALARS,
    Dict,
    Some,
    Unordered,
    Value,
    bounded,
    either,
    elements,
    extern,
    is_plain,
)

# Those that are followed.
KEEPING: Final = frozenset({"str", "list", "tuple", "sorted", "reversed", "set", "dict", "iter", "next", "enumerate",
                             "typing.cast", "cast", "dict.fromkeys", "frozenset", "random.shuffle", "copy.copy",
                             "copy.deepcopy"})  # fmt: skip
_SETS: Final = frozenset({"set", "frozenset"})
_OF_KEYS: Final = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "enumerate"})
_ORDERED: Final = frozenset({"list", "tuple", "iter", "reversed", "enumerate"})


def built_in(name: str, given: Call) -> Value:
    """What one of them gives."""
    if name == "dict" and given.complete and (given.named or not given.positional):
        inside = copied(given.first) if given.positional else Dict(())
        told = tuple(given.named.items())
        if (both := united(inside, Dict(told))) is not None:
            return Dict(both.items, both.open, both.rest)
    if name.endswith("cast"):
        return given.positional[1] if len(given.positional) > 1 else extern(given.shown)
    first = copied(given.first) if name == "dict" or name.startswith("copy.") else given.first
    if name.startswith("copy.") and given.positional:
        return first
    if isinstance(first, Dict) and not first.open and name in _OF_KEYS:
        return built_in(name, replace(given, positional=[tuple(key for key, _ in first.items), *given.positional[1:]]))
    inner = given.node.args[0] if given.node.args else None
    is_call = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in _SETS
    several = (isinstance(first, tuple) and len(first) > 1) or isinstance(first, Some)
    loose = is_call or isinstance(inner, ast.Set | ast.SetComp) or isinstance(first, Unordered)
    if name == "next":  # any of a set's, where it is at its first
        begun = isinstance(first, Unordered) and isinstance(inner, ast.Call)
        return either([*first]) if begun and isinstance(first, tuple) else extern(given.shown)
    if loose and name in _ORDERED and several and not (name == "iter" and isinstance(first, Unordered)):
        return extern(given.shown)  # a set is in no order
    if name in {"set", "frozenset", "random.shuffle"} and isinstance(first, tuple | Some):
        return Unordered(elements(first) or ())
    if name == "str" and given.positional and (first is None or isinstance(first, SCALARS)):
        return str(first)
    if name in {"str", "iter"}:
        return first if first is not None and (is_plain(first) or name == "iter") else extern(given.shown)
    if name == "enumerate" and isinstance(first, tuple):
        start = given.named.get("start", given.positional[1] if len(given.positional) > 1 else 0)
        if isinstance(start, int):
            return tuple(enumerate(first, start))
        return tuple((extern(given.shown), each) for each in first)
    if isinstance(first, Some) and name == "enumerate":
        return Some(tuple((extern(given.shown), each) for each in first.options))
    if isinstance(first, Some):
        if name == "reversed":
            return Some(tuple(reversed(first.options)))
        return first if name in {"list", "tuple", "set", "frozenset", "dict.fromkeys"} else extern(given.shown)
    if name == "reversed" and isinstance(first, tuple):
        return tuple(reversed(first))
    if name == "sorted" and not given.named and isinstance(first, tuple):
        return tuple(sorted(map(str, first))) if all(isinstance(each, str) for each in first) else extern(given.shown)
    return first if isinstance(first, tuple | Dict) and name != "sorted" else extern(given.shown)


def grown(owner: tuple[Value, ...] | Some | Dict, name: str, given: Call) -> Value:
    """A container after ``append`` and the like: what is in it is only known where that surely happens."""
    first = given.first
    if name in {"sort", "reverse"}:
        return built_in("reversed" if name == "reverse" else "sorted", replace(given, positional=[owner]))
    if isinstance(owner, tuple) and given.frame.reached.certain:
        if name in {"append", "add"}:
            return (
                bounded((*owner, first), shown(given.node.func)) if isinstance(first, tuple | Dict) else (*owner, first)
            )
        if name == "extend" and isinstance(first, tuple):
            return bounded((*owner, *first), shown(given.node.func))
    if isinstance(owner, tuple | Some) and name in {"append", "add"}:
        return Some((*(owner.options if isinstance(owner, Some) else owner), first))
    if isinstance(owner, Dict):
        more = first.items if isinstance(first, Dict) else ()
        told = given.named.items() if name == "update" else ()
        whole = given.complete and (isinstance(first, Dict) or not given.positional)
        whole = whole and name == "update" and given.frame.reached.certain
        filled = owner if whole else with_more(owner)
        for key, found in (*more, *told):
            filled = with_key(filled, key, found)
        return bounded(with_more(filled) if isinstance(first, Dict) and first.open else filled, shown(given.node.func))
    return extern(shown(given.node.func))
