"""How far a way through a runner's code has come, and what its expressions are made of.

Parts of :mod:`checker.reason.migrations.busy_lock`, which goes the ways.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker.reason.migrations.runner_code import READS, Function, name_of, names_in, own_names, walked, written

TAKES_ROW: Final = frozenset({"fetchone", "first", "one", "fetchrow", "fetchall", "one_or_none"})
_DEEPEST: Final = 12  # classes above one another
# What is asked of code that was not gone through to its end, and why it is open.
UNFOLLOWED: Final = ("its lock is let go or passed over", "its code goes too many ways to follow them all")


TIDYING: Final = "tidying"  # in a handler around a ``yield``
AROUND: Final = frozenset({"loop", TIDYING})  # what is told apart of where a function is called


class TooMuch(Exception):  # noqa: N818 - no error of anybody's: the code is too long to go through
    pass


Assumed: TypeAlias = "tuple[tuple[str, bool], ...]"  # conditions, and what they are


class State(Struct, frozen=True):
    """How far one way through the code has come. ``answer`` is what the next row says that is fetched."""

    asked: bool = False
    held: bool = False
    passed: bool = False  # by a function that asks for it on other ways
    answer: bool | None = None
    names: tuple[tuple[str, bool], ...] = ()
    bound: tuple[tuple[str, str], ...] = ()  # parameters, with the SQL that they stand for
    texts: tuple[str, ...] = ()  # names that hold what a file says
    holders: tuple[str, ...] = ()  # names of connections that were asked for the lock
    assumed: Assumed = ()
    doubt: str = ""
    failed: bool = False  # a migration's statement
    caught: tuple[tuple[str, str], ...] = ()  # names of errors in handlers, with their classes
    good: bool = False  # what was given last is a status of success: 0, or nothing

    def fault(self, *, busy: bool) -> str:
        """What is wrong where a migration runs now, and the lock is not held."""
        if not self.asked:
            return "migrations run where nothing has asked for it"
        return "migrations run although another holds it" if busy else "it is let go before the migrations run"


class End(Struct, frozen=True):
    """How a statement ends: ``falls``, ``returns``, ``raises``, ``exits``, ``breaks``, ``continues`` or ``yields``."""

    how: str
    state: State
    value: bool | None = None
    error: str = ""
    closing: bool = False  # of one that yields: what is left of it lets the lock go


def put_off(end: End, later: Iterable[End]) -> End:
    """A function that yields: what it does at its end is done when the block that it is entered for has ended."""
    return replace(end, closing=end.closing or (end.state.held and any(not each.state.held for each in later)))


def let_go(end: End) -> End:
    """An end of a block at which the lock is let go; of one that yields, when that is gone on with."""
    return replace(end, closing=True) if end.how == "yields" else replace(end, state=replace(end.state, held=False))


def different(states: Iterable[State]) -> list[State]:
    """States that differ in more than what makes them doubtful."""
    each = list(states)
    if len(each) < 2:  # nearly always
        return each
    return list({replace(state, doubt="?") if state.doubt else state: state for state in each}.values())


def distinct(ends: Sequence[End]) -> list[End]:
    return list(dict.fromkeys(ends))


def raised(node: ast.expr | None, state: State) -> End:
    kind = name_of(node.func) if isinstance(node, ast.Call) else name_of(node)
    return End("exits" if kind == "SystemExit" else "raises", state, error=kind)


def asserted(state: State, value: bool | None) -> list[End]:
    return [End("raises", state, error="AssertionError")] if value is False else [End("falls", state)]


def assume(test: ast.expr, chosen: bool, state: State, repeated: Collection[str], *, doubts: bool) -> State | None:
    """The way on which a condition is so; ``None`` where it was taken otherwise before. One that is asked once needs
    no remembering."""
    said = written(test)
    negative = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    if negative and isinstance(test, ast.UnaryOp):
        said, chosen = written(test.operand), not chosen
    before = dict(state.assumed).get(said)
    if before is not None:
        return state if before == chosen else None
    doubt = state.doubt or (f"that depends on {said}" if doubts else "")
    assumed = tuple(sorted((*state.assumed, (said, chosen)))) if said in repeated else state.assumed
    return replace(state, assumed=assumed, doubt=doubt)


class Passage(Struct, frozen=True):
    """From one function into another that it calls: which names mean the same in both. ``given`` are those that the
    call gives by the name that they have there."""

    outer: frozenset[str]  # names that are each one's own
    inner: frozenset[str]
    given: frozenset[str]

    def carried(self, assumed: Assumed, repeated: Mapping[str, frozenset[str]]) -> Assumed:
        """The conditions that are the same ones on both sides."""
        if not assumed:
            return ()
        apart = (self.outer | self.inner) - self.given
        return tuple(each for each in assumed if apart.isdisjoint(repeated[each[0]]))

    def back(self, before: Assumed, after: Assumed, repeated: Mapping[str, frozenset[str]]) -> Assumed:
        """What is assumed behind the call: what was before it, and what was found there about the same things."""
        found = self.carried(after, repeated)
        return before if not found or found == before else tuple(sorted({*before, *found}))


@lru_cache(maxsize=1 << 12)
def passage(caller: Function | None, function: Function, made: ast.expr | None) -> Passage:
    sees_all = caller is None or function in walked(caller)  # what is declared in another sees its names
    each = parameters(function, made).items()
    given = {name for name, value in each if isinstance(value, ast.Name) and value.id == name}
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and name_of(made.func.value) == "self":
        given.add("self")
    return Passage(frozenset() if sees_all else own_names(caller), own_names(function), frozenset(given))


def bound_anew(targets: Iterable[ast.expr], state: State, repeated: Mapping[str, frozenset[str]]) -> State:
    """The state without what was assumed of names that stand for something else from here on."""
    if not state.assumed:
        return state
    anew = {name for one in targets for name in names_in(one)}
    kept = tuple(each for each in state.assumed if anew.isdisjoint(repeated[each[0]]))
    return state if kept == state.assumed else replace(state, assumed=kept)


def assigned(targets: Sequence[ast.expr], value: ast.expr, state: State, worth: bool | None) -> State:
    names, texts = dict(state.names), set(state.texts)
    reads = is_of_file(value, state)
    row = isinstance(value, ast.Call) and name_of(value.func) in TAKES_ROW and state.answer is not None
    for name in (one for target in targets for one in names_in(target)):
        names.pop(name, None)
        names.pop(f"{name}[]", None)
        texts.discard(name)
        if reads:
            texts.add(name)
        elif row and state.answer is not None:
            unpacked = isinstance(targets[0], ast.Tuple | ast.List)
            names[name if unpacked else f"{name}[]"] = state.answer
            if not unpacked:
                names[name] = True
        elif worth is not None:
            names[name] = worth
    return replace(state, names=tuple(names.items()), texts=tuple(sorted(texts)))


def key_of(node: ast.expr, constants: Mapping[str, ast.expr]) -> str:
    """What the lock's key is made of: as it is written where it is given, and where its names get what they are."""
    names = [name for name in names_in(node) if name in constants]
    return " ".join([written(node), *(written(constants[name]) for name in names)])


def is_of_file(node: ast.expr, state: State) -> bool:
    """Whether what is sent is what a file says."""
    return _reads(node) or (bool(state.texts) and not frozenset(state.texts).isdisjoint(names_in(node)))


@lru_cache(maxsize=1 << 12)
def _reads(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) and name_of(each.func) in READS for each in walked(node))


def texts_in(node: ast.expr, constants: Mapping[str, ast.expr], left: int) -> Iterator[str]:
    for each in walked(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str | bytes):
            yield each.value if isinstance(each.value, str) else each.value.decode("utf-8", "replace")
        elif left and (name := _constant(each)) in constants:
            yield from texts_in(constants[name], constants, left - 1)


def _constant(node: ast.AST) -> str:
    """The name by which a constant is asked for, its module or class in front: ``lock.UNLOCK``, ``self.UNLOCK``."""
    named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return name_of(node) if named or isinstance(node, ast.Name) else ""


@lru_cache(maxsize=1 << 12)
def yields(function: Function) -> bool:
    return any(isinstance(each, ast.Yield) for each in walked(function))


def parameters(function: Function, made: ast.expr | None) -> dict[str, ast.expr]:
    """What a call gives to a function's parameters."""
    if not isinstance(made, ast.Call):
        return {}
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] in (["self"], ["cls"]) and isinstance(made.func, ast.Attribute):
        names = names[1:]
    given = dict(zip(names, made.args, strict=False))
    return given | {each.arg: each.value for each in made.keywords if each.arg}


def handler_of(
    handlers: Sequence[ast.ExceptHandler], end: End, bases: Mapping[str, frozenset[str]]
) -> ast.ExceptHandler | None:
    """The handler that takes what ended a statement."""
    for each in handlers:
        kinds = each.type.elts if isinstance(each.type, ast.Tuple) else [each.type] if each.type else []
        names = [name_of(kind) for kind in kinds]
        if end.how == "exits":
            if not names or {"BaseException", "SystemExit"} & set(names):
                return each
        elif not names or catches(names, end.error, bases):
            return each
    return None


def caught(handler: ast.ExceptHandler, end: End) -> State:
    """The state in a handler, in which its name stands for the error."""
    if not handler.name or not end.error:
        return end.state
    return replace(end.state, caught=(*end.state.caught, (handler.name, end.error)))


def taker_of(managed: Iterable[Function], end: End, bases: Mapping[str, frozenset[str]]) -> ast.ExceptHandler | None:
    """The handler of a function that yields which takes what is raised where it has yielded (Python documentation,
    ``contextlib.contextmanager``: the error is raised again at the ``yield``)."""
    for function in managed:
        for node in walked(function):
            around = isinstance(node, ast.Try) and any(
                isinstance(each, ast.Yield) for one in node.body for each in walked(one)
            )
            if around and isinstance(node, ast.Try):
                return handler_of(node.handlers, end, bases)
    return None


def catches(kinds: Sequence[str], error: str, bases: Mapping[str, frozenset[str]]) -> bool:
    """Whether handlers of these kinds take an error; whatever is none of Python's takes one of PostgreSQL's."""
    if {"Exception", "BaseException"} & set(kinds) or error in kinds:
        return True
    above = {error}
    for _ in range(_DEEPEST):
        above |= {base for name in above for base in bases.get(name, ())}
    if above & set(kinds):
        return True
    return error == "postgres" and any(not hasattr(builtins, kind) and kind not in bases for kind in kinds)


def suppressed(call: ast.Call, ends: Iterable[End], bases: Mapping[str, frozenset[str]]) -> list[End]:
    """The ends of a block of ``contextlib.suppress``."""
    kinds = [name_of(each) for each in call.args]
    return [
        End("falls", end.state) if end.how == "raises" and catches(kinds, end.error, bases) else end for end in ends
    ]
