"""The functions of GitHub's expressions, over values that may be open. Each takes and gives back ``Data``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from checker import lazy_re
from checker.model.answers import either
from checker.model.possible import MAX_TEXT, Possible, joined, open_text, shown
from checker.model.values import RunValue, Text, Unknown, pieces, text
from checker.resolve.expressions.values import EITHER, Data, Open, boolean, equal, plain, scalar


def _contains(where: Data, what: Data) -> Data:
    if isinstance(where, Open):
        return EITHER
    if isinstance(where, list):
        return boolean(either(equal(each, what) for each in where))
    text, wanted = plain(where), plain(what)
    if text is None or wanted is None:
        return False  # an object has no text in it, and no text has an object
    if isinstance(text, str) and isinstance(wanted, str):
        return wanted.casefold() in text.casefold()
    if isinstance(wanted, str):
        inside = any(isinstance(part, str) and wanted.casefold() in part.casefold() for part in pieces(text))
        return True if inside else EITHER
    return EITHER


def _starts_with(where: Data, what: Data) -> Data:
    return _at_end(where, what, str.startswith, 0)


def _ends_with(where: Data, what: Data) -> Data:
    return _at_end(where, what, str.endswith, -1)


def _at_end(where: Data, what: Data, test: Callable[[str, str], bool], end: int) -> Data:
    text, wanted = plain(where), plain(what)
    if text is None or wanted is None:
        return False
    if not isinstance(wanted, str):
        return EITHER
    literal = pieces(text)[end]
    literal = literal.casefold() if isinstance(literal, str) else ""
    wanted = wanted.casefold()
    if test(literal, wanted):
        return True
    return EITHER if isinstance(text, Text) and test(wanted, literal) else False


def _format(template: Data, *values: Data) -> Data:
    """Raises ``ValueError`` and ``IndexError`` where GitHub refuses the format."""
    template = plain(template)
    if not isinstance(template, str):
        return Unknown("a format that is not known")
    parts: list[Possible] = []
    position = 0
    for match in re.finditer(r"\{\{|\}\}|\{(\d+)\}|[{}]", template):
        if match[0] in {"{", "}"}:
            raise ValueError(f"a brace by itself in {template!r}")
        parts.append(template[position : match.start()])
        parts.append(match[0][0] if match[1] is None else scalar(values[int(match[1])]))
        position = match.end()
    parts.append(template[position:])
    return joined(parts)


def _join(values: Data, separator: Data = ",") -> Data:
    if isinstance(values, Open):
        return open_text(f"${{{{ join({values.name}) }}}}", values.where)
    if not isinstance(values, list):
        return plain(values) or ""
    between = "," if (said := plain(separator)) is None else said
    parts: list[Possible] = []
    for index, each in enumerate(values):
        parts.extend(([between] if index else []) + [scalar(each)])
    return joined(parts) if parts else ""


def _to_json(value: Data) -> Data:
    if isinstance(value, Open):
        return open_text(f"${{{{ toJSON({value.name}) }}}}", value.where)
    if isinstance(value, Text):  # as it is, where nothing in its open parts has to be escaped
        return text(['"', *(json.dumps(each)[1:-1] if isinstance(each, str) else each for each in pieces(value)), '"'])
    written = _jsonable(value)
    if isinstance(written, Unknown):
        return written
    shown_text = json.dumps(written, indent=2, ensure_ascii=False)
    return shown_text if len(shown_text) <= MAX_TEXT else Unknown("a text too long to follow")


def _jsonable(value: Data) -> Any:
    if isinstance(value, Mapping):
        found = {key: _jsonable(each) for key, each in value.items()}
        return next((each for each in found.values() if isinstance(each, Unknown)), found)
    if isinstance(value, list):
        listed = [_jsonable(each) for each in value]
        return next((each for each in listed if isinstance(each, Unknown)), listed)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return Unknown("an object of which not everything is known")


_WRITTEN_AS_JSON: Final = lazy_re.compile(r"\$\{\{ toJSON\(([\w.*-]+)\) \}\}")


def _within_quotes(value: Text) -> str | Text | None:
    """The text that an open JSON text is: in quotes, and with none between the open parts."""
    first, *between, last = value.parts if len(value.parts) > 2 else ("", "")
    written = [first, *between, last]
    if not (isinstance(first, str) and isinstance(last, str) and first[:1] == last[-1:] == '"'):
        return None
    if any(isinstance(each, str) and ("\\" in each or '"' in each) for each in (first[1:], *between, last[:-1])):
        return None
    return text([first[1:], *written[1:-1], last[:-1]])


def _from_json(value: Data) -> Data:
    if isinstance(value, Open):
        return Open(f"fromJSON({value.name})", value.where)
    if isinstance(value, Text):
        if (inner := _within_quotes(value)) is not None:
            return inner
        hole = value.only_hole
        if isinstance(hole, RunValue) and (again := _WRITTEN_AS_JSON.fullmatch(hole.shown)):
            return Open(again[1], hole.where)
        return Open(f"fromJSON({(hole.shown if hole else str(value)).removeprefix('${{ ').removesuffix(' }}')})")
    text = plain(value)
    if not isinstance(text, str):
        return Unknown("fromJSON of a list or of an object")
    try:
        parsed: Data = json.loads(text, parse_constant=_no_number)
    except ValueError:
        return Unknown("fromJSON of a text that is not JSON")
    return parsed


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


FUNCTIONS: Final[Mapping[str, Callable[..., Data]]] = {
    "contains": _contains,
    "startswith": _starts_with,
    "endswith": _ends_with,
    "format": _format,
    "join": _join,
    "tojson": _to_json,
    "fromjson": _from_json,
    "hashfiles": lambda *patterns: open_text(f"${{{{ hashFiles({', '.join(map(shown, patterns))}) }}}}"),
}
