"""What ``json.dumps`` writes, as far as its value is known."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checker.model.possible import Possible, joined
from checker.resolve.python.values import SCALARS, Dict, Value, plain


def json_text(value: Value, shown: str, where: str) -> Possible:
    """The text of a value; what only the run knows stands in it as a hole. ``shown`` and ``where`` name such a hole."""
    return joined(_parts(value, shown, where))


def _parts(value: Value, shown: str, where: str) -> Iterator[Possible]:
    if value is None or isinstance(value, SCALARS):
        yield json.dumps(value)
    elif isinstance(value, Dict):
        yield "{"
        for index, (key, each) in enumerate(value.items):
            yield ", " if index else ""
            yield json.dumps(str(key)) if isinstance(key, SCALARS) else plain(key, shown, where)
            yield ": "
            yield from _parts(each, shown, where)
        yield ", ...}" if value.open else "}"
    elif isinstance(value, tuple):
        yield "["
        for index, each in enumerate(value):
            yield ", " if index else ""
            yield from _parts(each, shown, where)
        yield "]"
    else:
        yield plain(value, shown, where)
