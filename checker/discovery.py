"""What is what, when nobody says: which stack belongs to which environment, and what that environment is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from checker.model.resources import EnvironmentKind, Stack

# Words that teams use in stack and stage names. Compared with whole words of a name, in any case.
_WORDS: Final[Mapping[str, EnvironmentKind]] = {
    **dict.fromkeys(("production", "prod", "prd", "live"), EnvironmentKind.PRODUCTION),
    **dict.fromkeys(
        ("staging", "stage", "stg", "test", "testing", "qa", "uat", "preprod", "dev", "develop", "development",
         "sandbox", "demo", "beta", "gamma", "integration", "preview"),
        EnvironmentKind.STAGING,
    ),
    **dict.fromkeys(("shared", "common", "global", "base", "foundation", "bootstrap"), EnvironmentKind.SHARED),
}  # fmt: skip
_CANONICAL: Final[Mapping[str, str]] = {"prod": "production", "prd": "production", "stage": "staging", "stg": "staging"}
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> list[str]:
    """``DocPlatform-ProdStack`` as ``[doc, platform, prod, stack]``."""
    return [word.lower() for word in _WORD.findall(name)]


def kind_of(name: str) -> EnvironmentKind:
    """What an environment of this name is for."""
    return next((_WORDS[word] for word in words(name) if word in _WORDS), EnvironmentKind.OTHER)


def environment_of(stack_name: str, stage: str = "") -> str | None:
    """The environment that a stage's or a stack's name speaks of, ``None`` where it speaks of none."""
    for name in (stage, stack_name):
        for word in words(name):
            if word in _WORDS:
                return "shared" if _WORDS[word] is EnvironmentKind.SHARED else _CANONICAL.get(word, word)
    return stage or None


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
