"""How texts that a job makes of templates are read: as the files themselves would be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from checker.collect.documents import Document, parse_json, parse_yaml
from checker.collect.templates.task_definitions import template_of
from checker.errors import InputError
from checker.model.resources import Raw


class Reading(Struct):
    """``text`` gives a file of the repository."""

    text: Callable[[str], str | None]

    def document(self, text: str, file: str) -> Mapping[str, Raw] | None:
        """What a text says; ``None`` where it is no document."""
        is_json = Path(file).suffix.lower() == ".json" or text.lstrip()[:1] == "{"
        try:
            return (parse_json if is_json else parse_yaml)(text, file).data
        except InputError:
            return None

    def template(self, document: Mapping[str, Raw], file: str) -> Mapping[str, Raw] | None:
        """The template that a document is, a task definition's own among them; ``None`` where it is none."""
        if isinstance(document.get("Resources"), Mapping):
            return document
        made = template_of(Document(file, dict(document), ""))
        return made[0] if made is not None else None
