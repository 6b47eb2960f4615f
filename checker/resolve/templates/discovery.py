"""What is what, when nobody says: which stack belongs to which environment, and what that environment is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checker.model.environment_words import UNNAMED, environment_of, kind_of, words
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack

__all__ = ["UNNAMED", "assign", "environment_of", "kind_of", "words"]


def assign(
    stacks: Iterable[Stack],
    stages: Mapping[str, str],
    configured: Mapping[str, str],
    folders: Mapping[str, str] | None = None,
) -> tuple[dict[str, EnvironmentKind], list[str]]:
    """Give every stack its environment. ``configured``: stack name -> environment, from ``checker.toml``.
    ``folders``: stack id -> the folder below the project that its template stands in.

    Returns the kind of each environment, and a note per guess: what was taken for what, and why.
    """
    kinds: dict[str, EnvironmentKind] = {}
    notes: list[str] = []
    for stack in stacks:
        environment = stack.environment or configured.get(stack.name) or configured.get(stack.id)
        if not environment:
            environment, why = _guess(stack, stages.get(stack.id, ""), (folders or {}).get(stack.id, ""))
            notes.append(f"took stack {stack.name} for environment {environment} ({why})")
        pending = [stack]
        while pending:
            each = pending.pop()
            each.environment = environment
            pending.extend(each.nested.values())
        kinds.setdefault(environment, kind_of(environment))
    return kinds, notes


def _guess(stack: Stack, stage: str, folder: str) -> tuple[str, str]:
    """The environment of a stack that nobody assigned, and why it is taken for that one."""
    if (by_name := environment_of(stack.name, stage)) is not None:
        return by_name, "by its name"
    if (by_folder := environment_of(folder)) is not None:
        return by_folder, "by its folder"
    return UNNAMED, "nothing names an environment"
