"""Rehearsals of one start of a program: it is gone through with one call failing, way after way.

Every other call works. A question that nobody can answer beforehand is answered both ways, one way after the other;
first as it is answered where all goes well. Asked again, the call fails again: a loop that waits for it comes to its
bound, or never ends, which the job's own limit of time turns into a failure.
"""

from __future__ import annotations

import ast
import posixpath
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.pipeline.scripts import AwsCall, Command, Handling, How, Reached
from checker.model.possible import Possible
from checker.model.sources import Spot
from checker.model.values import Text
from checker.resolve.python.code import STATEMENTS
from checker.resolve.python.machine import MAX_DEPTH, Frame, Machine, StopError, block, value
from checker.resolve.python.modules import load, module_at
from checker.resolve.python.objects import bound, enter, typed
from checker.resolve.python.rehearsal import statements
from checker.resolve.python.rehearsal.expressions import ON_ONE_WAY
from checker.resolve.python.rehearsal.flows import (
    EndedError,
    EndlessError,
    FlowError,
    RaisedError,
    ReturnedError,
    raised,
)
from checker.resolve.python.rehearsal.standins import Mode, answer, module
from checker.resolve.python.values import (
    SCALARS,
    Class,
    Dict,
    Extern,
    Function,
    Instance,
    Manager,
    PythonLibrary,
    Value,
)
from checker.resolve.shell.rehearsal import Allowance

MAX_WAYS: Final = 8
MAX_STATEMENTS: Final = 5_000
_MAX_SEARCH: Final = 2_500  # how many statements are gone through before another way to the call is tried
_ASKED_FREELY: Final = 2  # how often one question is answered both ways on one way through the program
_MAX_ASIDE: Final = 8  # how many ways aside of one that never ends are gone
_MAX_TURNS: Final = 2  # how many questions are answered the other way on one of them, but one
_UNREACHED_CALL: Final = Open("the way on which all goes well does not lead to it")
_TOO_MUCH: Final = Open("its program can go too many ways to follow them all")
_ON_STAGE: Final = {**STATEMENTS, **statements.STATEMENTS}
# What the libraries call it when nobody answers.
_UNREACHED: Final = frozenset(
    {"ConnectionError", "HTTPException", "Timeout", "RequestError", "TransportError", "ConnectError",
     "TimeoutException", "MaxRetryError", "HTTPStatusError", "EndpointConnectionError", "ClientResponseError"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a program."""

    path: str
    arguments: tuple[Possible, ...] | None
    environment: Mapping[str, Possible]
    folder: str | None
    function: str


@dataclass(slots=True)
class Rehearsals:
    """Rehearsals of one start, each made when it is asked for, once."""

    library: PythonLibrary
    start: Start
    allowance: Allowance
    _found: dict[tuple[object, ...], Answer] = field(default_factory=dict)

    def ends(self, call: AwsCall | Command) -> Callable[[], Answer]:
        """Asks whether the program ends with a failure when the call fails."""
        modes = [Mode.RAISES, Mode.STATUS] if _is_request(call) else [Mode.RAISES]
        return lambda: self._every(call, modes)

    def notices(self, call: AwsCall | Command) -> Callable[[], Answer] | None:
        """Asks whether it does when the call answers that what it asks about failed, or never gets there."""
        modes = [mode for mode in (Mode.FAILED, Mode.WAITING) if _answers(call, mode)]
        return (lambda: self._every(call, modes)) if modes else None

    def _every(self, call: AwsCall | Command, modes: Sequence[Mode]) -> Answer:
        answers = [self._of(call, mode) for mode in modes]
        return next((each for each in answers if each is NO), next((e for e in answers if e is not YES), YES))

    def _of(self, call: AwsCall | Command, mode: Mode) -> Answer:
        if call.reached.on_failure:
            return _UNREACHED_CALL
        key = (call.spot, tuple(loop.spot for loop in call.reached.loops), mode)
        if key not in self._found:
            self._found[key] = self._rehearsed(call, mode)
        return self._found[key]

    def _rehearsed(self, call: AwsCall | Command, mode: Mode) -> Answer:
        """What becomes of it on the way on which all else goes well.

        Where that way waits for ever, each question in its loop is answered the other way once: a bound is one of them.
        """
        way = self._first(call, mode)
        if isinstance(way, Open):
            return way
        if not way.endless or way.ended is False:
            return _TOO_MUCH if way.ended is None else yes_if(way.ended)
        due = deque([(way, frozenset[int]())])
        asides = 0
        while due and asides < _MAX_ASIDE:
            way, turned = due.popleft()
            given = [taken for taken, _ in way.given]
            # Each question once: asked again, it gets the same answer on the way aside.
            first = {asker: index for index, asker in reversed(list(enumerate(way.askers))) if index >= way.loop_began}
            for index in sorted(set(first.values()) - turned):
                asides += 1
                aside = self._gone(call, mode, [*given[:index], not given[index]], turned | {index})
                if aside is None or (aside.met and aside.ended is None):
                    return _TOO_MUCH
                if aside.met and aside.ended is False:
                    return NO
                if aside.endless and len(turned) < _MAX_TURNS:
                    due.append((aside, turned | {index}))  # it waits somewhere else now
        return YES

    def _first(self, call: AwsCall | Command, mode: Mode) -> _Way | Open:
        """The first way that leads to the call, looked for from where the last one went astray."""
        due: list[list[bool]] = [[]]
        begun = self.allowance.left
        for _ in range(MAX_WAYS):
            if not due:
                return _UNREACHED_CALL
            if begun - self.allowance.left > _MAX_SEARCH:
                return _TOO_MUCH
            answers = due.pop()
            way = self._gone(call, mode, answers)
            if way is None:
                return _TOO_MUCH
            if way.met:
                return way
            given = [taken for taken, _ in way.given]
            due.extend([*given[:index], not given[index]] for index in range(len(answers), len(given)))
        return _TOO_MUCH

    def _gone(
        self, call: AwsCall | Command, mode: Mode, answers: Sequence[bool], turned: Set[int] = frozenset()
    ) -> _Way | None:
        if self.allowance.left <= 0:
            return None
        way = _Way(self, call, mode, answers)
        way.turns = turned
        way.ended = way.run_through()
        self.allowance.left -= MAX_STATEMENTS - way.machine.left + 1
        return way


def _is_request(call: AwsCall | Command) -> bool:
    return isinstance(call, Command) and call.program == "http"


def _answers(call: AwsCall | Command, mode: Mode) -> bool:
    if not isinstance(call, AwsCall) or call.how is not How.SDK or answer(call.service, call.operation, mode) is None:
        return False
    return any(loop.kind in {"retry", "while"} for loop in call.reached.loops)


class _Way:
    """One way through a program: a :class:`checker.resolve.python.machine.Stage`."""

    def __init__(self, of: Rehearsals, call: AwsCall | Command, mode: Mode, answers: Sequence[bool]) -> None:
        start = of.start
        self.start = start
        self.failing = call
        self.mode = mode
        self.answers = answers
        self.given: list[tuple[bool, bool]] = []
        self.askers: list[int] = []  # the question of each
        self.met = False
        self.ended: bool | None = None
        self.endless = False
        self.loop_began = 0  # how many questions were answered before the loop that never ends
        self.turns: Set[int] = frozenset()  # which of the answers are the other way than on the way before
        self._turned: dict[int, bool] = {}
        self._asked: dict[int, int] = {}
        self._steady: dict[Value, bool] = {}
        self._questions = 0
        self._searching: dict[int, object] = {}
        self._current: list[RaisedError] = []
        self._errors: dict[int, RaisedError] = {}
        self._yielding: dict[int, list[Callable[[Value], None]]] = {}
        self._standins = module()
        reached = Reached(Spot(start.path))
        environment, folder = start.environment, start.folder
        self.machine = Machine(
            of.library, reached, ON_ONE_WAY, _ON_STAGE, start.arguments, environment, folder, left=MAX_STATEMENTS
        )
        self.machine.stage = self

    def run_through(self) -> bool | None:
        """Whether the program ends with a failure, ``None`` where that is not known."""
        machine, start = self.machine, self.start
        found = module_at(machine, start.path, fresh=True)
        if found is None:
            return None
        machine.roots = tuple(dict.fromkeys((posixpath.dirname(start.path), start.folder or "", "", "src")))
        try:
            load(machine, found, main=not start.function)
            entry = found.names.get(start.function) if start.function else None
            status: Value = None
            if isinstance(entry, Function):
                status = enter(machine, entry, (), {}, Frame(found, {}, machine.reached, Handling(errexit=True)))
            return _failed(status)
        except RaisedError as error:
            return _failed(error.status) if "SystemExit" in error.names else True
        except EndedError as ended:
            return _failed(ended.status)
        except EndlessError as endless:
            self.endless = True
            self.loop_began = endless.began
            return True
        except (StopError, RecursionError, FlowError):
            return None

    # --- questions --------------------------------------------------------------------------------------------------

    def answered(self) -> int:
        """How many have an answer that another way may change."""
        return len(self.given)

    def choose(self, asker: ast.AST, about: Value, *, rather: bool = False) -> bool:
        """The answer to a question that nobody can answer beforehand: what an option is stays what it is."""
        steady = about if isinstance(about, Text) or (isinstance(about, Extern) and about.parsed) else None
        if steady is not None and steady in self._steady:
            return self._steady[steady]
        self._questions += 1
        if id(asker) in self._turned:
            return self._turned[id(asker)]
        times = self._asked[id(asker)] = self._asked.get(id(asker), 0) + 1
        if times > _ASKED_FREELY:
            return rather
        taken = self.answers[len(self.given)] if len(self.given) < len(self.answers) else rather
        self.given.append((taken, rather))
        self.askers.append(id(asker))
        if len(self.given) - 1 in self.turns:
            self._turned[id(asker)] = taken  # the time that is up for one is up for all
        if steady is not None:
            self._steady[steady] = taken
        return taken

    def questions(self) -> int:
        """How many have been asked so far."""
        return self._questions

    # --- functions --------------------------------------------------------------------------------------------------

    def enter(self, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame) -> Value:
        """Go through a call of one of the repository's functions; what it returns."""
        machine, node = self.machine, function.node
        if machine.depth >= MAX_DEPTH:
            raise StopError
        machine.work()
        names = bound(machine, function, positional, named)
        inner = Frame(function.module, names, frame.reached, frame.handling)
        if isinstance(node, ast.Lambda):
            return value(machine, node.body, inner)
        if statements.manages(node):
            return Manager(function, inner)
        collected: list[Value] = []
        if node.body and isinstance(node.body[-1], ast.Raise):
            self._searching[id(names)] = names
        machine.depth += 1
        try:
            if statements.yields(node):
                with self.yielding(names, collected.append):
                    block(machine, node.body, inner)
            else:
                block(machine, node.body, inner)
        except ReturnedError as flow:
            if flow.names is not names:
                raise
            if not statements.yields(node):
                typeless = node.returns is not None and isinstance(flow.value, Extern)
                told = typed(machine, node.returns, inner) if typeless and node.returns is not None else None
                return told if told is not None else flow.value
        finally:
            machine.depth -= 1
        return tuple(collected) if statements.yields(node) else None

    def searches(self, names: object) -> bool:
        """Whether a function looks for something, and raises where it is not there."""
        return self._searching.get(id(names)) is names

    @contextmanager
    def yielding(self, names: object, to: Callable[[Value], None]) -> Iterator[None]:
        """While a generator runs: what is done with what it yields."""
        self._yielding.setdefault(id(names), []).append(to)
        try:
            yield
        finally:
            self._yielding[id(names)].pop()

    def yielded(self, names: object, found: Value) -> None:
        takers = self._yielding.get(id(names))
        if takers:
            takers[-1](found)

    # --- errors -----------------------------------------------------------------------------------------------------

    @contextmanager
    def handling(self, error: BaseException) -> Iterator[None]:
        """While a handler runs: what ``raise`` without a word raises again."""
        assert isinstance(error, RaisedError)
        self._current.append(error)
        self._errors[id(error.value)] = error
        try:
            yield
        finally:
            self._current.pop()

    def current(self) -> BaseException | None:
        return self._current[-1] if self._current else None

    def known(self, found: Value) -> BaseException | None:
        """The error that a name stands for in its handler."""
        error = self._errors.get(id(found))
        return error if error is not None and error.value is found else None

    def leaves(self, status: Value, *, at_once: bool) -> None:
        """``sys.exit(status)``."""
        if at_once:
            raise EndedError(status)
        raise RaisedError(Extern("SystemExit"), frozenset({"SystemExit", "BaseException"}), status)

    # --- calls ------------------------------------------------------------------------------------------------------

    def made(self, call: AwsCall | Command) -> Value:
        """What a call gives, ``None`` where it works as any call does."""
        if not self._is_it(call):
            return self._well(call)
        self.met = True
        name = self._name(call)
        found = self._standin(name)
        frame = Frame(self._standins, self._standins.names, self.machine.reached, Handling())
        if self.mode is Mode.RAISES and (name != "Completed"):
            error = raised(self.machine, found, frame)
            error.names |= _UNREACHED if name == "URLError" else frozenset()
            raise error
        return Instance(found) if isinstance(found, Class) else found

    def _well(self, call: AwsCall | Command) -> Value:
        if not isinstance(call, AwsCall) or call.how is not How.SDK:
            return None
        name = answer(call.service, call.operation, Mode.WELL)
        return self._standin(name) if name is not None else None

    def _name(self, call: AwsCall | Command) -> str:
        if isinstance(call, AwsCall):
            if self.mode is Mode.RAISES:
                return "WaiterError" if call.waiter else "ClientError"
            return answer(call.service, call.operation, self.mode) or "ClientError"
        if call.program == "http":
            return "URLError" if self.mode is Mode.RAISES else "Response"
        return "Completed" if call.handling.lost else "CalledProcessError"

    def gives(self, name: str) -> Value:
        """What a function of another library gives after the failure, ``None`` where nobody knows."""
        answered = self.mode is Mode.STATUS and self.met and name.startswith("http.client.")
        response = self._standin("Response") if answered and name.endswith(".getresponse") else None
        return Instance(response) if isinstance(response, Class) else None

    def _is_it(self, call: AwsCall | Command) -> bool:
        same = type(call) is type(self.failing) and call.spot == self.failing.spot
        mine, theirs = call.reached.loops, self.failing.reached.loops
        if not same or [each.spot for each in mine] != [each.spot for each in theirs]:
            return False
        if isinstance(call, AwsCall) and isinstance(self.failing, AwsCall):
            return (call.operation, call.waiter) == (self.failing.operation, self.failing.waiter)
        return True

    def _standin(self, name: str) -> Value:
        load(self.machine, self._standins)
        return self._standins.names.get(name)


def _failed(status: Value) -> bool | None:
    """Whether an exit status tells of a failure."""
    if status is None or isinstance(status, SCALARS):
        return status not in (None, 0, False)
    return None if isinstance(status, Extern | Text) else not isinstance(status, Dict) or None
