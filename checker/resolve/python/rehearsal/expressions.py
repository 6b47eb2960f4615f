"""What expressions give on one way through a program, where that differs from what they may give on any."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from checker.model.pipeline.python import nodes_of
from checker.model.values import Text
from checker.resolve.python.attributes import attribute
from checker.resolve.python.binding import bind
from checker.resolve.python.calls import call, called
from checker.resolve.python.expressions import EXPRESSIONS, part
from checker.resolve.python.libraries.dictionaries import lacks
from checker.resolve.python.machine import Evaluate, Frame, Machine, value
from checker.resolve.python.rehearsal.flows import mistaken, raised
from checker.resolve.python.rehearsal.lending import awaited, iterated
from checker.resolve.python.rehearsal.questions import compare, compared_alike, decide, exactly, is_instance
from checker.resolve.python.syntax_facts import shown
from checker.resolve.python.values import (
    SCALARS,
    Dict,
    Extern,
    Function,
    Instance,
    Some,
    Value,
    either,
    elements,
)

_Listed: TypeAlias = "ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp"
_NUMBERS: Final = (int, float)


def _boolean(machine: Machine, node: ast.BoolOp, frame: Frame) -> Value:
    stage = machine.stage
    assert stage is not None
    stops = isinstance(node.op, ast.Or)
    found: Value = None
    for index, each in enumerate(node.values):
        found = value(machine, each, frame)
        if index == len(node.values) - 1:
            break
        answer = exactly(found)
        if answer is None and any(map(_calls, node.values[index + 1 :])):
            answer = stage.choose(each, found, rather=False)
        if answer is None:
            # Left open here: who asks for the whole decides.
            rest = value(machine, node.values[index + 1], frame) if index + 2 == len(node.values) else None
            return rest if rest is not None and exactly(rest) is stops else Extern(shown(node))
        if answer is stops:
            return found
    return found


def _subscript(machine: Machine, node: ast.Subscript, frame: Frame) -> Value:
    owner, key = value(machine, node.value, frame), value(machine, node.slice, frame)
    if error := lacks(machine, owner, key):
        raise raised(machine, Extern(error), frame)
    if not isinstance(key, str) and compared_alike(owner) is not None:
        return owner
    return part(machine, node, owner, key, frame)


def _conditional(machine: Machine, node: ast.IfExp, frame: Frame) -> Value:
    answer = exactly(value(machine, node.test, frame))
    if answer is None and not (_calls(node.body) or _calls(node.orelse)):
        both = [value(machine, node.body, frame), value(machine, node.orelse, frame)]
        # A status by which the program may end is decided: `0 if well else 1`.
        if not (all(isinstance(each, int) for each in both) and bool(both[0]) is not bool(both[1])):
            return either(both)
    taken = answer if answer is not None else decide(machine, node.test, frame)
    return value(machine, node.body if taken else node.orelse, frame)


@lru_cache(maxsize=16_384)
def _calls(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) for each in nodes_of(node))


def _unary(machine: Machine, node: ast.UnaryOp, frame: Frame) -> Value:
    found = value(machine, node.operand, frame)
    if isinstance(node.op, ast.Not):
        answer = exactly(found)
        return Extern(shown(node)) if answer is None else not answer
    if isinstance(node.op, ast.USub) and isinstance(found, _NUMBERS):
        return -found
    return found


def _comprehension(
    machine: Machine, node: _Listed, frame: Frame, enough: Callable[[Value], bool] = lambda _: False
) -> Value:
    """One over what is known, element by element, its filters answered; to the first element that is ``enough``."""
    generator = node.generators[0]
    source = iterated(machine, value(machine, generator.iter, frame), frame) if len(node.generators) == 1 else None
    each = elements(source) if isinstance(source, tuple | Dict) else None
    if each is None:
        return EXPRESSIONS[type(node)](machine, node, frame)
    inner = Frame(frame.module, dict(frame.names), frame.reached, frame.handling)
    results: list[Value] = []
    items: list[tuple[Value, Value]] = []
    stage = machine.stage
    assert stage is not None
    filtered = isinstance(node, ast.DictComp) and bool(generator.ifs)
    asked = stage.questions() if filtered else 0
    for element in each:
        machine.work()
        bind(machine, generator.target, element, inner)
        if all(decide(machine, test, inner) for test in generator.ifs):
            if isinstance(node, ast.DictComp):
                items.append((value(machine, node.key, inner), value(machine, node.value, inner)))
            else:
                results.append(value(machine, node.elt, inner))
                if enough(results[-1]):
                    break
    if not isinstance(node, ast.DictComp):
        return tuple(results)
    # What a question has left out may be there all the same.
    return Dict(tuple(items), open=filtered and stage.questions() != asked)


def _yield(machine: Machine, node: ast.Yield, frame: Frame) -> Value:
    stage = machine.stage
    assert stage is not None
    stage.yielded(frame.names, value(machine, node.value, frame) if node.value is not None else None)
    return None


def _await(machine: Machine, node: ast.Await, frame: Frame) -> Value:
    return awaited(machine, EXPRESSIONS[ast.Await](machine, node, frame))


def _binary(machine: Machine, node: ast.BinOp, frame: Frame) -> Value:
    left, right = value(machine, node.left, frame), value(machine, node.right, frame)
    if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        match node.op:
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.FloorDiv() if right:
                return left // right
            case ast.Mod() if right:
                return left % right
    return EXPRESSIONS[ast.BinOp](machine, node, frame)


def _call(machine: Machine, node: ast.Call, frame: Frame) -> Value:
    """Python's own functions, of what is known. Whatever it is, function and arguments are gone through once: twice on
    every level would be without end where calls stand in calls."""
    if node.keywords:
        return call(machine, node, frame)
    if isinstance(node.func, ast.Name):
        own = _BUILTINS.get(node.func.id)
        if (taken := _of_generator(machine, node, node.func.id, frame)) is not _OPEN:
            return taken  # type: ignore[return-value]
        if node.func.id in _GOES_THROUGH and node.func.id not in frame.names:
            given = [iterated(machine, value(machine, each, frame), frame) for each in node.args]
            found = own(given) if own is not None else _OPEN
            if found is not _OPEN:
                return found  # type: ignore[return-value]
            return called(machine, node, frame, value(machine, node.func, frame), given)
        if own is None or node.func.id in frame.names or node.func.id in frame.module.names:
            return call(machine, node, frame)
        given = [value(machine, each, frame) for each in node.args]
        found = own(given)
        if found is not _OPEN:
            return found  # type: ignore[return-value]
        return called(machine, node, frame, value(machine, node.func, frame), given)
    if isinstance(node.func, ast.Attribute) and (node.func.attr in _TEXTS | _PARTS | _TRIMS or node.func.attr == "run"):
        owner = value(machine, node.func.value, frame)
        if node.func.attr == "run":
            machine.awaits(*node.args)
        given = [value(machine, each, frame) for each in node.args]
        trims = node.func.attr in _TRIMS
        if (alike := compared_alike(owner)) is not None and (given or trims) and node.func.attr != "run":
            return alike if node.func.attr in _TEXTS else owner
        if node.func.attr in _TEXTS and isinstance(owner, str | Text):
            found = _of_text(owner, node.func.attr, given)
            if found is not _OPEN:
                return found  # type: ignore[return-value]
        starts = isinstance(owner, Extern) and owner.name in {"asyncio", "anyio", "trio"}
        if starts and node.func.attr == "run" and len(given) == 1 and not isinstance(given[0], Function):
            return awaited(machine, given[0])
        return called(machine, node, frame, attribute(machine, owner, node.func.attr, frame), given)
    return call(machine, node, frame)


_OPEN: Final = object()
# What goes through all that it is given.
_GOES_THROUGH: Final = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "any", "all", "enumerate", "max", "min", "zip"}
)
_TEXTS: Final = frozenset({"startswith", "endswith", "isdigit", "isnumeric"})
# Of which a part of a stand-in is compared as the whole of it is.
_TRIMS: Final = frozenset({"strip", "lstrip", "rstrip", "decode"})
_PARTS: Final = frozenset({"split", "rsplit", "partition", "rpartition", "removeprefix", "removesuffix"})


def _of_text(owner: str | Text, name: str, given: list[Value]) -> object:
    if isinstance(owner, str):
        if name in {"isdigit", "isnumeric"} and not given:
            return owner.isdigit()
        each = given[0] if given and isinstance(given[0], tuple) else tuple(given)
        texts = [option for option in each if isinstance(option, str)]
        if given and len(texts) == len(each):
            return owner.startswith(tuple(texts)) if name == "startswith" else owner.endswith(tuple(texts))
        return _OPEN
    head = owner.parts[0]
    if not isinstance(head, str):
        return _OPEN
    if name == "startswith" and len(given) == 1 and isinstance(given[0], str) and len(head) >= len(given[0]):
        return head.startswith(given[0])
    return False if name in {"isdigit", "isnumeric"} and head and not head.isdigit() else _OPEN


def _of_generator(machine: Machine, node: ast.Call, name: str, frame: Frame) -> object:
    """What ``any``, ``all`` and ``next`` give of a generator, which goes no further than they ask; ``_OPEN`` where
    nothing of the kind is called."""
    first = node.args[0] if node.args else None
    enough = _ENOUGH.get(name)
    if enough is None or not isinstance(first, ast.GeneratorExp) or name in frame.names or name in frame.module.names:
        return _OPEN
    given = [_comprehension(machine, first, frame, enough), *(value(machine, each, frame) for each in node.args[1:])]
    found = _BUILTINS[name](given)
    return Extern(shown(node)) if found is _OPEN else found


def _any(given: list[Value]) -> object:
    return _over(given, stops=True)


def _all(given: list[Value]) -> object:
    return _over(given, stops=False)


def _over(given: list[Value], *, stops: bool) -> object:
    each = elements(given[0]) if len(given) == 1 and isinstance(given[0], tuple | Dict) else None
    if each is None:
        return _OPEN
    answers = [exactly(one) for one in each]
    if stops in answers:
        return stops
    return _OPEN if None in answers else not stops


def _next(given: list[Value]) -> object:
    if not given or not isinstance(given[0], tuple):
        return _OPEN
    if given[0]:
        return given[0][0]
    return given[1] if len(given) > 1 else _OPEN


def _len(given: list[Value]) -> object:
    if len(given) == 1 and isinstance(given[0], str | tuple):
        return len(given[0])
    return len(given[0].items) if len(given) == 1 and isinstance(given[0], Dict) and not given[0].open else _OPEN


def _type(given: list[Value]) -> object:
    return given[0].cls if len(given) == 1 and isinstance(given[0], Instance) else _OPEN


def _str(given: list[Value]) -> object:
    if len(given) == 1 and (said := _said(given[0])):
        return said
    return str(given[0]) if len(given) == 1 and isinstance(given[0], SCALARS) else _OPEN


def _said(found: Value) -> str:
    """The text of an error that stands in for one of a library: botocore's tells the error's code."""
    if not isinstance(found, Instance) or found.cls.module.file:
        return ""
    if isinstance(given := found.attributes.get("args"), tuple) and len(given) == 1 and isinstance(given[0], str):
        return given[0]
    for each in found.cls.node.body:
        match each:
            case ast.Assign(targets=[ast.Name(id="args")], value=ast.Tuple(elts=[ast.Constant(value=str(text))])):
                return text
    return ""


def _shown(found: Value) -> str:
    """An error as ``repr`` has it: with the name of its class."""
    said = _said(found)
    return f"{found.cls.node.name}({said!r})" if said and isinstance(found, Instance) else ""


def _joined(machine: Machine, node: ast.JoinedStr, frame: Frame) -> Value:
    """A text with what is put into it, an error's text too."""
    whole = EXPRESSIONS[ast.JoinedStr](machine, node, frame)
    names = [each for each in node.values if isinstance(each, ast.FormattedValue)]
    said = [
        (_shown if each.conversion == ord("r") else _said)(frame.names.get(each.value.id))
        if isinstance(each.value, ast.Name)
        else ""
        for each in names
    ]
    if isinstance(whole, str) or not names or not all(said):
        return whole
    texts = iter(said)
    return "".join(str(each.value) if isinstance(each, ast.Constant) else next(texts) for each in node.values)


def _int(given: list[Value]) -> object:
    first = given[0] if len(given) == 1 else None
    if isinstance(first, _NUMBERS) or (isinstance(first, str) and first.strip().lstrip("-").isdigit()):
        return int(first)
    if len(given) == 1 and first is None:
        raise mistaken()
    return _OPEN


def _bool(given: list[Value]) -> object:
    answer = exactly(given[0]) if len(given) == 1 else None
    return _OPEN if answer is None else answer


def _range(given: list[Value]) -> object:
    numbers = [each for each in given if isinstance(each, int)]
    if not numbers or len(numbers) != len(given) or (len(numbers) > 2 and numbers[2] == 0):
        return _OPEN
    return tuple(range(*numbers))[:_MOST]


def _set(given: list[Value]) -> object:
    """Each once; of things that are not known, those that come from the same code are the same."""
    if len(given) != 1 or not isinstance(given[0], tuple):
        return _OPEN
    kept: list[Value] = []
    for each in given[0]:
        if not any(each is one or (isinstance(each, Extern | str) and each == one) for one in kept):
            kept.append(each)
    return tuple(kept) if len(kept) < 2 or all(isinstance(each, SCALARS) for each in kept) else Some(tuple(kept))


def _isinstance(given: list[Value]) -> object:
    found = is_instance(given) if len(given) == 2 else None
    return _OPEN if found is None else found


_MOST: Final = 64
# Function of Python's own -> with which element it has enough.
_ENOUGH: Final[Mapping[str, Callable[[Value], bool]]] = {
    "any": lambda found: exactly(found) is True,
    "all": lambda found: exactly(found) is False,
    "next": lambda _: True,
}
_BUILTINS: Final[Mapping[str, Callable[[list[Value]], object]]] = {
    "any": _any,
    "all": _all,
    "next": _next,
    "len": _len,
    "type": _type,
    "str": _str,
    "repr": lambda given: _shown(given[0]) or _OPEN if len(given) == 1 else _OPEN,
    "int": _int,
    "bool": _bool,
    "range": _range,
    "isinstance": _isinstance,
    "set": _set,
    "frozenset": _set,
}
ON_ONE_WAY: Final[Mapping[type[ast.AST], Evaluate]] = {
    **EXPRESSIONS,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.Compare: compare,
    ast.JoinedStr: _joined,
    ast.BoolOp: _boolean,
    ast.BinOp: _binary,
    ast.IfExp: _conditional,
    ast.UnaryOp: _unary,
    ast.Yield: _yield,
    ast.Await: _await,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _comprehension),
}
