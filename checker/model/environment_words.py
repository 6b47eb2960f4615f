"""What environments are called: the words in names that say which environment something belongs to, and its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.environments import EnvironmentKind

# The environment of stacks of which nothing says where they belong.
UNNAMED: Final = "unnamed"
# Words that teams use in stack and stage names. Compared with whole words of a name, in any case.
_WORDS: Final[Mapping[str, EnvironmentKind]] = {
    **dict.fromkeys(("production", "prod", "prd", "live"), EnvironmentKind.PRODUCTION),
    **dict.fromkeys(
        ("staging", "stage", "stg", "test", "testing", "qa", "uat", "preprod", "preproduction", "nonprod",
         "nonproduction", "acceptance", "dev", "develop", "development",
         "sandbox", "demo", "beta", "gamma", "integration", "preview"),
        EnvironmentKind.STAGING,
    ),
    **dict.fromkeys(("shared", "common", "global", "base", "foundation", "bootstrap"), EnvironmentKind.SHARED),
}  # fmt: skip
_CANONICAL: Final[Mapping[str, str]] = {"prod": "production", "prd": "production", "stage": "staging", "stg": "staging"}
_WORD: Final = lazy_re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> list[str]:
    """``DocPlatform-ProdStack`` as ``[doc, platform, prod, stack]``."""
    return list(_words_of(name))


@lru_cache(maxsize=4096)  # the same stacks and roles are asked about over and over
def _words_of(name: str) -> tuple[str, ...]:
    found: list[str] = []
    for word in (each.lower() for each in _WORD.findall(name)):
        # `pre-prod` and `NonProd` are no production, in one word or two.
        joined = word in {"prod", "production"} and found and found[-1] in {"pre", "non"}
        found.append(found.pop() + word if joined else word)
    return tuple(found)


# Top-level domains that are words for environments as well (IANA, "Root Zone Database"): they say nothing of one. Two
# words with a point between them may be a file's name, or a profile's.
_TOP_LEVEL: Final = lazy_re.compile(
    r"((?:://|@)[\w.-]+|(?<![\w.-])[\w-]+(?:\.[\w-]+)+)\.(?:dev|live|global|foundation|qa)(?=\.?(?:[^\w.-]|$))",
    re.IGNORECASE,
)


def without_top_level(text: str) -> str:
    """A text whose hosts have lost a last label that would be taken for an environment's name: ``api.acme.dev``."""
    return _TOP_LEVEL.sub(r"\1", text) if "." in text else text


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


# The keys of tags that say an environment, alone or behind a prefix (``acme:environment``).
_TAGS: Final = ("environment", "env", "stage")


def environment_tag(tags: object) -> str | None:
    """What a resource's tags give as its environment; ``None`` where they give none. ``tags``: a list of ``Key`` and
    ``Value``, or a mapping; values that are no text are none."""
    pairs = list(tags.items()) if isinstance(tags, Mapping) else []
    if isinstance(tags, list):
        pairs += [(each.get("Key"), each.get("Value")) for each in tags if isinstance(each, Mapping)]
    for name, value in pairs:
        if isinstance(name, str) and isinstance(value, str) and name.lower().rsplit(":", 1)[-1] in _TAGS:
            return value
    return None
