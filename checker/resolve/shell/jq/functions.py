"""Functions of jq, by their name and how many filters they are given. Source: jq 1.7 manual, "Builtin operators and
functions"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from checker.resolve.shell.jq.evaluating import (
    Evaluation,
    FailedError,
    Found,
    Step,
    below,
    child,
    is_true,
    kind_of,
    places_of,
    plain,
    put,
    same,
    without,
)
from checker.resolve.shell.jq.parsing import Node, UnreadError

_Names = Mapping[str, Any]


def _select(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for test in run.values(node.inner[0], here, names):
        if is_true(test):
            yield here


def _map(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    yield Found([one for each in below(Found(here.value)) for one in run.values(node.inner[0], each, names)])


def _map_values(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    document = here.value
    for each in list(below(Found(document, ()))):
        found = run.values(node.inner[0], Found(each.value), names)
        if not found or each.path is None:
            raise UnreadError
        document = put(document, each.path, found[0])
    yield Found(document)


def _del(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    yield Found(without(here.value, places_of(run, node.inner[0], here.value, names)))


def _walk(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    def walked(value: Any) -> Any:
        if isinstance(value, dict):
            value = {key: walked(each) for key, each in value.items()}
        elif isinstance(value, list):
            value = [walked(each) for each in value]
        return run.one(node.inner[0], Found(value), names)

    yield Found(walked(here.value))


def _recurse(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    yield here
    if isinstance(here.value, dict | list):
        for each in below(here):
            yield from run.of(node, each, names)


def _with_entries(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    entries = [{"key": key, "value": each} for key, each in _object_of(here.value).items()]
    yield Found(_from_entries([one for each in entries for one in run.values(node.inner[0], Found(each), names)]))


def _object_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FailedError
    return value


def _from_entries(entries: list[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for each in entries:
        key = next((each[name] for name in ("key", "k", "name", "Name", "Key") if each.get(name) is not None), None)
        made[plain(key)] = next((each[name] for name in ("value", "v", "Value") if name in each), None)
    return made


def _any_all(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    answers = [is_true(one) for each in below(Found(here.value)) for one in run.values(node.inner[0], each, names)]
    yield Found(any(answers) if node.word == "any" else all(answers))


def _first(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    for each in run.of(node.inner[0], here, names):
        yield each
        return


def _has(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    key = run.one(node.inner[0], here, names)
    if not isinstance(here.value, dict | list):
        raise FailedError
    yield Found(key in here.value if isinstance(here.value, dict) else 0 <= key < len(here.value))


def _of_text(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    given, of = plain(run.one(node.inner[0], here, names)), plain(here.value)
    yield Found(_TEXTS[node.word](of, given))


_TEXTS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "startswith": lambda of, given: of.startswith(given),
    "endswith": lambda of, given: of.endswith(given),
    "ltrimstr": lambda of, given: of.removeprefix(given),
    "rtrimstr": lambda of, given: of.removesuffix(given),
    "split": lambda of, given: of.split(given),
}


def _join(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    between = run.one(node.inner[0], here, names)
    if not isinstance(here.value, list) or not all(isinstance(each, str) for each in [between, *here.value]):
        raise UnreadError
    yield Found(between.join(here.value))


def _empty(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001 - the table's
    yield from ()


def _env(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001 - the table's
    if "ENV" not in names:
        raise UnreadError
    yield Found(names["ENV"])


def _alone(work: Callable[[Any], Any]) -> Step:
    """A function that makes something of its input alone."""

    def function(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001
        yield Found(work(here.value))

    return function


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(plain(value))
    if value is not None and not isinstance(value, dict | list):
        raise UnreadError
    return len(value or ())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _added(value: Any) -> Any:
    each = [one for one in (value.values() if isinstance(value, dict) else value) if one is not None]
    if each and all(isinstance(one, str) for one in each):
        return "".join(each)
    if all(isinstance(one, list) for one in each):
        return [one for several in each for one in several] if each else None
    raise UnreadError


def _unique(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UnreadError
    return sorted({plain(each) for each in value})


def _kinds(*kinds: str) -> Step:
    def function(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:  # noqa: ARG001
        if kind_of(here.value) in kinds:
            yield here

    return function


def _contains(run: Evaluation, node: Node, here: Found, names: _Names) -> Iterator[Found]:
    given = run.one(node.inner[0], here, names)
    if isinstance(given, str):
        yield Found(plain(given) in plain(here.value))
    elif isinstance(given, list) and isinstance(here.value, list) and all(isinstance(each, str) for each in given):
        yield Found(all(any(plain(each) in plain(one) for one in here.value) for each in given))
    else:
        raise UnreadError


FUNCTIONS: Final[Mapping[tuple[str, int], Step]] = {
    ("select", 1): _select,
    ("map", 1): _map,
    ("map_values", 1): _map_values,
    ("del", 1): _del,
    ("walk", 1): _walk,
    ("recurse", 0): _recurse,
    ("with_entries", 1): _with_entries,
    ("to_entries", 0): _alone(lambda value: [{"key": key, "value": each} for key, each in _object_of(value).items()]),
    ("from_entries", 0): _alone(_from_entries),
    **dict.fromkeys((("any", 1), ("all", 1)), _any_all),
    ("first", 1): _first,
    ("first", 0): _alone(lambda value: child(value, 0)),
    ("last", 0): _alone(lambda value: child(value, -1)),
    ("has", 1): _has,
    **{(name, 1): _of_text for name in _TEXTS},
    ("contains", 1): _contains,
    ("join", 1): _join,
    ("empty", 0): _empty,
    ("env", 0): _env,
    ("not", 0): _alone(lambda value: not is_true(value)),
    ("length", 0): _alone(_length),
    ("keys", 0): _alone(lambda value: sorted(_object_of(value))),
    ("keys_unsorted", 0): _alone(lambda value: list(_object_of(value))),
    ("values", 0): _kinds("object", "array", "string", "boolean", "number"),
    ("strings", 0): _kinds("string"),
    ("objects", 0): _kinds("object"),
    ("arrays", 0): _kinds("array"),
    ("type", 0): _alone(kind_of),
    ("tostring", 0): _alone(_as_text),
    ("tojson", 0): _alone(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
    ("add", 0): _alone(_added),
    ("unique", 0): _alone(_unique),
    ("reverse", 0): _alone(lambda value: value[::-1] if isinstance(value, list) else plain(value)[::-1]),
    ("index", 1): lambda run, node, here, names: iter(
        [
            Found(
                next(
                    (at for at, each in enumerate(here.value) if same(each, run.one(node.inner[0], here, names))), None
                )
            )
        ]
        if isinstance(here.value, list)
        else []
    ),
}
