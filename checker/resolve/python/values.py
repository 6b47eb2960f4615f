"""What Python names stand for while deploy code is followed: clients, functions, objects, plain values."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from checker.model.pipeline.python import PythonModule
from checker.model.pipeline.retrying import Retried
from checker.model.possible import OneOf, Possible, joined, one_of, open_text
from checker.model.values import Absent, CallPlace, Text, Unknown


class _Binds:
    """Shown by its kind alone: what it binds binds other things, and all of the program would follow."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Session(Struct, frozen=True):
    """A boto3 session."""

    region: Possible | Absent = field(default_factory=Absent)
    profile: Possible | Absent = field(default_factory=Absent)
    keys_of: CallPlace | None = None  # the call whose answer its keys come from
    awaited: bool = False  # its clients' calls are coroutines
    key: Possible | Absent = field(default_factory=Absent)  # the access key that it is given


class Client(Struct, frozen=True):
    """A boto3 client."""

    service: str
    region: Possible | Absent = field(default_factory=Absent)
    profile: Possible | Absent = field(default_factory=Absent)
    keys_of: CallPlace | None = None
    endpoint: Possible | Absent = field(default_factory=Absent)
    awaited: bool = False
    key: Possible | Absent = field(default_factory=Absent)


class Resource(_Binds, Struct, frozen=True, eq=False):
    """An object of ``boto3.resource``: the service's own, whose ``kind`` is empty, or one below it.

    ``identifiers`` are what it is told apart by, as boto3 names them (``BucketName``), in its order. ``listed``: it is
    one of a list, which has told its attributes.
    """

    client: Client
    kind: str = ""
    identifiers: tuple[tuple[str, Value], ...] = ()
    listed: bool = False


class Collection(_Binds, Struct, frozen=True, eq=False):
    """Those below a resource: ``bucket.objects``. ``items`` stand for all of them once they are asked for."""

    of: Resource
    name: str
    listed: bool = False
    items: tuple[Value, ...] = ()


class Poller(Struct, frozen=True):
    """A waiter or a paginator of a client."""

    client: Client
    kind: str  # waiter, paginator
    name: str


class Method(Struct, frozen=True, eq=False):
    """A method of one of the above, or of a container, not yet called."""

    owner: Value
    name: str


class Function(_Binds, Struct, frozen=True, eq=False):
    """A function of the repository; ``owner`` where it is bound to an object."""

    module: PythonModule
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    owner: Value = None
    closure: Mapping[str, Value] = field(default_factory=dict)

    def of(self, owner: Value) -> Function:
        """The same function, bound to an object."""
        return Function(self.module, self.node, owner, self.closure)


class Class(Struct, frozen=True, eq=False):
    """A class of the repository."""

    module: PythonModule
    node: ast.ClassDef


class Instance(_Binds, Struct, eq=False):
    """An object of one of the repository's classes."""

    cls: Class
    attributes: dict[str, Value] = field(default_factory=dict)


class Super(Struct, frozen=True, eq=False):
    """``super()``: an object (or a class) as the classes above the one at hand see it."""

    owner: Value
    classes: tuple[Value, ...]


class Module(Struct, frozen=True, eq=False):
    """A module of the repository as a value."""

    module: PythonModule


# Where a client of HTTP sends something (the beginning of a URL), by which methods (none named: by all), how often.
Ways: TypeAlias = "tuple[tuple[str, tuple[str, ...], Retried], ...]"


class Extern(Struct, frozen=True):
    """Something of another library, by its dotted name. ``words`` are strings that were given to what made it (a
    sub-command's name); ``parsed`` marks what a parser made of the command line; ``answer`` the AWS call that it comes
    from; ``library`` the dotted name that it was imported by, which what its calls give has as well; ``ways`` how a
    client of HTTP tries again, ``None`` of everything else."""

    name: str
    words: tuple[str, ...] = ()
    parsed: bool = False
    answer: CallPlace | None = None
    library: str = ""
    ways: Ways | None = None


def extern(
    name: str,
    words: tuple[str, ...] = (),
    *,
    parsed: bool = False,
    answer: CallPlace | None = None,
    library: str = "",
    ways: Ways | None = None,
) -> Extern:
    """The one of this name: a program meets the same few over and over."""
    return _extern(name, words, parsed, answer, library, ways)


@lru_cache(maxsize=16_384)
def _extern(
    name: str,
    words: tuple[str, ...],
    parsed: bool,
    answer: CallPlace | None,
    library: str,
    ways: Ways | None,
) -> Extern:
    return Extern(name, words, parsed, answer, library, ways)


def within(outer: Value, name: str) -> Value:
    """Something that is a part of another value, or comes from it: of the same library, and the same AWS call."""
    if isinstance(outer, Unordered):
        return either(list(outer))
    outer = outer.rest if isinstance(outer, Dict) and outer.home is not None else outer
    if not isinstance(outer, Extern):
        return extern(name)
    return extern(name, answer=outer.answer, library=outer.library)


# What surely gives None, where None stands for what nobody knows.
NOTHING: Final = Extern("None")


class Dict(Struct, frozen=True, eq=False):
    """A dictionary with the keys that are known. ``open`` where there may be more; ``rest`` is what AWS has answered,
    of which it is a part, before some of its keys were set, or the environment; ``home`` names the list that it was
    taken from."""

    items: tuple[tuple[Value, Value], ...]
    open: bool = False
    rest: Extern | None = None
    home: ast.expr | None = None


ENVIRONMENTS: Final = frozenset({"os.environ", "environ"})


def part_of(answer: Extern, items: Iterable[tuple[Value, Value]]) -> Dict:
    """What an AWS call answered, or a part of it, with these keys set; or the environment with them."""
    kept = answer.answer is not None or answer.name in ENVIRONMENTS
    return Dict(tuple(items), open=True, rest=answer if kept else None)


class Unordered(tuple["Value", ...]):
    """What a set holds, or a list that was shuffled: all of it is known, and in no order."""

    __slots__ = ()


def in_order(value: Value) -> list[Value] | None:
    """What going through it gives, one after the other; ``None`` where what comes first is not known."""
    return None if isinstance(value, Unordered) and len(value) > 1 else elements(value)


class Some(Struct, frozen=True, eq=False):
    """A list with some of these values, in this order: which of them, only the run knows."""

    options: tuple[Value, ...]


class Either(Struct, frozen=True, eq=False):
    """One of several values that are not all plain."""

    options: tuple[Value, ...]


class Partial(_Binds, Struct, frozen=True, eq=False):
    """``functools.partial``: a function with some of its arguments."""

    function: Value
    positional: tuple[Value, ...]
    named: Mapping[str, Value]


class Manager(_Binds, Struct, frozen=True, eq=False):
    """What a generator function under ``@contextmanager`` gives: with its frame, and not yet run."""

    function: Function
    frame: Any


Value: TypeAlias = (
    "Possible | Session | Client | Resource | Collection | Poller | Method | Function | Class | Instance | Module"
    " | Extern | Dict | Some | Either | Partial | Manager | Super | tuple[Value, ...]"
)


# Of these asked often: a union in the place of the tuple would be made anew each time.
SCALARS: Final = (str, int, float, bool)
_PLAIN: Final = (str, Text, int, float, bool, OneOf, Unknown)


def is_plain(value: Value) -> bool:
    """Whether it is a string, number, boolean or nothing, known or not."""
    return value is None or isinstance(value, _PLAIN)


def plain(value: Value, shown: str, where: str) -> Possible:
    """As a plain value: itself, or one that has only a name."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Dict) and value.home is not None and value.rest is not None:
        value = value.rest
    if isinstance(value, Extern):
        return open_text(value.name, where, call=value.answer)
    if isinstance(value, Either) and all(is_plain(option) or isinstance(option, Extern) for option in value.options):
        return one_of(plain(option, shown, where) for option in value.options)
    return open_text(shown, where)


# More than a deploy names: what holds more, lists in lists counted as often as they are met, grows without end.
MAX_ITEMS: Final = 10_000


def bounded(found: tuple[Value, ...] | Dict, name: str) -> Value:
    """A list or a dictionary, or something open that is called ``name`` where it is too large to be kept."""
    held = 0
    pending: list[Value] = [found]
    while pending:
        each = pending.pop()
        inner: Iterable[Value] = ()
        if isinstance(each, tuple):
            inner = each
        elif isinstance(each, Dict):
            inner = [value for _, value in each.items]
        elif isinstance(each, Some | Either):
            inner = each.options
        for value in inner:
            held += 1
            if isinstance(value, tuple | Dict | Some | Either):
                pending.append(value)
        if held > MAX_ITEMS:
            return extern(name)
    return found


def elements(value: Value) -> list[Value] | None:
    """What iterating gives, ``None`` where that is not known."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Some):
        return list(value.options)
    if isinstance(value, Collection) and value.listed:
        return list(value.items)
    if isinstance(value, Dict) and not value.open:
        return [key for key, _ in value.items]
    return None


def either(values: list[Value]) -> Value:
    """One of these."""
    if values and not isinstance(values[0], Either) and all(each is values[0] for each in values):
        return values[0]
    found = {id(each): each for value in values for each in (value.options if isinstance(value, Either) else (value,))}
    flat = list(found.values())
    if len(flat) == 1:
        return flat[0]
    if (client := _one_client(flat)) is not None:
        return client
    if any(isinstance(each, Some) for each in flat) and (longest := _longest(flat)) is not None:
        return Some(longest)
    if all(is_plain(each) for each in flat):
        return one_of(plain(each, "", "") for each in flat)
    return Either(tuple(flat[:32]))


def _one_client(flat: list[Value]) -> Extern | None:
    """A client of HTTP that may be told several ways to try again: it is the same one."""
    each = [client for client in flat if isinstance(client, Extern) and client.ways is not None]
    if len(each) < len(flat) or len({client.name for client in each}) > 1:
        return None
    told = {way for client in each for way in client.ways or ()}
    agreed = {way for way in told if all(way in (client.ways or ()) for client in each)}
    untold = {(prefix, (), Retried.UNTOLD) for prefix, *_ in told - agreed}
    ways = sorted(agreed | untold, key=lambda way: (way[0], way[2] is Retried.UNTOLD))
    return extern(each[0].name, each[0].words, library=each[0].library, ways=tuple(ways))


def _longest(lists: list[Value]) -> tuple[Value, ...] | None:
    """The list that all the others are beginnings of; ``None`` where there is none."""
    each = [value.options if isinstance(value, Some) else value for value in lists]
    known = [value for value in each if isinstance(value, tuple)]
    longest = max(known, key=len, default=())
    same = all(one is other for value in known for one, other in zip(value, longest, strict=False))
    return longest if same and len(known) == len(lists) else None


def json_text(value: Value, shown: str, where: str) -> Possible:
    """The text that ``json.dumps`` makes of a value; what only the run knows stands in it as a hole named ``shown`` and
    ``where``."""
    return joined(_json_parts(value, shown, where))


def _json_parts(value: Value, shown: str, where: str) -> Iterator[Possible]:
    if value is None or isinstance(value, SCALARS):
        yield json.dumps(value)
    elif isinstance(value, Dict):
        yield "{"
        for index, (key, each) in enumerate(value.items):
            yield ", " if index else ""
            yield json.dumps(str(key)) if isinstance(key, SCALARS) else plain(key, shown, where)
            yield ": "
            yield from _json_parts(each, shown, where)
        yield ", ...}" if value.open else "}"
    elif isinstance(value, tuple):
        yield "["
        for index, each in enumerate(value):
            yield ", " if index else ""
            yield from _json_parts(each, shown, where)
        yield "]"
    else:
        yield plain(value, shown, where)


def formatted(template: str, values: list[Possible]) -> list[Possible]:
    """The parts of ``template.format(*values)``."""
    parts: list[Possible] = []
    position = 0
    for index, match in enumerate(re.finditer(r"\{(\d*)\}", template)):
        at = int(match[1]) if match[1] else index
        parts.append(template[position : match.start()])
        parts.append(values[at] if at < len(values) else open_text(match[0]))
        position = match.end()
    return [*parts, template[position:]]


def either_way(names: dict[str, Value], *ways: list[dict[str, Value]]) -> None:
    """Names after several ways through a block: each is what any of the ways that bind it has bound it to."""
    each = [way for some in ways for way in some]
    for name in dict.fromkeys(name for way in each for name in way):
        bound = [way[name] for way in each if name in way]
        if any(one is not bound[0] for one in bound[1:]) or name not in names:
            names[name] = either(bound)


def either_of_both(before: Mapping[str, Value], now: Mapping[str, Value]) -> dict[str, Value]:
    """The names that were given another text or number, with what they were and are."""
    changed = (name for name, found in now.items() if isinstance(found, SCALARS) and found != before.get(name, found))
    return {name: either([before[name], now[name]]) for name in changed if isinstance(before[name], SCALARS)}
