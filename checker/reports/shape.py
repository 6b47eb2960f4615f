"""What every report shows, before any format: defects, the state of each finding, waivers in the order people need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.matching import Pair, pairs
from checker.model.verdicts import Finding, Outcome, Run, Severity, Unread, Verdict, WaiverState, WaiverStatus

ENDING_SOON_DAYS: Final = 14
EXCUSES_CHANGED: Final = "Changes to what is excused or left out"

OUTCOME_WORDS: Final[Mapping[Outcome, str]] = {
    Outcome.FAIL: "failed",
    Outcome.ERROR: "errors",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIVED: "waived",
    Outcome.PASS: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}

STATE_WORDS: Final[Mapping[WaiverState, str]] = {
    WaiverState.EXPIRED: "expired",
    WaiverState.CONDITION_BROKEN: "condition broken",
    WaiverState.CONDITION_UNVERIFIED: "condition not verified here",
    WaiverState.PASSING: "no longer needed",
    WaiverState.UNMATCHED: "matches nothing",
    WaiverState.NOT_YET: "not yet in force",
    WaiverState.ACTIVE: "active",
}
_STATES: Final = tuple(STATE_WORDS)


class Defect(Struct, frozen=True):
    """One thing to do: the verdicts that one change would mend, in the order of their places.

    ``id``, ``violation`` and ``fix`` are those of its first verdict; ``consequences`` are other defects that stand at
    the same places and are no graver: whoever mends this one looks at them next. ``at`` is where to look, as FILE:LINE.
    """

    id: str
    finding: Finding
    outcome: Outcome
    severity: Severity
    violation: str
    fix: str
    verdicts: tuple[Verdict, ...]
    at: str
    consequences: tuple[Defect, ...] = ()


# A defect, the places that it stands at, and what follows from it.
_Head = tuple[Defect, frozenset[tuple[str, ...]], list[Defect]]


def defects(run: Run, outcome: Outcome) -> list[Defect]:
    """What ended in one outcome, one entry per cause; from the gravest, then in the register's order, then by place.

    Verdicts of one finding with one advice are one entry, however many names, jobs or environments it is said of. What
    cannot be decided at the very place of a failure stands below that failure, and whatever is unknown because one
    thing was not read is one entry.
    """
    order = {finding: position for position, finding in enumerate(run.findings)}
    found = _advices(run, outcome, order)
    if outcome not in _WITH_CAUSES:
        return found
    above = _advices(run, Outcome.FAIL, order) if outcome is Outcome.UNKNOWN else []
    below = _advices(run, Outcome.UNKNOWN, order) if outcome is Outcome.FAIL else []
    heads: list[_Head] = []
    at_cause: dict[tuple[str, ...], list[_Head]] = {}
    holes = frozenset(f"{each.what}: {each.why}" for each in run.coverage.unread)
    for defect in (*above, *found, *below):
        causes = _causes(defect, holes)
        near = at_cause.get(min(causes), ()) if causes else ()
        head = next((each for each in near if causes <= each[1]), None)
        if head is not None:
            head[2].append(_without(defect, causes & head[1]))
        elif defect.outcome is outcome or defect.outcome is Outcome.FAIL:
            heads.append((defect, causes, []))
            for cause in causes:
                at_cause.setdefault(cause, []).append(heads[-1])
    return [
        replace(_at_hole(defect, causes), consequences=tuple(rest))
        for defect, causes, rest in heads
        if defect.outcome is outcome
    ]


_WITH_CAUSES: Final = frozenset({Outcome.FAIL, Outcome.UNKNOWN})


def _advices(run: Run, outcome: Outcome, order: Mapping[str, int]) -> list[Defect]:
    grouped: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in run.verdicts:
        if verdict.outcome is outcome:
            said = (verdict.finding, verdict.fix) if verdict.fix else (verdict.id, verdict.violation, "")
            excused = str(verdict.waiver) if verdict.waiver else ""
            grouped.setdefault((*said, verdict.severity.value, excused), []).append(verdict)
    found = []
    for verdicts in grouped.values():
        verdicts.sort(key=place)
        first = verdicts[0]
        finding = finding_of(run, first)
        at = str(first.location)
        found.append(
            Defect(first.id, finding, outcome, first.severity, first.violation, first.fix, tuple(verdicts), at)
        )
    found.sort(key=lambda d: (d.severity.rank, order.get(d.finding.id, len(order)), d.id, place(d.verdicts[0])))
    return found


# A policy is one thing to mend, whichever of its statements a verdict points at.
_WHOLE: Final = ("PolicyDocument", "ManagedPolicyArns")


# Where something was not read, in the text of what is unknown because of it: `deploy.yml:19: `.
_SPOT: Final = lazy_re.compile(r"\S+:\d+: ")

_JOB: Final = lazy_re.compile(r"jobs/[^/]+")


def _causes(defect: Defect, holes: Collection[str]) -> frozenset[tuple[str, ...]]:
    """What was not read, or the places that a defect stands at, as exactly as a property or a key; empty where one is
    less exact."""
    causes = {_cause(verdict, holes) for verdict in defect.verdicts}
    return frozenset() if () in causes else frozenset(causes)


def _cause(verdict: Verdict, holes: Collection[str]) -> tuple[str, ...]:
    if verdict.outcome is Outcome.UNKNOWN:
        said = verdict.violation.removesuffix(".")
        hole = next((said[each.start() :] for each in _SPOT.finditer(said) if said[each.start() :] in holes), "")
        if hole:
            return (_HOLE, hole)
    at, path = verdict.location, verdict.location.path or ""
    # Several may ask the same of one place as a whole.
    same = ("undecided", at.file, str(at.line), verdict.violation.removesuffix("."))
    whole = same if verdict.outcome is Outcome.UNKNOWN and at.line else ()
    if not path or _JOB.fullmatch(path):  # a job as a whole
        return whole
    if not path.startswith("Resources/"):
        return at.file, str(at.line), path
    steps = path.split("/")
    if len(steps) < 4:  # the resource as a whole
        return whole
    for index, step in enumerate(steps):
        if step.endswith(_WHOLE):
            steps = steps[: index + 1]
            break
    return at.file, *steps


_HOLE: Final = "not read"


def _at_hole(defect: Defect, causes: Collection[tuple[str, ...]]) -> Defect:
    """A defect that rests on what was not read stands where that is, and need not say so a second time."""
    hole = next((each[-1] for each in causes if each[0] == _HOLE), "") if len(causes) == 1 else ""
    found = _SPOT.match(hole)
    if found is None:
        return defect
    said = defect.violation.replace(f" at {found[0]}", ": ", 1).replace(found[0], "", 1)
    return replace(defect, at=found[0].removesuffix(": "), violation=said)


def _without(defect: Defect, causes: Collection[tuple[str, ...]]) -> Defect:
    """A consequence without the cause that the entry above it names."""
    said = defect.violation.removesuffix(".")
    for cause in causes:
        rest = said.removesuffix(cause[-1])
        if rest != said:
            question = rest.removeprefix("Cannot be decided: ").rstrip(": ").removesuffix(" at")
            return replace(defect, violation=f"{question or 'the same'}.")
    return defect


def unread_text(each: Unread) -> str:
    """What was not read, why, and what it needs, as one line."""
    if not each.needs:
        return f"{each.what}: {each.why}"
    if each.needs[:1].isupper() and " " in each.needs:  # a sentence of its own
        return f"{each.what}: {each.why.rstrip('.')}. {each.needs}"
    return f"{each.what}: {each.why} (needs {each.needs})"


def known_before(run: Run, baseline: Run) -> Run:
    """The run without what its baseline failed or could not decide either: what is new, for people to read."""
    known = {id(pair.now) for pair in pairs(baseline, run) if _known(pair)}
    return replace(run, verdicts=tuple(verdict for verdict in run.verdicts if id(verdict) not in known))


def _known(pair: Pair) -> bool:
    if pair.now is None or pair.was is None:
        return False
    if pair.now.outcome is Outcome.FAIL:
        return pair.was.outcome is Outcome.FAIL and not pair.newly_bad
    return pair.now.outcome is Outcome.UNKNOWN and pair.was.outcome in (Outcome.FAIL, Outcome.UNKNOWN)


def place(verdict: Verdict) -> tuple[str, int, str, str]:
    return verdict.location.file, verdict.location.line or 0, verdict.subject.name, verdict.environment


def finding_of(run: Run, verdict: Verdict) -> Finding:
    """The register's entry, or for an outside scanner's finding one made from the verdict."""
    return run.findings.get(verdict.finding) or Finding(verdict.finding, "", verdict.severity, reviewed=False)


def states(run: Run) -> dict[str, Outcome | None]:
    """The gravest outcome of each finding, in the register's order, outside findings last. ``None``: not judged."""
    found: dict[str, Outcome | None] = dict.fromkeys(run.findings)
    for verdict in run.verdicts:
        before = found.get(verdict.finding)
        if before is None or verdict.outcome.gravity < before.gravity:
            found[verdict.finding] = verdict.outcome
    return found


def subject(verdict: Verdict) -> str:
    """Who is meant, as a person says it: ``Cache (AWS::ElastiCache::ReplicationGroup) in DocPlatformProd``."""
    of = verdict.subject
    kind = f" ({of.type})" if of.type else ""
    stack = f" in {of.stack}" if of.stack and of.stack != of.name else ""
    return f"{of.name}{kind}{stack}"


def waivers_in_order(run: Run) -> list[WaiverStatus]:
    """Those that fail the run first, then those that need a look, then the active ones by the day they end."""
    return sorted(run.waivers, key=lambda w: (_STATES.index(w.state), w.days_left, w.finding))


def was_judged(run: Run, status: WaiverStatus) -> bool:
    """Whether this run judged the finding that the waiver excuses."""
    return status.finding.split("[", 1)[0] in run.coverage.judged


def days(status: WaiverStatus) -> str:
    """``until 2027-05-20, 178 days left``."""
    left = status.days_left
    if left < 0:
        return f"until {status.expires_on}, {count(-left, 'day')} ago"
    return f"until {status.expires_on}, " + (f"{count(left, 'day')} left" if left else "its last day")


def ends_soon(status: WaiverStatus) -> bool:
    return status.days_left <= ENDING_SOON_DAYS


def tally(run: Run) -> list[str]:
    """The verdicts of every outcome, in words, and how many findings nothing judged."""
    totals = run.totals
    parts = []
    for outcome, word in OUTCOME_WORDS.items():
        number = totals[outcome]
        parts.append(f"{number} {'error' if outcome is Outcome.ERROR and number == 1 else word}")
    parts[0] = f"verdicts: {parts[0]}"
    parts.append(f"not judged here: {len(run.coverage.not_judged)}")
    return parts


def headline(run: Run) -> str:
    """One clause that says how it went, by what there is to do: one cause counts once, however many verdicts rest on
    it. It knows nothing of thresholds: those belong to the exit code."""
    totals = run.totals
    crashed = totals[Outcome.ERROR]
    failing = [each.severity for each in defects(run, Outcome.FAIL)]
    graded = ", ".join(f"{failing.count(each)} {each}" for each in Severity if each in failing)
    broken = sum(status.state.fails_gate for status in run.waivers)
    undecided = len(defects(run, Outcome.UNKNOWN))
    parts = [
        f"{count(crashed, 'rule')} crashed" if crashed else "",
        f"{count(len(failing), 'defect')} ({graded})" if failing else "",
        f"{count(broken, 'waiver')} no longer {'holds' if broken == 1 else 'hold'}" if broken else "",
    ]
    if any(parts):
        return ", ".join(filter(None, [*parts, f"{undecided} not decided" if undecided else ""]))
    if undecided:
        return f"nothing fails, {undecided} not decided"
    if run.coverage.unread:
        return "nothing fails, but not everything could be decided"
    return "nothing fails" if run.verdicts else "nothing was judged"


def what_was_judged(run: Run) -> str:
    """``gate of kcjonson/doc-platform at 2030b011: staging, production``."""
    project = run.project.repository or "this project"
    commit = f" at {run.project.commit[:12]}" if run.project.commit else ""
    environments = f": {', '.join(run.environments)}" if run.environments else ""
    return f"{run.command} of {project}{commit}{environments}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def natural(identifier: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers in names as numbers: CC6.10 after CC6.9."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", identifier))


def listed(names: Iterable[str], limit: int) -> list[str]:
    """At most ``limit`` names, the last of them saying how many are left out."""
    names = list(names)
    return names if len(names) <= limit else [*names[: limit - 1], f"and {len(names) - limit + 1} more"]
