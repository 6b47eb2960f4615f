"""OSCAL assessment results 1.2 (NIST), for tools that take evidence from many sources.

An observation per finding and environment. A finding of OSCAL's only where evidence speaks against a control of NIST
SP 800-53: that one is satisfied is for an assessor to say, from more than this, so nothing here says it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.errors import UsageError, install_with, printable
from checker.model.verdicts import Outcome, Run, Verdict
from checker.reports import shape

VERSION: Final = "1.2.1"
NO_TIME: Final = "1970-01-01T00:00:00+00:00"
_NIST: Final = "nist-800-53r5"
_CATALOG: Final = "https://doi.org/10.6028/NIST.SP.800-53r5"
_NAMES: Final = "https://github.com/kcjonson/doc-platform/ns/oscal"
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, _NAMES)
_MOST: Final = 200  # places of one observation
_TOLD: Final = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WAIVED})


def render(run: Run, *, at: str = NO_TIME) -> str:
    """``at`` is when the run was made, which a run does not know and OSCAL demands: ISO 8601 with an offset.

    Raises :class:`UsageError` where the package that validates it is not installed.
    """
    try:
        from trestle.oscal.assessment_results import AssessmentResults
    except ImportError:
        raise UsageError("OSCAL needs compliance-trestle", install_with("oscal")) from None
    content = _document(run, at)
    AssessmentResults(**content)  # its model is the standard's schema: what does not fit is our own fault, and raises
    return json.dumps({"assessment-results": content}, indent=2, ensure_ascii=False) + "\n"


def _document(run: Run, at: str) -> dict[str, Any]:
    observations = list(_observations(run, at))
    findings = list(_findings(run, {each["uuid"] for each in observations}))
    title = _line(shape.what_was_judged(run))
    identifier = _id("result", title, json.dumps(run.totals), at)
    result = {
        "uuid": identifier,
        "title": title,
        "description": _line(shape.headline(run)),
        "start": at,
        "props": [_prop(name, str(number)) for name, number in run.totals.items()],
        "reviewed-controls": {
            "description": "Findings give evidence for or against these controls; none of them is assessed in full.",
            "control-selections": [_selection(run)],
        },
        **({"observations": observations} if observations else {}),
        **({"findings": findings} if findings else {}),
        "remarks": _remarks(run),
    }
    return {
        "uuid": _id("document", identifier),
        "metadata": {"title": f"Evidence: {title}", "last-modified": at, "version": "1", "oscal-version": VERSION},
        "import-ap": {"href": "#", "remarks": "No assessment plan: the checker's register says what is checked."},
        "results": [result],
    }


def _observations(run: Run, at: str) -> Iterator[dict[str, Any]]:
    grouped: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in run.verdicts:
        grouped.setdefault((verdict.finding, verdict.environment), []).append(verdict)
    for (finding, environment), verdicts in grouped.items():
        gravest = min(verdicts, key=lambda each: each.outcome.gravity)
        of = shape.finding_of(run, gravest)
        told = [each for each in verdicts if each.outcome in _TOLD]
        evidence = [{"description": _line(f"{v.location}: {v.outcome.value}: {v.violation}")} for v in told[:_MOST]]
        yield {
            "uuid": _observation(finding, environment),
            "title": _line(f"{finding} in {environment or 'the repository'}"),
            "description": _line(of.title or finding),
            "props": [
                _prop("finding", finding),
                _prop("environment", environment or "repository"),
                _prop("severity", of.severity.value),
                _prop("outcome", gravest.outcome.value),
                _prop("verdicts", str(len(verdicts))),
                *(_prop("supports", f"{framework}:{each}") for framework, ids in of.controls for each in ids),
            ],
            "methods": ["TEST"],
            "collected": at,
            **({"relevant-evidence": evidence} if evidence else {}),
        }


def _findings(run: Run, observed: set[str]) -> Iterator[dict[str, Any]]:
    against: dict[str, dict[str, None]] = {}
    for verdict in run.verdicts:
        if verdict.outcome is Outcome.FAIL:
            for control in _controls(run, verdict.finding):
                against.setdefault(control, {})[_observation(verdict.finding, verdict.environment)] = None
    for control in sorted(against, key=shape.natural):
        yield {
            "uuid": _id("finding", control),
            "title": f"Evidence against {control}",
            "description": "What was observed does not agree with the control.",
            "target": {"type": "statement-id", "target-id": control, "status": {"state": "not-satisfied"}},
            "related-observations": [{"observation-uuid": each} for each in against[control] if each in observed],
        }


def _selection(run: Run) -> dict[str, Any]:
    """The controls of what was judged; of the whole register where nothing was. OSCAL takes no empty selection."""
    chosen = {control for each in run.coverage.judged for control in _controls(run, each)}
    chosen = chosen or {control for each in run.findings for control in _controls(run, each)}
    if not chosen:
        raise UsageError("no finding of this run names a control of NIST SP 800-53", "Name controls in the register.")
    ids = sorted(chosen, key=shape.natural)
    return {
        "description": f"Controls of {_CATALOG}",
        "include-controls": [{"control-id": each} for each in ids],
    }


def _controls(run: Run, finding: str) -> list[str]:
    """The ids as NIST's OSCAL catalog has them: AC-6 is ac-6, SC-7(5) is sc-7.5."""
    of = run.findings.get(finding)
    named: Mapping[str, tuple[str, ...]] = dict(of.controls) if of else {}
    return [re.sub(r"\((\d+)\)", r".\1", each).lower() for each in named.get(_NIST, ())]


def _remarks(run: Run) -> str:
    unread = [_line(f"Not read: {shape.unread_text(each)}") for each in run.coverage.unread[:_MOST]]
    unjudged = [f"Not judged here: {', '.join(run.coverage.not_judged)}"] if run.coverage.not_judged else []
    return "\n".join([*unread, *unjudged]) or "All that was looked for was read and judged."


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": _NAMES, "value": _line(value).strip()}


def _line(said: str) -> str:
    return " ".join(printable(said).split()) or "-"


def _observation(finding: str, environment: str) -> str:
    return _id("observation", finding, environment)


def _id(*parts: str) -> str:
    """The same for the same thing. OSCAL takes versions 4 and 5 of UUID."""
    return str(uuid.uuid5(_SPACE, "\0".join(parts)))
