"""What becomes of a script when one of its commands fails: the script is gone through, with that command failing.

Every other command works. A question that nobody can answer beforehand (``grep``, a variable that is not known) is
answered both ways, one way after the other. Asked again, the command fails again: a loop that waits for it comes to
its bound, or never ends, which the job's own limit of time turns into a failure.
Source: Bash Reference Manual, "The Set Builtin" (``-e``, ``pipefail``), "Bourne Shell Builtins" (``trap``), "Job
Control Builtins" (``wait``), "Command Execution Environment" (``-e`` in a substitution), "Exit Status".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from math import inf
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.pipeline.handling import SCRIPT_TOO_LONG, Rehearsal
from checker.model.pipeline.scripts import Command, Reached
from checker.model.pipeline.shell import Script
from checker.model.possible import has_name, shown, with_others
from checker.model.sources import Spot
from checker.resolve.shell.rehearsal.acts import Act
from checker.resolve.shell.rehearsal.choices import Choices, TooMuchError, is_same, own_words
from checker.resolve.shell.rehearsal.manner import Rehearsed
from checker.resolve.shell.rehearsal.shown import hands_on, where_shown
from checker.resolve.shell.rehearsal.way import Way
from checker.resolve.shell.state import Failing, Library, State
from checker.resolve.shell.syntax_facts import literals_in
from checker.resolve.shell.variables.exported import told_apart
from checker.resolve.shell.waiting import (
    earlier_revisions,
    failed_answers,
    is_waiter,
    running_answer,
    taken_back_answer,
    unfinished_answer,
    unstarted_answer,
)

MAX_WAYS: Final = 48
_OF_A_CALL: Final = 3  # words that say what is called: `aws ecs update-service`
_TOO_MUCH: Final = SCRIPT_TOO_LONG
_BY_THE_WAY: Final = Open("it depends on the way that its script takes")
_MADE_UP: Final = Open("its script asks again and again what nobody knows")


class Allowance(Struct):
    """How many statements all rehearsals of a run may go through together: they are made while rules ask for them.

    Half as many again as a large pipeline's programs need.
    """

    left: int = 400_000


class Rehearsals(Struct):
    """Rehearsals of one script, each made when it is asked for, once."""

    library: Library
    reached: Reached
    begin: State
    allowance: Allowance
    _found: dict[Failing, Answer] = field(default_factory=dict)
    _too_many: set[Failing] = field(default_factory=set)  # whose ways were too many once: they are for every question

    def of(self, spot: Spot, words: tuple[str, ...], script: Script, *, again: bool) -> Rehearsal:
        """What becomes of the script, of the command that stands there with these words, in this one or in another
        that it runs; ``again``: it is made until something is as it should be."""
        return _Rehearsal(self, spot, words, script, again)

    def found(self, failing: Failing) -> Answer:
        """Whether the script can end well without the command, does something else where it fails, or ends with a
        failure, whichever is asked."""
        if failing not in self._found:
            asked = self._missed if failing.missed else self._turns if failing.turns else self._ends
            self._found[failing] = asked(failing)
        return self._found[failing]

    def left(self, failing: Failing) -> tuple[str, ...]:
        """What is left for a later step on ways on which the command fails and all ends well, and on no other."""
        worked, failed = self._ways(replace(failing, works=True)), self._ways(failing)
        done = [way.manner.files.held for way in worked or ()]
        ended = [way for way in failed or () if not way.failed]
        return tuple(dict.fromkeys(name for way in ended for name in way.manner.files.differing(done)))

    def reaches(self, failing: Failing, spot: Spot, words: tuple[str, ...]) -> Answer:
        """Whether another command is made on a way on which this one has failed."""
        ways = self._ways(failing)
        if not ways:
            return _TOO_MUCH
        # On one way more is known of a command's words: what a branch has set, what a trap finds when it runs.
        made = (each for way in ways for each in (*way.manner.later, *way.manner.trapped_later))
        return yes_if(any(_is_at(each, spot, words) for each in made))

    def omits(self, failing: Failing, others: Sequence[tuple[Spot, tuple[str, ...]]]) -> Answer:
        """Whether the script ends well on a way that makes the command, and none of the others after it."""
        ways = self._ways(failing)
        if not ways:
            return _TOO_MUCH
        ended = (way for way in ways if not way.failed and not way.choices.contradicts())
        made = ([*way.manner.later, *way.manner.trapped_later] for way in ended)
        return yes_if(any(not any(_is_at(each, *other) for each in some for other in others) for some in made))

    def repeated(self, failing: Failing) -> Answer:
        """Whether the command is made once more on a way on which it has failed."""
        ways = self._ways(failing)
        if not ways:
            return _TOO_MUCH
        return yes_if(any(way.manner.failures > 1 or way.manner.endless for way in ways))

    def told(self, failing: Failing) -> tuple[str, ...]:
        """The words that the command is given, where all goes well."""
        return next((way.manner.words for way in self._each(failing) if way is not None and way.manner.met), ())

    def names(self, failing: Failing, name: str, instead: Mapping[str, str]) -> Answer:
        """Whether the command has a name among its words, where what the script is given is something else."""
        begin = self.begin.apart()
        told = {each: value for each, value in begin.variables.items() if isinstance(value, str)}
        begin.variables.update({each: with_others(value, instead) for each, value in told.items()})
        begin.marks = {each: with_others(value, instead) for each, value in begin.marks.items()}
        if begin.positional is not None:
            begin.positional = tuple(with_others(each, instead) for each in begin.positional)
        ways = Rehearsals(self.library, self.reached, begin, self.allowance)._ways(failing)
        if ways is None:
            return _TOO_MUCH
        named = {any(has_name(word, name) for word in way.manner.words) for way in ways}
        return _BY_THE_WAY if len(named) > 1 else yes_if(True in named)

    def waited(self, failing: Failing) -> float | None:
        """How long the script goes on asking for what never comes: the longest of its ways."""
        ways = self._ways(failing)
        if not ways or any(not way.manner.clock.known or way.choices.repeats() for way in ways):
            return None
        endless = {way.manner.endless for way in ways}
        if True in endless:
            return inf if len(endless) == 1 else None
        return max(way.manner.clock.gone for way in ways)

    def _ends(self, failing: Failing) -> Answer:
        """Whether the script ends with a failure on all ways on which the command is reached, or on none.

        Where the command works, whether there is such a way.
        """
        ends: set[bool] = set()
        for way in self._each(failing):
            if way is None:
                return _TOO_MUCH
            if failing.says and not way.failed and way.choices.repeats():
                return _MADE_UP
            if way.manner.met:
                ends.add(way.failed)
            if failing.works and not failing.says and True in ends:
                return YES
            if len(ends) > 1:
                return _BY_THE_WAY
        return yes_if(ends.pop()) if ends else Open("no way through its script leads to it")

    def _turns(self, failing: Failing) -> Answer:
        """Compares what is done on the ways on which the command fails and all ends well with what else is done."""
        both = self._both(failing)
        if both is None:
            return _TOO_MUCH
        done, failed = both
        always = frozenset.intersection(*done) if done and failed else frozenset()
        due = frozenset(each for each in always if each.spot != failing.spot)
        return either((self._added(done, failed), yes_if(any(due - acts for acts in failed))))

    def adds(self, failing: Failing) -> Answer:
        """The same of what is only done on such a way."""
        both = self._both(failing)
        return _TOO_MUCH if both is None else self._added(*both)

    @staticmethod
    def _added(done: Sequence[frozenset[Act]], failed: Sequence[frozenset[Act]]) -> Answer:
        some = frozenset[Act]().union(*done)
        return yes_if(bool(done) and any(acts - some for acts in failed))

    def _both(self, failing: Failing) -> tuple[list[frozenset[Act]], list[frozenset[Act]]] | None:
        """What is done on the ways on which the command works, and on those on which it fails and all ends well."""
        failed = self._ways(failing)
        worked = self._ways(replace(failing, works=True)) if failed is not None else None
        if worked is None or failed is None:
            return None
        return [way.acts for way in worked], [way.acts for way in failed if not way.failed and not _is_read(way)]

    def idle(self, failing: Failing) -> Answer:
        """Whether the script asks the same and ends in the same way, on every way, whether the command works or not."""
        failed = self._ways(failing)
        worked = self._ways(replace(failing, works=True)) if failed is not None else None
        if worked is None or failed is None:
            return _TOO_MUCH
        ends = [{tuple(way.choices.given): way.failed for way in ways} for ways in (worked, failed)]
        return yes_if(bool(failed) and ends[0] == ends[1] and False in ends[1].values())

    def _each(self, failing: Failing) -> Iterator[Way | None]:
        """Every way through the script, one after the other; ``None`` where there are too many."""
        answers: list[bool] = []
        for _ in range(MAX_WAYS if failing not in self._too_many else 0):
            way = self._gone(failing, answers)
            if way is None:
                break
            yield way
            # The next way: the last question that was answered with no is answered with yes.
            answers = list(way.choices.given)
            while answers and answers[-1]:
                answers.pop()
            if not answers:
                return
            answers[-1] = True
        self._too_many.add(failing)
        yield None

    def _ways(self, failing: Failing) -> list[Way] | None:
        """The ways that lead to the command; ``None`` where there are too many."""
        found = list(self._each(failing))
        return None if None in found else [way for way in found if way is not None and way.manner.met]

    def _missed(self, failing: Failing) -> Answer:
        """On a way that leads to it each question is answered the other way once: what decides over it is one."""
        due: list[list[bool]] = [[]]
        for _ in range(MAX_WAYS):
            if not due:
                return Open("no way through its script leads to it")
            answers = due.pop()
            way = self._gone(failing, answers)
            if way is None:
                return _TOO_MUCH
            given = way.choices.given
            others = [[*given[:index], not given[index]] for index in range(len(given))]
            if way.manner.met:
                return self._misses(failing, others)
            due.extend(others[len(answers) :])
        return _TOO_MUCH

    def _misses(self, failing: Failing, ways: Sequence[list[bool]]) -> Answer:
        """Whether one of these ways ends well without the command, what it asks later answered as it may be."""
        due = [(answers, True) for answers in ways[:MAX_WAYS]]
        for answers, first in due:  # grows on the way
            way = self._gone(failing, answers)
            if way is None:
                return _TOO_MUCH
            if not way.manner.met and not way.failed:
                return YES
            if first and not way.manner.met and len(due) < MAX_WAYS:
                given = way.choices.given
                due += [([*given[:at], not given[at]], False) for at in range(len(answers), len(given))]
        return NO if len(ways) <= MAX_WAYS else _TOO_MUCH

    def _gone(self, failing: Failing, answers: list[bool]) -> Way | None:
        """One way through the script; ``None`` where that is more than can be gone through."""
        if self.allowance.left <= 0:
            return None
        choices = Choices(answers)
        way = Way(self.library, self.reached, Rehearsed(failing, choices=choices), choices)
        begun = way.left
        try:
            begin = self.begin.apart()
            begin.single = True
            way.failed = way.run_through(begin)
            way.acts = way.manner.acts(way.shell.commands)
        except (TooMuchError, RecursionError):
            return None
        finally:
            self.allowance.left -= begun - way.left + 1
        return way


def _is_read(way: Way) -> bool:
    """Whether something is asked after the script has kept what the failing command says."""
    return way.manner.told is not None and len(way.choices.given) > way.manner.told


def _is_at(command: Command, spot: Spot, words: tuple[str, ...]) -> bool:
    """Whether a command that is made is one that was followed before: of its words more may be known now."""
    given = told_apart(command.words, command.exported, command.environment)
    return command.spot == spot and is_same([*map(shown, given)], words, here=True)


class _Rehearsal(Rehearsal, Struct, frozen=True, eq=False):
    """What becomes of the script, of one of its commands."""

    rehearsals: Rehearsals
    spot: Spot
    words: tuple[str, ...]
    script: Script
    again: bool
    printed: tuple[str, ...] = ()  # the words of another command, whose answer this one prints

    def ends(self) -> Answer:
        return self.rehearsals.found(Failing(self.spot, self.words))

    def ends_once(self) -> Answer:
        return self.rehearsals.found(Failing(self.spot, self.words, once=True))

    def late(self) -> Answer:
        return self.rehearsals.found(Failing(self.spot, self.words, hangs=True))

    def decides(self) -> Answer:
        return self.rehearsals.found(Failing(self.spot, self.words, works=True))

    def notices(self) -> Answer:
        asked = self.printed or self.words
        earlier = earlier_revisions(asked, literals_in(self.script.body))
        answers = (*failed_answers(asked), *earlier, unfinished_answer(asked) if self.again else "")
        ways = [Failing(self.spot, self.words, works=True, says=each) for each in answers if each]
        return every(map(self.rehearsals.found, ways)) if ways else Rehearsal.notices(self)

    def unstarted(self) -> Answer:
        told = unstarted_answer(self.printed or self.words)
        ways = Failing(self.spot, self.words, works=True, says=told)
        return self.rehearsals.found(ways) if told else Rehearsal.unstarted(self)

    def outdated(self) -> Answer:
        told = taken_back_answer(self.printed or self.words)
        ways = Failing(self.spot, self.words, works=True, says=told, names=True)
        return self.rehearsals.found(ways) if told else Rehearsal.outdated(self)

    def unended(self) -> Answer:
        told = unfinished_answer(self.printed or self.words)
        return self.rehearsals.found(Failing(self.spot, self.words, works=True, says=told)) if told else YES

    def turns(self) -> Answer:
        return self.rehearsals.found(Failing(self.spot, self.words, turns=True))

    def adds(self) -> Answer:
        return self.rehearsals.adds(Failing(self.spot, self.words))

    def idle(self) -> Answer:
        return self.rehearsals.idle(Failing(self.spot, self.words))

    def reaches(self, other: Rehearsal) -> Answer:
        if not isinstance(other, _Rehearsal) or other.rehearsals is not self.rehearsals:
            return Rehearsal.reaches(self, other)
        return self.rehearsals.reaches(Failing(self.spot, self.words), other.spot, other.words)

    def omits(self, others: Sequence[Rehearsal]) -> Answer:
        known = [each for each in others if isinstance(each, _Rehearsal) and each.rehearsals is self.rehearsals]
        if len(known) < len(others):
            return Rehearsal.omits(self, others)
        asked = [(each.spot, each.words) for each in known]
        return self.rehearsals.omits(Failing(self.spot, self.words, works=True), asked)

    def missed(self) -> Answer:
        return self.rehearsals.found(Failing(self.spot, self.words, works=True, missed=True))

    def repeated(self) -> Answer:
        return self.rehearsals.repeated(Failing(self.spot, self.words))

    def waited(self) -> float | None:
        asked = running_answer(self.printed or self.words)
        if not asked and not is_waiter(self.words):
            return None
        return self.rehearsals.waited(Failing(self.spot, self.words, waits=True, says=asked))

    def worked_out(self) -> tuple[str, ...]:
        return self.rehearsals.told(Failing(self.spot, self.words, works=True, ticks=True))

    def names(self, name: str, instead: Mapping[str, str]) -> Answer:
        # Behind the command and what it does its words may be others then.
        words = [word if index < _OF_A_CALL else "${?}" for index, word in enumerate(own_words(self.words))]
        return self.rehearsals.names(Failing(self.spot, tuple(words), works=True), name, instead)

    def left(self) -> tuple[str, ...]:
        return self.rehearsals.left(Failing(self.spot, self.words))

    def shown(self, name: str, files: Set[str]) -> tuple[Spot, ...]:
        begun, read = self.rehearsals.begin.script, self.rehearsals.library.as_shell
        around = [read(each) for each in sorted(files - {begun.file, self.script.file})]
        known = [each for each in (begun, self.script, *around) if each is not None]
        return where_shown(self.script, self.spot, name) if not any(map(hands_on, known)) else ()

    def printing(self, words: tuple[str, ...]) -> Rehearsal | None:
        return replace(self, printed=words)
