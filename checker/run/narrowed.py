"""A run narrowed to the environments that are asked for: all are judged, and what is said of the others is left out.

Whether two names collide, or whom a role reaches, is told of one environment by those beside it: judged alone, the
others would be missed, and what stays would be judged otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from checker.errors import UsageError
from checker.model.environments import EnvironmentKind
from checker.model.verdicts import Outcome, Subject, SubjectKind, Verdict


def not_asked_for(kinds: Mapping[str, EnvironmentKind], wanted: Sequence[str]) -> tuple[str, ...]:
    """The environments beside the wanted ones and what these share; none where nobody asks for any.

    Raises for one that is not here.
    """
    if not wanted:
        return ()
    unknown = [name for name in wanted if name not in kinds]
    if unknown:
        raise UsageError(f"no environment {', '.join(unknown)} here", f"There is: {', '.join(kinds)}.")
    return tuple(name for name, kind in kinds.items() if name not in wanted and kind is not EnvironmentKind.SHARED)


def without(others: Sequence[str], wanted: Sequence[str], verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts but those of ``others``. A finding of which none is left has nothing to judge in what is wanted."""
    if not others:
        return tuple(verdicts)
    shown = [each for each in verdicts if each.environment not in others]
    return (*shown, *_nothing_left({each.finding for each in shown}, wanted, verdicts))


def notes_of(others: Sequence[str], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """That something is left out, and how much of it fails: no failure goes in silence."""
    for name in others:
        failures = sum(each.outcome is Outcome.FAIL for each in verdicts if each.environment == name)
        among = f", {failures} failure{'s' if failures > 1 else ''} in it" if failures else ""
        yield f"what is said of environment {name} is left out{among}: --env does not name it"


def _nothing_left(told: set[str], wanted: Sequence[str], verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    for each in verdicts:
        if each.finding in told:
            continue
        told.add(each.finding)
        yield replace(
            each,
            outcome=Outcome.NOT_APPLICABLE,
            environment=wanted[0],
            subject=Subject(SubjectKind.ENVIRONMENT, wanted[0]),
            sub=None,
            violation=f"Nothing that it judges is of {', '.join(wanted)}.",
            fix="",
            expected="",
            actual="",
            waiver=None,
            related=(),
        )
