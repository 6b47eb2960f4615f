"""Whether a runner ends well although a migration has failed: code in Python is gone through with the first statement
of a migration refused.

A program ends with 0 where it comes to its end, where ``sys.exit`` is given nothing or 0, and where ``main`` gives that
to whoever calls it (Python documentation, ``sys.exit``). A condition that is asked after the failure may tell of it:
what is found behind one is no fault.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open
from checker.model.judgements import Judgement
from checker.model.migrations.folders import MigrationRunner
from checker.reason.migrations.busy_lock import ENDS, TooMuch, Walk
from checker.reason.migrations.ends import script_ends
from checker.reason.migrations.lock_values import LETS_GO, TRY, WAIT
from checker.reason.migrations.lock_ways import End, State, assume
from checker.reason.migrations.runner_code import Code, Function, code_of, module_of, name_of, parsed

_MAIN: Final = "main"
_MOST_STEPS: Final = 6_000
_TOO_MUCH: Answer = Open("whether it ends with 0 after a failure: it has too many ways")
_LEVELS: Final = 4  # names that stand for one another


class _Failing(Walk):
    """``connecting``: it is the connection that fails, and no statement."""

    connecting: bool = False

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
        if value is not None or not state.failed:
            return super().branch(node, state, value)
        ends: list[End] = []
        for chosen in (True, False):
            way = assume(node.test, chosen, state, self.code.repeated, doubts=True)
            if way is not None and not way.doubt:  # what is found in doubt is no fault, wherever it leads
                ends.extend(self.block(node.body if chosen else node.orelse, way))
        return ends

    def doubts(self) -> bool:
        return False

    def matters(self, function: Function, made: ast.expr | None, state: State) -> bool:  # noqa: ARG002 - all of them do
        return True

    def entered(self, function: Function, made: ast.expr | None, state: State) -> State:
        """The state without what is known of the lock, which decides nothing here: ways that differ in it are one."""
        inner = super().entered(function, made, state)
        return replace(inner, asked=False, held=False, passed=False, answer=None, holders=(), good=False)

    def back(self, end: End, state: State) -> State:
        return replace(state, good=True) if end.how == "falls" else state

    def given_back(self, end: End, value: ast.expr | None) -> End:
        return replace(end, state=replace(end.state, good=self.is_good(value, end.state)))

    def is_good(self, value: ast.expr | None, state: State) -> bool:
        """Whether a value is a status of success; of a call it is what that gave back last."""
        for _ in range(_LEVELS):
            if value is None:
                return True
            if isinstance(value, ast.Constant):
                return value.value is None or (isinstance(value.value, int) and not value.value)
            if isinstance(value, ast.Call):
                return name_of(value.func) in self.code.relevant and state.good
            name = value.id if isinstance(value, ast.Name) else ""
            if name not in self.code.constants:
                return False
            value = self.code.constants[name]
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
        if any(each.search(text) for each in (TRY, WAIT, LETS_GO)):
            return super().sent(call, text, state)
        unwritten = not text.strip() and not isinstance(call.args[0], ast.Constant)
        if state.failed or not (self.is_file(call.args[0], state) or unwritten):
            return [End("falls", replace(state, answer=None))]
        self.migrated = True
        if self.connecting:
            return [End("falls", state)]
        return [End("raises", replace(state, failed=True), error="postgres")]


_FIX: Final = "Let the error through, or end with another status than 0: sys.exit(1) in the handler."


def ended_well(runners: Iterable[MigrationRunner]) -> Iterator[Judgement]:
    """The runners that end with success after a failure, and those of which that cannot be told."""
    for runner in runners:
        answer = ends_well(runner)
        if answer is YES:
            said = "It ends with 0 although a migration, or its connection, has failed: whoever waits for it goes on."
            yield runner.fails("outcome", said, fix=_FIX)
        elif isinstance(answer, Open):
            yield runner.undecided("outcome", answer.why, fix=_FIX)


def ends_well(runner: MigrationRunner) -> Answer:
    """Whether a runner can end with success although a migration of its, or its connection, has failed."""
    if script_ends.ends_well(runner):
        return YES
    files = tuple((each.file, each.code) for each in (*runner.files, *runner.starts) if each.language == "python")
    return _ends_well(files) if files else NO


@lru_cache(maxsize=64)
def _ends_well(files: tuple[tuple[str, str], ...]) -> Answer:
    trees: dict[str, ast.Module] = {}
    for name, text in files:
        tree = parsed(name, text)
        if tree is None:
            return Open(f"whether it ends with 0 after a failure: {name} could not be read as Python")
        trees[module_of(name)] = tree
    code = code_of(trees)
    answer: Answer = NO
    for connecting in (False, True):
        try:
            if any(map(_is_well, _ends(trees, code, connecting=connecting))):
                return YES
        except (TooMuch, RecursionError):
            answer = _TOO_MUCH
    return answer


def _ends(trees: Mapping[str, ast.Module], code: Code, *, connecting: bool) -> Iterator[End]:
    walk = _Failing(code, busy=False, connecting=connecting, most_steps=_MOST_STEPS)
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
