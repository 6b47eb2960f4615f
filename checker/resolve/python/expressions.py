"""The values of Python expressions. Calls, and what hangs on an object, are rooms of their own."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.answers import YES, Certain, alike
from checker.model.possible import OneOf, Possible, joined, open_text, options, same
from checker.model.values import Text
from checker.resolve.python.attributes import attribute
from checker.resolve.python.binding import bind
from checker.resolve.python.libraries.boto_resources import loads
from checker.resolve.python.libraries.dictionaries import last_of, looked_up_in, united, variable_of
from checker.resolve.python.libraries.task_containers import by_test, described, drawn, narrow, numbered, widen
from checker.resolve.python.machine import Call, Evaluate, Frame, Machine, value
from checker.resolve.python.modules import leads_into
from checker.resolve.python.objects import enter, method
from checker.resolve.python.syntax_facts import calls_in, puts_words, shown
from checker.resolve.python.values import (
    ENVIRONMENTS,
    SCALARS,
    Class,
    Client,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Module,
    Resource,
    Session,
    Some,
    Unordered,
    Value,
    bounded,
    either,
    elements,
    extern,
    formatted,
    is_plain,
    part_of,
    plain,
    within,
)
from checker.resolve.shell.rehearsal.arithmetic import COMPARED

# Always true.
_THERE: Final = (Client, Resource, Session, Function, Class, Instance, Module)
_NUMBERS: Final = (int, float)
_Comprehension: TypeAlias = "ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp"


def _attribute(machine: Machine, node: ast.Attribute, frame: Frame) -> Value:
    owner = value(machine, node.value, frame)
    if isinstance(owner, Resource):
        made = ast.copy_location(ast.Call(node, [], []), node)
        loads(machine, owner, node.attr, Call(made, [], {}, frame))
    return attribute(machine, owner, node.attr, frame)


def _joined(machine: Machine, node: ast.JoinedStr, frame: Frame) -> Value:
    return joined([_piece(machine, part, frame) for part in node.values])


def _piece(machine: Machine, node: ast.expr, frame: Frame) -> Possible:
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    found = value(machine, inner, frame)
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None and not isinstance(found, SCALARS):
        return open_text(f"{{{shown(node)}}}", frame.module.file)  # `{sha:.7}` is a part of it
    return _plain(found, inner, frame)


def _plain(found: Value, node: ast.expr, frame: Frame) -> Possible:
    if found is None or isinstance(found, SCALARS):
        return str(found)
    return plain(found, "{" + shown(node) + "}", frame.module.file)


def _sequence(machine: Machine, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
    found: list[Value] = []
    loose = isinstance(node, ast.Set)
    for each in node.elts:
        if isinstance(each, ast.Starred):
            several = value(machine, each.value, frame)
            inner = elements(several)
            loose = loose or (isinstance(several, Unordered) and len(several) > 1)
            found.extend(inner if inner is not None else [extern(ast.unparse(each))])
        else:
            found.append(value(machine, each, frame))
    return bounded(Unordered(found) if loose else tuple(found), shown(node))


def _dict(machine: Machine, node: ast.Dict, frame: Frame) -> Value:
    chosen = by_test(node)
    if chosen is not None:
        return _conditional(machine, chosen, frame)
    items: list[tuple[Value, Value]] = []
    opened, rest = False, None
    for key, each in zip(node.keys, node.values, strict=True):
        found = value(machine, each, frame)
        if key is None:
            opened = opened or not isinstance(found, Dict) or found.open
            rest = found if isinstance(found, Extern) else found.rest if isinstance(found, Dict) else rest
            items.extend(found.items if isinstance(found, Dict) else ())
        else:
            items.append((value(machine, key, frame), found))
    told = last_of(items)
    made = part_of(rest, told) if isinstance(rest, Extern) else Dict(told, opened)
    return bounded(made, shown(node))


def _binary(machine: Machine, node: ast.BinOp, frame: Frame) -> Value:
    left, right = value(machine, node.left, frame), value(machine, node.right, frame)
    if isinstance(node.op, ast.Add):
        if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
            return left + right
        if (is_plain(left) and is_plain(right)) or _may_be_text(left) or _may_be_text(right):
            return joined([_plain(left, node.left, frame), _plain(right, node.right, frame)])
        if isinstance(left, tuple) and isinstance(right, tuple):
            return bounded((*left, *right), shown(node))
    if isinstance(node.op, ast.BitOr) and isinstance(right, Dict) and (inside := described(left)) is not None:
        return Dict((*inside.items, *right.items), open=True, rest=inside.rest)
    if isinstance(node.op, ast.BitOr) and (both := united(left, right)) is not None:
        return bounded(both, shown(node))
    if isinstance(node.op, ast.Sub | ast.Mult) and isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        found = left - right if isinstance(node.op, ast.Sub) else left * right
        return found if abs(found) < _LARGEST else extern(shown(node))
    if isinstance(node.op, ast.Mod) and isinstance(left, str) and "{" not in left and not isinstance(right, Dict):
        values = right if isinstance(right, tuple) else (right,)
        return joined(formatted(_PLACE.sub("{}", left), [_plain(each, node.right, frame) for each in values]))
    if isinstance(node.op, _OWN):
        leads_into(machine, (left, right), node, frame)
    return extern(shown(node))


# Operators that libraries give a meaning of their own (`command & FG`): they are methods of their operands (Python
# documentation, "Data model", Emulating numeric types).
_OWN: Final = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.MatMult)


_LARGEST: Final = 10**15  # what code that multiplies without end comes to is not worked out
# Where `text % values` puts them (Python documentation, "printf-style String Formatting").
_PLACE: Final = lazy_re.compile(r"%[sdi]")


def _may_be_text(found: Value) -> bool:
    """Whether it is a string in one of its ways: then what is added to it is one too, or the program ends there."""
    each = found.options if isinstance(found, OneOf | Either) else (found,)
    return any(isinstance(option, str | Text) for option in each)


def _boolean(machine: Machine, node: ast.BoolOp, frame: Frame) -> Value:
    """What stands behind a question that nobody can answer beforehand may not be gone through."""
    stops = isinstance(node.op, ast.Or)
    values: list[Value] = []
    for each in node.values:
        found = value(machine, each, frame)
        answer = truth(found)
        values.append(found)
        if answer is stops:
            break
        if answer is None:
            frame = frame.maybe()
    return either([each for each in values if each is not None] or [None])


def _conditional(machine: Machine, node: ast.IfExp, frame: Frame) -> Value:
    answer = truth(value(machine, node.test, frame))
    if answer is not None:
        return value(machine, node.body if answer else node.orelse, frame)
    perhaps = frame.maybe()
    found: list[Value] = []
    for way, holds in ((node.body, True), (node.orelse, False)):
        kept = narrow(machine, node.test, frame, holds=holds)
        found.append(value(machine, way, perhaps))
        widen(frame.names, kept)
    return either(found)


def _compare(machine: Machine, node: ast.Compare, frame: Frame) -> Value:
    if (counted := _words_counted(machine, node, frame)) is not None:
        return counted
    left = value(machine, node.left, frame)
    rights = [value(machine, each, frame) for each in node.comparators]
    equals = isinstance(node.ops[0], ast.Eq)
    if len(rights) == 1 and (equals or isinstance(node.ops[0], ast.NotEq)) and is_plain(left) and is_plain(rights[0]):
        one, other = options(_plain(left, node.left, frame)), options(_plain(rights[0], node.left, frame))
        answer = alike((same(first, second) for first in one or () for second in other or ()), "they differ")
        if isinstance(answer, Certain):
            return (answer is YES) is equals
    return extern(shown(node))


def _words_counted(machine: Machine, node: ast.Compare, frame: Frame) -> bool | None:
    """``len(sys.argv) > 1``, where every word of the command line is known."""
    asks, number, kind = node.left, node.comparators[0], type(node.ops[0])
    if not (isinstance(asks, ast.Call) and isinstance(asks.func, ast.Name) and asks.func.id == "len"):
        return None
    listed = asks.args[0] if len(asks.args) == 1 else None
    # Only a name is looked at: what calls something is followed once, with all other comparisons.
    if not isinstance(listed, ast.Name | ast.Attribute) or not _is_command_line(value(machine, listed, frame)):
        return None
    words = _given_words(machine, frame)
    if words is None or not all(isinstance(each, str) for each in words) or len(node.ops) > 1:
        return None
    if not (isinstance(number, ast.Constant) and isinstance(number.value, int)) or kind not in COMPARED:
        return None
    return COMPARED[kind](len(words) + 1, number.value)  # the program itself is the first


def _is_command_line(found: Value) -> bool:
    return isinstance(found, Extern) and found.name == "sys.argv"


def _given_words(machine: Machine, frame: Frame) -> tuple[Possible, ...] | None:
    """The words behind the program's name in ``sys.argv``, ``None`` where the module puts other ones there."""
    return None if puts_words(frame.module.tree) else machine.words


def _unary(machine: Machine, node: ast.UnaryOp, frame: Frame) -> Value:
    inner = value(machine, node.operand, frame)
    if isinstance(node.op, ast.Not):
        answer = truth(inner)
        return extern(shown(node)) if answer is None else not answer
    return -inner if isinstance(node.op, ast.USub) and isinstance(inner, _NUMBERS) else inner


def _lambda(machine: Machine, node: ast.Lambda, frame: Frame) -> Value:  # noqa: ARG001 - the table's shape
    return Function(frame.module, node, None, frame.names)


def _named(machine: Machine, node: ast.NamedExpr, frame: Frame) -> Value:
    found = value(machine, node.value, frame)
    bind(machine, node.target, found, frame)
    return found


def _inner(machine: Machine, node: ast.Await | ast.Starred | ast.YieldFrom, frame: Frame) -> Value:
    if isinstance(node, ast.Await):
        machine.awaits(node.value)
    return value(machine, node.value, frame)


def _yield(machine: Machine, node: ast.Yield, frame: Frame) -> Value:
    frame.returned.append(value(machine, node.value, frame) if node.value is not None else None)
    return None


def _comprehension(machine: Machine, node: _Comprehension, frame: Frame) -> Value:
    inner = Frame(frame.module, dict(frame.names), frame.reached, frame.handling, frame.returned, frame.around)
    first: list[Value] | None = None
    some, loose = False, isinstance(node, ast.SetComp)
    rest = _open_items(machine, node, inner)
    for index, generator in enumerate(node.generators):
        whole = value(machine, generator.iter, inner) if rest is None else rest.items
        source = elements(whole)
        if index == 0 and len(node.generators) == 1 and source is not None:
            first = source[:32]
            some = isinstance(whole, Some) or bool(generator.ifs)
            loose = loose or isinstance(whole, Unordered)
        opened = within(whole, shown(generator.target))
        one = drawn(whole, generator.iter, shown(generator.target))
        bind(machine, generator.target, either(source) if source else one or opened, inner)
        for test in generator.ifs:
            value(machine, test, inner)
            if not narrow(machine, test, inner, holds=True) and one is not None:
                bind(machine, generator.target, opened, inner)  # which of them it is stays open
    if isinstance(node, ast.DictComp) and first is not None:
        items: list[tuple[Value, Value]] = []
        sure = rest is None
        for each in first:
            machine.work()
            bind(machine, node.generators[0].target, each, inner)
            tests = [value(machine, test, inner) for test in node.generators[0].ifs]
            if False not in tests:
                sure = sure and all(test is True for test in tests)
                items.append((value(machine, node.key, inner), value(machine, node.value, inner)))
        return Dict(tuple(items), open=not sure, rest=rest.rest if rest is not None else None)
    if isinstance(node, ast.DictComp):
        value(machine, node.key, inner)
        return Dict(((extern(shown(node.key)), value(machine, node.value, inner)),), open=True)
    if first is None:
        element = value(machine, node.elt, inner)
        return extern(shown(node)) if is_plain(element) or isinstance(element, Extern) else (element,)
    results: list[Value] = []
    asked = [] if any(map(calls_in, node.generators[0].ifs)) else node.generators[0].ifs
    sure = bool(asked) and not isinstance(whole, Some)
    for each in first:
        machine.work()
        bind(machine, node.generators[0].target, each, inner)
        tests = [value(machine, test, inner) for test in asked]
        if not any(test is False for test in tests):
            sure = sure and all(test is True for test in tests)
            results.append(value(machine, node.elt, inner))
    return Some(tuple(results)) if some and not sure else Unordered(results) if loose else tuple(results)


def _open_items(machine: Machine, node: _Comprehension, frame: Frame) -> Dict | None:
    """The dictionary of which ``{k: v for k, v in it.items() if ...}`` is a part, where only some keys are known."""
    called = node.generators[0].iter if isinstance(node, ast.DictComp) and len(node.generators) == 1 else None
    if not isinstance(called, ast.Call) or not isinstance(called.func, ast.Attribute) or called.func.attr != "items":
        return None
    if not isinstance(called.func.value, ast.Name):
        return None
    owner = value(machine, called.func.value, frame)
    return owner if isinstance(owner, Dict) and owner.open else None


def _subscript(machine: Machine, node: ast.Subscript, frame: Frame) -> Value:
    owner, key = value(machine, node.value, frame), value(machine, node.slice, frame)
    return numbered(owner, key, node.value, shown(node)) or part(machine, node, owner, key, frame)


def part(machine: Machine, node: ast.Subscript, owner: Value, key: Value, frame: Frame) -> Value:
    """``owner[key]``."""
    if isinstance(owner, Extern) and owner.name in ENVIRONMENTS and isinstance(key, str):
        return variable_of(machine, key)
    if _is_command_line(owner) and (words := _given_words(machine, frame)) is not None:
        if (several := _of_words(words, node.slice)) is not None:
            return several
        if isinstance(key, int):
            return words[key - 1] if 0 < key <= len(words) else extern("sys.argv")
    if isinstance(owner, tuple) and isinstance(key, int) and -len(owner) <= key < len(owner):
        return owner[key]
    if isinstance(owner, Dict):
        return looked_up_in(machine, owner, key)
    if isinstance(owner, tuple | Some) and isinstance(node.slice, ast.Slice) and shown(node.slice) == "::-1":
        return tuple(reversed(owner)) if isinstance(owner, tuple) else Some(tuple(reversed(owner.options)))
    if isinstance(node.slice, ast.Slice) and (several := _sliced(machine, owner, node.slice, frame)) is not None:
        return several
    if isinstance(owner, Instance) and (getter := method(machine, owner.cls, "__getitem__")) is not None:
        return enter(machine, getter.of(owner), (key,), {}, machine.called_at(node, frame))
    outside = [each for each in owner.options if isinstance(each, Extern)] if isinstance(owner, Either) else []
    if isinstance(owner, Either) and all(isinstance(each, Dict) for each in owner.options):
        return either([part(machine, node, each, key, frame) for each in owner.options])
    if isinstance(owner, Either) and len(outside) == len(owner.options):
        return either([within(each, shown(node)) for each in outside])
    return within(owner, shown(node))


def _sliced(machine: Machine, owner: Value, taken: ast.Slice, frame: Frame) -> tuple[Value, ...] | None:
    """What a slice takes of a sequence whose parts are known one by one; an unknown part may stand for several."""
    if not isinstance(owner, tuple) or isinstance(owner, Unordered) or any(isinstance(each, Extern) for each in owner):
        return None
    written = (taken.lower, taken.upper, taken.step)
    ends = [value(machine, each, frame) if each is not None else None for each in written]
    known = [each for each in ends if each is None or isinstance(each, int)]
    return owner[slice(*known)] if len(known) == len(ends) and known[2] != 0 else None


def _of_words(words: tuple[Possible, ...], part: ast.expr) -> tuple[Value, ...] | None:
    """``sys.argv[1:]``: the words of the command line that a slice takes."""
    if not isinstance(part, ast.Slice) or part.step is not None:
        return None
    ends = [each.value if isinstance(each, ast.Constant) else None for each in (part.lower, part.upper)]
    first, last = ends
    if not isinstance(first, int) or first < 1 or (part.upper is not None and not (isinstance(last, int) and last > 0)):
        return None
    return tuple(words[first - 1 : last - 1 if isinstance(last, int) else None])


EXPRESSIONS: Final[Mapping[type[ast.AST], Evaluate]] = {
    ast.Attribute: _attribute,
    ast.JoinedStr: _joined,
    **dict.fromkeys((ast.List, ast.Tuple, ast.Set), _sequence),
    ast.Dict: _dict,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Compare: _compare,
    ast.UnaryOp: _unary,
    ast.Subscript: _subscript,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    **dict.fromkeys((ast.Await, ast.Starred, ast.YieldFrom), _inner),
    ast.Yield: _yield,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _comprehension),
}


def truth(found: Value) -> bool | None:
    """Whether it counts as true, ``None`` where only the run knows."""
    if found is None or isinstance(found, SCALARS):
        return bool(found)
    if isinstance(found, tuple):
        return True if found else None  # what fills it may not have been seen
    if isinstance(found, Dict):
        return True if found.items else None
    return True if isinstance(found, _THERE) else None
