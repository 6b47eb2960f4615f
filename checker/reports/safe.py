"""A run as any format may hold it: no text of it keeps what may be a secret, or acts on who shows it.

What is judged is somebody else's. A message may quote a password; a file's name may hold a line break and a command of
the runner that prints it, a logical id may turn the text after it round. No format needs to think of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from checker.errors import visible
from checker.model.live.drift import PropertyDrift, ResourceDrift
from checker.model.secrets.values import NOT_KEPT, keeps_no_secret
from checker.model.shown.facts import Facts
from checker.model.shown.secret_text import without_secrets as safe
from checker.model.verdicts import Coverage, Location, Outcome, Run, Subject, Unread, Verdict


def safe_to_show(run: Run, *, passing: bool = True) -> Run:
    """The same run, its texts without secrets and all of them visible; done twice it is the same as done once.

    Without ``passing`` what passes is left as it is, for a format that only counts it.
    """
    coverage = run.coverage
    clean = replace(
        run,
        verdicts=tuple(each if not passing and each.outcome in _PASSING else _verdict(each) for each in run.verdicts),
        coverage=Coverage(
            coverage.judged,
            coverage.not_judged,
            {surface: safe(said) for surface, said in coverage.surfaces.items()},
            tuple(Unread(safe(each.what), safe(each.why), safe(each.needs)) for each in coverage.unread),
            tuple(map(safe, coverage.notes)),
        ),
        waivers=tuple(replace(each, detail=safe(each.detail), reason=safe(each.reason)) for each in run.waivers),
        drift=tuple(map(_drift, run.drift)),
        facts=_facts(run.facts),
        excuse_changes=tuple(map(safe, run.excuse_changes)),
    )
    return all_visible(clean)


_PASSING = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})


def _verdict(verdict: Verdict) -> Verdict:
    name = safe(verdict.subject.name)
    texts = (verdict.sub or "", verdict.violation, verdict.fix, verdict.expected, verdict.actual)
    clean = (*map(safe, texts[:-1]), safe(_found(verdict)))
    if clean == texts and name == verdict.subject.name:
        return verdict
    sub, violation, fix, expected, actual = clean
    return replace(
        verdict,
        subject=replace(verdict.subject, name=name),
        sub=sub if verdict.sub is not None else None,
        violation=violation,
        fix=fix,
        expected=expected,
        actual=actual,
    )


# What is said of a value instead of showing it.
_SHAPES = ("not set", "a list of ", "an object of ", "an empty ", "a value", "(not ")


def _found(verdict: Verdict) -> str:
    """What was found, unless it stands where a secret belongs: a name tells that where the value does not."""
    name = (verdict.location.path or "").rpartition("/")[2]
    shape = not name or verdict.actual.startswith(_SHAPES)
    return verdict.actual if shape or keeps_no_secret(name, verdict.actual) else NOT_KEPT


def _drift(entry: ResourceDrift) -> ResourceDrift:
    return replace(entry, why=safe(entry.why), properties=tuple(map(_property, entry.properties)))


def _property(each: PropertyDrift) -> PropertyDrift:
    name = each.path.rpartition(".")[2]
    expected, deployed, live = (_value(name, value) for value in (each.expected, each.deployed, each.live))
    return replace(each, path=safe(each.path), expected=expected, deployed=deployed, live=live, note=safe(each.note))


def _value(name: str, value: Any) -> Any:
    """A value of a property; what a pair of name and value sets is judged by its name."""
    if isinstance(value, str):
        return safe(value) if keeps_no_secret(name, value) else NOT_KEPT
    if isinstance(value, list):
        return [_value(name, each) for each in value]
    if isinstance(value, dict):
        named = next((value[key] for key in ("Name", "Key", "ParameterKey") if isinstance(value.get(key), str)), "")
        return {key: _value(named if key in _VALUES and named else key, each) for key, each in value.items()}
    return value


_VALUES = ("Value", "ParameterValue")


def _facts(facts: Facts) -> Facts:
    """Excerpts had their lines left out when they were read; a token's subject and a role may quote an expression."""
    tokens = tuple(replace(each, subject=safe(each.subject), asked=safe(each.asked)) for each in facts.tokens)
    excerpts = tuple(
        replace(each, lines=tuple(None if line is None or safe(line) != line else line for line in each.lines))
        for each in facts.excerpts
    )
    return replace(facts, tokens=tokens, excerpts=excerpts)


# --- what can be seen for what it is


def all_visible(run: Run) -> Run:
    """The same run; where nothing of it needs a change, nothing is copied."""
    verdicts = tuple(each if _is_clean(each) else _cleaned(each) for each in run.verdicts)
    rest = {name: _cleaned(getattr(run, name)) for name in run.__struct_fields__ if name not in _OWN}
    return replace(run, verdicts=verdicts, **rest)


# What is done before, or is a word of the checker's own; and what has lines.
_OWN = frozenset({"verdicts", "command"})
_WITH_LINES = frozenset({(Facts, "pages"), *((PropertyDrift, side) for side in ("expected", "deployed", "live"))})


def _is_clean(verdict: Verdict) -> bool:
    """One look at all that a verdict says: there are tens of thousands of them."""
    subject, place = verdict.subject, verdict.location
    texts = (
        *(verdict.environment, verdict.sub, verdict.violation, verdict.fix, verdict.expected, verdict.actual),
        *_of_subject(subject),
        *_of_place(place),
        *(text for each in verdict.related for text in _of_place(each)),
    )
    return verdict.waiver is None and "".join(text for text in texts if text).isprintable()


def _of_subject(subject: Subject) -> tuple[str | None, ...]:
    ids = (subject.logical_id, subject.physical_id, subject.construct_path)
    return (subject.name, subject.type, subject.stack, *ids)


def _of_place(place: Location) -> tuple[str | None, ...]:
    return place.file, place.path


def _cleaned(value: Any, *, lines: bool = False) -> Any:
    """A value of plain data and facts with every text in it cleaned."""
    found = value
    if isinstance(value, str):
        if type(value) is str and not value.isprintable():  # a word of an enumeration stays one
            clean = visible(value)
            found = clean if lines else " ".join(clean.split("\n"))
    elif isinstance(value, Struct):
        inner = {name: getattr(value, name) for name in value.__struct_fields__}
        changed = {
            name: clean
            for name, old in inner.items()
            if (clean := _cleaned(old, lines=lines or (type(value), name) in _WITH_LINES)) != old
        }
        found = replace(value, **changed) if changed else value
    elif isinstance(value, tuple):
        found = tuple(_cleaned(each, lines=lines) for each in value)
    elif isinstance(value, list):
        found = [_cleaned(each, lines=lines) for each in value]
    elif isinstance(value, Mapping):
        found = {_cleaned(key): _cleaned(each, lines=lines) for key, each in value.items()}
    return found
