"""For how long a variable holds what it does, and whose value it is: ``local``, ``declare -n``.

Source: Bash Reference Manual, "Shell Functions", "Bash Builtin Commands" (``declare``, ``local``), "Shell Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.shell import Declare
from checker.model.values import Unknown

NOUNSET: Final = "set -u"  # a variable of this name: whoever asks for one that is not set ends the shell
_MAX_STEPS: Final = 8
_ALL_GIVEN: Final = lazy_re.compile(r"""(["']?)\$(?:[@*]|\{[@*]\})\1""")
_OF_FUNCTIONS: Final = frozenset({"local", "declare", "typeset"})


class Reference(Unknown, frozen=True):
    """A variable that stands for another one (``declare -n``). To all who ask for its own value it is unknown."""

    target: str = ""


def refers_to(name: str, value: object) -> Reference | None:
    """What a variable is that is declared to stand for the one of that name; ``None`` where that is none."""
    if not isinstance(value, str) or not value.isidentifier() or value == name:
        return None
    return Reference(f"which variable {name} stands for", value)


def meant(name: str, variables: Mapping[str, object]) -> str:
    """The variable that a name stands for."""
    for _ in range(_MAX_STEPS):
        held = variables.get(name)
        if not isinstance(held, Reference):
            break
        name = held.target
    return name


def is_of_function(statement: Declare) -> bool:
    """Whether what is declared inside a function is gone when it ends."""
    own = statement.keyword in _OF_FUNCTIONS
    return own and not any(flag.startswith("-") and set(flag) & set("gpfF") for flag in statement.flags)


def in_full(source: str, call: tuple[str, int], left: Sequence[object] | None) -> str:
    """A line of a function with what it was given, where it takes all that is left of it: ``shift; aws "$@"``.

    ``call``: those words, as they are written where the function is called, and how many; ``left``: what it has of
    them now.
    """
    said, count = call
    if not said or left is None or not _ALL_GIVEN.search(source):
        return source
    words = " ".join(said.split(maxsplit=count)[max(count - len(left), 0) :])
    return _ALL_GIVEN.sub(lambda _: words, source)
