"""The options among arguments, as ``getopts`` takes one after another.

Source: POSIX Shell & Utilities, "getopts" (``OPTIND``, ``OPTARG``; letters may stand together, ``--`` ends them).
"""

from __future__ import annotations

from typing import Final

from checker.model.possible import Possible
from checker.model.values import Unknown, as_count
from checker.resolve.shell.state import State

_AT: Final = "OPTIND"
_WITHIN: Final = "OPTIND letter"  # beside the shell's own variables: which letter of the word comes next
_NOT_KNOWN: Final = Unknown("an argument is not known, which may be an option")


def next_option(letters: str, words: tuple[Possible, ...], state: State) -> tuple[str, Possible] | Unknown | None:
    """The next option and its argument, "?" for one of another letter; ``None`` where no option is left. ``state``
    goes on to the one behind it."""
    at, within = (as_count(state.variables.get(name) or "1") for name in (_AT, _WITHIN))
    if at is None or within is None:
        return _NOT_KNOWN
    word = words[at - 1] if at <= len(words) else ""
    if not isinstance(word, str):
        return _NOT_KNOWN
    if word == "--":
        state.variables[_AT] = str(at + 1)
    if word in {"-", "--"} or not word.startswith("-"):
        return None
    letter, rest = word[within], word[within + 1 :]
    place = letters.find(letter) if letter != ":" else -1
    takes = place >= 0 and letters[place + 1 : place + 2] == ":"
    behind = words[at] if takes and not rest and at < len(words) else None
    stays = bool(rest) and not takes
    state.variables[_WITHIN] = str(within + 1) if stays else "1"
    state.variables[_AT] = str(at if stays else at + 1 + (takes and not rest))
    if place < 0 or (takes and not rest and behind is None):
        return "?", ""
    return letter, (rest or behind) if takes else ""
