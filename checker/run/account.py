"""What of a live account could not be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from checker.model.live.snapshot import NOT_ASKED, Snapshot, is_failure
from checker.model.verdicts import Unread


def of_nobody(snapshot: Snapshot, environments: Collection[str]) -> Iterator[Unread]:
    """An account of which nothing is of an environment has been looked at, and nothing of it was judged."""
    if not environments:
        stacks = len(snapshot.stacks)
        why = f"none of its {stacks} stacks belongs to an environment that is known" if stacks else "it has no stack"
        needs = "the right account and region, or [stacks] in checker.toml"
        yield Unread(_place(snapshot), f"nothing of it was judged: {why}", needs)


def _place(snapshot: Snapshot) -> str:
    return f"account {snapshot.account or 'of unknown number'}, {snapshot.region or 'an unknown region'}"


def unread_of(snapshot: Snapshot) -> Iterator[Unread]:
    """All that could not be read: lists, facts, and properties of single resources, those of one cause together.

    A stack that was asked for and is not there comes first: nothing of it was judged.
    """
    missing = snapshot.facts.get("missing_stacks")
    for name in missing if isinstance(missing, list) else ():
        yield Unread(f"stack {name}", f"it is not in {_place(snapshot)}; nothing of it is judged")
    yield from snapshot.unread
    yield from unread_properties(snapshot)


def unread_properties(snapshot: Snapshot, *, failed: bool = False) -> Iterator[Unread]:
    """The properties that were not read, those of one cause together. ``failed``: only where a call failed."""
    causes: dict[tuple[str, str, str], list[str]] = {}
    for resource in snapshot.resources:
        for path, why in resource.unread.items():
            if why == NOT_ASKED or (failed and not is_failure(why)):
                continue
            name = resource.logical_id or resource.physical_id or "?"
            causes.setdefault((resource.type, path, why), []).append(name)
    for (kind, path, why), names in causes.items():
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Unread(f"{kind} {shown}" + (f": {path}" if path else ""), why)
