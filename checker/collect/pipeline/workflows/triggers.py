"""The ``on:`` of a workflow file: what starts it, and what it is given then."""

from __future__ import annotations

from typing import Any, Final

from checker.collect.pipeline.workflows.shapes import Shapes
from checker.model.pipeline.workflows import DeclaredSecret, Field, Input, Trigger
from checker.model.values import ABSENT

_TRIGGER_KEYS: Final = frozenset(
    {"branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore", "types", "workflows", "inputs",
     "outputs", "secrets", "names", "versions"}
)  # fmt: skip


def triggers_of(on: Any, shapes: Shapes) -> dict[str, Trigger]:
    if on is None:
        shapes.complain((), "a workflow without on:", "Say which events start it.")
        return {}
    if not isinstance(on, dict):
        return {event: Trigger(event, shapes.spot(("on",))) for event in shapes.words(on, ("on",), what="on")}
    return {event: _trigger(event, details, shapes) for event, details in on.items()}


def _trigger(event: str, details: Any, shapes: Shapes) -> Trigger:
    path = ("on", event)
    spot = shapes.spot(path)
    if event == "schedule":
        cron = []
        for index, each in enumerate(shapes.items(details, path, what="schedule")):
            entry = shapes.mapping(each, (*path, str(index)), what="an entry of schedule")
            cron.append(shapes.word(entry.get("cron"), (*path, str(index), "cron"), what="cron"))
        return Trigger(event, spot, cron=tuple(cron))
    filters = shapes.mapping(details, path, what=event)
    shapes.known_keys(filters, _TRIGGER_KEYS, path, what=event)

    def listed(key: str) -> tuple[str, ...] | None:
        return shapes.words(filters[key], (*path, key), what=key) if key in filters else None

    return Trigger(
        event,
        spot,
        branches=listed("branches"),
        branches_ignore=listed("branches-ignore"),
        tags=listed("tags"),
        tags_ignore=listed("tags-ignore"),
        paths=listed("paths"),
        paths_ignore=listed("paths-ignore"),
        types=listed("types"),
        workflows=listed("workflows") or (),
    )


def inputs_of(value: Any, path: tuple[str, ...], shapes: Shapes) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for name, each in shapes.mapping(value, path, what="inputs").items():
        at = (*path, name)
        details = shapes.mapping(each, at, what=f"input {name}")
        default = details.get("default", ABSENT)
        found[name] = Input(
            name,
            shapes.spot(at),
            type=shapes.word(details.get("type"), (*at, "type"), what="type") or "string",
            required=details.get("required") is True or str(details.get("required")).lower() == "true",
            default=default if default is ABSENT else shapes.scalar(default, (*at, "default"), what="default"),
            options=shapes.words(details.get("options"), (*at, "options"), what="options"),
        )
    return found


def declared_secrets(value: Any, shapes: Shapes) -> dict[str, DeclaredSecret]:
    path = ("on", "workflow_call", "secrets")
    found: dict[str, DeclaredSecret] = {}
    for name, each in shapes.mapping(value, path, what="secrets").items():
        details = shapes.mapping(each, (*path, name), what=f"secret {name}")
        found[name] = DeclaredSecret(name, shapes.spot((*path, name)), details.get("required") is True)
    return found


def values_of(value: Any, path: tuple[str, ...], shapes: Shapes) -> dict[str, Field]:
    """Outputs of a reusable workflow or an action: ``name: {value: ...}``."""
    found: dict[str, Field] = {}
    for name, each in shapes.mapping(value, path, what="outputs").items():
        details = shapes.mapping(each, (*path, name), what=f"output {name}")
        written = shapes.scalar(details.get("value"), (*path, name, "value"), what="value")
        found[name] = Field(written, shapes.spot((*path, name)))
    return found
