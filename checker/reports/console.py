"""The console: what people read at every commit. What needs doing, gravest first; what is well is only counted."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from checker.errors import printable
from checker.model.verdicts import Location, Outcome, Run, Severity, Verdict, WaiverState, WaiverStatus
from checker.reports import shape

MAX_PLACES: Final = 8
_STYLES: Final = {
    "critical": "1;31",
    "warning": "1;33",
    "suggestion": "1;36",
    "error": "1;31",
    "unknown": "1;35",
    "heading": "1",
    "place": "1",
    "quiet": "2",
    "good": "32",
}
_SEPARATOR: Final = " · "
# What is not well, from the gravest, and what a count of it is called: of things to do, not of verdicts.
_WORTH: Final = {
    Outcome.ERROR: "crashed",
    Outcome.FAIL: "failed",
    Outcome.UNKNOWN: "not decided",
    Outcome.WAIVED: "waived",
}
_LABEL: Final = 10


def render(run: Run, *, color: bool = False, width: int = 100, quiet: bool = False, summary: bool = False) -> str:
    """``width`` in columns wraps prose, 0 leaves lines whole. ``quiet``: one line per defect; ``summary``: one line per
    finding; both with the totals."""
    page = _Page(color, width)
    _excuse_changes(run, page)
    if summary:
        page.add(*_by_finding(run, page.paint), *_incomplete(run, page.paint))
    elif quiet:
        page.add(*_quiet(run, page.paint), *_incomplete(run, page.paint))
    else:
        for section in (_errors, _failures, _unknown, _unread, _waivers, _notes, _not_judged):
            section(run, page)
    _summary(run, page)
    return "\n".join(page.lines) + "\n"


class _Page:
    """Lines in the making."""

    def __init__(self, color: bool, width: int) -> None:
        self.lines: list[str] = []
        self._color = color
        self._width = max(width, 40) if width else 0

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._color and text else text

    def add(self, *lines: str) -> None:
        self.lines.extend(lines)

    def heading(self, text: str, style: str = "heading") -> None:
        self.add(self.paint(text, style))

    def labelled(self, label: str, text: str, *, style: str = "") -> None:
        """``    fix       Set it.``, wrapped under itself."""
        lead = " " * 4 + label.ljust(_LABEL)
        wrapped = self.wrap(text, len(lead))
        painted = [self.paint(line, style) if style else line for line in wrapped]
        first = " " * 4 + self.paint(label, "quiet") + " " * (_LABEL - len(label)) if label else lead
        self.add(first + painted[0], *(" " * len(lead) + line for line in painted[1:]))

    def item(self, text: str, *, indent: int = 2, lead: str = "", style: str = "") -> None:
        """A wrapped line; ``lead`` is the word it begins with, and is painted."""
        first, *rest = self.wrap(text, indent + 2)
        if lead and style and first.startswith(lead):
            first = self.paint(lead, style) + first[len(lead) :]
        self.add(" " * indent + first, *(" " * (indent + 2) + line for line in rest))

    def joined(self, parts: Sequence[str], styles: Mapping[str, str]) -> None:
        """Parts in a row, broken between them; without a width it is one line, for ``tail -1`` and ``grep``."""
        rows: list[list[str]] = [[]]
        for part in parts:
            if rows[-1] and self._width and len(_SEPARATOR.join([*rows[-1], part])) > self._width:
                rows.append([])
            rows[-1].append(part)
        for row in rows:
            self.add(_SEPARATOR.join(self.paint(part, styles[part]) if part in styles else part for part in row))

    def wrap(self, text: str, used: int) -> list[str]:
        clean = " ".join(printable(text).split())
        if not self._width:
            return [clean]
        room = max(self._width - used, 20)
        # A separator stands before what it separates: at the end of a line it looks as if something were missing.
        kept = clean.replace(_SEPARATOR, f" {_SEPARATOR.strip()}\N{NO-BREAK SPACE}")
        lines = textwrap.wrap(kept, room, break_long_words=False, break_on_hyphens=False)
        return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [""]


def _excuse_changes(run: Run, page: _Page) -> None:
    """First of all, in every form: a change that moves the bar is measured by the moved one."""
    if run.excuse_changes:
        page.heading(shape.EXCUSES_CHANGED.upper(), "warning")
        for each in run.excuse_changes:
            page.item(each)
        page.add("")


def _failures(run: Run, page: _Page) -> None:
    found = shape.defects(run, Outcome.FAIL)
    for severity in Severity:
        graded = [defect for defect in found if defect.severity is severity]
        if graded:
            page.heading(f"{severity.upper()} · {shape.count(len(graded), 'defect')}", severity)
            for defect in graded:
                _block(defect, page, "violated", severity)


def _errors(run: Run, page: _Page) -> None:
    found = shape.defects(run, Outcome.ERROR)
    if found:
        page.heading("RULES THAT CRASHED · what they judge is not known", "error")
        for defect in found:
            _block(defect, page, "error", "error")


def _unknown(run: Run, page: _Page) -> None:
    found = shape.defects(run, Outcome.UNKNOWN)
    if found:
        page.heading("UNKNOWN · could not be read, resolved or decided", "unknown")
        for defect in found:
            _block(defect, page, "unknown", "unknown")


def _block(defect: shape.Defect, page: _Page, label: str, style: str) -> None:
    at = page.paint(printable(defect.at), "place")
    title = f"  {printable(defect.finding.title)}" if defect.finding.title else ""
    page.add(f"{at}  {page.paint(printable(defect.id), style)}{title}")
    page.labelled(label, defect.violation or "It does not hold.")
    if defect.fix:
        page.labelled("fix", defect.fix)
    where, *others = shape.listed(_places(defect.verdicts), MAX_PLACES)
    page.labelled("where", where, style="quiet")
    for index, line in enumerate(others):
        page.labelled("" if index else "also", line, style="quiet")
    for index, line in enumerate(shape.listed(map(_consequence, defect.consequences), MAX_PLACES)):
        page.labelled("" if index else "and so", line)
    page.add("")


def _consequence(defect: shape.Defect) -> str:
    word = "" if defect.outcome is Outcome.FAIL else f" {defect.outcome.value}"
    return f"{defect.id}{word}: {defect.violation}"


def _places(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Who is meant, a line per subject; those that stand elsewhere than the first name their place."""
    environments: dict[tuple[Location, str, str | None, str], list[str]] = {}
    for each in verdicts:
        where = (each.location, each.subject.name, each.subject.type, each.violation)
        environments.setdefault(where, []).append(each.environment)
    first = verdicts[0]
    for (location, name, kind, violation), names in environments.items():
        at = f"{location}  " if str(location) != str(first.location) else ""
        of = f" ({kind})" if kind and (location, name) == (first.location, first.subject.name) else ""
        if at:  # the place before it has the file already
            name = name.replace(f": {location.file}: ", ": ", 1)  # noqa: PLW2901
        within = ", ".join(dict.fromkeys(filter(None, names)))
        said = f": {violation}" if violation != first.violation else ""
        yield f"{at}{name}{of}" + (f"{_SEPARATOR}{within}" if within else "") + said


def _unread(run: Run, page: _Page) -> None:
    if not run.coverage.unread:
        return
    page.heading("NOT READ", "unknown")
    for each in run.coverage.unread:
        page.item(shape.unread_text(each))
    page.add("")


def _waivers(run: Run, page: _Page) -> None:
    everything = shape.waivers_in_order(run)
    if not everything:
        return
    # What is about findings that this run did not judge is no news: one line for all of it.
    ordered = [w for w in everything if w.state is not WaiverState.UNMATCHED or shape.was_judged(run, w)]
    resting = [w.finding for w in everything if w not in ordered]
    excusing = {WaiverState.ACTIVE, WaiverState.CONDITION_UNVERIFIED}
    page.heading("WAIVERS")
    # What fails or ends soon needs somebody; then what excuses; then what may go.
    fails = [w for w in ordered if w.state.fails_gate]
    ending = [w for w in ordered if w.state in excusing and shape.ends_soon(w)]
    active = [w for w in ordered if w.state in excusing and not shape.ends_soon(w)]
    rest = [w for w in ordered if not w.state.fails_gate and w.state not in excusing]
    for style, statuses in (("critical", fails), ("warning", ending), ("", active), ("quiet", rest)):
        for status in statuses:
            page.item(_waiver(status), lead=status.finding, style=style)
    if resting:
        page.item(f"not needed here, where nothing judges them: {', '.join(resting)}")
    page.add("")


def _waiver(status: WaiverStatus) -> str:
    on = "" if status.resource == "*" else f" on {status.resource}"
    within = "" if "*" in status.environments else f" in {', '.join(status.environments)}"
    state = "" if status.state is WaiverState.ACTIVE else f"{shape.STATE_WORDS[status.state]}; "
    return (
        f"{status.finding}{on}{within}, {shape.days(status)}: {state}{status.detail} "
        f"({status.owner}, {status.location})"
    )


def _notes(run: Run, page: _Page) -> None:
    for note in run.coverage.notes:
        page.item(f"note: {note}", indent=0)
    if run.coverage.notes:
        page.add("")


def _not_judged(run: Run, page: _Page) -> None:
    if run.coverage.not_judged:
        page.item(f"not judged here: {', '.join(run.coverage.not_judged)}", indent=0)
        page.add("")


def _by_finding(run: Run, paint: Callable[[str, str], str]) -> Iterator[str]:
    """A line for each finding that is not well: how many things there are to do, by how they ended, and the first
    one's place. What only follows from others has one line for all of it."""
    everything = [each for outcome in _WORTH for each in shape.defects(run, outcome)]
    lines: dict[str, tuple[shape.Defect, str]] = {}
    for finding in shape.states(run):
        if own := [each for each in everything if each.finding.id == finding]:
            counts = {word: sum(each.outcome is outcome for each in own) for outcome, word in _WORTH.items()}
            lines[finding] = own[0], ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    widths = [max((len(part) for part in parts), default=0) for parts in zip(*_columns(lines), strict=True)] or [0, 0]
    for finding, (first, said) in lines.items():
        word = str(first.severity) if first.outcome is Outcome.FAIL else str(first.outcome)
        style = word if word in _STYLES else "quiet"
        row = f"{first.severity.value.ljust(10)} {said.ljust(widths[0])}  {printable(first.at).ljust(widths[1])}"
        yield f"{paint(printable(finding).ljust(4), style)} {row}  {printable(first.finding.title)}".rstrip()
    below = dict.fromkeys(each.finding.id for defect in everything for each in defect.consequences)
    resting = [each for each in below if each not in lines]
    if resting:
        yield f"{paint('with these', 'quiet')}: {', '.join(map(printable, resting))}"


def _columns(lines: Mapping[str, tuple[shape.Defect, str]]) -> Iterator[tuple[str, str]]:
    return ((said, printable(first.at)) for first, said in lines.values())


def _quiet(run: Run, paint: Callable[[str, str], str]) -> Iterator[str]:
    for outcome in (Outcome.ERROR, Outcome.FAIL, Outcome.UNKNOWN):
        for defect in shape.defects(run, outcome):
            word = str(defect.severity) if outcome is Outcome.FAIL else str(outcome)
            others = len(defect.verdicts) - 1 + sum(len(each.verdicts) for each in defect.consequences)
            more = f" (and {others} more)" if others else ""
            at = paint(printable(defect.at), "place")
            said = " ".join(printable(defect.violation).split())
            yield f"{at}: {paint(printable(defect.id), word)} {word}: {said}{more}"
    for status in shape.waivers_in_order(run):
        if status.state.fails_gate:
            yield f"{status.location}: waiver of {status.finding}: {shape.STATE_WORDS[status.state]}: {status.detail}"


def _incomplete(run: Run, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Why not all was judged, in a line: the first thing that was not read, and how many more there are."""
    unread = run.coverage.unread
    if unread:
        first = " ".join(printable(shape.unread_text(unread[0])).split())
        more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
        yield f"{paint('not read', 'unknown')}: {first}{more}"


def _summary(run: Run, page: _Page) -> None:
    totals = run.totals
    style = "critical" if totals[Outcome.FAIL] or totals[Outcome.ERROR] else "good"
    if any(status.state.fails_gate for status in run.waivers):
        style = "critical"
    if style == "good" and (totals[Outcome.UNKNOWN] or run.coverage.unread or not run.verdicts):
        style = "unknown"
    headline = shape.headline(run)
    parts = [printable(shape.what_was_judged(run)), headline, *shape.tally(run)]
    page.joined(parts, {headline: style})
