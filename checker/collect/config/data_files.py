"""Files that people write for the checker (the register, the waivers, checker.toml): how their faults are told.

Every fault is a :class:`~checker.errors.ConfigError` with file and line, and where a name is misspelt, with the nearest
name that would have been right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unicodedata import category

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


def is_there(project: Path, name: str) -> bool:
    """Whether a project has a file of this name that settles what is judged or excused.

    A folder or a dangling link of that name is one that cannot be read, and no leave to go on without it. A link that
    leads out of the repository is refused: no review of a change would show what stands behind it.
    """
    from checker.collect.folders import is_inside

    path = project / name
    if not (path.exists() or path.is_symlink()):
        return False
    if not is_inside(path, project):
        raise ConfigError(f"{name}: a link that leads out of the repository", "Put the file itself there.")
    return True


def parse_config(text: str, shown: str, section: str = "") -> Document:
    """YAML text whose top level is a mapping, with ``section`` in it. Raises :class:`ConfigError`, also for a key that
    stands twice."""
    from checker.collect.documents import parse_yaml

    hint = (
        f"Begin the file with `{section}:`, and list the entries below it." if section else "Give it keys and values."
    )
    try:
        return parse_yaml(text, shown, top=hint)
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


# Letters and signs by their category that show nothing (Unicode Standard, "Default_Ignorable_Code_Point", and the blank
# Braille pattern).
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def unseen(value: str) -> str:
    """The first character, as ``U+200B``, that is no space and that no reader sees; empty where there is none."""
    if value.isascii() and value.isprintable():
        return ""
    hidden = {"Cc", "Cf", "Cn", "Co", "Cs"}
    found = (sign for sign in value if not sign.isspace() and (sign in _BLANK or category(sign) in hidden))
    return next((f"U+{ord(sign):04X}" for sign in found), "")


def refuse_unseen(value: str, where: str) -> None:
    """Raise for text in which something stands that no reader sees."""
    if sign := unseen(value):
        raise ConfigError(f"{where} holds a character that nobody sees ({sign})", "Type it, without copying it.")


def refuse_silent(value: str, where: str) -> None:
    """The same, and for text that is to tell people something and has no letter or digit."""
    refuse_unseen(value, where)
    if not any(map(str.isalnum, value)):
        raise ConfigError(f"{where} says nothing", "Write it in words.")
