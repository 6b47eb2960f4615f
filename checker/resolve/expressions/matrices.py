"""The rows of a job's matrix, and the ``matrix`` context that expressions see.

Source: GitHub documentation, "Running variations of jobs in a workflow" (what ``include`` adds to, what ``exclude``
takes out).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from checker.model.answers import YES
from checker.model.pipeline.workflows import Field
from checker.model.values import Unknown
from checker.resolve.expressions.evaluation import Contexts, interpolate
from checker.resolve.expressions.values import Data, Open, Partial, equal, several

# GitHub makes at most 256 jobs of one matrix ("Workflow syntax", jobs.<job_id>.strategy.matrix).
MAX_ROWS: Final = 256
Row: TypeAlias = dict[str, Data]
_OTHER_KEYS: Final = frozenset({"include", "exclude"})


def rows_of(written: Field | None, contexts: Contexts) -> tuple[Row, ...] | None:
    """Every row of a matrix; ``None`` where it has none, or where not all of them can be told."""
    matrix = None if written is None else interpolate(written.value, contexts)
    if not isinstance(matrix, Mapping):
        return None
    axes: dict[str, list[Data]] = {}
    for key, values in matrix.items():
        if key not in _OTHER_KEYS:
            if not isinstance(values, list):
                return None
            axes[key] = values
    include, exclude = (_listed(matrix.get(key, [])) for key in ("include", "exclude"))
    if include is None or exclude is None:
        return None
    count = 1
    for values in axes.values():
        count *= len(values)
        if count > MAX_ROWS:
            return None
    rows: list[Row] = [dict(zip(axes, each, strict=True)) for each in itertools.product(*axes.values())] if axes else []
    rows = [row for row in rows if not any(_agrees(row, each, each) for each in exclude)]
    first = len(rows)
    for extra in include:
        fitting = [row for row in rows[:first] if _agrees(row, extra, axes)]
        for row in fitting:
            row.update(extra)
        if not fitting:
            rows.append(dict(extra))
    return tuple(rows) if 0 < len(rows) <= MAX_ROWS else None


def _listed(rows: Data) -> list[Mapping[str, Data]] | None:
    """The objects of a list, ``None`` where it is none or has other things in it."""
    found = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else None
    return found if found is not None and isinstance(rows, list) and len(found) == len(rows) else None


def _agrees(row: Row, other: Mapping[str, Data], keys: Mapping[str, Data]) -> bool:
    """Whether two say the same of these keys, where the second speaks of them."""
    return all(key not in keys or (key in row and _same(row[key], value)) for key, value in other.items())


def _same(one: Data, other: Data) -> bool:
    if isinstance(one, Mapping | list) or isinstance(other, Mapping | list):
        return one == other
    return equal(one, other) is YES


def matrix_of(written: Field | None, contexts: Contexts, numbers: Sequence[int] = ()) -> Data:
    """The ``matrix`` context: one row of it, or for each key one of its values, of all rows or of those with these
    numbers."""
    if written is None:
        return None
    rows = rows_of(written, contexts)
    if rows is not None:
        rows = tuple(rows[each] for each in numbers if each < len(rows)) or rows
        if len(rows) == 1:
            return rows[0]
        return {key: several(_different(rows, key)) for key in dict.fromkeys(key for each in rows for key in each)}
    matrix = interpolate(written.value, contexts)
    if not isinstance(matrix, Mapping):
        return matrix if isinstance(matrix, Open | Unknown) else Open("matrix", "")
    found: dict[str, list[Data]] = {}
    for key, values in matrix.items():
        if key in _OTHER_KEYS:
            continue
        if isinstance(values, list):
            found[key] = list(values)
        else:
            found[key] = [values if isinstance(values, Unknown) else Open(f"matrix.{key}")]
    extra = matrix.get("include")
    for each in extra if isinstance(extra, list) else ():
        for key, value in each.items() if isinstance(each, Mapping) else ():
            found.setdefault(key, []).append(value)
    known = {key: several(values) for key, values in found.items()}
    if extra is not None and not isinstance(extra, list):
        return Partial(known, Open("matrix"))
    return known


def _different(rows: Sequence[Row], key: str) -> list[Data]:
    """What the rows have under a key, each value once; null for a row that does not have it."""
    found: list[Data] = []
    seen: set[object] = set()
    for row in rows:
        value = row.get(key)
        if isinstance(value, Mapping | list):
            if value not in found:
                found.append(value)
        elif (type(value), value) not in seen:
            seen.add((type(value), value))
            found.append(value)
    return found
