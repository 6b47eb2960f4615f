"""Markdown for a job's summary or a comment on a pull request: the defects, within a bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.errors import printable
from checker.model.verdicts import Identity, Outcome, Run, Severity
from checker.reports import shape
from checker.reports.changes import Changes

# A comment holds 65,536 characters (GitHub's API refuses more); a job's summary holds 1 MiB.
LIMIT: Final = 60_000
MAX_PLACES: Final = 5
_SPECIAL: Final = lazy_re.compile(r"([\\`*_\[\]<>#|~$])")
_SECTIONS: Final = (
    (Outcome.ERROR, "Rules that crashed"),
    (Outcome.FAIL, "Violated"),
    (Outcome.UNKNOWN, "Could not be decided"),
)


_BAD: Final = (Outcome.ERROR, Outcome.FAIL)


def render(run: Run, *, limit: int = LIMIT, since: Changes | None = None) -> str:
    """At most ``limit`` characters; what does not fit is counted in the last line.

    With ``since`` what is new stands first, then what is fixed, then the rest.
    """
    head = "\n".join(_head(run, since))
    sections = (_excuse_changes(run), _changed(run, since), _defects(run, since), _waivers(run), _coverage(run))
    parts = [part for section in sections for part in section]
    room = limit - len(head) - 200  # for the line that says what is left out
    kept: list[str] = []
    for part in parts:
        room -= len(part) + 1
        if room < 0:
            left = len(parts) - len(kept)
            kept.append(f"\n*{shape.count(left, 'more part')} not shown here: see the JSON report.*")
            break
        kept.append(part)
    return "\n".join([head, *kept]).rstrip() + "\n"


def _head(run: Run, since: Changes | None) -> Iterator[str]:
    headline = shape.headline(run)
    if since is not None and not since.new and since.still:
        headline += ", none of them new"
    yield f"## {escape(headline[0].upper() + headline[1:])}"
    yield ""
    yield escape(shape.what_was_judged(run))
    yield ""
    totals = run.totals
    yield "| " + " | ".join(shape.OUTCOME_WORDS.values()) + " | not judged here |"
    yield "|" + "---:|" * (len(shape.OUTCOME_WORDS) + 1)
    numbers = [totals[outcome] for outcome in shape.OUTCOME_WORDS]
    yield "| " + " | ".join(map(str, [*numbers, len(run.coverage.not_judged)])) + " |"
    if since is not None:
        yield ""
        yield f"Since the run before: **{len(since.new)} new**, {len(since.fixed)} fixed, {len(since.still)} as before."


def _excuse_changes(run: Run) -> Iterator[str]:
    if run.excuse_changes:
        yield f"\n### {shape.EXCUSES_CHANGED}\n"
        yield from (f"- {escape(each)}" for each in run.excuse_changes)


def _changed(run: Run, since: Changes | None) -> Iterator[str]:
    if since is None:
        return
    identities = _new(since)
    new = [each for outcome in _BAD for each in shape.defects(run, outcome) if _is_new(each, identities)]
    if new:
        yield "\n### New\n"
        yield from (_item(each, grade=True) for each in new)
    if since.fixed:
        yield "\n### Fixed\n"
        fixed = dict.fromkeys(
            f"- **{escape(each.id)}** {code(each.subject.name)}"
            + (f" in {escape(each.environment)}" if each.environment else "")
            for each in since.fixed
        )
        yield from fixed


def _is_new(defect: shape.Defect, new: frozenset[Identity]) -> bool:
    """Whether anything of it, or of what follows from it, is new."""
    return any(verdict.identity in new for each in (defect, *defect.consequences) for verdict in each.verdicts)


def _new(since: Changes | None) -> frozenset[Identity]:
    return frozenset(each.identity for each in since.new) if since is not None else frozenset()


def _defects(run: Run, since: Changes | None) -> Iterator[str]:
    new = _new(since)
    for outcome, heading in _SECTIONS:
        found = shape.defects(run, outcome)
        if since is not None and outcome in _BAD:
            found = [each for each in found if not _is_new(each, new)]
            heading += " before, too"  # noqa: PLW2901
        for severity in Severity if outcome is Outcome.FAIL else (None,):
            graded = [d for d in found if severity is None or d.severity is severity]
            if graded:
                yield f"\n### {heading}" + (f": {severity}" if severity else "") + "\n"
                yield from map(_item, graded)


def _item(defect: shape.Defect, *, grade: bool = False) -> str:
    graded = f" ({defect.severity})" if grade else ""
    title = f" {escape(defect.finding.title)}" if defect.finding.title else ""
    lines = [
        f"- **{escape(defect.id)}**{graded}{title}  ",
        f"  {code(defect.at)} {escape(defect.violation)}  ",
    ]
    if defect.fix:
        lines.append(f"  *Fix:* {escape(defect.fix)}  ")
    where = [
        code(each.subject.name) + (f" in {escape(each.environment)}" if each.environment else "")
        for each in defect.verdicts
    ]
    lines.append("  " + ", ".join(shape.listed(dict.fromkeys(where), MAX_PLACES)))
    others = [each for each in defect.verdicts if each.violation != defect.verdicts[0].violation]
    said = [f"{code(str(each.location))} {escape(each.violation)}" for each in others]
    said += [f"{escape(each.id)}: {escape(each.violation)}" for each in defect.consequences]
    lines += [f"  - {line}" for line in shape.listed(dict.fromkeys(said), MAX_PLACES)]
    return "\n".join(lines)


def _waivers(run: Run) -> Iterator[str]:
    ordered = shape.waivers_in_order(run)
    if not ordered:
        return
    yield "\n### Waivers\n\n| finding | on | until | days left | owner | state |\n|---|---|---|---:|---|---|"
    for each in ordered:
        days = f"**{each.days_left}**" if shape.ends_soon(each) else str(each.days_left)
        on = f"{code(each.resource)} in {escape(', '.join(each.environments))}"
        state = escape(f"{shape.STATE_WORDS[each.state]}: {each.detail}")
        yield f"| {escape(each.finding)} | {on} | {each.expires_on} | {days} | {escape(each.owner)} | {state} |"


def _coverage(run: Run) -> Iterator[str]:
    coverage = run.coverage
    if coverage.unread:
        yield "\n### Not read\n"
        for each in coverage.unread:
            yield f"- {escape(shape.unread_text(each))}"
    if coverage.notes or coverage.not_judged:
        yield "\n### Notes\n"
        yield from (f"- {escape(note)}" for note in coverage.notes)
        if coverage.not_judged:
            yield f"- Not judged yet: {escape(', '.join(coverage.not_judged))}."


def escape(value: str) -> str:
    """Prose: no markup, no HTML, and nobody is mentioned (GitHub turns ``@name`` into a notification)."""
    plain = " ".join(printable(value).split()).replace("&", "&amp;")
    return _SPECIAL.sub(r"\\\1", plain).replace("@", "@<!-- -->")


def code(value: str) -> str:
    """A code span, with a fence longer than any run of backticks inside it; ``|`` would end a table's cell."""
    plain = " ".join(printable(value).split()).replace("|", "¦")
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}" if plain else "` `"
