"""What a filter of jq gives for a document, each with the path at which it stands.

Source: jq 1.7 manual. Strings may hold marks for what only the run knows: such a one is put somewhere, and equals
itself; to compare it with another, or to take it apart, is left to the run (:class:`UnreadError`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from checker.resolve.shell.jq.parsing import Node, UnreadError

Path = tuple[Any, ...]
_MARK: Final = "\ue000"
_STEPS: Final = 50_000
_LONGEST: Final = 100_000  # signs of a text, or elements of a list
_KINDS: Final = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


class FailedError(Exception):
    """The filter ends with an error, which ``?`` takes."""


class Found(NamedTuple):
    """A value, and where it stands in the document; ``None`` for one that was made."""

    value: Any
    path: Path | None = None


class Evaluation:
    """One run of a filter. ``given``: its variables, by their names; ``functions``: jq's own, by their names and how
    many filters they are given."""

    def __init__(self, given: Mapping[str, Any], functions: Mapping[tuple[str, int], Step]) -> None:
        self._left = _STEPS
        self._given = given
        self.functions = functions

    def of(self, node: Node | None, here: Found, names: Mapping[str, Any] | None = None) -> Iterator[Found]:
        names = self._given if names is None else names
        self._left -= 1
        if self._left < 0 or node is None:
            raise UnreadError
        for each in _KIND[node.kind](self, node, here, names):
            self._left -= 1
            if self._left < 0 or (isinstance(each.value, str | list) and len(each.value) > _LONGEST):
                raise UnreadError
            yield each

    def values(self, node: Node | None, here: Found, names: Mapping[str, Any]) -> list[Any]:
        return [each.value for each in self.of(node, here, names)]

    def one(self, node: Node | None, here: Found, names: Mapping[str, Any]) -> Any:
        found = self.values(node, here, names)
        if len(found) != 1:
            raise UnreadError
        return found[0]


_Names = Mapping[str, Any]
Step = Callable[[Evaluation, Node, Found, _Names], Iterator[Found]]


def _self(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001 - the table's
    yield here


def _value(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001 - the table's
    yield Found(node.word)


def _variable(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001 - the table's
    if node.word not in names:
        raise UnreadError
    yield Found(names[node.word])


def _pipe(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for each in run.of(node.inner[0], here, names):
        yield from run.of(node.inner[1], each, names)


def _bind(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for value in run.values(node.inner[0], here, names):
        yield from run.of(node.inner[1], here, {**names, node.word: value})


def _maybe(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    try:
        yield from run.of(node.inner[0], here, names)
    except FailedError:
        return


def _at(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for of in run.of(node.inner[0], here, names):
        for key in run.values(node.inner[1], here, names):
            yield Found(child(of.value, key), None if of.path is None else (*of.path, key))


def child(value: Any, key: Any) -> Any:
    """What stands below a key, or an index, of a value."""
    if isinstance(key, str) and _MARK in key:
        raise UnreadError
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else None
    raise FailedError


def _each(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for of in run.of(node.inner[0], here, names):
        yield from below(of)


def below(of: Found) -> Iterator[Found]:
    if not isinstance(of.value, dict | list):
        raise FailedError
    keys = list(of.value) if isinstance(of.value, dict) else range(len(of.value))
    for key in keys:
        yield Found(of.value[key], None if of.path is None else (*of.path, key))


def _slice(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for of in run.of(node.inner[0], here, names):
        start, end = (None if each is None else run.one(each, here, names) for each in node.inner[1:])
        if not isinstance(of.value, str | list) or (isinstance(of.value, str) and _MARK in of.value):
            raise UnreadError
        yield Found(of.value[start:end])


def _list(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    yield Found([] if node.inner[0] is None else run.values(node.inner[0], Found(here.value), names))


def _object(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    made: dict[str, Any] = {}
    for entry in node.inner:
        assert entry is not None
        key, value = (run.one(each, Found(here.value), names) for each in entry.inner)
        if not isinstance(key, str) or _MARK in key:
            raise UnreadError
        made[key] = value
    yield Found(made)


def _text(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    parts = [run.one(each, Found(here.value), names) for each in node.inner]
    yield Found("".join(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in parts))


def _if(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for test in run.values(node.inner[0], here, names):
        yield from run.of(node.inner[1] if is_true(test) else node.inner[2], here, names)


def is_true(value: Any) -> bool:
    return value is not None and value is not False


def _binary(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    left, right = node.inner
    sign: str = node.word
    if sign == ",":
        yield from run.of(left, here, names)
        yield from run.of(right, here, names)
    elif sign == "//":
        try:
            found = [each for each in run.of(left, here, names) if is_true(each.value)]
        except FailedError:
            found = []
        yield from found or run.of(right, here, names)
    elif sign in {"and", "or"}:
        first = is_true(run.one(left, here, names))
        stops = first is (sign == "or")
        yield Found(first if stops else is_true(run.one(right, here, names)))
    elif sign.endswith("=") and sign not in {"==", "!=", "<=", ">="}:
        yield Found(_assigned(run, node, here, names))
    else:
        for second in run.values(right, here, names):
            for first_value in run.values(left, here, names):
                yield Found(_worked_out(sign, first_value, second))


def _assigned(run: Evaluation, node: Node, here: Found, names: _Names) -> Any:
    left, right = node.inner
    document = here.value
    places = places_of(run, left, document, names)
    if node.word == "|=":
        for place in places:
            now = run.values(right, Found(at_place(document, place)), names)
            if not now:
                raise UnreadError
            document = put(document, place, now[0])
        return document
    value = run.one(right, here, names)
    for place in places:
        before = at_place(document, place)
        if node.word == "//=":
            new = before if is_true(before) else value
        else:
            new = value if node.word == "=" else _worked_out(node.word[0], before, value)
        document = put(document, place, new)
    return document


def places_of(run: Evaluation, node: Node | None, document: Any, names: _Names) -> list[Path]:
    found = list(run.of(node, Found(document, ()), names))
    if any(each.path is None for each in found):
        raise UnreadError
    return [each.path for each in found if each.path is not None]


def at_place(document: Any, place: Path) -> Any:
    for key in place:
        document = child(document, key)
    return document


def put(document: Any, place: Path, value: Any) -> Any:
    """A document with another value at a place."""
    if not place:
        return value
    key, rest = place[0], place[1:]
    if isinstance(key, str) and isinstance(document, dict | None):
        return {**(document or {}), key: put((document or {}).get(key), rest, value)}
    if isinstance(key, int) and isinstance(document, list) and -len(document) <= key < len(document):
        made = list(document)
        made[key] = put(document[key], rest, value)
        return made
    raise UnreadError


def without(document: Any, places: list[Path]) -> Any:
    """A document without what stands at places: the last ones first, for the others keep theirs."""
    for place in sorted(places, key=lambda each: [(isinstance(key, str), key) for key in each], reverse=True):
        above = at_place(document, place[:-1]) if place else None
        if not place or above is None:
            continue
        key = place[-1]
        if isinstance(above, dict):
            made: Any = {name: each for name, each in above.items() if name != key}
        else:
            made = [each for index, each in enumerate(above) if index != key % max(len(above), 1)]
        document = put(document, place[:-1], made)
    return document


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; what a mark stands for may be anything."""
    weighed([left, right])
    if left == right:
        return isinstance(left, bool) is isinstance(right, bool)
    if _MARK in json.dumps([left, right], ensure_ascii=False):
        raise UnreadError
    return False


def _worked_out(sign: str, left: Any, right: Any) -> Any:
    if sign in {"==", "!="}:
        return same(left, right) is (sign == "==")
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (left, right))
    if sign == "+":
        if left is None or right is None:
            return right if left is None else left
        alike = type(left) is type(right) and isinstance(left, str | list)
        if isinstance(left, dict) and isinstance(right, dict):
            return {**left, **right}
        if alike or numbers:
            return left + right
    elif sign == "-" and isinstance(left, list) and isinstance(right, list):
        return [each for each in left if not any(same(each, one) for one in right)]
    elif sign == "*" and isinstance(left, dict) and isinstance(right, dict):
        return _merged(left, right)
    elif numbers and sign in _NUMBERS:
        return _NUMBERS[sign](left, right)
    raise UnreadError


_NUMBERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(left[key], each) for key, each in right.items()
            if isinstance(each, dict) and isinstance(left.get(key), dict)}  # fmt: skip
    return {**left, **right, **both}


def _call(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    function = run.functions.get((node.word, len(node.inner)))
    if function is None:
        raise UnreadError
    yield from function(run, node, here, names)


def weighed(value: Any, left: int = _LONGEST) -> int:
    """How many more values there may be beside one and all in it: what is put into itself twice, and that again, is
    soon too much to be written out."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        left = weighed(each, left - 1)
        if left < 0:
            raise UnreadError
    return left


def kind_of(value: Any) -> str:
    return _KINDS.get(type(value), "null")


def plain(value: Any) -> str:
    """A text that is wholly known."""
    if not isinstance(value, str) or re.search(_MARK, value):
        raise UnreadError if isinstance(value, str) else FailedError
    return value


_KIND: Final[Mapping[str, Step]] = {
    "self": _self,
    "value": _value,
    "variable": _variable,
    "pipe": _pipe,
    "bind": _bind,
    "maybe": _maybe,
    "at": _at,
    "each": _each,
    "slice": _slice,
    "list": _list,
    "object": _object,
    "text": _text,
    "if": _if,
    "binary": _binary,
    "call": _call,
}
