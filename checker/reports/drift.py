"""Drift for people: the console's text, and a job summary's Markdown. What needs doing stands first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from checker.errors import printable
from checker.model.live.drift import NextDeploy, PropertyDrift, PropertyState, ResourceDrift, ResourceState
from checker.model.verdicts import Run
from checker.reports.markdown import escape

_TOGETHER: Final = 5  # resources that one reason keeps from being compared
_MOST: Final = 160  # characters of one value
_WORDS: Final = {
    PropertyState.CHANGED_IN_ACCOUNT: "changed in the account",
    PropertyState.CHANGED_IN_CODE: "changed in the code, not deployed yet",
    PropertyState.CHANGED_IN_BOTH: "changed in the code and in the account",
    PropertyState.ADDED_IN_ACCOUNT: "added in the account",
    PropertyState.NOT_RETURNED: "no read returns it",
    PropertyState.NOT_RESOLVED: "what the code expects is not known",
}
_HEADINGS: Final = (
    ("THE NEXT DEPLOY LOSES DATA", "1;31"),
    ("CHANGED IN THE ACCOUNT", "1;31"),
    ("MISSING", "1;31"),
    ("NOT CHECKED", "1;35"),
    ("PENDING · the code is not deployed yet", "1;36"),
    ("UNMANAGED · of no stack", "1;33"),
    ("IN SYNC", "32"),
)


def console(run: Run, *, color: bool = False, quiet: bool = False) -> str:
    """Without ``color`` plain text. ``quiet``: a line per resource, and the summary."""

    def paint(text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if color and text else text

    lines: list[str] = []
    for (heading, style), group in zip(_HEADINGS, _sorted_out(run), strict=True):
        entries = [each for each in group if _is_news(each)]
        if not entries:
            continue
        if not quiet:
            lines.append(paint(f"{heading} · {len(entries)}", style))
        if quiet:
            lines.extend(f"{title(entry)}{deploys(entry)}" for entry in entries)
            continue
        for told, more in _told(entries):
            lines.append(f"  {told}")
            lines.extend(f"      {line}" for line in more)
        if not quiet:
            lines.append("")
    if not quiet:
        lines.extend(_unread(run))
        lines.extend(f"note: {printable(note)}" for note in run.coverage.notes)
        if run.coverage.notes:
            lines.append("")
    lines.append(summary(run))
    return "\n".join(lines) + "\n"


def groups(run: Run) -> Iterator[tuple[str, list[ResourceDrift]]]:
    """What is news, under its heading; gravest first."""
    for (heading, _), group in zip(_HEADINGS, _sorted_out(run), strict=True):
        entries = [each for each in group if _is_news(each)]
        if entries:
            yield heading, entries


def _told(entries: Sequence[ResourceDrift], bold: str = "") -> Iterator[tuple[str, list[str]]]:
    """What is said of each, and the lines below it. Many of one stack that one reason keeps from being compared are
    told together: JSON has each of them."""
    alike = Counter(key for each in entries if (key := _alike(each)) is not None)
    told: set[tuple[str, str]] = set()
    for each in entries:
        key = _alike(each)
        if key is None or alike[key] < _TOGETHER:
            name = f"{bold}{_escaped(title(each)) if bold else title(each)}{bold}"
            yield f"{name}{_escaped(deploys(each)) if bold else deploys(each)}", list(details(each))
        elif key not in told:
            told.add(key)
            stack = printable(key[0])
            yield f"{bold}{_escaped(stack) if bold else stack}{bold}: {alike[key]} resources", [printable(key[1])]


def _alike(entry: ResourceDrift) -> tuple[str, str] | None:
    """The stack and the reason by which a resource is told together with others."""
    if entry.state is not ResourceState.NOT_CHECKED or entry.properties or not entry.stack or entry.accepted:
        return None
    return entry.stack, entry.why


def _is_news(entry: ResourceDrift) -> bool:
    """What is in sync is counted; shown is what of it could not be told, or was agreed to."""
    return (
        entry.state is not ResourceState.IN_SYNC or entry.undecided or any(each.accepted for each in entry.properties)
    )


def markdown(run: Run, *, limit: int = 60_000) -> str:
    """At most about ``limit`` characters; what does not fit is counted in the last line."""
    parts = [f"## {summary(run)}\n"]
    left = 0
    for heading, entries in groups(run):
        parts.append(f"### {heading.capitalize()} ({len(entries)})\n")
        for told, more in _told(entries, bold="**"):
            item = "\n".join([f"- {told}", *(f"  - {_escaped(line)}" for line in more)])
            if sum(map(len, parts)) + len(item) > limit:
                left += 1
            else:
                parts.append(item)
        parts.append("")
    parts.extend(f"- {_escaped(line)}" for line in _unread(run) if line)
    if left:
        parts.append(f"*{left} more resources are not shown here: see the JSON report.*")
    return "\n".join(parts).rstrip() + "\n"


def summary(run: Run) -> str:
    """One line for all of it."""
    states = Counter(each.state for each in run.drift)
    parts = [f"{states[state]} {state.value.replace('_', ' ')}" for state in ResourceState if states[state]]
    fails = sum(each.fails for each in run.drift)
    head = f"{fails} resources drifted" if fails else "no drift"
    if not fails and (run.coverage.unread or any(each.undecided for each in run.drift)):
        head = "no drift in what could be checked"
    account, _, counted = run.coverage.surfaces.get("account", "").partition(": ")
    if "; " in counted:
        parts = [counted.rpartition("; ")[2]]  # with what is in sync, which the run itself may have left out
    return printable(" · ".join(filter(None, [", ".join(run.environments), account, head, *parts])))


def _sorted_out(run: Run) -> tuple[list[ResourceDrift], ...]:
    groups: tuple[list[ResourceDrift], ...] = tuple([] for _ in _HEADINGS)
    order = {
        ResourceState.CHANGED: 1,
        ResourceState.MISSING: 2,
        ResourceState.NOT_CHECKED: 3,
        ResourceState.PENDING: 4,
        ResourceState.UNMANAGED: 5,
        ResourceState.IN_SYNC: 6,
    }
    for each in run.drift:
        groups[0 if each.loses_data and not each.accepted else order[each.state]].append(each)
    return groups


def title(entry: ResourceDrift) -> str:
    name = "/".join(filter(None, [entry.stack, entry.logical_id])) or entry.physical_id or "?"
    physical = f" · {entry.physical_id}" if entry.physical_id and entry.logical_id else ""
    return printable(f"{name} ({entry.type}){physical}")


def deploys(entry: ResourceDrift) -> str:
    words = {
        NextDeploy.NONE: "",
        NextDeploy.CREATE: " → the next deploy creates it",
        NextDeploy.UPDATE: " → the next deploy updates it",
        NextDeploy.REPLACE: " → the next deploy replaces it",
        NextDeploy.DELETE: " → the next deploy deletes it",
    }
    lost = " and its data are lost" if entry.next_deploy is NextDeploy.DELETE else " with an empty one"
    loss = lost if entry.loses_data else ""
    return words[entry.next_deploy] + loss


def details(entry: ResourceDrift) -> Iterator[str]:
    if entry.why:
        yield printable(entry.why)
    if entry.accepted:
        yield printable(f"accepted: {entry.accepted}")
    for each in entry.properties:
        yield printable(f"{each.path}: {_WORDS[each.state]}{_values(each)}")
        for more in filter(None, [each.note, each.accepted]):
            yield printable(f"  {more}")


def _values(each: PropertyDrift) -> str:
    if each.state in {PropertyState.NOT_RETURNED, PropertyState.NOT_RESOLVED}:
        return ""
    parts = [f"live {_value(each.live)}"]
    if each.state is not PropertyState.ADDED_IN_ACCOUNT:
        parts.insert(0, f"code {_value(each.expected)}")
    if each.state in {PropertyState.CHANGED_IN_CODE, PropertyState.CHANGED_IN_BOTH}:
        parts.insert(1, f"deployed {_value(each.deployed)}")
    return ": " + ", ".join(parts)


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def _unread(run: Run) -> Iterator[str]:
    for each in run.coverage.unread:
        needs = f" (needs {each.needs})" if each.needs else ""
        yield printable(f"not read: {each.what}: {each.why}{needs}")
    if run.coverage.unread:
        yield ""


def _escaped(text: str) -> str:
    return escape(text)
