"""A text that a job makes of a template, read as the file itself would be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from checker.collect.documents import parse_json, parse_yaml
from checker.errors import InputError
from checker.model.resources import Raw


def template_of(text: str, file: str) -> Mapping[str, Raw] | None:
    """The template in a text; ``None`` where it is none."""
    is_json = PurePosixPath(file).suffix.lower() == ".json" or text.lstrip()[:1] == "{"
    try:
        return (parse_json if is_json else parse_yaml)(text, file).data
    except InputError:
        return None
