"""Task definitions as files of a repository: what ``aws ecs register-task-definition --cli-input-json`` takes.

Each becomes a template with that one resource. The names of its properties are those of the API with a capital first
(Amazon ECS API Reference, "RegisterTaskDefinition"; AWS::ECS::TaskDefinition); keys of maps are the user's own.
Images are left out: a file's image stands for the release's, which is judged where the release is rolled out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from checker.collect.documents import Document, read_document
from checker.collect.templates.assembly import digest_of
from checker.errors import InputError
from checker.model.resources import Raw, Stack

TYPE: Final = "AWS::ECS::TaskDefinition"
LOGICAL_ID: Final = "TaskDefinition"
# Properties that are maps: what is below them keeps its spelling.
_MAPS: Final = frozenset({"options", "dockerLabels", "driverOpts", "labels"})
# What ECS adds to a definition that it describes, and does not take.
_NOT_GIVEN: Final = frozenset(
    {"taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt",
     "registeredBy", "deregisteredAt"}
)  # fmt: skip
MAX_DEPTH: Final = 12

_Path = tuple[str | int, ...]


def read_task_definition(path: Path, shown: str) -> tuple[Stack, str]:
    """A stack with the task definition of a file, named after its family, and the file's digest.

    Raises :class:`InputError`.
    """
    source = read_document(path, shown)
    made = template_of(source)
    if made is None:
        raise InputError(f"{shown}: not a task definition: containerDefinitions is no list", "Correct the file.")
    data, lines, family = made
    keyed: dict[_Path, int] = {tuple(map(str, key)): line for key, line in lines.items()}
    name = family if isinstance(family, str) and family else path.stem
    return Stack(shown, name, "", data, Document(shown, data, source.text, keyed)), digest_of(source.text)


def template_of(source: Document) -> tuple[dict[str, Raw], Mapping[_Path, int], Raw] | None:
    """The template with the task definition that a document is, its lines and its family; ``None`` where it is none."""
    inside = source.data.get("taskDefinition")
    start: _Path = ("taskDefinition",) if isinstance(inside, dict) else ()
    given = inside if isinstance(inside, dict) else source.data
    if not isinstance(given.get("containerDefinitions"), list):
        return None
    lines: dict[_Path, int] = {(): 1}
    here: _Path = ("Resources", LOGICAL_ID, "Properties")
    properties = _capitalised({k: v for k, v in given.items() if k not in _NOT_GIVEN}, start, here, source, lines)
    return {"Resources": {LOGICAL_ID: {"Type": TYPE, "Properties": properties}}}, lines, given.get("family")


def _capitalised(value: Raw, at: _Path, to: _Path, source: Document, lines: dict[_Path, int], depth: int = 0) -> Raw:
    """A value of the API as CloudFormation spells it; the line of each part is noted under its new path."""
    lines[to] = source.line_of(at) or 1
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [
            _capitalised(each, (*at, index), (*to, index), source, lines, depth + 1) for index, each in enumerate(value)
        ]
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Raw] = {}
    for key, each in value.items():
        if key == "image":
            continue
        name = key[:1].upper() + key[1:]
        inner, new = (*at, key), (*to, name)
        lines[new] = source.line_of(inner) or 1
        found[name] = each if key in _MAPS else _capitalised(each, inner, new, source, lines, depth + 1)
    return found
