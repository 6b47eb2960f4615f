"""Files that people write for the checker (the register, the waivers, checker.toml): how their faults are told.

Every fault is a :class:`~checker.errors.ConfigError` with file and line, and where a name is misspelt, with the nearest
name that would have been right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.errors import ConfigError, InputError

if TYPE_CHECKING:
    from checker.collect.documents import Document


def read_config(path: Path, shown: str, limit: int = 1_000_000) -> str:
    """The text of a file of at most ``limit`` bytes. Raises :class:`ConfigError` where it cannot be read."""
    from checker.collect.documents import read_text

    try:
        return read_text(path, shown, limit)
    except InputError as error:
        raise ConfigError(error.message, error.hint) from None


def parse_config(text: str, shown: str) -> Document:
    """YAML text whose top level is a mapping. Raises :class:`ConfigError`, also for a key that stands twice."""
    from checker.collect.documents import parse_yaml

    try:
        return parse_yaml(text, shown)
    except InputError as error:
        raise ConfigError(error.message, error.hint) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """``Did you mean x?``, or all that is known where nothing is near."""
    from difflib import get_close_matches

    lowered = {each.lower(): each for each in known}
    asked = name.lower()
    near = get_close_matches(asked, lowered, n=1, cutoff=0.6)
    near = near or [each for each in lowered if len(asked) > 2 and each.startswith(asked)]
    return f"Did you mean {lowered[near[0]]}?" if near else f"Known: {', '.join(lowered.values())}."


def refuse_unknown(keys: Iterable[Any], known: Collection[str], where: str, whose: str) -> None:
    """Raise for the first key that is not ``known``."""
    for key in keys:
        if key not in known:
            raise ConfigError(f"{where}: {whose} has no key {key!r}", nearest(str(key), known))
