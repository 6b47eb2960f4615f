"""Rehearsals of one start of a program: it is gone through with one call failing, way after way.

Every other call works. A question that nobody can answer beforehand is answered both ways, one way after the other;
first as it is answered where all goes well. Asked again, the call fails again: a loop that waits for it comes to its
bound, or never ends, which the job's own limit of time turns into a failure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Final

from msgspec import Struct, field

from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.pipeline.handling import PROGRAM_TOO_LONG, UNASKED, Rehearsal
from checker.model.pipeline.python import PythonLibrary
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.sources import Spot
from checker.resolve.python.rehearsal.gone import (
    MAX_ASIDE,
    MAX_TURNS,
    Go,
    Gone,
    Otherwise,
    Plain,
    Start,
    answered_alike,
    as_before,
    can_answer,
    comes_to,
    is_request,
    is_started,
    placed,
    round_of,
    turned_well,
    which,
    with_turned,
)
from checker.resolve.python.rehearsal.standins import OF_ONE_ROUND, Mode
from checker.resolve.shell.rehearsal.ways import Allowance

MAX_WAYS: Final = 8
_MAX_SEARCH: Final = 2_500  # how many statements are gone through before another way to the call is tried
_MAX_ASKED: Final = 24  # how many of the questions on a way to a call are answered the other way
_UNREACHED_CALL: Final = Open("the way on which all goes well does not lead to it")
_TOLD_BY_ANSWER: Final = Open("what stands in the answer decides how its program ends")
_NEVER_WELL: Final = Open("no way is found on which its program ends well")
_TOO_MUCH: Final = PROGRAM_TOO_LONG


class Rehearsals(Struct):
    """Rehearsals of one start, each made when it is asked for, once."""

    library: PythonLibrary
    start: Start
    allowance: Allowance
    asides: Allowance  # for the ways on which the call works: they take nothing from those on which it fails
    follow: Callable[[], object]  # what comes before all ways: modules are the same for each, whoever loads them first
    _found: dict[tuple[object, ...], Answer] = field(default_factory=dict)
    _plainly_well: bool = False  # whether it ends well where nothing fails, each question answered as at first
    gone: dict[tuple[object, ...], list[Gone]] = field(default_factory=dict)  # each that was gone, told by what it had
    _plain: dict[tuple[bool, ...], list[Plain]] = field(default_factory=dict)  # by the answers
    otherwise: Otherwise = field(default_factory=Otherwise)

    def of(self, call: AwsCall | Command) -> Rehearsal:
        """What becomes of the program, of one of its calls."""
        return _Rehearsal(self, call)

    def ends(self, call: AwsCall | Command) -> Answer:
        """Whether the program ends with a failure when the call fails; of several that one line asks, when one does."""
        together = self.every(call, [Mode.RAISES, Mode.STATUS] if is_request(call) else [Mode.RAISES])
        content = is_request(call) and together is YES and self._of(call, Mode.ALONE) is NO
        return NO if content else together

    def lasts(self, call: AwsCall | Command) -> Answer:
        """Whether the program asks for ever, where what the call asks about never gets there."""
        way = self._first(call, Mode.WAITING)
        if isinstance(way, Open):
            return way
        if not way.endless or way.ended is False:
            return NO
        for aside in self._asides(way, call, Mode.WAITING):
            if aside is None or (aside.met and aside.ended is None):
                return _TOO_MUCH
            if aside.met and not aside.endless:
                return NO
        return YES

    def turns(self, call: AwsCall | Command) -> Answer:
        """Whether the program does something else and ends well where the call fails.

        Compares the first way on which it fails with those on which it works, each question answered both ways.
        """
        both = self._both(call)
        if isinstance(both, Open):
            return both
        failed, worked = both
        if failed.ended is not False:
            return NO
        done = set(worked.acts)
        asked = () if is_started(call) else worked.given[:_MAX_ASKED]
        for index, taken in enumerate(asked):
            if failed.acts <= done:
                return NO
            other = self._go(call, Mode.WELL, [*worked.given[:index], not taken])
            if other is None:
                return _TOO_MUCH
            done |= other.acts
        return yes_if(not failed.acts <= done)

    def retold(self, call: AwsCall | Command, *, printed: bool) -> Answer:
        """Whether a command's program tells later steps something else where it fails, or prints it, and ends well."""
        both = self._both(call)
        if isinstance(both, Open):
            return both
        failed, worked = both
        differs = failed.told ^ worked.told
        return yes_if(failed.ended is False and any(printed or file for file, _ in differs))

    def _both(self, call: AwsCall | Command) -> tuple[Gone, Gone] | Open:
        """The first ways on which the call fails and works, at no cost to others; if both fail, all else goes well."""
        before = self.allowance.left
        failed = self._first(call, Mode.RAISES)
        self.asides.left -= before - self.allowance.left
        self.allowance.left = before
        worked = self._works(call, failed) if isinstance(failed, Gone) else failed
        if not isinstance(failed, Gone) or not isinstance(worked, Gone):
            return worked if isinstance(worked, Open) else _TOO_MUCH
        if failed.ended and worked.ended and not (failed.endless or worked.endless):
            turned = turned_well(worked, self._goer(call, Mode.WELL))
            ways = [with_turned(way, turned or frozenset(), self._goer(call, way.mode)) for way in (failed, worked)]
            failed, worked = ways[0] or failed, ways[1] or worked
        return failed, worked

    def _goer(self, call: AwsCall | Command, mode: Mode) -> Go:
        return lambda answers, turns: self._go(call, mode, answers, turns)

    def reaches(self, call: AwsCall | Command, other: AwsCall) -> Answer:
        """Whether the program goes on to another call although this one fails."""
        way = self._first(call, Mode.RAISES)
        return way if isinstance(way, Open) else yes_if(placed(other) in way.later)

    def _works(self, call: AwsCall | Command, failed: Gone) -> Gone | Open:
        """The first way on which the call works. What a program's exit status and output are asked for is answered as
        it is where all goes well, and in no other way: the other way than where it fails."""
        way = self._first(call, Mode.WELL)
        for _ in range(_MAX_ASKED if is_started(call) else 0):
            if isinstance(way, Open):
                break
            if (index := answered_alike(way, failed)) is None:
                break
            other = self._go(call, Mode.WELL, [*way.given[:index], not way.given[index]])
            if other is None or not other.met:
                break
            way = other
        return way

    def mends(self, call: AwsCall | Command, other: AwsCall) -> Answer:
        """Whether the program comes to a place where what the call waits for fails, and where that never comes."""
        modes = [mode for mode in (Mode.FAILED, Mode.KILLED, Mode.WAITING) if can_answer(call, mode)] or [Mode.RAISES]
        return every(self._leads(call, other.spot, mode) for mode in modes)

    def _leads(self, call: AwsCall | Command, spot: Spot, mode: Mode) -> Answer:
        """Whether the program comes to a place in this mode of the call; open where a question decides."""
        way = self._first(call, mode)
        if isinstance(way, Open):
            return way
        waits = way.endless and way.ended is not False
        ends = [each for each in (self._asides(way, call, mode) if waits else [way]) if each is None or each.met]
        if None in ends:
            return _TOO_MUCH
        over = [each for each in ends if each is not None and not each.endless]
        if not over or any(comes_to(each, spot) for each in over):
            return YES  # what waits without end is judged as that
        given = list(way.given)
        for index in range(way.before, min(len(given), way.before + _MAX_ASKED)):
            other = self._go(call, mode, [*given[:index], not given[index]])
            if other is None or (other.met and comes_to(other, spot)):
                return _TOO_MUCH if other is None else UNASKED
        return NO

    def missed(self, call: AwsCall | Command) -> Answer:
        """Whether the program can end well without making the call."""
        key = (call.spot, tuple((loop.spot, loop.index) for loop in call.reached.loops), Mode.WELL)
        if key not in self._found:
            self._found[key] = self._missed(call)
        return self._found[key]

    def _missed(self, call: AwsCall | Command) -> Answer:
        """On a way that leads to it each question is answered the other way once: what decides over it is one."""
        led = self._first(call, Mode.WELL)
        # Where no way is found that leads to it, those beside the first one tell whether it can end well without.
        way = self._go(call, Mode.WELL, []) if isinstance(led, Open) else led
        if way is None:
            return _TOO_MUCH
        asked = way.given[: way.before]  # what is asked after it decides nothing over it
        for index, taken in enumerate(asked[:_MAX_ASKED]):
            other = self._go(call, Mode.WELL, [*asked[:index], not taken])
            if other is None:
                return _TOO_MUCH
            if not other.met and other.ended is False:
                return YES
        if isinstance(led, Open):
            return led
        return NO if len(asked) <= _MAX_ASKED else _TOO_MUCH

    def every(self, call: AwsCall | Command, modes: Sequence[Mode]) -> Answer:
        """Whether the program ends with a failure in each of these modes of the call."""
        return every(self._of(call, mode) for mode in modes)

    def _of(self, call: AwsCall | Command, mode: Mode) -> Answer:
        if call.reached.on_failure:
            return _UNREACHED_CALL
        told = round_of(call) if mode is Mode.ALONE else ()
        key = (call.spot, tuple(loop.spot for loop in call.reached.loops), mode, told)
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
            return _TOO_MUCH if way.ended is None else self._by_itself(call, mode, way) if way.ended else NO
        for aside in self._asides(way, call, mode):
            if aside is None or (aside.met and aside.ended is None):
                return _TOO_MUCH
            if aside.met and aside.ended is False:
                return NO
        return YES

    def _by_itself(self, call: AwsCall | Command, mode: Mode, way: Gone) -> Answer:
        """Whether a program that ends with a failure, where a call fails, does so because of that.

        Where it does so although the call works, a question on the way was answered as it is where something else is
        wrong (``if answer.status == 200: return True``): it is answered the other way on both.
        """
        if self._plainly_well and any(each is way for each in self.gone.get((which(call), (), ()), ())):
            return YES
        worked = self._first(call, Mode.WELL)
        if isinstance(worked, Open) or worked.ended is not True or worked.endless:
            return YES
        turned = turned_well(worked, self._goer(call, Mode.WELL))
        if turned is None:
            return _NEVER_WELL
        other = with_turned(way, turned, self._goer(call, mode))
        return _TOO_MUCH if other is None or other.ended is None else yes_if(other.ended)

    def depends(self, call: AwsCall | Command) -> Answer:
        """No, where the program ends well whatever it finds in what a failed call answers; open where that decides."""
        way = self._first(call, Mode.FAILED)
        given = list(way.given) if not isinstance(way, Open) else []
        asked = range(way.before, len(given)) if not isinstance(way, Open) else ()
        for index in asked[:_MAX_ASKED]:
            other = self._go(call, Mode.FAILED, [*given[:index], not given[index]])
            if other is None or other.ended is not False:
                return _TOLD_BY_ANSWER
        return NO

    def _asides(self, way: Gone, call: AwsCall | Command, mode: Mode) -> Iterator[Gone | None]:
        """The ways aside of one that waits for ever; ``None`` for one that is too long."""
        due = deque([(way, frozenset[int]())])
        asides = 0
        while due and asides < MAX_ASIDE:
            way, turned = due.popleft()
            given = list(way.given)
            # Each question once: asked again, it gets the same answer on the way aside. Where the call is not made then
            # (the first round of a loop is left before it), the next time it is asked.
            led: set[int] = set()
            for index, asker in enumerate(way.askers):
                if index < way.began or index in turned or asker in led or asides >= MAX_ASIDE:
                    continue
                asides += 1
                aside = self._go(call, mode, [*given[:index], not given[index]], turned | {index})
                if aside is None or aside.met:
                    led.add(asker)
                yield aside
                if aside is not None and aside.endless and len(turned) < MAX_TURNS:
                    due.append((aside, turned | {index}))  # it waits somewhere else now

    def _first(self, call: AwsCall | Command, mode: Mode) -> Gone | Open:
        """The first way that leads to the call, looked for from where the last one went astray."""
        due: list[list[bool]] = [[]]
        purse = self._purse(mode)
        begun = purse.left
        for _ in range(MAX_WAYS):
            if not due:
                return _UNREACHED_CALL
            if begun - purse.left > _MAX_SEARCH:
                return _TOO_MUCH
            answers = due.pop()
            way = self._go(call, mode, answers)
            if way is None:
                return _TOO_MUCH
            if way.met:
                return way
            due.extend([*way.given[:at], not way.given[at]] for at in range(len(answers), len(way.given)))
        return _TOO_MUCH

    def repeated(self, call: AwsCall | Command) -> Answer:
        """Whether the call is made once more after it has failed: raised an error, or answered with one."""
        modes = [Mode.RAISES, Mode.STATUS] if is_request(call) else [Mode.RAISES]
        ways = [self._first(call, mode) for mode in modes]
        gone = [way for way in ways if isinstance(way, Gone)]
        if any(way.times > 1 and not way.endless for way in gone):
            return YES
        asked = any(way.endless or way.ended is None or len(way.given) > way.before for way in gone)
        return _TOO_MUCH if asked or len(gone) < len(ways) else NO

    def _purse(self, mode: Mode) -> Allowance:
        return self.asides if mode is Mode.WELL else self.allowance

    def _go(
        self, call: AwsCall | Command, mode: Mode, answers: Sequence[bool], turned: Set[int] = frozenset()
    ) -> Gone | None:
        """The way with these answers, gone once; it costs the same each time, so that no answer is the order's."""
        if (purse := self._purse(mode)).left <= 0:
            return None
        told = round_of(call) if mode in OF_ONE_ROUND else ()
        before = self.gone.setdefault((which(call), told, tuple(answers)), [])
        gone = next((each for each in before if each.is_way_of(mode, turned)), None)
        if gone is None:
            plain = self._plain.setdefault(tuple(answers), [])
            if (gone := as_before(plain, call, mode, turned)) is None:
                # What goes it takes long to import, and where an earlier run went all of them nothing does.
                from checker.resolve.python.rehearsal.way import Way

                self.follow()
                way = Way(self.library, self.start, call, mode, answers, turned)
                gone = way.run_through()
                plain.extend(way.plain(gone))
            before.append(gone)
        if mode is Mode.WELL and not answers:
            self._plainly_well = gone.ended is False and not gone.endless
        purse.left -= gone.steps + 1
        return gone


class _Rehearsal(Rehearsal, Struct, frozen=True, eq=False):
    """What becomes of the program, of one of its calls."""

    rehearsals: Rehearsals
    call: AwsCall | Command

    def ends(self) -> Answer:
        return self.rehearsals.ends(self.call)

    def notices(self) -> Answer:
        modes = [each for each in (Mode.FAILED, Mode.KILLED, Mode.WAITING, Mode.MISSING) if can_answer(self.call, each)]
        found = self.rehearsals.every(self.call, modes) if modes else Rehearsal.notices(self)
        invoked = isinstance(self.call, AwsCall) and self.call.operation == "Invoke"
        return self.rehearsals.depends(self.call) if found is NO and invoked else found

    def decides(self) -> Answer:
        asked = can_answer(self.call, Mode.BACK)
        return self.rehearsals.every(self.call, [Mode.BACK]) if asked else Rehearsal.decides(self)

    def unstarted(self) -> Answer:
        asked = can_answer(self.call, Mode.UNSTARTED)
        return self.rehearsals.every(self.call, [Mode.UNSTARTED]) if asked else Rehearsal.unstarted(self)

    def lasts(self) -> Answer:
        return self.rehearsals.lasts(self.call) if can_answer(self.call, Mode.WAITING) else Rehearsal.lasts(self)

    def turns(self) -> Answer:
        return self.rehearsals.turns(self.call)

    def retold(self, *, printed: bool) -> Answer:
        started = isinstance(self.call, Command) and not is_request(self.call)
        return self.rehearsals.retold(self.call, printed=printed) if started else NO

    def reaches(self, other: Rehearsal) -> Answer:
        theirs = self._of_mine(other)
        return Rehearsal.reaches(self, other) if theirs is None else self.rehearsals.reaches(self.call, theirs)

    def mends(self, other: Rehearsal) -> Answer:
        theirs = self._of_mine(other)
        return Rehearsal.mends(self, other) if theirs is None else self.rehearsals.mends(self.call, theirs)

    def _of_mine(self, other: Rehearsal) -> AwsCall | None:
        """The call of AWS by the same program that another rehearsal is of."""
        same = isinstance(other, _Rehearsal) and other.rehearsals is self.rehearsals
        return other.call if same and isinstance(other, _Rehearsal) and isinstance(other.call, AwsCall) else None

    def missed(self) -> Answer:
        return self.rehearsals.missed(self.call)

    def names(self, name: str, instead: Mapping[str, str]) -> Answer:
        mine = self.rehearsals
        return mine.otherwise.names(mine.library, mine.start, self.call, name, instead)

    def repeated(self) -> Answer:
        return self.rehearsals.repeated(self.call)
