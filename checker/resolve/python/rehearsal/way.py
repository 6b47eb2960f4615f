"""One way through a program, with one of its calls failing."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from typing import Final

from msgspec.structs import replace

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonLibrary, PythonModule
from checker.model.pipeline.scripts import AwsCall, Command, How, Reached
from checker.model.sources import Spot
from checker.resolve.python.code import STATEMENTS
from checker.resolve.python.libraries import at_exit
from checker.resolve.python.libraries.bounds import again
from checker.resolve.python.machine import (
    MAX_DEPTH,
    OWN,
    Call,
    Frame,
    Machine,
    Question,
    StopError,
    block,
    spot_of,
    value,
)
from checker.resolve.python.modules import load, module_at, starts
from checker.resolve.python.objects import bound, rebind, typed
from checker.resolve.python.rehearsal import standins, statements
from checker.resolve.python.rehearsal.choices import Choices, place_of
from checker.resolve.python.rehearsal.expressions import ON_ONE_WAY
from checker.resolve.python.rehearsal.flows import (
    EndedError,
    EndlessError,
    FlowError,
    RaisedError,
    ReturnedError,
    failed_by,
    raised,
)
from checker.resolve.python.rehearsal.gone import (
    UNREACHED,
    Gone,
    Made,
    Place,
    Plain,
    Start,
    acts,
    is_it,
    is_prepared,
    placed,
    round_of,
    started_by,
    told_by,
)
from checker.resolve.python.rehearsal.lending import given_by, later
from checker.resolve.python.rehearsal.loaded import SAID, lent_libraries, piped, printed_by, written_answers
from checker.resolve.python.rehearsal.managers import decorated
from checker.resolve.python.rehearsal.questions import fits_pattern
from checker.resolve.python.rehearsal.standins import OF_ONE_ROUND, OTHER, Mode, answer, refusal_of, said_by
from checker.resolve.python.syntax_facts import manages, yields
from checker.resolve.python.values import (
    NOTHING,
    Class,
    Extern,
    Function,
    Instance,
    Manager,
    Value,
)

MAX_STATEMENTS: Final = 5_000
_ON_STAGE: Final = {**STATEMENTS, **statements.STATEMENTS}
# What starts a program and gives no object that tells how it ended -> what it gives where that worked (not always
# known), and where it failed. Source: Python documentation, "os.system" (a wait status), "subprocess".
_GIVES: Final[Mapping[str, tuple[Value, Value]]] = {
    "system": (0, 254 << 8),
    "call": (0, 254),
    "getoutput": (None, SAID),
    "getstatusoutput": ((0, "done"), (254, SAID)),
    "popen": ("PipedWell", "PipedFailed"),
}


class Way:
    """One way through a program: a :class:`checker.resolve.python.machine.Stage`. ``turns``: which of the answers are
    the other way than on the way before."""

    def __init__(
        self,
        library: PythonLibrary,
        start: Start,
        call: AwsCall | Command,
        mode: Mode,
        answers: Sequence[bool],
        turns: Set[int],
    ) -> None:
        self.start = start
        self.failing = call
        self.mode = mode
        self.turns = turns
        self.met = False
        self._before = self._since = self._times = 0
        self._told: tuple[object, ...] = ()
        self._choices = Choices(answers, turns)
        self._made: list[Made] = []
        self._searching: dict[int, object] = {}
        self._current: list[RaisedError] = []
        self._errors: dict[int, RaisedError] = {}
        self._cut = False
        self._answered: set[tuple[Place, bool]] = set()
        self._sent_later: Command | None = None  # the request, once it is prepared
        self._unwell = False  # whether what was asked last over HTTP answers with an error
        self._yielding: dict[int, list[Callable[[Value], None]]] = {}
        reached = Reached(Spot(start.path))
        environment, folder = start.environment, start.folder
        self.machine = Machine(
            library, reached, ON_ONE_WAY, _ON_STAGE, start.arguments, environment, folder, left=MAX_STATEMENTS
        )
        self.machine.stage = self

    @property
    def holds_little(self) -> bool:
        """Whether a call has answered that nothing could be started."""
        return self.met and self.mode is Mode.UNSTARTED

    def run_through(self) -> Gone:
        began: int | None = None
        try:
            ended = self._ends()
        except EndlessError as endless:
            ended, began = True, endless.began
        choices, steps = self._choices, MAX_STATEMENTS - self.machine.left
        given = tuple(choices.given)
        numbers: dict[int, int] = {}  # an asker is told by its place in memory, which is another in the next run
        askers = tuple(numbers.setdefault(each, len(numbers)) for each in choices.askers)
        again, waits = choices.again(), began is not None
        acted = frozenset(call.spot for call in self.machine.calls if acts(call))
        mode, turns, met, began = self.mode, self.turns, self.met, began or 0
        before = self._before if met else len(given)
        calls = self.machine.calls[self._since :] if met else ()
        after = frozenset(placed(call) for call in calls if isinstance(call, AwsCall))
        told = frozenset(said for call in self.machine.calls if (said := told_by(call)) is not None)
        ended_so = (ended, waits, began, given, askers, again, before, steps)
        asked, answered = tuple(choices.places), frozenset(self._answered)
        return Gone(mode, turns, met, *ended_so, acted, asked, answered, after, told, self._cut, self._times)

    def plain(self, gone: Gone) -> Iterator[Plain]:
        """The way that was gone as one of any call, where nothing was wrong with the one that it was gone for."""
        if gone.cut or self.mode is Mode.UNSTARTED or (gone.met and self.mode is not Mode.WELL):
            return
        way = replace(gone, met=False, before=len(gone.given), later=frozenset(), times=0)
        yield Plain(way, self._made, self.machine.calls, lent_libraries().file)

    def _ends(self) -> bool | None:
        """Whether the program ends with a failure, ``None`` where that is not known."""
        machine, start = self.machine, self.start
        if (found := module_at(machine, start.path, fresh=True)) is None:
            return None
        machine.roots = tuple(dict.fromkeys((posixpath.dirname(start.path), start.folder or "", "", "src")))
        try:
            status = self._status(found)
            self._leaves()
        except EndedError as ended:
            return failed_by(ended.status)
        except (StopError, RecursionError, FlowError) as error:
            self._cut = isinstance(error, RecursionError)
            return None
        return status

    def _status(self, found: PythonModule) -> bool | None:
        """Whether the program fails, before what runs at its end."""
        function = self.start.function
        try:
            load(self.machine, found, main=not function)
            started = starts(self.machine, function, found) if function else None
            return failed_by(started[0] if started is not None else None)
        except RaisedError as error:
            return failed_by(error.status) if "SystemExit" in error.names else True

    def _leaves(self) -> None:
        """What runs at the end: what that raises is shown, and the exit status stays (documentation, "atexit")."""
        while self.machine.leaving:
            with suppress(RaisedError):
                at_exit.run(self.machine)

    # --- questions --------------------------------------------------------------------------------------------------

    def answered(self) -> int:
        """How many have an answer that another way may change."""
        self.machine.notes(OWN)
        return len(self._choices.given)

    def choose(self, asker: ast.AST, about: Value, *, rather: bool = False) -> bool:
        """The answer to a question that nobody can answer beforehand."""
        answer = self._choices.choose(asker, about, rather=rather)
        self.machine.notes(Question(asker, about, rather, answer))
        return answer

    def decided(self, asker: ast.AST, answer: bool) -> None:
        """What is answered once a command has failed, by its failure for one, is kept: where it works, the answer is
        the other one."""
        if self.met and self.mode is Mode.RAISES and isinstance(self.failing, Command):
            self.machine.notes(OWN)
            self._answered.add((place_of(asker), answer))

    def retrace(self, questions: Sequence[Question]) -> bool:
        """Whether the same questions get the same answers now. If they do, they were asked; if not, none was."""
        trial = self._choices.copy()
        for each in questions:
            if trial.choose(each.asker, each.about, rather=each.rather) is not each.answer:
                return False
        self._choices = trial
        return True

    def questions(self) -> int:
        """How many have been asked so far."""
        self.machine.notes(OWN)
        return self._choices.asked

    # --- functions --------------------------------------------------------------------------------------------------

    def enter(self, function: Function, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame) -> Value:
        """Go through a call of one of the repository's functions; what it returns."""
        machine, node = self.machine, function.node
        if machine.depth >= MAX_DEPTH:
            raise StopError
        machine.work()
        if not isinstance(node, ast.Lambda) and node.decorator_list:
            repeated = again(node, spot_of(function.module, node), frame)
            frame = frame.inside(repeated) if repeated is not None else frame
            around = decorated(machine, lent_libraries(), function, positional, named, frame)
            if around is not None:
                return around[0]
        names = bound(machine, function, positional, named)
        inner = Frame(function.module, names, frame.reached, frame.handling)
        if isinstance(node, ast.Lambda):
            return value(machine, node.body, inner)
        if manages(node):
            return Manager(function, inner)
        collected: list[Value] = []
        if node.body and isinstance(node.body[-1], ast.Raise):
            self._searching[id(names)] = names
        machine.depth += 1
        try:
            if yields(node):
                with self.yielding(names, collected.append):
                    block(machine, node.body, inner)
            else:
                block(machine, node.body, inner)
        except ReturnedError as flow:
            if flow.names is not names:
                raise
            if not yields(node):
                typeless = node.returns is not None and isinstance(flow.value, Extern)
                told = typed(machine, node.returns, inner) if typeless and node.returns is not None else None
                return told if told is not None else flow.value
        finally:
            machine.depth -= 1
            rebind(machine, function, names)
        return tuple(collected) if yields(node) else None

    def searches(self, names: object) -> bool:
        """Whether a function looks for something, and raises where it is not there."""
        return self._searching.get(id(names)) is names

    @contextmanager
    def yielding(self, names: object, to: Callable[[Value], None]) -> Iterator[None]:
        """While a generator runs: what is done with what it yields."""
        self.machine.notes(OWN)
        self._yielding.setdefault(id(names), []).append(to)
        try:
            yield
        finally:
            self._yielding[id(names)].pop()

    def yielded(self, names: object, found: Value) -> None:
        takers = self._yielding.get(id(names))
        if takers:
            takers[-1](found)

    def later(self, function: Value, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame) -> Value:
        """A coroutine that nobody waits for yet."""
        return later(self.machine, lent_libraries(), function, positional, named, frame)

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
        self.machine.notes(OWN)
        return self._current[-1] if self._current else None

    def known(self, found: Value) -> BaseException | None:
        """The error that a name stands for in its handler."""
        self.machine.notes(OWN)
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
        self._made.append(Made(call, len(self._choices.given), len(self.machine.calls)))
        asked = self._is_it(call)
        if isinstance(call, Command) and call.program == "http":
            self._unwell = asked and self.mode in {Mode.STATUS, Mode.ALONE, Mode.MISSING}
        if not asked:
            self._sent_later = None if is_prepared(call) else self._sent_later
            return self._well(call)
        if not self.met:
            self._before, self._since = len(self._choices.given), len(self.machine.calls)
        told = round_of(call)
        self._told = self._told if self.met else told
        self.met, self._times = True, self._times + (told == self._told)  # another request is not made once more
        if self.mode is Mode.WELL:
            return self._well(call)
        if isinstance(call, Command) and is_prepared(call):
            self._sent_later = call
            return None
        return self._fails(call)

    def _fails(self, call: AwsCall | Command) -> Value:
        """What it gives, or raises, where it fails."""
        if self.mode is Mode.BACK and isinstance(call, Command):
            return printed_by(started_by(call), Extern(OTHER))
        name = self._name(call)
        if name == "Completed" and isinstance(call, Command) and (kind := started_by(call)) in _GIVES:
            return piped(_GIVES[kind][1], said.text if (said := refusal_of(call)) is not None else SAID)
        found = written_answers().names.get(name)
        found = Instance(found, said_by(name, call)) if isinstance(found, Class) else found
        frame = Frame(written_answers(), written_answers().names, self.machine.reached, Handling())
        if name.endswith("HTTPError") or (self.mode is Mode.RAISES and name != "Completed"):
            error = raised(self.machine, found, frame)
            if name == "URLError":
                error.names |= UNREACHED
            elif name.endswith("HTTPError"):
                error.names |= frozenset({"URLError"})
            raise error
        return found

    def _well(self, call: AwsCall | Command) -> Value:
        if isinstance(call, Command):
            kind = started_by(call)
            return piped("Done" if kind == "run" else _GIVES.get(kind, (None,))[0])
        if call.how is not How.SDK:
            return None
        name = answer(call.service, call.operation, Mode.WELL)
        return written_answers().names.get(name) if name is not None else None

    def _name(self, call: AwsCall | Command) -> str:
        if isinstance(call, AwsCall):
            if self.mode is Mode.RAISES:
                return "WaiterError" if call.waiter else "ClientError"
            return answer(call.service, call.operation, self.mode) or "ClientError"
        if call.program == "http":
            return standins.answered_with(self.mode, raises="--check-status" in call.words)
        return "Completed" if call.handling.lost else "CalledProcessError"

    def gives(self, function: Extern, given: Call) -> Value:
        """What a function of another library gives, ``None`` where nobody knows."""
        name = function.name
        if self._sent_later is not None and name.startswith("urllib.") and name.endswith((".urlopen", ".open")):
            return self._fails(self._sent_later)
        if (fits := fits_pattern(name, given.positional)) is not None:
            return True if fits else NOTHING
        if not name.startswith("http.client."):
            return given_by(self.machine, lent_libraries(), function, given)
        self.machine.notes(OWN)
        told = standins.answered_with(self.mode) if self._unwell and name.endswith(".getresponse") else ""
        response = written_answers().names.get(told)
        return Instance(response) if isinstance(response, Class) else None

    def _is_it(self, call: AwsCall | Command) -> bool:
        same = is_it(call, self.failing, lent_libraries().file, met=self.met)
        return same and (self.mode not in OF_ONE_ROUND or round_of(call) == round_of(self.failing))
