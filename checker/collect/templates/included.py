"""Files of the repository that a template includes: ``AWS::Include`` of a local path, or of a file in a bucket that
the repository has.

``aws cloudformation package`` and ``sam package`` put the file into a bucket and its address in the place of the path,
which is relative to the template (AWS CLI Command Reference, "cloudformation package"). CloudFormation then puts what
the file holds beside the keys that stand around the transform; a file that is included includes none itself (AWS
CloudFormation Template Reference, "AWS::Include transform"). A place in such a file is told as that of the transform.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from checker.collect.documents import Document
from checker.collect.templates.uploaded import file_of
from checker.errors import InputError
from checker.model.resources import Raw

_KEY: Final = "Fn::Transform"
_DEEPEST: Final = 60
_MOST: Final = 100  # files that one template includes
_Path = tuple[str | int, ...]
_Include: TypeAlias = "Callable[[Any], Mapping[str, Raw] | None]"


def with_included(document: Document, folder: Path, root: Path, read: Callable[[Path], Document]) -> Document:
    """The template with the files that it includes; itself where it includes none that can be read."""
    if "AWS::Include" not in document.text:
        return document
    placed: dict[_Path, _Path] = {}
    data = _whole(document.data, (), lambda macro: _included(macro, folder, root, read), placed)
    if not placed or not isinstance(data, dict):
        return document
    lines = dict(document.lines) if document.lines is not None else None
    for path, at in placed.items() if lines is not None else ():
        if (line := document.line_of(at)) is not None and lines is not None:
            lines[tuple(map(str, path))] = line
    return Document(document.file, data, document.text, lines)


def _whole(node: Raw, path: _Path, include: _Include, placed: dict[_Path, _Path]) -> Raw:
    if len(path) > _DEEPEST or len(placed) > _MOST:
        return node
    if isinstance(node, list):
        return [_whole(each, (*path, index), include, placed) for index, each in enumerate(node)]
    if not isinstance(node, dict):
        return node
    found = {key: _whole(each, (*path, key), include, placed) for key, each in node.items() if key != _KEY}
    if _KEY not in node:
        return found
    included = include(node[_KEY])
    if included is None:
        return {_KEY: node[_KEY], **found}
    placed.update({(*path, key): (*path, _KEY) for key in included if key not in found})
    placed.setdefault((*path, _KEY), (*path, _KEY))
    return {**included, **found}


def _included(macro: Any, folder: Path, root: Path, read: Callable[[Path], Document]) -> Mapping[str, Raw] | None:
    """What the file holds that a transform includes; ``None`` for any other, and for one that cannot be read."""
    parameters = macro.get("Parameters") if isinstance(macro, dict) and macro.get("Name") == "AWS::Include" else None
    place = parameters.get("Location") if isinstance(parameters, dict) else None
    if not isinstance(place, str) or "://" in place:
        place = file_of(place, folder.resolve(), root)
    if not place:
        return None
    try:
        return read(folder / place).data
    except (InputError, OSError):
        return None
