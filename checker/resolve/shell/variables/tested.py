"""What a test says of the variable that it asks: in the branch of ``[ -z "$TAG" ]`` it is empty, and behind that it is
not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.pipeline.shell import Literal, Statement, Test, Variable, Word
from checker.model.possible import OneOf, one_of
from checker.resolve.shell.state import State

_ALL: Final = frozenset({"&&", "-a"})
_ANY: Final = frozenset({"||", "-o"})
_EMPTY: Final = ("", None)


def narrow(asked: Sequence[Statement], state: State, *, holds: bool) -> None:
    """Leave a variable those of its values with which a condition answers so, where it asks whether that is empty."""
    if len(asked) != 1 or not isinstance(asked[0], Test) or asked[0].arithmetic:
        return
    for words in _surely(asked[0].words, holds=holds):
        turned = bool(words) and _text(words[0]) == "!"
        found = _empty(words[turned:])
        if found is not None:
            name, means_empty = found
            _leave(name, state, empty=means_empty is (holds is not turned))


def _leave(name: str, state: State, *, empty: bool) -> None:
    value = state.variables.get(name)
    if isinstance(value, OneOf) and any(option in _EMPTY for option in value.options):
        filled = [option for option in value.options if option not in _EMPTY]
        state.set(name, "" if empty or not filled else one_of(filled))


def _surely(words: Sequence[Word], *, holds: bool) -> Iterator[Sequence[Word]]:
    """The tests of which the answer of all of them tells: each of `a && b` that holds, of `a || b` that does not."""
    signs = {text for word in words if (text := _text(word)) in _ALL | _ANY}
    if "(" in map(_text, words) or not signs <= (_ALL if holds else _ANY):
        return
    start = 0
    for index, word in enumerate(words):
        if _text(word) in signs:
            yield words[start:index]
            start = index + 1
    yield words[start:]


def _empty(words: Sequence[Word]) -> tuple[str, bool] | None:
    """The variable that a test asks, and whether it asks for it to be empty."""
    if len(words) == 2 and _text(words[0]) in {"-z", "-n"} and (name := _name(words[1])):
        return name, _text(words[0]) == "-z"
    if (
        len(words) == 3
        and _text(words[1]) in {"=", "==", "!="}
        and not _is_filled(words[2])
        and (name := _name(words[0]))
    ):
        return name, _text(words[1]) != "!="
    return None


def _text(word: Word) -> str | None:
    only = word.parts[0] if len(word.parts) == 1 else None
    return only.text if isinstance(only, Literal) else None


def _name(word: Word) -> str:
    """The variable that a word is, or is with nothing in its place where it is not set (``${TAG:-}``)."""
    only = word.parts[0] if len(word.parts) == 1 else None
    if not isinstance(only, Variable) or only.index or only.indirect or only.name.isdigit():
        return ""
    nothing = only.argument is None or not _is_filled(only.argument)
    return only.name if not only.operator or (only.operator in {"-", ":-"} and nothing) else ""


def _is_filled(word: Word) -> bool:
    return any(not isinstance(part, Literal) or part.text for part in word.parts)
