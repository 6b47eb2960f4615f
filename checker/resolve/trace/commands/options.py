"""Options and operands of a command line whose program says which of its options take a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from checker.model.possible import Possible
from checker.model.values import Text, pieces, text


def operands(words: Sequence[Possible], with_value: Collection[str]) -> Iterator[Possible]:
    """The words that are no options, nor values of options. ``with_value``: options whose value is the next word."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif isinstance(word, str) and word.startswith("-"):
            skip = word in with_value
        elif not (isinstance(word, Text) and str(word.parts[0]).startswith("--")):
            yield word


def given_to(words: Sequence[Possible], wanted: Sequence[str]) -> Iterator[Possible]:
    """What an option is given: behind a space, an equals sign or its one letter, as often as it stands there."""
    for index, word in enumerate(words):
        if isinstance(word, str) and word in wanted:
            yield from words[index + 1 : index + 2]
            continue
        if not isinstance(word, str | Text):
            continue
        first, *rest = pieces(word) or ("",)
        for option in wanted:
            behind = first.removeprefix(option) if isinstance(first, str) and first.startswith(option) else None
            if behind is not None and (behind.startswith("=") or len(option) == len("-t")):
                yield text([behind.removeprefix("="), *rest])
