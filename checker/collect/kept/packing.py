"""What is kept, as bytes: plain data and the checker's own facts, and nothing else either way.

A program's own objects lead to all of it, so nothing else is written; and of nothing else an object is made when it is
read. (Python documentation, "pickle", "Restricting Globals".)
"""

from __future__ import annotations

import io
import pickle
from datetime import date
from typing import Any, Final

# Whose classes facts are made of.
_FACTS: Final = ("checker.model.", "checker.resolve.python.rehearsal.", "checker.resolve.trace.programs")
_PLAIN: Final = {("datetime", "date"): date}


class _Writer(pickle.Pickler):
    def reducer_override(self, written: object) -> Any:
        cls = written if isinstance(written, type) else type(written)
        if not cls.__module__.startswith(_FACTS) and cls not in _PLAIN.values():
            raise pickle.PicklingError(f"{cls} is no fact")
        return NotImplemented


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (plain := _PLAIN.get((module, name))) is not None:
            return plain
        found = super().find_class(module, name) if module.startswith(_FACTS) and "." not in name else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no fact")
        return found


def packed(made: object) -> bytes | None:
    """``None`` where it holds something that is no fact."""
    content = io.BytesIO()
    try:
        _Writer(content, pickle.HIGHEST_PROTOCOL).dump(made)
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError):
        return None
    return content.getvalue()


def unpacked(content: bytes) -> object | None:
    """``None`` where that was not written here, or is not whole."""
    try:
        found: object = _Reader(io.BytesIO(content)).load()
    except Exception:  # noqa: BLE001 - whatever is wrong with it: it is made anew
        return None
    return found
