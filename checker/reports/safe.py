"""A run without what may be a secret in it: every text of it that came from what was judged, before any format."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checker.model.live.drift import PropertyDrift, ResourceDrift
from checker.model.secrets.values import NOT_KEPT, keeps_no_secret
from checker.model.shown.facts import Facts
from checker.model.shown.secret_text import without_secrets as safe
from checker.model.verdicts import Coverage, Outcome, Run, Unread, Verdict


def without_secrets(run: Run, *, passing: bool = True) -> Run:
    """The same run, its texts without secrets; done twice it is the same as done once.

    Without ``passing`` what passes is left as it is, for a format that only counts it.
    """
    coverage = run.coverage
    return replace(
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
    )


_PASSING = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})


def _verdict(verdict: Verdict) -> Verdict:
    name = safe(verdict.subject.name)
    texts = (verdict.sub or "", verdict.violation, verdict.fix, verdict.expected, verdict.actual)
    clean = tuple(map(safe, texts))
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
