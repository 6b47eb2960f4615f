"""What of a live account could not be read."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.live.snapshot import NOT_ASKED, Snapshot, is_failure
from checker.model.verdicts import Unread


def unread_of(snapshot: Snapshot) -> Iterator[Unread]:
    """All that could not be read: lists, facts, and properties of single resources, those of one cause together.

    A stack that was asked for and is not there comes first: nothing of it was judged.
    """
    missing = snapshot.facts.get("missing_stacks")
    place = f"account {snapshot.account or 'of unknown number'}, {snapshot.region or 'an unknown region'}"
    for name in missing if isinstance(missing, list) else ():
        yield Unread(f"stack {name}", f"it is not in {place}; nothing of it is judged")
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
