"""Which variables of a Makefile the programs of its recipes find in their environment, and what they are.

Source: GNU make manual, "Communicating Variables to a Sub-make": those that are exported, that make is given as words,
and that the environment had before, with the values that the Makefile gives them.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text
from checker.resolve.tasks.make_values import Makefile, Scope

_EXPORT: Final = lazy_re.compile(r"(?:(?:override|private)\s+)*(un)?export(?:\s+(.*))?", re.DOTALL)
_ASSIGNED: Final = lazy_re.compile(r"(?:(?:override|private|define)\s+)*([\w.-]+)\s*(?:[:?+!]{0,3}=.*)", re.DOTALL)
_ALL: Final = "*"
_NOT: Final = "-"  # in front of a name that is withheld
_ALL_RULE: Final = ".EXPORT_ALL_VARIABLES"
_NAME: Final = lazy_re.compile(r"[A-Za-z_]\w*")
_PLACED: Final = lazy_re.compile(r"\$\{(\w+)\}")
# What make sets anew for every recipe, or never hands on as the Makefile has it.
_MAKES_OWN: Final = frozenset({"MAKEFLAGS", "MAKELEVEL", "MAKE", "SHELL", "CURDIR"})


def note(found: Makefile, line: str) -> None:
    """Put down what a line exports: what it assigns, the names behind the word, or everything."""
    match = _EXPORT.fullmatch(line)
    if match is None:
        return
    rest = (match[2] or "").strip()
    assigned = _ASSIGNED.fullmatch(rest)
    names = {assigned[1]} if assigned else set(rest.removeprefix("define ").split()) or {_ALL}
    withheld = {f"{_NOT}{name}" for name in names}
    if match[1]:
        found.exported |= withheld
    else:
        found.exported -= withheld
        found.exported |= {_ALL if "$" in name else name for name in names}


def exported(scope: Scope) -> dict[str, Possible]:
    """The variables by name, each with its value as far as that is known."""
    read = scope.read
    everything = _ALL in read.exported or _ALL_RULE in read.rules
    names = [*scope.given, *(each for each in read.variables if each not in scope.given)]
    outside = {*scope.given, *scope.environment}
    asked = (
        name
        for name in names
        if f"{_NOT}{name}" not in read.exported and (everything or name in read.exported or name in outside)
    )
    return {name: _value(scope, name) for name in asked if _NAME.fullmatch(name) and name not in _MAKES_OWN}


def _value(scope: Scope, name: str) -> Possible:
    if name in scope.given:
        return scope.given[name]
    own = replace(scope, used={}, asked=[], evaluated=[])
    written = own.text(f"$({name})")
    parts: list[Possible] = []
    for index, part in enumerate(_PLACED.split(written)):
        if index % 2:
            parts.append(own.used.get(part, open_text(f"${{{part}}}")))
        elif "$" in part or "`" in part:
            return open_text(f"$({name})", scope.read.file)
        else:
            parts.append(part)
    return joined(parts)
