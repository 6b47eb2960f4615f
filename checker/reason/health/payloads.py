"""What is handed over by a call or a request: its own words, and what it reads from a file or through a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.pipeline.scripts import Argument, AwsCall, CdkCommand, Command
from checker.model.possible import OneOf, shown
from checker.model.values import Absent, Hole, RunValue, Text, Unknown
from checker.reason.deploys.paths import At
from checker.reason.health.contents import contents

HOLE: Final = "\x00"  # stands for an open part
OR: Final = "|"  # between words of which one is told
_MOST: Final = 50  # commands whose words are a part of one call's

_Action: TypeAlias = "Command | AwsCall | CdkCommand"


class Payload(Struct, frozen=True):
    """The actions whose words are handed over, the call or request itself first. ``untold``: a file of which it is not
    known what it holds, empty where there is none; ``spoiled``: one that something else may have written over."""

    actions: tuple[_Action, ...]
    untold: str = ""
    spoiled: str = ""

    @property
    def text(self) -> str:
        """Everything that is handed over, names and values."""
        return " ".join(map(_text, self.actions))

    @property
    def own_text(self) -> str:
        """What the call or the request says by itself."""
        return _text(self.actions[0])

    @property
    def parts(self) -> tuple[str, list[str]]:
        """The same as one line with a mark for each open part, and how these are written."""
        found = [part for action in self.actions for value in _values(action) for part in _flat(value)]
        line = "".join(HOLE if isinstance(part, Hole) else part for part in found)
        return line, [part.shown for part in found if isinstance(part, Hole)]


def payload_of(at: At) -> Payload:
    """What an action hands over."""
    made = contents(at, _MOST)
    return Payload((at.action, *made.actions), made.untold, made.spoiled)


def _values(action: _Action) -> list[object]:
    if isinstance(action, AwsCall):
        return [action.arguments]
    if not isinstance(action, Command):
        return []
    return [*action.words, *(each.target for each in action.writes if each.operator.startswith("<<"))]


def _flat(value: object) -> Iterator[str | Hole]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield f"{name} "
            yield from _flat(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _flat(each)
    elif isinstance(value, OneOf) and all(isinstance(each, str) and each.isalnum() for each in value.options):
        yield f"{OR.join(map(str, value.options))} "
    elif isinstance(value, OneOf):
        for each in value.options:
            yield from _flat(each)
    elif isinstance(value, Text):
        yield from value.parts
        yield " "
    elif isinstance(value, Unknown):
        yield RunValue(value.why)
        yield " "
    else:
        yield f"{shown(value)} "


def _text(action: object) -> str:
    if isinstance(action, AwsCall):
        return " ".join(f"{name} {_shown(value)}" for name, value in action.arguments.items())
    if not isinstance(action, Command):
        return ""
    return " ".join([action.text(), *(shown(each.target) for each in action.writes if each.operator.startswith("<<"))])


def _shown(value: Argument | Absent) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, tuple):
        return " ".join(_shown(each) for each in value)
    return shown(value)
