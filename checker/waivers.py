"""Waivers: what is excused, by whom, until when, and while what holds.

They are evaluated after judging, never instead of it: a rule never knows of them, and what is excused is still judged.
A waiver turns a failure into "waived" and nothing else: what could not be decided stays unknown, and a rule that
crashed stays an error. With ``outcome: unknown`` it is the other way round: it covers what cannot be decided here (the
role lives in another repository), and no failure.

A waiver with ``holds_while`` leans on another check. Where that check is seen to fail, the waiver is broken: it excuses
nothing and fails the gate. Where this run cannot see it (the protection of a GitHub environment cannot be read
offline), the waiver excuses and says so (``condition-unverified``): the gate at every commit would otherwise never
pass, and ``checker audit``, which does see it, is where the condition breaks. A run that looked at the account or the
repository's settings and could not decide the condition has not seen it hold: there it is broken too, as long as it
excuses something. A waiver never excuses its own condition.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.collect.config.data_files import nearest, read_config, refuse_unseen
from checker.collect.config.entries import Entry, entries
from checker.collect.config.register import OUTSIDE
from checker.errors import ConfigError
from checker.model.overlap import Pattern, Wild, overlap
from checker.model.verdicts import Location, Outcome, Surface, Verdict, WaiverNote, WaiverState, WaiverStatus

_REQUIRED: Final = ("finding", "environments", "resource", "reason", "owner", "approved-on", "expires-on")
_KEYS: Final = (*_REQUIRED, "outcome", "holds_while")
_ID: Final = lazy_re.compile(r"([^\[\]]+)(?:\[(.+)\])?", re.DOTALL)
# What a run with the network reads: a fact that it could not see there was looked for.
_LOOKED_AT: Final = frozenset({Surface.ACCOUNT, Surface.SETTING})
_UNDECIDED: Final = frozenset({Outcome.UNKNOWN, Outcome.ERROR})

# The findings there are, and what is judged apart of each; None where nobody can tell (a project's own rules).
Known: TypeAlias = "Mapping[str, Collection[str] | None]"


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """``*`` is any text and ``?`` any character; all else is itself (sub-ids and ARNs are full of brackets)."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in pattern), re.DOTALL)


class Selector(Struct, frozen=True):
    """``C7``, ``C7[at-rest]``, ``C1[*]``: a finding, and the requirements of it that are meant (all where none is)."""

    finding: str
    sub: str | None = None

    def matches(self, verdict: Verdict) -> bool:
        if verdict.finding != self.finding:
            return False
        return self.sub is None or (verdict.sub is not None and _glob(self.sub).fullmatch(verdict.sub) is not None)

    def __str__(self) -> str:
        return self.finding if self.sub is None else f"{self.finding}[{self.sub}]"


class Waiver(Struct, frozen=True, kw_only=True, dict=True):
    """One entry of the file. ``environments`` and ``resource`` are globs; ``expires_on`` is the last day it holds."""

    covers: Selector
    environments: tuple[str, ...]
    resource: str
    reason: str
    owner: str
    approved_on: date
    expires_on: date
    holds_while: Selector | None = None
    outcome: Outcome = Outcome.FAIL  # what it excuses: failures, or what cannot be decided
    location: Location

    def matches(self, verdict: Verdict) -> bool:
        """Whether the verdict is what this waiver is about, however it ended. Never so for its own condition."""
        if not self.covers.matches(verdict) or (self.holds_while and self.holds_while.matches(verdict)):
            return False
        return self.in_environment(verdict.environment) and self.names_subject(verdict)

    def names_subject(self, verdict: Verdict) -> bool:
        return any(map(self._resource.fullmatch, names(verdict)))

    def in_environment(self, name: str) -> bool:
        return any(_glob(pattern).fullmatch(name) for pattern in self.environments)

    @cached_property
    def _resource(self) -> re.Pattern[str]:
        return _glob(self.resource)


def names(verdict: Verdict) -> list[str]:
    """Every name that a waiver may call the verdict's subject by."""
    subject = verdict.subject
    given = [subject.name, subject.logical_id, subject.physical_id, subject.construct_path]
    if subject.stack and subject.logical_id:
        given.append(f"{subject.stack}/{subject.logical_id}")
    return [name for name in given if name]


def load_waivers(path: Path, shown: str, *, findings: Known, max_days: int = 365) -> tuple[Waiver, ...]:
    """Read and validate a waiver file. Raises :class:`ConfigError`."""
    return parse_waivers(read_config(path, shown), shown, findings=findings, max_days=max_days)


def parse_waivers(text: str, shown: str, *, findings: Known, max_days: int = 365) -> tuple[Waiver, ...]:
    """The waivers of a file's YAML text: ``waivers:`` and a list of them (an empty file holds none)."""
    found = entries(text, shown, "waivers", known=_KEYS, required=_REQUIRED)
    return tuple(_waiver(entry, findings, max_days) for entry in found)


def _waiver(entry: Entry, findings: Known, max_days: int) -> Waiver:
    approved, expires = entry.term("approved-on", "expires-on", max_days)
    covers = _selector(entry, "finding", findings)
    condition = _selector(entry, "holds_while", findings) if entry.raw.get("holds_while") is not None else None
    if covers == condition:
        raise ConfigError(f"{entry.where('holds_while')}: it would hold while nothing needs it", "Name another check.")
    return Waiver(
        covers=covers,
        environments=_environments(entry),
        resource=entry.text("resource"),
        reason=entry.text("reason"),
        owner=entry.text("owner"),
        approved_on=approved,
        expires_on=expires,
        holds_while=condition,
        outcome=_outcome(entry),
        location=Location(entry.document.file, entry.line()),
    )


def _outcome(entry: Entry) -> Outcome:
    value = entry.raw.get("outcome", Outcome.FAIL.value)
    if value not in (Outcome.FAIL.value, Outcome.UNKNOWN.value):
        raise ConfigError(f"{entry.where('outcome')}: outcome is {value!r}", "fail (the default) or unknown.")
    return Outcome(value)


def _environments(entry: Entry) -> tuple[str, ...]:
    value = entry.raw["environments"]
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ConfigError(f"{entry.where('environments')}: environments is not a list of names", 'All are ["*"].')
    for each in value:
        refuse_unseen(each, f"{entry.where('environments')}: {each!a}")
    return tuple(value)


def _selector(entry: Entry, key: str, findings: Known) -> Selector:
    match = _ID.fullmatch(entry.text(key))
    if match is None:
        raise ConfigError(
            f"{entry.where(key)}: {entry.raw[key]!r} is no finding", "An id, or an id and sub-id: C7[at-rest]."
        )
    finding, sub = match.groups()
    if finding not in findings and not OUTSIDE.fullmatch(finding):
        raise ConfigError(f"{entry.where(key)}: there is no finding {finding!r}", nearest(finding, findings))
    requirements = findings.get(finding)
    if sub is not None and requirements is not None and not _names_one(sub, requirements):
        hint = nearest(sub, requirements) if requirements else f"It judges one thing: name {finding} alone."
        raise ConfigError(f"{entry.where(key)}: {finding} has no requirement {sub!r}", hint)
    return Selector(finding, sub)


def _names_one(sub: str, requirements: Iterable[str]) -> bool:
    """Whether some verdict can carry a sub-id that the pattern fits; a requirement's ``*`` is any name."""
    return any(overlap(_symbols(sub), _symbols(each)) for each in requirements)


def _symbols(pattern: str) -> Pattern:
    return tuple(Wild(each) if each in "*?" else each for each in pattern)


def apply(
    verdicts: Iterable[Verdict], waivers: Sequence[Waiver], today: date
) -> tuple[list[Verdict], list[WaiverStatus]]:
    """Excuse what is excused on ``today``, and say of every waiver how this run found it.

    Verdicts keep their order; where several waivers cover one failure, the first that holds is named on it.
    """
    judged = list(verdicts)
    by_finding: dict[str, list[int]] = {}
    for position, verdict in enumerate(judged):
        by_finding.setdefault(verdict.finding, []).append(position)
    result = list(judged)
    statuses = []
    for waiver in waivers:
        positions = [p for p in by_finding.get(waiver.covers.finding, ()) if waiver.matches(judged[p])]
        state, detail = _state(waiver, judged, [judged[p] for p in positions], today)
        days_left = (waiver.expires_on - today).days
        if state in {WaiverState.ACTIVE, WaiverState.CONDITION_UNVERIFIED}:
            note = _note(waiver, days_left)
            for position in positions:
                if result[position].outcome is waiver.outcome:
                    result[position] = replace(judged[position], outcome=Outcome.WAIVED, waiver=note)
        statuses.append(
            WaiverStatus(
                finding=str(waiver.covers),
                environments=waiver.environments,
                resource=waiver.resource,
                reason=waiver.reason,
                owner=waiver.owner,
                expires_on=waiver.expires_on.isoformat(),
                days_left=days_left,
                state=state,
                detail=detail,
                location=waiver.location,
            )
        )
    return result, statuses


def _note(waiver: Waiver, days_left: int) -> WaiverNote:
    return WaiverNote(
        finding=str(waiver.covers),
        reason=waiver.reason,
        owner=waiver.owner,
        approved_on=waiver.approved_on.isoformat(),
        expires_on=waiver.expires_on.isoformat(),
        days_left=days_left,
    )


def _state(
    waiver: Waiver, judged: Sequence[Verdict], matched: Sequence[Verdict], today: date
) -> tuple[WaiverState, str]:
    """The waiver's state, and why in one line. What fails the gate comes first: a stale waiver may not hide it."""
    outcomes = [verdict.outcome for verdict in matched]
    failing = outcomes.count(waiver.outcome)
    noun = "failure" if waiver.outcome is Outcome.FAIL else "verdict that cannot be decided"
    others = {Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR} - {waiver.outcome}
    rest_of = sum(outcome in others for outcome in outcomes)
    if today > waiver.expires_on:
        verb = "is" if failing == 1 else "are"
        rest = f"{_many(failing, noun)} {verb} no longer excused" if failing else "nothing needs it: delete it"
        return WaiverState.EXPIRED, rest
    if today < waiver.approved_on:
        return WaiverState.NOT_YET, f"it excuses nothing before {waiver.approved_on}"
    condition, why = _condition(waiver, judged, failing)
    if condition is WaiverState.CONDITION_BROKEN:
        return condition, why
    if failing:
        return condition, f"excuses {_many(failing, noun)}{why}"
    if rest_of and waiver.outcome is Outcome.FAIL:
        return condition, f"nothing fails, but {_many(rest_of, 'verdict')} could not be decided"
    if rest_of:
        return condition, f"everything could be decided, but {_many(rest_of, 'verdict')} failed"
    if Outcome.PASS in outcomes:
        return WaiverState.PASSING, "what it excuses passes: delete it"
    return WaiverState.UNMATCHED, _why_unmatched(waiver, judged)


def _condition(waiver: Waiver, judged: Sequence[Verdict], failing: int) -> tuple[WaiverState, str]:
    """ACTIVE where the condition was seen to hold (or there is none), else broken or unverified; and why, in words.

    ``failing`` is the number of failures that hang on it.
    """
    selector = waiver.holds_while
    if selector is None:
        return WaiverState.ACTIVE, ""
    seen = [each for each in judged if selector.matches(each) and waiver.in_environment(each.environment)]
    broken = next((each for each in seen if each.outcome is Outcome.FAIL), None)
    if broken is not None:
        return WaiverState.CONDITION_BROKEN, f"{selector} must pass, and fails at {broken.location}"
    looked = [each for each in seen if each.surface in _LOOKED_AT and each.outcome in _UNDECIDED]
    if looked and failing:
        why = f"{selector} must pass, and could not be decided at {looked[0].location}"
        return WaiverState.CONDITION_BROKEN, why
    outcomes = {each.outcome for each in seen}
    # Not applicable alone verifies nothing: what compensates is then not there to be looked at.
    if Outcome.PASS in outcomes and outcomes <= {Outcome.PASS, Outcome.NOT_APPLICABLE}:
        return WaiverState.ACTIVE, f", while {selector} passes"
    return WaiverState.CONDITION_UNVERIFIED, f", as long as {selector} passes{_misspelt(waiver, selector, judged)}"


def _misspelt(waiver: Waiver, selector: Selector, judged: Sequence[Verdict]) -> str:
    """What to say of a requirement that no verdict has although its finding was judged: nothing will ever verify it."""
    if selector.sub is None or any(selector.matches(each) for each in judged):
        return ""
    own = dict.fromkeys(
        each.id
        for each in judged
        if each.finding == selector.finding and each.sub and waiver.in_environment(each.environment)
    )
    return f"; nothing is judged by that name here, but {', '.join(own)}" if own else ""


def _why_unmatched(waiver: Waiver, judged: Sequence[Verdict]) -> str:
    """A waiver that matches nothing may be stale, or this run may not have looked where it applies."""
    same = [each for each in judged if waiver.covers.matches(each)]
    if not any(each.finding == waiver.covers.finding for each in judged):
        return f"{waiver.covers.finding} was not judged in this run"
    if not any(waiver.in_environment(each.environment) for each in judged):
        return f"this run did not look at {', '.join(waiver.environments)}"
    if all(each.outcome is Outcome.NOT_APPLICABLE for each in same if waiver.in_environment(each.environment)):
        found = [each for each in same if each.outcome is waiver.outcome and waiver.names_subject(each)]
        if others := ", ".join(dict.fromkeys(each.environment for each in found if each.environment)):
            return f"what it names is in {others} alone: delete it, or correct its environments"
        return "nothing of the kind exists: delete it, or correct its finding"
    return f"no subject is called {waiver.resource}: delete it, or correct its pattern"


def _many(count: int, noun: str) -> str:
    first, _, rest = noun.partition(" ")
    return f"{count} {first}{'' if count == 1 else 's'}" + (f" {rest}" if rest else "")
