"""Options and operands of a command line whose program says which of its options take a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from checker.model.possible import OneOf, Possible, one_of
from checker.model.values import Text, pieces, text


def operands(words: Sequence[Possible], with_value: Collection[str]) -> Iterator[Possible]:
    """The words that are no options, nor values of options. ``with_value``: options whose value is the next word."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif isinstance(word, str) and word.startswith("-"):
            skip = word in with_value
        elif not _is_long_option(word):
            yield word


def _is_long_option(word: Possible) -> bool:
    if isinstance(word, OneOf):
        return all(map(_is_long_option, word.options))
    return str(word.parts[0] if isinstance(word, Text) else word).startswith("--")


def given_to(words: Sequence[Possible], wanted: Sequence[str]) -> Iterator[Possible]:
    """What an option is given: behind a space, an equals sign or its one letter, as often as it stands there."""
    for index, word in enumerate(words):
        if isinstance(word, str) and word in wanted:
            yield from words[index + 1 : index + 2]
            continue
        if isinstance(word, OneOf):  # `--tag=$A`, and $A is the one or the other
            ways = [list(given_to([each], wanted)) for each in word.options]
            if all(len(each) == 1 for each in ways):
                yield one_of(each[0] for each in ways)
            continue
        if not isinstance(word, str | Text):
            continue
        first, *rest = pieces(word) or ("",)
        for option in wanted:
            behind = first.removeprefix(option) if isinstance(first, str) and first.startswith(option) else None
            if behind is not None and (behind.startswith("=") or len(option) == len("-t")):
                yield text([behind.removeprefix("="), *rest])
