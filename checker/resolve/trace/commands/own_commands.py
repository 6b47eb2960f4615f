"""``checker audit`` and its kin in a pipeline: reads of an account, each a call like any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.data.own_calls import own_calls
from checker.model.pipeline.scripts import AwsCall, Command, How

_PROGRAM: Final = "checker"
# Where this package's own command begins (pyproject.toml, project.scripts).
_ENTRY: Final = "checker.start:"
# Commands that read the project and its stored runs alone.
_OFFLINE: Final = frozenset({"diff", "evidence", "explain", "gate", "init", "list", "permissions", "report", "trend"})


def is_own(command: Command, entry: str | None) -> bool:
    """Whether a command is this tool's. ``entry``: what the repository's own scripts have under that name."""
    if command.program != _PROGRAM or (entry is not None and not entry.startswith(_ENTRY)):
        return False
    return _name(command) in {*_OFFLINE, *own_calls()}


def _name(command: Command) -> str:
    return next((word for word in command.words[1:] if isinstance(word, str) and not word.startswith("-")), "")


def reads(command: Command) -> Iterator[AwsCall]:
    """The calls of a command that reads an account. One that judges a stored snapshot makes none."""
    name = _name(command)
    if any(isinstance(word, str) and word.startswith("--snapshot") for word in command.words[1:]):
        return
    for call in own_calls().get(name, ()):
        service, _, operation = call.partition(":")
        yield AwsCall(service, operation, How.SDK, {}, command.reached, command.handling, f"checker {name}")
