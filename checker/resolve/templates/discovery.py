"""What is what, when nobody says: which stack belongs to which environment, and what that environment is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checker.model.environment_words import environment_of, kind_of, words
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack

__all__ = ["assign", "environment_of", "kind_of", "words"]


def assign(
    stacks: Iterable[Stack], stages: Mapping[str, str], configured: Mapping[str, str]
) -> tuple[dict[str, EnvironmentKind], list[str]]:
    """Give every stack its environment. ``configured``: stack name -> environment, from ``checker.toml``.

    Returns the kind of each environment, and a note per guess: what was taken for what, and why.
    """
    kinds: dict[str, EnvironmentKind] = {}
    notes: list[str] = []
    for stack in stacks:
        environment = stack.environment or configured.get(stack.name) or configured.get(stack.id)
        if not environment:
            guess = environment_of(stack.name, stages.get(stack.id, ""))
            environment = guess or "default"
            why = "by its name" if guess else "its name speaks of no environment"
            notes.append(f"took stack {stack.name} for environment {environment} ({why})")
        pending = [stack]
        while pending:
            each = pending.pop()
            each.environment = environment
            pending.extend(each.nested.values())
        kinds.setdefault(environment, kind_of(environment))
    return kinds, notes
