"""The questions of one way through a script that nobody can answer beforehand, and their answers."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.shell import Literal, Test, Variable
from checker.model.possible import Possible, shown
from checker.resolve.refusals import refused
from checker.resolve.shell.jq.printed import made_of
from checker.resolve.shell.state import Failing
from checker.resolve.shell.variables.exported import HANDED
from checker.resolve.shell.waiting import JQS, picked

_NAMES: Final = lazy_re.compile(r"name|[aA]rn|reason|Reason|stopCode|env|\$")
_ASKED_FREELY: Final = 2  # how often one question is answered both ways on one way through the script


class TooMuchError(Exception):
    """The script does more than can be gone through, or depends on what nobody knows."""


class Choices(Struct):
    """The answers to questions that nobody can answer beforehand: those planned for this way, then "no"."""

    answers: list[bool]
    given: list[bool] = field(default_factory=list)
    asked: dict[int, int] = field(default_factory=dict)
    askers: list[object] = field(default_factory=list)  # of each answer that is given

    def repeats(self) -> bool:
        """Whether a question was asked so often that its answer is made up."""
        return any(times > _ASKED_FREELY for times in self.asked.values())

    @property
    def times(self) -> int:
        """How often anything was asked so far."""
        return sum(self.asked.values())

    def choose(self, asker: object) -> bool:
        """The answer to a question that nobody can answer beforehand."""
        times = self.asked[id(asker)] = self.asked.get(id(asker), 0) + 1
        if times > _ASKED_FREELY:
            return times % 2 == 0
        answer = self.answers[len(self.given)] if len(self.given) < len(self.answers) else False
        self.given.append(answer)
        self.askers.append(asker)
        return answer

    def contradicts(self) -> bool:
        """Whether one question about variables, asked in two places, got two answers."""
        told: dict[tuple[object, ...], bool] = {}
        for asker, answer in zip(self.askers, self.given, strict=True):
            if isinstance(asker, Test) and asker.words:
                parts = [part for word in asker.words for part in word.parts]
                key = tuple(word.parts for word in asker.words)
                plain = all(isinstance(part, Literal | Variable) for part in parts)
                if plain and told.setdefault(key, answer) is not answer:
                    return True
        return False


def is_same(given: Sequence[str], written: Sequence[str], *, here: bool) -> bool:
    """Whether words are those of a command that was followed before, with what it hands on to what it starts.

    ``here``: at the same place, where more may be known of them now. Variables that only one of the two has say
    nothing: what nobody knew is not handed on.
    """
    mine, theirs = own_words(given), own_words(written)
    if mine != theirs and not (here and len(mine) == len(theirs) and all(map(_is_now, mine, theirs))):
        return False
    before = _handed(written)
    return all(
        name not in before or _is_now(value, before[name]) or _is_now(before[name], value)
        for name, value in _handed(given).items()
    )


def own_words(words: Sequence[str]) -> tuple[str, ...]:
    """A command's words without the variables that it hands on."""
    return tuple(word for word in words if not word.startswith(HANDED))


def _handed(words: Sequence[str]) -> dict[str, str]:
    split = (word[len(HANDED) :].partition("=") for word in words if word.startswith(HANDED))
    return {name: value for name, _, value in split}


_OPENS: Final = ("$(", "${", "$?")  # how a word is written that only a run knows


def _is_now(one: str, other: str) -> bool:
    """Whether a word is what is known now of one that was open, or one of several."""
    begun = one.startswith(other.partition("$")[0]) or " | " in other
    return one == other or one in other.split(" | ") or (begun and any(sign in other for sign in _OPENS))


def is_asked(command: Command, failing: Failing) -> bool:
    """Whether a command is of the program whose answer is given."""
    return command.program == "aws" or shown(command.words[0]) == failing.words[0]


def answer_of(command: Command, failing: Failing) -> str | None:
    """What a command prints of the answer that is given: all of it, or what it picks; ``None`` where that is open."""
    if is_asked(command, failing):
        return failing.says
    told = picked(command.words, failing.says)
    return told if told is not None else picked_by_jq(command, failing.says, failing)


def picked_by_jq(command: Command, text: Possible, failing: Failing) -> str | None:
    """What jq prints of the answer that is given; ``None`` where that is open. Of a container nothing is known but how
    it ended: not its name either."""
    if command.program not in JQS or not isinstance(text, str) or text.rstrip("\n") != failing.says:
        return None
    if any(_NAMES.search(shown(each)) for each in command.words):
        return None
    made = made_of(command, text)
    return made if isinstance(made, str) else None


# What a program that asks AWS for something says where that is refused.
_DENIED: Final = "An error occurred (AccessDeniedException) when calling the operation: User is not authorized"


def denied(failing: Failing) -> str:
    """What a command says about its error."""
    words = failing.words
    return refused(words).text if words and posixpath.basename(words[0]) == "aws" else _DENIED
