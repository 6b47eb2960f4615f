"""What ``checker.toml`` takes away from judging by saying otherwise than a name does: a report shows it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from checker.model.environment_words import environment_of, kind_of
from checker.model.environments import EnvironmentKind
from checker.model.settings import Settings

_FILE = "checker.toml:1"
# Refs that whoever may push at all can make.
_ANYBODY_S = {"branch": "refs/heads/some-branch/of-7-people", "tag": "refs/tags/some-tag/of-7-people"}


def loosened(settings: Settings) -> Iterator[str]:
    """A note for each setting that judges something as another kind than its name says, or lets every ref deploy."""
    for name, kind in settings.environment_kinds.items():
        said = kind_of(name)
        if environment_of(name) is not None and EnvironmentKind(kind) is not said:
            places = (settings.places.get(f"{key}.{name}") for key in ("environment_kinds", "environments"))
            where = next((place for place in places if place), _FILE)
            yield f"{where}: {name} is judged as {kind}: its name says {said.value}"
    for stack, environment in settings.stacks.items():
        by_name = environment_of(stack)
        kind = settings.environment_kinds.get(environment) or kind_of(environment)
        if by_name is not None and EnvironmentKind(kind) is not kind_of(by_name):
            where = settings.places.get(f"stacks.{stack}", _FILE)
            yield f"{where}: stack {stack} is judged in environment {environment}: its name says {by_name}"
    for ref in settings.protected_refs:
        for what, example in _ANYBODY_S.items():
            if fnmatchcase(example, ref):
                where = settings.places.get(f"protected_refs.{ref}", _FILE)
                yield f"{where}: protected_refs has {ref}: every {what} counts as one that reviewed changes alone reach"
