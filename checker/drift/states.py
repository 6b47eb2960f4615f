"""From differences to the states of properties: who changed what, the code or somebody in the account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from checker.drift.decisions import NOT_SHOWN, Decisions, same_record, shown
from checker.drift.deploying import CodeChange
from checker.drift.meaning.compare import plain
from checker.drift.meaning.differences import Difference, Kind
from checker.model.live.drift import IN_ACCOUNT, PropertyDrift, PropertyState
from checker.model.live.drift_decisions import Decision
from checker.model.resources import Raw

_ALREADY: Final = "the account already has what the code says"
_OVERWRITES: Final = "the next deploy sets back what was changed in the account"


def properties_of(
    found: Sequence[Difference],
    changes: Sequence[CodeChange] | None,
    before: Sequence[Difference],
    decisions: Decisions,
    about: Sequence[Decision],
) -> tuple[PropertyDrift, ...]:
    """``found``: code against account. ``changes``: code against the deployed template, ``None`` where that is not
    known. ``before``: deployed template against account, looked at only where the code changed."""
    drifts: list[PropertyDrift] = []
    for each in found:
        drift = _judged(each, changes, before, decisions, about)
        if drift is not None:
            drifts.append(drift)
    said = [each.path for each in found if each.kind is not Kind.UNDECLARED]
    quiet = [change for change in changes or () if not any(_related(change.path, path) for path in said)]
    drifts.extend(_in_code(change, before) for change in quiet)
    return tuple(_grouped(drifts))


def _judged(
    each: Difference,
    changes: Sequence[CodeChange] | None,
    before: Sequence[Difference],
    decisions: Decisions,
    about: Sequence[Decision],
) -> PropertyDrift | None:
    path = declared_path(each)
    if decisions.ignores(about, each.path) or decisions.ignores(about, path):
        return None
    live, expected = shown(each.path, each.live), shown(each.path, plain(each.expected))
    place = "" if path == each.path else f"at {each.path}"
    note = "; ".join(filter(None, [place, each.note]))
    record = decisions.recorded(about, each.path)
    if each.kind is Kind.UNDECLARED:
        if record is None or same_record(record.value, each.live):
            return None
        note = f"recorded otherwise ({record.place})"
        return PropertyDrift(path, PropertyState.ADDED_IN_ACCOUNT, shown(each.path, record.value), None, live, note)
    if each.kind is Kind.NOT_RETURNED:
        return PropertyDrift(path, PropertyState.NOT_RETURNED, expected, None, None, note)
    if each.kind is Kind.NOT_RESOLVED:
        return PropertyDrift(path, PropertyState.NOT_RESOLVED, None, None, live, note)
    state, deployed = _who(each, changes, before)
    if state is PropertyState.CHANGED_IN_BOTH:
        note = "; ".join(filter(None, [note, _OVERWRITES]))
    accepted = ""
    if record is not None and state in IN_ACCOUNT:
        if same_record(record.value, each.live):
            accepted = f"recorded: {record.reason}" if record.holds(decisions.today) else ""
            if not accepted:
                note = "; ".join(filter(None, [note, f"recorded, and not reviewed or past its end ({record.place})"]))
        else:
            note = "; ".join(filter(None, [note, f"recorded otherwise ({record.place})"]))
    return PropertyDrift(path, state, expected, shown(each.path, deployed), live, note, accepted)


def _who(
    each: Difference, changes: Sequence[CodeChange] | None, before: Sequence[Difference]
) -> tuple[PropertyState, Raw]:
    """Who made a difference between code and account, and what the deployed template says there."""
    account = PropertyState.ADDED_IN_ACCOUNT if each.kind is Kind.ADDED else PropertyState.CHANGED_IN_ACCOUNT
    change = next((change for change in changes or () if _related(change.path, each.path)), None)
    if changes is None or change is None:
        return account, None if each.kind is Kind.ADDED or changes is None else plain(each.expected)
    drifted = any(_related(old.path, each.path) for old in before if old.kind in {Kind.CHANGED, Kind.ADDED})
    return (PropertyState.CHANGED_IN_BOTH if drifted else PropertyState.CHANGED_IN_CODE), change.deployed


def _in_code(change: CodeChange, before: Sequence[Difference]) -> PropertyDrift:
    """A change in the code that the account does not contradict: not deployed yet, or made there by hand before."""
    drifted = any(_related(change.path, each.path) for each in before if each.kind in {Kind.CHANGED, Kind.ADDED})
    state = PropertyState.CHANGED_IN_BOTH if drifted else PropertyState.CHANGED_IN_CODE
    return PropertyDrift(
        change.path,
        state,
        shown(change.path, change.expected),
        shown(change.path, change.deployed),
        shown(change.path, change.expected) if drifted else None,
        _ALREADY if drifted else "",
    )


def declared_path(each: Difference) -> str:
    """The property as CloudFormation names it: items of lists have no path of their own, but for a bare added value."""
    if each.kind is Kind.ADDED and isinstance(each.live, str) and each.path.endswith(f"[{each.live}]"):
        return each.path
    return each.path.partition("[")[0]


def _related(one: str, other: str) -> bool:
    """Whether two paths are the same or one lies below the other, items of lists left aside."""
    first, second = (re.split(r"[.\[]", path.partition("[")[0]) for path in (one, other))
    shortest = min(len(first), len(second))
    return first[:shortest] == second[:shortest]


def _grouped(drifts: Sequence[PropertyDrift]) -> Iterator[PropertyDrift]:
    """One entry per path and state: what differs in several items of a list is shown item by item."""
    groups: dict[tuple[str, PropertyState, bool], list[PropertyDrift]] = {}
    for each in drifts:
        groups.setdefault((each.path, each.state, bool(each.accepted)), []).append(each)
    for (path, state, _), several in groups.items():
        first = several[0]
        if len(several) == 1:
            yield first
            continue
        notes = "; ".join(dict.fromkeys(each.note for each in several if each.note))
        sides = (
            [each.expected for each in several],
            [each.deployed for each in several],
            [each.live for each in several],
        )
        expected, deployed, live = (side if any(each is not None for each in side) else None for side in sides)
        yield PropertyDrift(path, state, expected, deployed, live, notes, first.accepted)


def without_values(drift: PropertyDrift) -> PropertyDrift:
    """The same, of a property whose resource alone says that it is a secret."""
    expected, deployed, live = (
        None if each is None else NOT_SHOWN for each in (drift.expected, drift.deployed, drift.live)
    )
    return replace(drift, expected=expected, deployed=deployed, live=live)
