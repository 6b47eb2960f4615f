"""JUnit XML, as test reporters read it: a suite per finding, a case per environment, whose gravest outcome it has.

JUnit knows passed, failed, error and skipped. Unknown becomes an error, never a pass; waived and not applicable become
skipped, with the reason; so does a finding that nothing judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from checker.model.verdicts import Outcome, Run, Verdict
from checker.reports import shape
from checker.reports.xml_text import text


class _Case(NamedTuple):
    attributes: dict[str, object]
    result: str  # failure, error, skipped, or empty for passed
    kind: str
    message: str
    body: str


def render(run: Run) -> str:
    suites = [(name, cases) for name, cases in _suites(run) if cases]
    everything = [case for _, cases in suites for case in cases]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{_head(shape.what_was_judged(run), everything)}>"]
    for name, cases in suites:
        lines.append(f"  <testsuite{_head(name, cases)}>")
        lines.extend(line for case in cases for line in _lines(case))
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _suites(run: Run) -> Iterable[tuple[str, list[_Case]]]:
    by_finding: dict[str, list[Verdict]] = {finding: [] for finding in run.findings}
    for verdict in run.verdicts:
        by_finding.setdefault(verdict.finding, []).append(verdict)
    for finding, verdicts in by_finding.items():
        title = run.findings[finding].title if finding in run.findings else ""
        by_environment: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            by_environment.setdefault(verdict.environment, []).append(verdict)
        cases = [_judged(finding, title, name, each) for name, each in by_environment.items()]
        if finding in run.coverage.not_judged:
            cases.append(_plain(finding, title or finding, "skipped", "not_judged", "Nothing judges it yet here."))
        yield " ".join(filter(None, (finding, title))), cases
    yield (
        "waivers",
        [
            _plain("waivers", f"{w.finding} on {w.resource}", "failure", w.state.value, w.detail)
            for w in shape.waivers_in_order(run)
            if w.state.fails_gate
        ],
    )
    yield "sources", [_plain("sources", each.what, "error", "unread", each.why) for each in run.coverage.unread]


def _plain(classname: str, name: str, result: str, kind: str, message: str) -> _Case:
    return _Case({"classname": classname, "name": name}, result, kind, message, "")


def _judged(finding: str, title: str, environment: str, verdicts: Sequence[Verdict]) -> _Case:
    """One finding in one environment. Its text says all that is not well; its place is that of the gravest."""
    gravest = min(verdicts, key=lambda each: each.outcome.gravity)
    attributes: dict[str, object] = {
        "classname": finding,
        "name": " ".join(filter(None, (finding, title, f"[{environment or 'repository'}]"))),
        "file": gravest.location.file,
    }
    if gravest.location.line is not None:
        attributes["line"] = gravest.location.line
    of_kind = [each for each in verdicts if each.outcome is gravest.outcome]
    message = gravest.violation or gravest.outcome.value
    if len(of_kind) > 1:
        message += f" (and {len(of_kind) - 1} more)"
    match gravest.outcome:
        case Outcome.PASS:
            return _Case(attributes, "", "", "", "")
        case Outcome.FAIL:
            severity = min((each.severity for each in of_kind), key=lambda each: each.rank)
            return _Case(attributes, "failure", severity.value, message, _body(verdicts))
        case Outcome.WAIVED:
            note = gravest.waiver
            why = f"waived until {note.expires_on} by {note.owner}: {note.reason}" if note else "waived"
            return _Case(attributes, "skipped", "", why, "")
        case Outcome.NOT_APPLICABLE:
            return _Case(attributes, "skipped", "", message, "")
        case Outcome.UNKNOWN | Outcome.ERROR:
            return _Case(attributes, "error", gravest.outcome.value, message, _body(verdicts))


def _body(verdicts: Sequence[Verdict]) -> str:
    """A paragraph per verdict that fails, crashed or is open, gravest first."""
    bad = sorted((each for each in verdicts if each.outcome in _TOLD), key=lambda each: each.outcome.gravity)
    return "\n\n".join(
        "\n".join(
            filter(
                None,
                (
                    f"{each.outcome.value} {each.id} {shape.subject(each)}",
                    str(each.location),
                    each.violation,
                    each.fix and f"Fix: {each.fix}",
                ),
            )
        )
        for each in bad
    )


_TOLD = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN})


def _head(name: str, cases: Sequence[_Case]) -> str:
    results = [case.result for case in cases]
    return _attributes(
        {
            "name": name,
            "tests": len(cases),
            "failures": results.count("failure"),
            "errors": results.count("error"),
            "skipped": results.count("skipped"),
        }
    )


def _lines(case: _Case) -> list[str]:
    opening = f"    <testcase{_attributes(case.attributes)}"
    if not case.result:
        return [f"{opening}/>"]
    # Reporters read no type on skipped.
    attributes = {"message": case.message} if case.result == "skipped" else {"type": case.kind, "message": case.message}
    result = f"      <{case.result}{_attributes(attributes)}"
    end = f">{text(case.body)}</{case.result}>" if case.body else "/>"
    return [f"{opening}>", result + end, "    </testcase>"]


def _attributes(values: Mapping[str, object]) -> str:
    # A line break in an attribute would be read back as a space: say so from the start.
    return "".join(f' {name}="{text(" ".join(str(value).split()))}"' for name, value in values.items())
