"""A start of a program, and the ways through it that were gone: what they came to, without what went them.

Nothing of a way hangs on a process: ways that an earlier run went are told from this one's by the same things. What a
start comes to with other words is followed anew: whether it has a name by itself, or makes it of what it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import Answer, yes_if
from checker.model.pipeline.handling import PROGRAM_TOO_LONG
from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.retrying import AGAIN
from checker.model.pipeline.scripts import AwsCall, Command, How, Reached
from checker.model.possible import Possible, has_name, shown, with_others
from checker.model.sources import Spot
from checker.model.values import Absent, Unknown
from checker.resolve.python.rehearsal.standins import Mode, answer
from checker.resolve.shell.waiting import taken_back_answer

MAX_ASIDE: Final = 8  # how many ways aside of one that does not end well are gone on from
MAX_TURNS: Final = 2  # how many questions are answered the other way on one of them, but one
Place: TypeAlias = "tuple[int, int]"  # the line and the column of a condition
# What the libraries call it when nobody answers.
UNREACHED: Final = frozenset(
    {"ConnectionError", "HTTPException", "Timeout", "RequestError", "TransportError", "ConnectError",
     "TimeoutException", "MaxRetryError", "HTTPStatusError", "EndpointConnectionError", "ClientResponseError",
     "ClientConnectionError", "ClientConnectorError"}
)  # fmt: skip


_Made: TypeAlias = "tuple[AwsCall | Command, ...] | None"


class Start(Struct, frozen=True):
    """One start of a program."""

    path: str
    arguments: tuple[Possible, ...] | None
    environment: Mapping[str, Possible]
    folder: str | None
    function: str


def which(call: AwsCall | Command) -> tuple[object, ...]:
    """All by which one call of a program is told from another."""
    operation = (call.operation, call.waiter) if isinstance(call, AwsCall) else ()
    return (type(call), call.spot, tuple(loops_of(call)), *operation)


def loops_of(call: AwsCall | Command) -> list[Spot]:
    """The loops around it, without those that a pool makes over what it is given."""
    return [each.spot for each in call.reached.loops if each.variable or each.kind != "each"]


def round_of(call: AwsCall | Command) -> tuple[object, ...]:
    """By what a call in one round of a loop is told from the same call in another."""
    if not isinstance(call, Command):
        return ()
    # However often its client sends it: it is the same request.
    return tuple(word for word in call.words if not (isinstance(word, str) and word.startswith(AGAIN)))


def placed(call: AwsCall) -> tuple[object, ...]:
    """A call by where it is made, for which service and with what: it may put back as well as roll."""
    given = (call.text(name) for name in ("service", "taskDefinition"))
    return (call.spot, *("" if isinstance(each, Absent | Unknown) else shown(each) for each in given))


def told_by(call: AwsCall | Command) -> tuple[str, str] | None:
    """The text that it tells, behind the runner's file that it goes to (empty: it is printed); ``None`` of others."""
    if isinstance(call, AwsCall) or call.program != "echo":
        return None
    return (shown(call.writes[0].target) if call.writes else "", " ".join(map(shown, call.words[1:])))


def acts(call: AwsCall | Command) -> bool:
    """Whether a call does more than end the program, or say something."""
    return isinstance(call, AwsCall) or call.program not in {"exit", "return", "echo"}


def started_by(command: Command) -> str:
    """The function that starts a program, without its module."""
    return command.source.partition("(")[0].rpartition(".")[2]


def is_prepared(call: AwsCall | Command) -> bool:
    """Whether it is a request that is sent by another call."""
    return isinstance(call, Command) and "--offline" in call.words


class Gone(Struct, frozen=True):
    """A way that was gone, and what it came to. ``began``: how many questions had been answered before the loop that
    never ends; ``given``: the answers, with an asker for each; ``again``: those whose question was asked once more;
    ``before``: how many were given before the call was met, all of them where it was not; ``later``: the calls of AWS
    that it makes once the call was met, as :func:`placed` tells them; ``cut``: whether Python's own
    stack ended it, which depends on who asked; ``times``: how often the call was made."""

    mode: Mode
    turns: Set[int]
    met: bool
    ended: bool | None
    endless: bool
    began: int
    given: Sequence[bool]
    askers: Sequence[int]
    again: Set[int]
    before: int
    steps: int
    acts: Set[Spot] = frozenset()  # where it starts something or calls AWS
    asked: Sequence[Place] = ()  # where the questions stand, one for each of the given answers
    answered: Set[tuple[Place, bool]] = frozenset()  # what the failure of a command answers
    later: Set[tuple[object, ...]] = frozenset()
    told: Set[tuple[str, str]] = frozenset()  # what it writes into which of the runner's files; empty: what it prints
    cut: bool = False
    times: int = 0

    def is_way_of(self, mode: Mode, turns: Set[int]) -> bool:
        """Whether the way with the same answers, but these two, is this one.

        What is wrong with the call is read where it is met. That an answer is turned is read where its question is
        asked again.
        """
        return (mode is self.mode or not self.met) and not (self.turns ^ turns) & self.again


class Made(Struct, frozen=True):
    """A call where a way makes it: how many questions were answered by then, and how many calls made."""

    call: AwsCall | Command
    answers: int
    calls: int


class Plain(Struct, frozen=True):
    """A way on which all works that it calls: the same one, whichever call is asked about. ``way``: as one on which
    that call is not met; ``lent``: the file of the libraries' stand-ins."""

    way: Gone
    made: Sequence[Made]
    calls: Sequence[AwsCall | Command]
    lent: str

    def told_of(self, call: AwsCall | Command, mode: Mode, turns: Set[int]) -> Gone | None:
        """The way as one of a call in this mode; ``None`` where it makes the call, which something is wrong with."""
        well = mode is Mode.WELL
        each = (one for one in self.made if not well or round_of(one.call) == round_of(call))
        first = next((one for one in each if is_it(one.call, call, self.lent)), None)
        if first is None:
            return replace(self.way, mode=mode, turns=turns)
        if not well:
            return None
        later = frozenset(placed(one) for one in self.calls[first.calls :] if isinstance(one, AwsCall))
        times = 1 + sum(is_it(one.call, call, self.lent, met=True) for one in each)
        return replace(self.way, mode=mode, turns=turns, met=True, before=first.answers, later=later, times=times)


def as_before(plain: Iterable[Plain], call: AwsCall | Command, mode: Mode, turns: Set[int]) -> Gone | None:
    """The way that was gone for another call, where nothing is wrong on it with this one either."""
    # Of the last mode more answers than the call's own are others.
    alike = (each for each in plain if mode is not Mode.UNSTARTED and each.way.is_way_of(mode, turns))
    return next((each.told_of(call, mode, turns) for each in alike), None)


def is_it(made: AwsCall | Command, asked: AwsCall | Command, lent: str, *, met: bool = False) -> bool:
    """Whether a call that is made is the one that is asked about. ``met``: that one has been made before."""
    one, other = which(made), which(asked)
    beside = asked.handling.background  # where it was handed over is not where it runs
    aws = isinstance(made, AwsCall) and isinstance(asked, AwsCall)
    # A library makes the call that it was given: `pool.submit(ecs.update_service, ...)`.
    given = aws and made.spot.file == lent and made.arguments == asked.arguments  # type: ignore[union-attr]
    return (given or made.spot == asked.spot) and (
        one == other
        or ((beside or given) and (one[0], one[3:]) == (other[0], other[3:]))
        or (met and _is_once_more(made, asked))
    )


def _is_once_more(made: AwsCall | Command, asked: AwsCall | Command) -> bool:
    """Whether it is the same line's call, made once more behind the loop in which it failed."""
    loops, failing = (loops_of(one) for one in (made, asked))
    return len(loops) < len(failing) and failing[: len(loops)] == loops and which(made)[3:] == which(asked)[3:]


# Goes the way with these answers, those at some of the places turned; ``None`` where it is too long.
Go: TypeAlias = "Callable[[Sequence[bool], Set[int]], Gone | None]"


def answered_alike(way: Gone, failed: Gone) -> int | None:
    """The first question after the call, on a way on which it works, that is answered as it only is where it fails."""
    for index, (place, given) in enumerate(zip(way.asked, way.given, strict=True)):
        alike = (place, given) in failed.answered and (place, not given) not in failed.answered
        if index >= way.before and alike:
            return index
    return None


def turned_well(way: Gone, go: Go) -> Set[tuple[Place, bool]] | None:
    """Which answers of a way that ends with a failure have to be others, for the program to end well; ``None`` where
    no few of them are found."""
    due = deque([(way, frozenset[int](), frozenset[tuple[Place, bool]]())])
    while due:
        way, turned, answers = due.popleft()
        given, seen = list(way.given), set[int]()
        for index in reversed(range(len(given))):  # the last one led to the end
            if index in turned or way.askers[index] in seen:
                continue
            seen.add(way.askers[index])
            other = go([*given[:index], not given[index]], turned | {index})
            if other is None:
                return None
            changed = answers | {(way.asked[index], given[index])}
            if other.met and other.ended is False:
                return changed
            if len(turned) < MAX_TURNS and len(due) < MAX_ASIDE:
                due.append((other, turned | {index}, changed))
    return None


def with_turned(way: Gone, turned: Set[tuple[Place, bool]], go: Go) -> Gone | None:
    """A way with those of its answers turned that it gives; ``None`` where it leads away from the call."""
    done = frozenset[int]()
    for _ in turned:
        given = list(way.given)
        asked = zip(way.asked, given, strict=True)
        index = next((at for at, each in enumerate(asked) if at not in done and each in turned), None)
        if index is None:
            break
        done |= {index}
        other = go([*given[:index], not given[index]], done)
        if other is None or not other.met:
            return None
        way = other
    return way


def comes_to(way: Gone, spot: Spot) -> bool:
    return any(place == spot for place, *_ in way.later)


def is_started(call: AwsCall | Command) -> bool:
    """Whether it is a program that is started."""
    return isinstance(call, Command) and not is_request(call)


def is_request(call: AwsCall | Command) -> bool:
    return isinstance(call, Command) and call.program == "http"


def can_answer(call: AwsCall | Command, mode: Mode) -> bool:
    """Whether a call can answer so: of a task also where it is asked once, when it has stopped; and of a function. A
    command of the AWS CLI, that it prints what a service ran before; a request, that there is no such page."""
    if mode is Mode.MISSING:
        return is_request(call)
    if isinstance(call, Command) and mode is Mode.BACK and started_by(call) in {"run", "check_output", "getoutput"}:
        words = tuple(shown(word) for word in call.words)
        return "text" in words and bool(taken_back_answer(words))
    if not isinstance(call, AwsCall) or call.how is not How.SDK or answer(call.service, call.operation, mode) is None:
        return False
    ended = mode in {Mode.FAILED, Mode.KILLED} and call.operation in {"DescribeTasks", "Invoke"}
    once = ended or mode in {Mode.UNSTARTED, Mode.BACK}
    return once or any(loop.kind in {"retry", "while"} for loop in call.reached.loops)


class Otherwise(Struct):
    """What one start of a program comes to with other words: it is followed once for each, whatever is asked of it."""

    _made: dict[tuple[tuple[str, str], ...], _Made] = field(default_factory=dict)

    def names(
        self, library: PythonLibrary, start: Start, call: AwsCall | Command, name: str, instead: Mapping[str, str]
    ) -> Answer:
        """Whether the call has a name among its arguments where what the program is given is something ``instead``."""
        other = tuple(sorted(instead.items()))
        if other not in self._made:
            self._made[other] = _followed(library, start, instead)
        made = self._made[other]
        if made is None:
            return PROGRAM_TOO_LONG
        same = [each for each in made if which(each) == which(call)]
        return yes_if(any(has_name(value, name) for each in same for value in _arguments(each)))


def _followed(library: PythonLibrary, start: Start, instead: Mapping[str, str]) -> _Made:
    """What the program does; ``None`` where that is too much."""
    # What follows Python takes long to import, and earlier runs' ways need none of it.
    from checker.resolve.python.code import TOO_MUCH, follow

    words = tuple(with_others(each, instead) for each in start.arguments) if start.arguments is not None else None
    given = {each: with_others(value, instead) for each, value in start.environment.items()}
    machine = follow(library, start.path, Reached(Spot(start.path)), words, given, start.folder, start.function)
    cut = any(TOO_MUCH in problem.message for problem in machine.problems)
    return None if cut else tuple(machine.calls)


def _arguments(call: AwsCall | Command) -> Iterator[object]:
    for value in call.words if isinstance(call, Command) else call.arguments.values():
        yield from value if isinstance(value, tuple) else (value,)
