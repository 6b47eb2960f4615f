"""Two runs side by side: what is new, fixed, still failing, changed."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from checker.model.matching import Pair, pairs
from checker.model.verdicts import Outcome, Run, Verdict

_BAD = {Outcome.FAIL, Outcome.ERROR}
_GOOD = {Outcome.PASS, Outcome.NOT_APPLICABLE}


class Comparison(Struct, frozen=True):
    """``worse`` failed before and fails more gravely now: (before, after). It is in ``new`` as well.

    ``changed`` are pairs whose outcome differs and that neither broke nor mended anything.
    """

    new: tuple[Verdict, ...]
    worse: tuple[tuple[Verdict, Verdict], ...]
    fixed: tuple[Verdict, ...]
    still: tuple[Verdict, ...]
    changed: tuple[tuple[Verdict | None, Verdict | None], ...]


def compare(old: Run, new: Run) -> Comparison:
    """Match verdicts by what they are about: lines may have moved, and resources may have other names."""
    appeared: list[Verdict] = []
    worse: list[tuple[Verdict, Verdict]] = []
    fixed: list[Verdict] = []
    still: list[Verdict] = []
    changed: list[tuple[Verdict | None, Verdict | None]] = []
    for pair in pairs(old, new):
        was, now = pair.was, pair.now
        if now is not None and now.outcome in _BAD:
            (appeared if pair.newly_bad else still).append(now)
            if pair.newly_bad and was is not None and was.outcome in _BAD:
                worse.append((was, now))
        elif was is not None and was.outcome in _BAD:
            # Fixed only where the run says so. Gone, unknown or not looked at is a change, not a repair.
            good = now is not None and now.outcome in _GOOD
            (fixed.append(was) if good else changed.append((was, now)))
        elif _tells(pair):
            changed.append((was, now))
    return Comparison(tuple(appeared), tuple(worse), tuple(fixed), tuple(still), tuple(changed))


def _tells(pair: Pair) -> bool:
    """Whether a pair of which neither fails is worth a line: something passing came or went says nothing."""
    outcomes = [each.outcome for each in (pair.was, pair.now) if each is not None]
    return len(set(outcomes)) > 1 or (len(outcomes) == 1 and outcomes[0] not in _GOOD)


def shown(comparison: Comparison) -> str:
    """The comparison as text, gravest first."""
    worse = {id(now) for _, now in comparison.worse}
    lines = [f"{'worse' if id(v) in worse else 'new'}: {_line(v)}" for v in comparison.new]
    for title, verdicts in (("still failing", comparison.still), ("fixed", comparison.fixed)):
        lines += [f"{title}: {_line(v)}" for v in verdicts]
    for was, now in comparison.changed:
        either = now or was
        if either is not None:
            lines.append(f"changed: {either.location}  {either.id}  {either.subject.name}  {outcomes(was, now)}")
    return "\n".join([*lines, counted(comparison)]) + "\n"


def counted(comparison: Comparison) -> str:
    """``2 new (1 of them worse than before), 3 still failing, 0 fixed, 1 changed``."""
    worse = f" ({len(comparison.worse)} of them worse than before)" if comparison.worse else ""
    counts = f"{len(comparison.new)} new{worse}, {len(comparison.still)} still failing, {len(comparison.fixed)} fixed"
    return f"{counts}, {len(comparison.changed)} changed"


def outcomes(was: Verdict | None, now: Verdict | None) -> str:
    return f"{was.outcome if was else 'not there'} -> {now.outcome if now else 'not there'}"


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    worse = {id(now) for _, now in comparison.worse}
    return {
        "new": [{**_plain(each), "worse": id(each) in worse} for each in comparison.new],
        "fixed": [_plain(each) for each in comparison.fixed],
        "still": [_plain(each) for each in comparison.still],
        "changed": [
            {
                **_plain(either),
                "before": was.outcome.value if was else None,
                "after": now.outcome.value if now else None,
            }
            for was, now in comparison.changed
            if (either := now or was) is not None
        ],
    }


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "finding": verdict.id,
        "severity": verdict.severity.value,
        "environment": verdict.environment,
        "subject": verdict.subject.construct_path or verdict.subject.name,
        "file": verdict.location.file,
        "line": verdict.location.line,
        "violation": verdict.violation,
    }


def _line(verdict: Verdict) -> str:
    return f"{verdict.location}  {verdict.id}  {verdict.subject.name}  {verdict.violation}"
