"""One self-contained page: no script, nothing fetched, readable on paper and in the dark.

What needs doing comes first and open; every verdict, passes included, is below as evidence, folded by finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from checker.model.verdicts import Outcome, Run, Severity, Verdict
from reports import shape
from reports.xml_text import text

_WORDS: Final = {
    Outcome.FAIL: "fails",
    Outcome.ERROR: "rule crashed",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIVED: "waived",
    Outcome.PASS: "passes",
    Outcome.NOT_APPLICABLE: "not applicable",
}
# Colours keep a contrast of 4.5:1 in both schemes (WCAG 2.2, 1.4.3); no state is told by colour alone.
_CSS: Final = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1a;--soft:#5a5a5a;--line:#d8d8d8;--card:#f6f6f7;
--bad:#b3001b;--warn:#8a5300;--hint:#00608a;--odd:#7a2a8f;--good:#1a6b2f}
@media (prefers-color-scheme:dark){:root{--bg:#16181b;--fg:#e8e8e8;--soft:#a9adb3;--line:#3a3e44;--card:#1f2226;
--bad:#ff8a94;--warn:#f0b85c;--hint:#76c3ee;--odd:#d9a3ec;--good:#85d69a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:68rem;background:var(--bg);color:var(--fg);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}h3{font-size:1rem;margin:0}
p{margin:.25rem 0}.soft{color:var(--soft)}
code{font:.875em/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
ul.totals{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0;margin:1.25rem 0}
ul.totals li{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.4rem .8rem}
ul.totals b{display:block;font-size:1.4rem;line-height:1.2}
article{border:1px solid var(--line);border-left:.3rem solid var(--soft);border-radius:.3rem;background:var(--card);
padding:.75rem 1rem;margin:.75rem 0;break-inside:avoid;overflow-wrap:anywhere}
article ul{margin:.4rem 0 0;padding-left:1.2rem}
.critical,.error{border-left-color:var(--bad)}.warning{border-left-color:var(--warn)}
.suggestion{border-left-color:var(--hint)}.unknown{border-left-color:var(--odd)}
.o-fail,.o-error{color:var(--bad)}.o-unknown{color:var(--odd)}.o-waived{color:var(--warn)}.o-pass{color:var(--good)}
.o-not_applicable,.o-none{color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.925rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
td:first-child{white-space:nowrap}
details{border-bottom:1px solid var(--line);padding:.35rem 0}summary{cursor:pointer}
a{color:inherit}
@media print{body{max-width:none;padding:0}details:not([open])>*:not(summary){display:none}article{border-color:#888}}
"""


def render(run: Run) -> str:
    return "\n".join(_page(run)) + "\n"


def _page(run: Run) -> Iterator[str]:
    headline = shape.headline(run)
    title = headline[0].upper() + headline[1:]
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    # Nothing that is quoted in here may run or be fetched, whatever it is.
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    judged = text(shape.what_was_judged(run))
    yield f"<title>{text(title)}: {judged}</title>\n<style>{_CSS}</style>\n</head>\n<body>"
    yield f"<header>\n<h1>{text(title)}</h1>\n<p class=soft>{judged}</p>\n{_totals(run)}</header>"
    yield "<main>"
    yield from _section("Rules that crashed", _articles(run, Outcome.ERROR))
    for severity in Severity:
        yield from _section(f"Violated: {severity}", _articles(run, Outcome.FAIL, severity))
    yield from _section("Could not be decided", _articles(run, Outcome.UNKNOWN))
    yield from _section("Not read", _unread(run))
    yield from _section("Waivers", _waivers(run))
    yield from _section("Findings", _findings(run))
    yield from _section("What was read", _read(run))
    yield from _section("Every verdict", _evidence(run))
    yield "</main>\n</body>\n</html>"


def _section(heading: str, content: Iterable[str]) -> Iterator[str]:
    lines = list(content)
    if lines:
        yield f"<section>\n<h2>{text(heading)}</h2>"
        yield from lines
        yield "</section>"


def _totals(run: Run) -> str:
    totals = run.totals
    items = [
        f"<li><b class=o-{outcome}>{totals[outcome]}</b>{text(word)}</li>"
        for outcome, word in shape.OUTCOME_WORDS.items()
    ]
    items.append(f"<li><b class=o-none>{len(run.coverage.not_judged)}</b>not judged here</li>")
    return f"<ul class=totals>{''.join(items)}</ul>\n"


def _articles(run: Run, outcome: Outcome, severity: Severity | None = None) -> Iterator[str]:
    for defect in shape.defects(run, outcome):
        if severity is not None and defect.severity is not severity:
            continue
        style = defect.severity.value if outcome is Outcome.FAIL else outcome.value
        yield f"<article class={style}>\n<h3>{text(defect.id)} {text(defect.finding.title)}</h3>"
        yield f"<p>{text(defect.violation)}</p>"
        if defect.fix:
            yield f"<p><b>Fix:</b> {text(defect.fix)}</p>"
        yield "<ul>"
        for each in defect.verdicts:
            who = text(shape.subject(each)) + (f", {text(each.environment)}" if each.environment else "")
            said = f"<br>{text(each.violation)}" if each.violation != defect.violation else ""
            yield f"<li><code>{text(each.location)}</code> {who}{said}{_compared(each)}</li>"
        yield "</ul>"
        if defect.consequences:
            yield "<p>And so:</p>\n<ul>"
            for more in defect.consequences:
                yield f"<li><b>{text(more.id)}</b> {text(more.violation)}</li>"
            yield "</ul>"
        yield "</article>"


def _compared(verdict: Verdict) -> str:
    if not verdict.expected:
        return ""
    found = f", found <code>{text(verdict.actual)}</code>" if verdict.actual else ""
    return f"<br><span class=soft>expected <code>{text(verdict.expected)}</code>{found}</span>"


def _unread(run: Run) -> Iterator[str]:
    rows = [(text(each.what), text(each.why), text(each.needs)) for each in run.coverage.unread]
    return _table(("what", "why", "needs"), rows)


def _waivers(run: Run) -> Iterator[str]:
    rows = [
        (
            f"<b>{text(each.finding)}</b>",
            f"<code>{text(each.resource)}</code> in {text(', '.join(each.environments))}",
            text(shape.days(each)),
            f"{text(each.reason)}<br><span class=soft>{text(each.owner)}, <code>{text(each.location)}</code></span>",
            f"{text(shape.STATE_WORDS[each.state])}<br><span class=soft>{text(each.detail)}</span>",
        )
        for each in shape.waivers_in_order(run)
    ]
    return _table(("finding", "on", "until", "reason", "state"), rows)


def _findings(run: Run) -> Iterator[str]:
    rows = []
    for identifier, outcome in shape.states(run).items():
        finding = run.findings.get(identifier)
        state = "<span class=o-none>not judged here</span>" if outcome is None else _state(outcome)
        link = text(identifier) if outcome is None else f'<a href="#{text(identifier)}">{text(identifier)}</a>'
        rows.append((link, text(finding.title if finding else ""), text(finding.severity if finding else ""), state))
    return _table(("finding", "compliant state", "severity", "state"), rows)


def _state(outcome: Outcome) -> str:
    return f"<span class=o-{outcome.value}>{text(_WORDS[outcome])}</span>"


def _read(run: Run) -> Iterator[str]:
    rows = [(text(surface), text(said)) for surface, said in run.coverage.surfaces.items()]
    rows += [(f"assembly of {text(name)}", f"<code>{text(d)}</code>") for name, d in run.project.assemblies.items()]
    yield from _table(("what", "how much"), rows)
    yield from (f"<p class=soft>{text(note)}</p>" for note in run.coverage.notes)


def _evidence(run: Run) -> Iterator[str]:
    by_finding: dict[str, list[Verdict]] = {}
    for verdict in run.verdicts:
        by_finding.setdefault(verdict.finding, []).append(verdict)
    for identifier, outcome in shape.states(run).items():
        if outcome is None:
            continue
        verdicts = by_finding[identifier]
        yield f'<details id="{text(identifier)}">'
        yield f"<summary>{text(identifier)}: {text(shape.count(len(verdicts), 'verdict'))}, {_state(outcome)}</summary>"
        rows = [
            (
                text(each.id),
                _state(each.outcome),
                f"{text(shape.subject(each))}<br><span class=soft>{text(f'{each.environment}, {each.surface}')}</span>",
                f"<code>{text(each.location)}</code>",
                text(each.violation) + (f"<br><b>Fix:</b> {text(each.fix)}" if each.fix else ""),
            )
            for each in verdicts
        ]
        yield from _table(("requirement", "outcome", "subject", "place", "what was seen"), rows)
        yield "</details>"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of cells that are HTML already; nothing where there is no row."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if lines:
        head = "".join(f'<th scope="col">{text(each)}</th>' for each in heads)
        yield f"<div class=scroll><table>\n<thead><tr>{head}</tr></thead>\n<tbody>"
        yield from lines
        yield "</tbody>\n</table></div>"
