"""Snapshots as files: :class:`~checker.model.live.snapshot.Snapshot` to ``checker-snapshot/1`` and back.

A snapshot may be written by hand: a key that is left out has its empty value, and where AWS itself has two forms for
the same thing (tags as a list or as an object) both are read. What cannot be understood is an
:class:`~checker.errors.InputError` with its place. ``snapshot_schema.json`` beside this module is the JSON Schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins

from checker.collect.documents import parse_json, parse_yaml, read_text
from checker.errors import InputError
from checker.model.live.snapshot import SCHEMA, LiveResource, Snapshot, SnapshotStack, StackResource
from checker.model.resources import Raw
from checker.model.verdicts import Unread
from checker.nodes import Node

_HINT: Final = "Write one with --save-snapshot, or correct it by hand."
# The names of a pair's two halves, as the services' list forms have them.
_PAIRS: Final = (
    ("Key", "Value"),
    ("ParameterKey", "ParameterValue"),
    ("OutputKey", "OutputValue"),
    ("key", "value"),
)


def read_snapshot(path: Path, shown: str | None = None) -> Snapshot:
    """The snapshot in a file of JSON or YAML. Raises :class:`InputError`."""
    shown = shown or str(path)
    return parse(read_text(path, shown), shown)


def parse(text: str, shown: str = "the snapshot") -> Snapshot:
    """The snapshot in a text of JSON or YAML. Raises :class:`InputError` that names the place of the fault."""
    document = parse_json(text, shown) if text.lstrip()[:1] in {"{", "["} else parse_yaml(text, shown)
    data = document.data
    found = data.get("schema")
    if found != SCHEMA and not (found is None and ("resources" in data or "stacks" in data)):
        said = f"its schema is {found!r}" if found is not None else "it names no schema"
        raise InputError(f"{shown}: not a {SCHEMA} document: {said}", _HINT)
    node = Node(data, shown, hint=_HINT)
    return Snapshot(
        account=_account(node.child("account")),
        region=node.text("region", ""),
        taken_at=_word(node.child("taken_at")),
        stacks=tuple(node.items("stacks", _stack, optional=True)),
        resources=tuple(node.items("resources", _resource, optional=True)),
        facts=_object(node.child("facts")),
        unread=tuple(node.items("unread", _unread, optional=True)),
    )


def render(snapshot: Snapshot) -> str:
    """The snapshot as JSON text: the same snapshot gives the same bytes."""
    document: dict[str, Any] = {"schema": SCHEMA, **to_builtins(snapshot)}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _stack(node: Node) -> SnapshotStack:
    return SnapshotStack(
        name=node.text("name"),
        status=node.text("status", ""),
        id=node.maybe_text("id"),
        parameters=_pairs(node.child("parameters")),
        outputs=_pairs(node.child("outputs")),
        tags={key: _text_of(value) for key, value in _pairs(node.child("tags")).items()},
        template=_template(node.child("template")),
        resources=tuple(node.items("resources", _stack_resource, optional=True)),
    )


def _stack_resource(node: Node) -> StackResource:
    return StackResource(
        logical_id=node.text("logical_id"),
        type=node.text("type"),
        physical_id=_maybe_word(node.child("physical_id")),
        status=node.text("status", ""),
    )


def _resource(node: Node) -> LiveResource:
    return LiveResource(
        type=node.text("type"),
        physical_id=_maybe_word(node.child("physical_id")),
        stack=node.maybe_text("stack"),
        logical_id=node.maybe_text("logical_id"),
        properties=_object(node.child("properties")),
        unread=_reasons(node.child("unread")),
    )


def _unread(node: Node) -> Unread:
    if isinstance(node.data, str):
        return Unread(node.data, "not read")
    return Unread(node.text("what"), node.text("why", "not read"), node.text("needs", ""))


def _reasons(node: Node) -> dict[str, str]:
    """Path -> why it was not read; a bare list of paths gives no reasons."""
    if isinstance(node.data, list):
        return {node.at(each, f"{node.path}[{index}]").as_text(): "not read" for index, each in enumerate(node.data)}
    return {key: node.child(key).as_text() for key in _object(node)}


def _object(node: Node) -> Mapping[str, Raw]:
    if node.empty:
        return {}
    if not isinstance(node.data, dict):
        raise node.wrong("is not an object")
    return node.data


def _pairs(node: Node) -> Mapping[str, Raw]:
    """An object, or AWS's list of ``{Key, Value}``."""
    if not isinstance(node.data, list):
        return _object(node)
    pairs: dict[str, Raw] = {}
    for index, each in enumerate(node.data):
        entry = each if isinstance(each, dict) else {}
        names = next((names for names in _PAIRS if isinstance(entry.get(names[0]), str)), None)
        if names is None:
            raise node.at(each, f"{node.path}[{index}]").wrong("is no pair of a key and a value")
        pairs[entry[names[0]]] = entry.get(names[1])
    return pairs


def _template(node: Node) -> Mapping[str, Raw] | None:
    """A template, as an object or as the text that CloudFormation keeps (which may be YAML)."""
    if isinstance(node.data, str):
        try:
            read = parse_json if node.data.lstrip()[:1] == "{" else parse_yaml
            return read(node.data, node.path).data
        except InputError as error:
            raise node.wrong(f"is no template: {error.message}") from None
    return None if node.empty else _object(node)


def _account(node: Node) -> str:
    """Twelve digits. Written as a number it has lost its leading zeros."""
    word = _word(node)
    return word.zfill(12) if isinstance(node.data, int) else word


def _word(node: Node) -> str:
    return _maybe_word(node) or ""


def _maybe_word(node: Node) -> str | None:
    """Text; a number or a date, which a person may leave without quotes, is the text it is written as."""
    if node.empty:
        return None
    if isinstance(node.data, bool | dict | list):
        raise node.wrong("is not text")
    return str(node.data)


def _text_of(value: Raw) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
