"""Whether a runner ends well although a migration has failed: code in Python is gone through with the first statement
of a migration refused, with no connection to be had, with one that is gone once it is there, and with the lock in the
hands of another run.

A program ends with 0 where it comes to its end, where ``sys.exit`` is given nothing or 0, and where ``main`` gives that
to whoever calls it (Python documentation, ``sys.exit``). A condition that is asked after the failure may tell of it:
what is found behind one is no fault.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.judgements import Judgement
from checker.model.migrations.folders import MigrationRunner
from checker.reason.migrations.busy_lock import ENDS, Walk
from checker.reason.migrations.ends import script_ends
from checker.reason.migrations.lock_values import LETS_GO, TRY, WAIT
from checker.reason.migrations.lock_ways import TIDYING, End, State, TooMuch, assume, is_of_file
from checker.reason.migrations.python_locks import fault_of
from checker.reason.migrations.runner_code import Code, Function, code_of, module_of, name_of, parsed

_MAIN: Final = "main"
_MOST_STEPS: Final = 6_000
_TOO_MUCH: Answer = Open("whether it ends with 0 after a failure: it has too many ways")
_TOO_MUCH_BUSY: Answer = Open("whether it ends with 0 where another run holds the lock: it has too many ways")
_LEVELS: Final = 4  # names that stand for one another


class _Failing(Walk):
    """``connecting``: it is the connection that fails, and no statement. ``lost``: once it is there it is gone, and
    each statement fails, those for the runner's own books too. ``busy``: another run holds the lock; nothing fails."""

    connecting: bool = False
    lost: bool = False

    def statement(self, node: ast.stmt, state: State) -> list[End]:
        ends = super().statement(node, state)
        match node:
            case ast.Return(value=value):
                return [self.given_back(end, value) if end.how == "returns" else end for end in ends]
            case ast.Raise(exc=error) if name_of(error) == "SystemExit":
                told = error.args[0] if isinstance(error, ast.Call) and error.args else None
                return [self.given_back(end, told) if end.how == "exits" else end for end in ends]
            case ast.Raise(exc=ast.expr() as error):
                kind = self.made_by(error)
                return [replace(end, error=kind or end.error) if end.how == "raises" else end for end in ends]
        return ends

    def made_by(self, error: ast.expr) -> str:
        """The class of an error that a function makes, as that says what it gives."""
        made = self.code.functions.get(name_of(error), ()) if isinstance(error, ast.Call) else ()
        kinds = {name_of(each.returns) for each in made}
        return kinds.pop() if len(kinds) == 1 else ""

    def branch(self, node: ast.If, state: State, value: bool | None) -> list[End]:
        if value is not None or not state.failed or self.busy:
            return super().branch(node, state, value)
        ends: list[End] = []
        for chosen in (True, False):
            way = assume(node.test, chosen, state, self.code.repeated, doubts=True)
            # What is found in doubt is no fault, wherever it leads.
            if way is not None and (not way.doubt or TIDYING in self.inside):
                ends.extend(self.block(node.body if chosen else node.orelse, way))
        return ends

    def thrown(self, managed: Sequence[Function], end: End) -> list[End]:
        """How a handler around a ``yield`` tidies up is no question, where it ends in one way: all of it is gone
        through."""
        before, self.inside = self.inside, (*self.inside, TIDYING)
        ends = super().thrown(managed, end)
        self.inside = before
        return ends

    def doubts(self) -> bool:
        return self.busy and super().doubts()

    def matters(self, function: Function, made: ast.expr | None, state: State) -> bool:  # noqa: ARG002 - all of them do
        return True

    def entered(self, function: Function, made: ast.expr | None, state: State) -> State:
        """The state without what is known of the lock, which decides nothing here: ways that differ in it are one."""
        inner = super().entered(function, made, state)
        if self.busy:
            return replace(inner, good=False)
        return replace(inner, asked=False, held=False, passed=False, answer=None, holders=(), good=False)

    def back(self, end: End, state: State) -> State:
        return replace(state, good=True) if end.how == "falls" else state

    def given_back(self, end: End, value: ast.expr | None) -> End:
        return replace(end, state=replace(end.state, good=self.is_good(value, end.state)))

    def is_good(self, value: ast.expr | None, state: State, left: int = _LEVELS) -> bool:
        """Whether a value is a status of success; of a call it is what that gave back last."""
        match value:
            case None:
                return True
            case ast.Constant():
                return value.value is None or (isinstance(value.value, int) and value.value % 256 == 0)
            case ast.Call():
                return name_of(value.func) in self.code.relevant and state.good
            case _ if not left:
                return False
            case ast.BoolOp(op=ast.And(), values=values):  # the first that is none of a failure, or the last
                return any(self.is_good(each, state, left - 1) for each in values)
            case ast.BoolOp(values=values):
                return all(self.is_good(each, state, left - 1) for each in values)
            case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as inner):
                return name_of(inner.func) in self.code.relevant and not state.good
            case ast.Compare(left=ast.Call() as inner, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                return name_of(inner.func) in self.code.relevant
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                kind = dict(state.caught).get(owner, owner)
                said = self.code.attribute(kind, attribute)
                return said is not None and self.is_good(said, state, left - 1)
            case ast.Name(id=name) if name in self.code.constants:
                return self.is_good(self.code.constants[name], state, left - 1)
        return False

    def made(self, call: ast.Call, state: State) -> list[End]:
        # In a loop it is tried again, and what comes after has no connection where that is in vain.
        if self.connecting and not state.failed and self.connects(call.func) and "loop" not in self.inside:
            return [End("raises", replace(state, failed=True), error="postgres")]
        ends = super().made(call, state)
        if name_of(call.func) not in ENDS:
            return ends
        told = call.args[0] if call.args else None
        good = name_of(call.func) != "abort" and self.is_good(told, state)
        return [replace(end, state=replace(end.state, good=good)) if end.how == "exits" else end for end in ends]

    def connects(self, called: ast.expr) -> bool:
        """Whether a driver's ``connect`` is called, and no function of the runner's own."""
        own = frozenset(self.code.homes.values())
        return isinstance(called, ast.Attribute) and called.attr == "connect" and name_of(called.value) not in own

    def sent(self, call: ast.Call, text: str, state: State) -> list[End]:
        if self.lost and (text.strip() or is_of_file(call.args[0], state)):
            self.migrated = True
            return [End("raises", replace(state, failed=True), error="postgres")]
        if any(each.search(text) for each in (TRY, WAIT, LETS_GO)):
            ends = super().sent(call, text, state)
            return [replace(each, state=replace(each.state, failed=True)) for each in ends] if self.busy else ends
        unwritten = not text.strip() and not isinstance(call.args[0], ast.Constant)
        if (state.failed and not self.busy) or not (is_of_file(call.args[0], state) or unwritten):
            return [End("falls", replace(state, answer=None))]
        self.migrated = True
        if self.connecting or self.busy:  # that it migrates all the same is said of its lock
            return [End("falls", replace(state, doubt="?") if self.busy else state)]
        return [End("raises", replace(state, failed=True), error="postgres")]


_SAID: Final = "It ends with 0 although a migration, or its connection, has failed: whoever waits for it goes on."
_PASSED_BY: Final = (
    "It ends with 0 where another run holds the lock, and has migrated nothing: whoever waits for it goes on before "
    "that one is done."
)
_FIX: Final = "Let the error through, or end with another status than 0: sys.exit(1) in the handler."


def ended_well(runners: Iterable[MigrationRunner]) -> Iterator[Judgement]:
    """The runners that end with success after a failure, and those of which that cannot be told."""
    for runner in runners:
        answer = ends_well(runner)
        if answer is YES:
            yield runner.fails("outcome", _SAID, fix=_FIX)
            continue
        passing = passes_by(runner)
        if passing is YES and not fault_of(runner)[0]:  # a lock that keeps nobody out is W16's
            yield runner.fails("outcome", _PASSED_BY, fix=_FIX)
        elif isinstance(untold := answer if isinstance(answer, Open) else passing, Open):
            yield runner.undecided("outcome", untold.why, fix=_FIX)


def ends_well(runner: MigrationRunner) -> Answer:
    """Whether a runner can end with success although a migration of its, or its connection, has failed."""
    answer = script_ends.ends_well(runner)
    if answer is not NO:
        return answer
    files = tuple((each.file, each.code) for each in (*runner.files, *runner.starts) if each.language == "python")
    return _ends_well(files) if files else NO


def passes_by(runner: MigrationRunner) -> Answer:
    """Whether a runner ends with success where another one holds the lock for as long as it was willing to wait."""
    files = tuple((each.file, each.code) for each in (*runner.files, *runner.starts) if each.language == "python")
    return _passes_by(files) if files else NO


@lru_cache(maxsize=64)
def _passes_by(files: tuple[tuple[str, str], ...]) -> Answer:
    trees = _trees(files)
    if trees is None:
        return _unread(files)
    try:
        return yes_if(any(map(_is_well, _ends(trees, code_of(trees), busy=True))))
    except (TooMuch, RecursionError):
        return _TOO_MUCH_BUSY


@lru_cache(maxsize=64)
def _ends_well(files: tuple[tuple[str, str], ...]) -> Answer:
    trees = _trees(files)
    if trees is None:
        return _unread(files)
    code = code_of(trees)
    answer: Answer = NO
    for connecting, lost in ((False, False), (True, False), (False, True)):
        try:
            if any(map(_is_well, _ends(trees, code, connecting=connecting, lost=lost))):
                return YES
        except (TooMuch, RecursionError):
            answer = _TOO_MUCH
    return answer


def _unread(files: tuple[tuple[str, str], ...]) -> Answer:
    unread = next(name for name, text in files if parsed(name, text) is None)
    return Open(f"whether it ends with 0 after a failure: {unread} could not be read as Python")


def _trees(files: tuple[tuple[str, str], ...]) -> dict[str, ast.Module] | None:
    trees: dict[str, ast.Module] = {}
    for name, text in files:
        if (tree := parsed(name, text)) is None:
            return None
        trees[module_of(name)] = tree
    return trees


def _ends(
    trees: Mapping[str, ast.Module], code: Code, *, connecting: bool = False, lost: bool = False, busy: bool = False
) -> Iterator[End]:
    walk = _Failing(code, busy=busy, connecting=connecting, lost=lost, most_steps=_MOST_STEPS)
    for module, tree in trees.items():
        walk.inside = (f"{module}:",)
        for end in walk.block(tree.body, State()):
            yield replace(end, state=walk.back(end, end.state))
    if not walk.migrated:
        for root in code.roots():
            yield from walk.call([root], State()) if root.name == _MAIN else ()


def _is_well(end: End) -> bool:
    """Whether the program ends with 0 there."""
    if not end.state.failed or end.state.doubt or end.how in {"raises", "yields"}:
        return False
    return end.state.good
