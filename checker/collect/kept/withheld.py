"""What is not kept, because it may hold a secret: the cache outlives the run, and lies outside the project."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from checker.model.secrets.values import keeps_no_secret
from checker.model.shown.known_secrets import secrets_set
from checker.model.values import Hole


def holds_secret(made: object, known: Collection[str] = ()) -> bool:
    """Whether any text of plain data and facts may be a secret: by its form, by the name it stands under in a mapping,
    by the option before it in a list of words, or because it has one of the ``known``."""
    return any(
        not keeps_no_secret(name, text) or secrets_set([text]) or any(secret in text for secret in known)
        for name, text in dict.fromkeys(_texts("", made))  # a program's excerpts are there with each of its calls
    )


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """All texts, each with the name that the nearest mapping has it under."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts("", key)
            yield from _texts(key if isinstance(key, str) else "", each)
    elif isinstance(value, Struct):
        within = "" if isinstance(value, Hole) else name  # what is said of a value that nobody knows is none
        for field in value.__struct_fields__:
            yield from _texts(within, getattr(value, field))
    elif isinstance(value, tuple | list | set | frozenset):
        words = [each for each in value if isinstance(each, str)]
        if len(words) > 1:
            yield name, " ".join(words)
        for each in value:
            yield from _texts(name, each)
