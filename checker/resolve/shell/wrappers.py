"""Programs that only start another one: ``env``, ``timeout 60``, ``npx``, ``uv run``, ``xargs`` ..."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from checker.model.possible import Possible

# Name -> options that take a value, and how many plain words come before the program.
_PLAIN: Final[Mapping[str, tuple[frozenset[str], int]]] = {
    "env": (frozenset({"-u", "-C", "-S", "--unset", "--chdir"}), 0),
    "sudo": (frozenset({"-u", "-g", "-C", "-h", "-p"}), 0),
    "command": (frozenset(), 0),
    "builtin": (frozenset(), 0),
    "exec": (frozenset({"-a"}), 0),
    "time": (frozenset({"-f", "-o"}), 0),
    "nice": (frozenset({"-n"}), 0),
    "nohup": (frozenset(), 0),
    "stdbuf": (frozenset({"-i", "-o", "-e"}), 0),
    "timeout": (frozenset({"-k", "-s", "--signal", "--kill-after"}), 1),
    "xargs": (frozenset({"-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E"}), 0),
    "npx": (frozenset({"-p", "--package", "-c"}), 0),
    "bunx": (frozenset(), 0),
    "aws-vault": (frozenset(), 2),
    "dotenv": (frozenset({"-f"}), 0),
    "doppler": (frozenset(), 0),
}
# Two-word starters: `uv run X`, `pnpm exec X`.
_PAIRS: Final[frozenset[tuple[str, str]]] = frozenset(
    {("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"), ("rye", "run"),
     ("pnpm", "exec"), ("pnpm", "dlx"), ("npm", "exec"), ("yarn", "dlx"), ("yarn", "exec"), ("bundle", "exec"),
     ("mise", "exec"), ("corepack", "exec"), ("doppler", "run")}
)  # fmt: skip
_PAIR_VALUES: Final = frozenset(
    {"--with", "--python", "-p", "--package", "--project", "--extra", "--group", "-C", "--dir"}
)
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def unwrapped(words: list[Possible]) -> tuple[list[Possible], dict[str, Possible | tuple[Possible, ...]]]:
    """The words of the program that is started in the end, and the variables that ``env`` gives it."""
    given: dict[str, Possible | tuple[Possible, ...]] = {}
    for _ in range(8):
        inner = _once(words, given)
        if inner is None:
            break
        words = inner
    return words, given


def _once(words: list[Possible], given: dict[str, Possible | tuple[Possible, ...]]) -> list[Possible] | None:
    if len(words) < 2 or not isinstance(words[0], str):
        return None
    name = words[0].rsplit("/", 1)[-1]
    if name == "command" and words[1] in {"-v", "-V"}:
        return None
    if isinstance(words[1], str) and (name, words[1]) in _PAIRS:
        return _after_options(words[2:], _PAIR_VALUES, given) or None
    if name == "yarn" and words[1] == "cdk":
        return words[1:]
    if name not in _PLAIN:
        return None
    with_value, plain = _PLAIN[name]
    rest = _after_options(words[1:], with_value, given)
    return rest[plain:] or None


def _after_options(
    words: list[Possible], with_value: frozenset[str], given: dict[str, Possible | tuple[Possible, ...]]
) -> list[Possible]:
    rest = list(words)
    while rest:
        word = rest[0]
        if not isinstance(word, str):
            break
        if word == "--":
            return rest[1:]
        assignment = _ASSIGNMENT.fullmatch(word)
        if assignment:
            given[assignment[1]] = assignment[2]
            rest = rest[1:]
        elif word in with_value:
            rest = rest[2:]
        elif word.startswith("-"):
            rest = rest[1:]
        else:
            break
    return rest
