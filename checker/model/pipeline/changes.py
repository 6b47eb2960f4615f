"""What a file holds at a place of a job that has changed it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Change, Command, Trace
from checker.model.possible import Possible

EACH: Final = "[]"  # as a step of a place: all of a list
GONE: Final = "\ue002"  # as a value: what stood there is taken away
_DEEP: Final = 20  # copies of copies


class Held(Struct, frozen=True):
    """What a file holds: a text, or what the repository's file ``of`` holds, with values put into it at places.

    ``open``: nobody knows. ``by`` says who changed it last.
    """

    by: str
    of: str = ""
    text: Possible | None = None
    edits: tuple[tuple[tuple[str | int, ...], Possible], ...] = ()
    open: bool = False


def put(document: Any, place: Sequence[str | int], value: Possible) -> Any:
    """A document with another value at a place; ``None`` where it has no such place."""
    if not place:
        return value if isinstance(value, str | bool | int | float) else None
    step, rest = place[0], place[1:]
    if step == EACH and isinstance(document, list):
        each = [put(one, rest, value) for one in document]
        return None if any(one is None for one in each) else each
    if isinstance(step, int) and isinstance(document, list) and -len(document) <= step < len(document):
        inner = put(document[step], rest, value)
        at = step % len(document)
        return None if inner is None else [*document[:at], inner, *document[at + 1 :]]
    if not isinstance(step, str) or step == EACH or not isinstance(document, Mapping):
        return None
    if not rest and value == GONE:
        return {key: each for key, each in document.items() if key != step}
    inner = put(document.get(step, {}), rest, value)
    return None if inner is None else {**document, step: inner}


def held_by(trace: Trace, path: str, at: Command | AwsCall | CdkCommand | EffectiveStep) -> Held | None:
    """What a file holds where ``at`` stands; ``None`` where the job has not changed it by then."""
    return held_among(trace.changes, trace.actions, path, at) if trace.changes else None


def held_among(
    changes: Sequence[Change],
    actions: Sequence[Command | AwsCall | CdkCommand],
    path: str,
    at: Command | AwsCall | CdkCommand | EffectiveStep,
) -> Held | None:
    """The same of a job that is followed as far as these changes and actions say."""
    order = {id(each): index for index, each in enumerate(actions)}
    return _held([change for change in changes if _is_before(change, at, order)], path, 0)


def _is_before(change: Change, at: Command | AwsCall | CdkCommand | EffectiveStep, order: dict[int, int]) -> bool:
    by = change.by
    if isinstance(by, Command) and not isinstance(at, EffectiveStep):
        return order.get(id(by), -1) < order.get(id(at), len(order))
    step = by.step if isinstance(by, Command) else by
    other = at if isinstance(at, EffectiveStep) else at.step
    return step is None or other is None or step.index < other.index


def _held(changes: list[Change], path: str, depth: int) -> Held | None:
    for index in range(len(changes) - 1, -1, -1):
        change = changes[index]
        folder = isinstance(change.path, str) and change.path.endswith("/")
        if folder and (change.path == "./" or path.startswith(str(change.path))) and not path.startswith("/"):
            return Held(change.told, path, open=True)
        if change.path != path:
            continue
        if change.text is not None and change.edits is None:
            return Held(change.told, change.of, change.text)
        source = change.of or path
        before = _held(changes[:index], source, depth + 1) if depth < _DEEP else Held(change.told, open=True)
        of = before.of if before is not None and before.of else source
        if change.edits is None or (before is not None and before.open):
            return Held(change.told, of, open=True)
        text, edits = (before.text, before.edits) if before is not None else (None, ())
        return Held(change.told, of, text, (*edits, *change.edits))
    return None
