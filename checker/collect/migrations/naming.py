"""What a migration's file name says: its number, its name, and which way it goes.

Tools and teams write the same three things in many orders: ``004_x.up.sql``, ``004.undo.x.sql``,
``20260104-x-down.sql``, ``revert_004_x.sql``. A word of direction that dots set apart is one whatever stands beside it;
any other (``004_x_reverse``) is one only beside the migration that it takes back: on its own it is part of a name, and
the file a migration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re

FORWARD: Final = frozenset({"up", "ups", "do", "apply", "forward", "forwards", "deploy", "upgrade", "migrate"})
BACK: Final = frozenset(
    {"down", "downs", "undo", "undos", "rollback", "rollbacks", "revert", "reverts", "reverse", "downgrade", "back",
     "backward", "backwards", "backout", "unapply"}
)  # fmt: skip

# A date or date and time with signs between, a version with dots, or a plain number; at the very end of the name, or
# before a sign that parts it from the rest.
_NUMBER: Final = lazy_re.compile(
    r"(?P<number>\d{4}[-_.]\d{2}[-_.]\d{2}(?:[-_.tT]?\d{4,6})?|\d+(?:\.\d+)*)(?=[_.-]|$)(?P<rest>.*)", re.DOTALL
)
_CLOSE: Final = lazy_re.compile(
    r"(?P<number>\d+)(?P<rest>[^\d_.-].*\.(?:up|down))", re.IGNORECASE | re.DOTALL
)  # 001x.up
_FIRST: Final = lazy_re.compile(r"(?P<word>[a-z]+)(?P<sign>[_.-])(?=\d)", re.IGNORECASE)
# What some put before the number, which says nothing more: m001, patch-003, step_4.
_COUNTED: Final = lazy_re.compile(
    r"(?:m|mig|migration|rev|revision|step|patch|change|changeset|delta)[_.-]?(?=\d)", re.IGNORECASE
)
_SIGN: Final = lazy_re.compile(r"[_.-]+")


class Named(Struct, frozen=True):
    """A name taken apart. ``name`` is the rest as written, ``bare`` the same without its word of direction; ``firm``:
    the word is set apart by dots, so that it cannot be part of a name."""

    number: str
    name: str
    bare: str
    back: bool = False
    forward: bool = False
    firm: bool = False


def named(stem: str) -> Named | None:
    """What the name of a file says, without its ending; ``None`` where it has no number."""
    if counted := _COUNTED.match(stem):
        stem = stem[counted.end() :]
    first = _FIRST.match(stem)
    word = first["word"].lower() if first is not None else ""
    if first is not None and word not in FORWARD | BACK:
        return None
    match = _NUMBER.fullmatch(stem, first.end() if first else 0) or (None if first else _CLOSE.fullmatch(stem))
    if match is None:
        return None
    number, rest = match["number"], match["rest"]
    name = _SIGN.sub("", rest[:1]) + rest[1:]
    if first is not None:
        return Named(number, name, _key(name), word in BACK, word in FORWARD, first["sign"] == ".")
    parts = [part for part in _SIGN.split(rest) if part]
    for index, edge in ((-1, rest[-len(parts[-1]) - 1 :]), (0, _start(rest, parts[0]))) if parts else ():
        word = parts[index].lower()
        if word in FORWARD | BACK:
            bare = "_".join(parts[:-1] if index else parts[1:]).lower()
            firm = edge.startswith(".") and (index == -1 or edge.endswith(".") or len(parts) == 1)
            shown = name[: -len(parts[-1])].rstrip("_.-") if index and firm else name
            return Named(number, shown, bare, word in BACK, word in FORWARD, firm)
    return Named(number, name, _key(name))


def _start(rest: str, word: str) -> str:
    at = rest.index(word)
    return rest[max(0, at - 1) : at] + rest[at + len(word) : at + len(word) + 1]


def _key(name: str) -> str:
    return "_".join(part for part in _SIGN.split(name.lower()) if part)


def order(number: str) -> tuple[tuple[int, ...], str]:
    """Numbers by value, so that 10 comes after 9 and 1.10 after 1.9."""
    return tuple(int(part) for part in re.findall(r"\d+", number)), number


class Paired(Struct, frozen=True):
    """A migration of a folder, and the file that takes it back."""

    named: Named
    path: Path
    back: Path | None = None


def paired(files: Iterable[tuple[Named, Path]]) -> tuple[list[Paired], list[Path]]:
    """The migrations in the order in which they run, each with its way back; and the ways back of nothing.

    Two of one number run in the order of their names: that is how a folder is listed.
    """
    listed = sorted(files, key=lambda each: (order(each[0].number), each[1].name))
    there = [each for each in listed if not each[0].back]
    ways: dict[Path, Path] = {}
    alone: list[Path] = []
    for each, path in (each for each in listed if each[0].back):
        partner = _partner(each, there)
        if partner is not None:
            ways[partner] = path
        elif each.firm:
            alone.append(path)
        else:
            there.append((each, path))
    there.sort(key=lambda each: (order(each[0].number), each[1].name))
    return [Paired(each, path, ways.get(path)) for each, path in there], alone


def _partner(back: Named, there: Sequence[tuple[Named, Path]]) -> Path | None:
    same = [(each, path) for each, path in there if each.number == back.number]
    alike = [path for each, path in same if back.bare in (each.bare, _key(each.name))]
    if alike:
        return alike[0]
    return same[0][1] if back.firm and len(same) == 1 else None


def number_of(stem: str) -> str:
    """The number in a name; empty where it has none."""
    known = named(stem)
    return known.number if known is not None else ""


def from_beside(there: list[Paired], lying: Mapping[str, Path]) -> tuple[list[Paired], list[Path]]:
    """The migrations with their ways back out of a folder beside them; and those that belong to none."""
    left = dict(lying)
    found: list[Paired] = []
    for each in there:
        same = [name for name in left if name == each.path.name]
        same = same or [name for name in left if number_of(name.rpartition(".")[0]) == each.named.number]
        alone = sum(other.named.number == each.named.number for other in there) == 1
        back = left.pop(same[0]) if same and (same[0] == each.path.name or alone) else None
        found.append(replace(each, back=back) if back is not None else each)
    return found, list(left.values())
