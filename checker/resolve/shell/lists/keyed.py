"""Arrays that are set element by element: by names (``declare -A``), or by numbers.

Bash keeps the elements of an array of names in an order of its own: which comes first is not known (Bash Reference
Manual, "Arrays").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.shell import Declare, Variable
from checker.model.possible import OneOf, Possible, joined, one_of, open_text, shown
from checker.model.values import Text, Unknown, as_count
from checker.resolve.shell.lists.several import Listed, listed

Held = Callable[[str], "Possible | Listed | None"]

_VARIABLE: Final = lazy_re.compile(r"\$(?:\{([A-Za-z_]\w*|\d+)\}|([A-Za-z_]\w*|\d+))")
_NAME: Final = lazy_re.compile(r"[A-Za-z_]\w*")
_QUOTED: Final = lazy_re.compile(r"'([^']*)'|\"([^\"\\]*)\"")
_ITEM: Final = lazy_re.compile(r"\[([^\[\]]*)\]=")


class Keyed(Unknown, frozen=True):
    """An array by its keys. To all who ask for one value it is unknown. ``named``: the keys are names."""

    items: tuple[tuple[str, Possible], ...] = ()
    named: bool = False

    @property
    def keys(self) -> Listed | Unknown:
        """What ``${!a[@]}`` gives."""
        return self._in_order([key for key, _ in self._sorted()])

    @property
    def values(self) -> Listed | Unknown:
        """What ``${a[@]}`` gives."""
        return self._in_order([value for _, value in self._sorted()])

    def _sorted(self) -> Iterable[tuple[str, Possible]]:
        return self.items if self.named else sorted(self.items, key=lambda item: int(item[0]))

    def _in_order(self, found: list[Possible]) -> Listed | Unknown:
        return Unknown(f"{self.why}: in which order it is gone through") if self.named and len(found) > 1 else (*found,)


def _keys(written: str, held: Held, *, named: bool) -> tuple[str, ...]:
    """The keys that what stands in brackets can be; none where only the run tells it."""
    quoted = _QUOTED.fullmatch(written)
    text = (quoted[1] or quoted[2] or "") if quoted else written
    variable = _VARIABLE.fullmatch(text)
    if variable and not (quoted and quoted[1]):
        value = held(variable[1] or variable[2])
    elif re.search(r"[$`\\]|__gha", text) or text in {"@", "*"}:
        return ()
    else:
        value = held(text) if not named and _NAME.fullmatch(text) else text  # arithmetic
    each = value.options if isinstance(value, OneOf) else (value,)
    keys = tuple(key for key in each if isinstance(key, str) and (named or _is_number(key)))
    return keys if len(keys) == len(each) else ()


def _is_number(text: str) -> bool:
    """A number as it is written in one way alone; one that begins with zero is octal."""
    return as_count(text) is not None and (text == "0" or not text.startswith("0"))


def element(array: object, written: str, held: Held, name: str) -> Possible:
    """One element of an array; ``None`` where it has none of that key."""
    if isinstance(array, tuple) and (number := as_count(written.removeprefix("-"))) and written.startswith("-"):
        return array[-number] if number <= len(array) else None
    keys = _keys(written, held, named=isinstance(array, Keyed) and array.named)
    if isinstance(array, Keyed):
        found = dict(array.items)
    else:
        found = {str(index): each for index, each in enumerate(array)} if isinstance(array, tuple) else {}
    if len(keys) == 1:
        return found.get(keys[0])
    known = keys and all(key in found for key in keys)
    return one_of(found[key] for key in keys) if known else open_text(f"${{{name}[{written}]}}")


def with_element(
    before: object, written: str, value: Possible, held: Held, name: str, *, append: bool
) -> Possible | Listed:
    """An array whose one element is set, or gets something more."""
    known: Mapping[str, Possible] | None = None
    named = isinstance(before, Keyed) and before.named
    if isinstance(before, Keyed):
        known = dict(before.items)
    elif isinstance(before, tuple) or before is None:
        known = {str(index): each for index, each in enumerate(before or ())}
    keys = _keys(written, held, named=named)
    if known is None or len(keys) != 1:
        return Unknown(f"${{{name}[{written}]}}")
    key = keys[0]
    more = joined([known[key], value]) if append and key in known else value
    items = {**known, key: more}
    if not named and all(str(index) in items for index in range(len(items))):
        return tuple(items[str(index)] for index in range(len(items)))
    return Keyed(f"${{{name}[@]}}", tuple(items.items()), named)


def declared(statement: Declare, name: str, before: object) -> Keyed | None:
    """The array of names that ``declare -A`` makes of a variable, which stays what it is where it is one."""
    if not any(flag.startswith("-") and "A" in flag for flag in statement.flags):
        return None
    kept = isinstance(before, Keyed) and statement.keyword != "local"
    return before if kept and isinstance(before, Keyed) else Keyed(f"${{{name}[@]}}", named=True)


def array(items: Sequence[Possible], before: Possible | Listed, name: str, *, append: bool) -> Possible | Listed:
    """The array that a list makes, or that it is added to."""
    keyed = _keyed_list(items, before, name, append=append)
    if keyed is not None:
        return keyed
    earlier = before if isinstance(before, tuple) else () if before is None else (before,)
    return listed([*earlier, *items] if append else items, f"${{{name}[@]}}")


def _keyed_list(items: Iterable[Possible], before: object, name: str, *, append: bool) -> Keyed | Unknown | None:
    """``([web]=one [api]=two)``; ``None`` for a plain list."""
    found: dict[str, Possible] = dict(before.items) if append and isinstance(before, Keyed) else {}
    named = isinstance(before, Keyed) and before.named
    written = [*items]
    matched = [_ITEM.match(_begin(each)) for each in written]
    if not named and not any(matched):
        return None
    for each, match in zip(written, matched, strict=True):
        if match is None or (not named and not _is_number(match[1])) or "__gha" in match[1]:
            return Unknown(f"${{{name}[@]}}")
        found[match[1]] = _behind(each, match.end())
    return Keyed(f"${{{name}[@]}}", tuple(found.items()), named)


def _begin(value: Possible) -> str:
    first = value.parts[0] if isinstance(value, Text) else value
    return first if isinstance(first, str) else ""


def _behind(value: Possible, at: int) -> Possible:
    if isinstance(value, Text):
        return joined(
            [_begin(value)[at:], *(part if isinstance(part, str) else Text((part,)) for part in value.parts[1:])]
        )
    return str(value)[at:]


_REFERENCE: Final = lazy_re.compile(r"([A-Za-z_]\w*|\d+)(?:\[([^\[\]]+)\])?")


def referred(part: Variable, held: object, value_of: Callable[[Variable], Possible | Listed]) -> Possible | Listed:
    """``${!name}``: the variable that it names, held by ``name``; ``${!name[@]}``: the keys of the array ``held``."""
    opened = open_text(f"${{!{part.name}{f'[{part.index}]' if part.index else ''}}}")
    if part.index in {"@", "*"}:
        if isinstance(held, Keyed):
            return held.keys
        return tuple(map(str, range(len(held)))) if isinstance(held, tuple) else Unknown(shown(opened))
    found: list[Possible] = []
    for name in held.options if isinstance(held, OneOf) else (held,):
        named = _REFERENCE.fullmatch(name) if isinstance(name, str) else None
        if named is None:
            return opened
        value = value_of(replace(part, name=named[1], index=named[2] or "", indirect=False))
        if isinstance(value, tuple):
            return value if held == name else opened
        found.append(value)
    return one_of(found)
