"""The first screen: is this release compliant, what changed since the last one, what ends soon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker.model.verdicts import Identity, Outcome, Run, Severity, Verdict
from checker.reports import drift as drift_words
from checker.reports import shape
from checker.reports.changes import Changes
from checker.reports.html.frame import SIGNS, anchor
from checker.reports.xml_text import text

_MOST: Final = 6
_SECTIONS: Final = (
    ("matrix", "Matrix"),
    ("defects", "Defects"),
    ("drift", "Drift"),
    ("waivers", "Waivers"),
    ("coverage", "Coverage"),
    ("controls", "Controls"),
    ("every-verdict", "Every verdict"),
)


def title(run: Run) -> str:
    return f"{_answer(run)[0]}: {shape.what_was_judged(run)}"


def screen(run: Run, since: Changes | None) -> Iterator[str]:
    answer, style = _answer(run)
    yield f'<header>\n<div class="answer {style}">\n<h1>{text(answer)}</h1>'
    said = drift_words.summary(run) if run.command == "drift" else shape.headline(run)
    yield f"<p>{text(said[:1].upper() + said[1:])}.</p>"
    yield f"<p class=soft>{text(shape.what_was_judged(run))}</p>\n</div>"
    if run.excuse_changes:
        items = "".join(f"<li>{text(each)}</li>" for each in run.excuse_changes)
        yield f"<section class=moved><h2>{text(shape.EXCUSES_CHANGED)}</h2><ul>{items}</ul></section>"
    if run.command != "drift":
        yield _totals(run)
    yield "<div class=three>"
    articles = _articles(run)
    yield f"<div><h2>Failing</h2>{_failing(run, articles)}</div>"
    yield f"<div><h2>Since the last run</h2>{_changed(since, articles)}</div>"
    yield f"<div><h2>Ending soon</h2>{_ending(run)}</div>"
    yield "</div>"
    links = "".join(f'<li><a href="#{name}">{label}</a></li>' for name, label in _SECTIONS if _has(run, name))
    yield f"<nav aria-label=Sections><ul>{links}</ul></nav>\n</header>"


def _answer(run: Run) -> tuple[str, str]:
    """What a release manager asks, and its style. What could not be told is no yes."""
    if run.command == "drift":
        if any(each.fails for each in run.drift):
            return "The account differs from the code", "no"
        if run.coverage.unread or any(each.undecided for each in run.drift):
            return "No drift in what could be checked", "open"
        return "The account is as the code says", ""
    totals = run.totals
    if totals[Outcome.FAIL] or totals[Outcome.ERROR] or any(each.state.fails_gate for each in run.waivers):
        return "Not compliant", "no"
    if totals[Outcome.UNKNOWN] or run.coverage.unread:
        return "Not decided: something could not be read or judged", "open"
    if not run.verdicts:
        return "Nothing was judged", "open"
    return ("Compliant, with waivers" if totals[Outcome.WAIVED] else "Compliant"), ""


def _totals(run: Run) -> str:
    totals = run.totals
    items = [
        f"<li><b class=o-{outcome}>{SIGNS[outcome]} {totals[outcome]}</b>{text(word)}</li>"
        for outcome, word in shape.OUTCOME_WORDS.items()
    ]
    items.append(f"<li><b class=o-none>{len(run.coverage.not_judged)}</b>not judged here</li>")
    return f"<ul class=totals>{''.join(items)}</ul>"


def _articles(run: Run) -> Mapping[Identity, str]:
    """Where each failing verdict is told: below the defect that it follows from, if from one."""
    return {
        verdict.identity: anchor(defect.verdicts[0])
        for outcome in (Outcome.FAIL, Outcome.ERROR)
        for defect in shape.defects(run, outcome)
        for told in (defect, *defect.consequences)
        for verdict in told.verdicts
    }


def _failing(run: Run, articles: Mapping[Identity, str]) -> str:
    found = shape.defects(run, Outcome.FAIL)
    if not found:
        lost = sum(each.loses_data and not each.accepted for each in run.drift)
        return f"<p>{shape.count(lost, 'resource')} would lose data.</p>" if lost else "<p>Nothing.</p>"
    counts = [(severity, sum(each.severity is severity for each in found)) for severity in Severity]
    said = ", ".join(f"{number} {severity}" for severity, number in counts if number)
    return f"<p>{text(said)}</p>{_links([each.verdicts[0] for each in found], articles)}"


def _changed(since: Changes | None, articles: Mapping[Identity, str]) -> str:
    if since is None:
        return "<p>No earlier run was given to compare with.</p>"
    new, fixed, still = len(since.new), len(since.fixed), len(since.still)
    head = f"<p>{new} new, {fixed} fixed, {still} still failing</p>"
    listed = (f"<p>New:</p>{_links(since.new, articles)}" if new else "") + (
        f"<p>Fixed:</p>{_names(since.fixed)}" if fixed else ""
    )
    return head + listed


def _links(verdicts: Sequence[Verdict], articles: Mapping[Identity, str]) -> str:
    firsts = {each.id: each for each in reversed(verdicts)}
    items = [
        f'<li><a href="#{articles.get(each.identity, "defects")}">{text(each.id)}</a> {text(each.subject.name)}</li>'
        for each in reversed(firsts.values())
    ]
    return _list(items)


def _names(verdicts: Sequence[Verdict]) -> str:
    return _list(list(dict.fromkeys(f"<li>{text(each.id)} {text(each.subject.name)}</li>" for each in verdicts)))


def _list(items: Sequence[str]) -> str:
    more = f"<li>and {len(items) - _MOST} more</li>" if len(items) > _MOST else ""
    return f"<ul>{''.join(items[:_MOST])}{more}</ul>"


def _ending(run: Run) -> str:
    ending = sorted((w for w in run.waivers if shape.ends_soon(w)), key=lambda w: (w.days_left, w.finding))
    items = [f"<li>{text(each.finding)}: {text(shape.days(each))} ({text(each.owner)})</li>" for each in ending]
    if items:
        return _list(items)
    running = [each for each in run.waivers if each.days_left >= 0]
    if not running:
        return "<p>No waiver is in force.</p>"
    soonest = min(running, key=lambda each: (each.days_left, each.finding))
    within = f"No waiver ends within {shape.ENDING_SOON_DAYS} days."
    return f"<p>{within} The next: {text(soonest.finding)}, {text(shape.days(soonest))}.</p>"


def _has(run: Run, name: str) -> bool:
    """Whether the page has that section."""
    open_ = (Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WAIVED)
    return {
        "matrix": bool(run.verdicts),
        "defects": any(each.outcome in open_ for each in run.verdicts),
        "drift": bool(run.drift) or run.command == "drift",
        "waivers": bool(run.waivers),
        "coverage": True,
        "controls": any(each.controls for each in run.findings.values()),
        "every-verdict": bool(run.verdicts),
    }[name]
