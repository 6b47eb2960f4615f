"""The one comment of a pull request, as Markdown: what moves the bar, what is new and fixed, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.compare import Comparison, outcomes
from checker.model.verdicts import Outcome, Run, Verdict
from checker.reports.markdown import code, escape

MARKER: Final = "<!-- checker: what this pull request changes -->"
# GitHub refuses a comment of more than 65,536 characters (its REST API answers "body is too long").
MOST_CHARACTERS: Final = 65_000
_MOST_LISTED: Final = 50


def render(comparison: Comparison, base: Run, head: Run, excuses: Sequence[str]) -> str:
    """The comment, whatever the number of findings within GitHub's limit: what does not fit is counted."""
    listed = _MOST_LISTED
    while True:
        text = "\n".join(_lines(comparison, base, head, excuses, listed)) + "\n"
        if len(text) <= MOST_CHARACTERS:
            return text
        if listed == 1:
            return text[: MOST_CHARACTERS - 200].rpartition("\n")[0] + "\n\nThe rest does not fit into a comment.\n"
        listed //= 2


def _lines(comparison: Comparison, base: Run, head: Run, excuses: Sequence[str], limit: int) -> Iterator[str]:
    yield MARKER
    new = len(comparison.new)
    yield f"### {_headline(comparison)}\n"
    if excuses:
        yield "**What it does to waivers, settings and exclusions. Look here first:**\n"
        yield from _some([f"- {escape(each)}" for each in excuses], limit)
        yield ""
    if new:
        worse = {id(now): was for was, now in comparison.worse}
        yield "**New**\n"
        yield from _some([_item(each, worse.get(id(each))) for each in comparison.new], limit)
        yield ""
    undecided = [now for _, now in comparison.changed if now is not None and now.outcome is Outcome.UNKNOWN]
    if undecided:
        yield "**No longer decided**\n"
        yield from _some([f"- {_place(now)}: {escape(now.violation)}" for now in undecided], limit)
        yield ""
    if comparison.fixed:
        yield "**Fixed**\n"
        yield from _some([f"- {_place(each)}" for each in comparison.fixed], limit)
        yield ""
    other = [(was, now) for was, now in comparison.changed if now is None or now.outcome is not Outcome.UNKNOWN]
    if other:
        yield f"<details><summary>{len(other)} other changes</summary>\n"
        lines = [f"- {_place(either)}: {outcomes(was, now)}" for was, now in other if (either := now or was)]
        yield from _some(lines, limit)
        yield "\n</details>\n"
    still = f"{len(comparison.still)} still failing" if comparison.still else "nothing else fails"
    unread = f", {len(head.coverage.unread)} not read" if head.coverage.unread else ""
    yield (
        f"{still}, {head.totals['unknown']} undecided, {head.totals['waived']} waived{unread}. "
        f"{code(base.project.commit[:12] or 'before')} beside {code(head.project.commit[:12] or 'after')}."
    )


def _headline(comparison: Comparison) -> str:
    new, fixed, worse = len(comparison.new), len(comparison.fixed), len(comparison.worse)
    if not new:
        return f"Nothing new fails; {fixed} fixed" if fixed else "Nothing new fails"
    graver = f", {worse} of them graver than before" if worse else ""
    return f"{new} new {'failure' if new == 1 else 'failures'}{graver}; {fixed} fixed"


def _item(verdict: Verdict, was: Verdict | None) -> str:
    before = f" Before: {escape(was.actual or was.violation)}." if was is not None else ""
    fix = f" *Fix:* {escape(verdict.fix)}" if verdict.fix else ""
    return f"- {_place(verdict)}: {escape(verdict.violation)}{before}{fix}"


def _place(verdict: Verdict) -> str:
    where = f" in {escape(verdict.environment)}" if verdict.environment else ""
    name = code(verdict.subject.construct_path or verdict.subject.name)
    return f"**{escape(verdict.id)}** {verdict.severity} {code(str(verdict.location))} {name}{where}"


def _some(lines: Sequence[str], limit: int) -> Iterator[str]:
    yield from lines[:limit]
    if len(lines) > limit:
        yield f"- and {len(lines) - limit} more"
