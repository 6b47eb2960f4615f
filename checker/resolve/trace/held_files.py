"""Task definitions as a job has them by the time that it registers them: with what it has made of the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from checker.model.pipeline.changes import Held, put
from checker.model.possible import Possible, open_text, options
from checker.model.values import Text
from checker.resolve.shell.files.editing import Marks


def by_now(held: Held, path: str, own_text: Callable[[str], str | None]) -> Possible:
    """The text of a task definition that a job has changed, its containers first; a value of the run where nobody knows
    it before."""
    unknown = open_text(f"what {path} holds by then")
    given = options(held.text if held.text is not None else own_text(held.of or path))
    if held.open or given is None or len(given) != 1 or not isinstance(given[0], str | Text):
        return unknown
    marks = Marks()
    text = marks.text(given[0])
    try:
        data: Any = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return unknown
    for place, value in held.edits:
        data = put(data, place, marks.mark(value) if isinstance(value, Text) else value)
    if isinstance(data, Mapping) and isinstance(data.get("taskDefinition"), Mapping):
        data = data["taskDefinition"]
    if not isinstance(data, Mapping) or not isinstance(data.get("containerDefinitions"), list):
        return unknown
    whole = {"containerDefinitions": data["containerDefinitions"], **data}
    return marks.filled(json.dumps(whole, ensure_ascii=False)) or unknown
