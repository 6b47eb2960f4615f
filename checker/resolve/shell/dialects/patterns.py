"""Patterns of ``case`` and of ``[[ x == pattern ]]``, held against values of which a part may be open.

Source: Bash Reference Manual, "Pattern Matching", "Conditional Constructs".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.overlap import could_be_equal
from checker.model.pipeline.shell import Test, Word
from checker.model.possible import Possible, Scalar, mapped, open_text, options, same, shown
from checker.model.values import Hole, RunValue, Text, text
from checker.resolve.shell.dialects.extended_patterns import fits_extended, is_extended

_UNDECIDED: Final = Open("what a test answers, which only the run knows")
# Stands for whatever an open part is. No pattern has it: only a star lets it through.
ANYTHING: Final = "\ue000"


def matches(value: Scalar, pattern: Scalar) -> Answer:
    """Whether a value is what a pattern lets through."""
    if isinstance(pattern, str) and is_extended(pattern):
        return _UNDECIDED if (fits := fits_extended(value, pattern)) is None else yes_if(fits)
    if isinstance(pattern, str) and any(sign in pattern for sign in "*?["):
        if isinstance(value, Text):
            return _open_matches(value, pattern)
        return yes_if(fnmatch.fnmatchcase(shown(value), pattern))
    return same(value, pattern)


def as_pattern(word: Word, value: Possible) -> Possible:
    """What a word stands for as a pattern: all of it for itself where it is quoted."""
    quoted = bool(word.parts) and all(getattr(part, "quoted", False) for part in word.parts)
    return mapped(value, _for_itself) if quoted else value


# Beside a shell's variables, under a name that none has: whether capitals are as good as small letters.
CASELESS: Final = "shopt nocasematch"
_NONE: Final[Mapping[str, object]] = {}
_COMPARE: Final = ("=", "==", "!=", "=~")


def fitting(value: Possible, patterns: Sequence[Possible], variables: Mapping[str, object]) -> set[Answer]:
    """Whether a branch of ``case`` with these patterns is taken: each answer that it may have."""
    listed = [_without_case(each, variables) for each in (value, *patterns)]
    if patterns and _LEFT_OPEN in listed:
        return {_UNDECIDED}
    first, *others = listed
    return {
        matches(option, choice)
        for option in options(first) or (open_text("?"),)
        for pattern in others
        for choice in options(pattern) or (open_text("?"),)
    }


def _without_case(value: Possible, variables: Mapping[str, object]) -> Possible:
    """A value as it is compared: in small letters where the shell is told so, and open where it may be told so."""
    if CASELESS not in variables:
        return value
    small = mapped(value, _small)
    return small if variables[CASELESS] == "1" or small == value else _LEFT_OPEN


_LEFT_OPEN: Final = open_text("shopt nocasematch")


def _small(value: Scalar) -> Possible:
    if isinstance(value, Text):
        return text([each.lower() if isinstance(each, str) else each for each in value.parts])
    return value.lower() if isinstance(value, str) else value


def compared(
    values: Sequence[Possible], test: Test | None = None, variables: Mapping[str, object] = _NONE
) -> list[Possible]:
    """The words of a test, with what stands right of ``=`` as the pattern that it is: only ``[[`` has any. What a
    simple expression right of ``=~`` finds is told as numbers that are the same, or not."""
    found = list(values)
    for index in range(1, len(found)):
        if index > 1 and found[index - 1] in _COMPARE and test is not None and test.double:
            for side in (index - 2, index):
                found[side] = _without_case(found[side], variables)
        if found[index - 1] in ("=", "==", "!="):
            may = test is not None and test.double
            word = test.words[index] if may and test is not None else None
            found[index] = mapped(found[index], _for_itself) if word is None else as_pattern(word, found[index])
        elif index > 1 and found[index - 1] == "=~" and test is not None and len(test.words) == len(values):
            held = _holds_one(found[index - 2], found[index], test.words[index])
            if held is not None:
                found[index - 2 : index + 1] = ["1", "=", "1" if held else "0"]
    return found


# Words, one of which has to be there, perhaps as all of it: of these no sign stands for anything else.
_ONE_OF: Final = lazy_re.compile(r"(\^?)(\()?([\w:/@,=-]+(?:\|[\w:/@,=-]+)*)(?(2)\))(\$?)")


def _holds_one(value: Possible, expression: Possible, word: Word) -> bool | None:
    """Whether a text fits an expression of plain words; ``None`` where one of both is more than that."""
    if not isinstance(value, str) or not isinstance(expression, str):
        return None
    quoted = [getattr(part, "quoted", False) for part in word.parts]
    if any(quoted):
        return expression in value if all(quoted) else None
    match = _ONE_OF.fullmatch(expression)
    if match is None or ((match[1] or match[4]) and "|" in match[3] and not match[2]):
        return None
    for each in match[3].split("|"):
        begins, ends = not match[1] or value.startswith(each), not match[4] or value.endswith(each)
        if each in value and begins and ends and not (match[1] and match[4] and each != value):
            return True
    return False


def _for_itself(value: Scalar) -> Possible:
    return re.sub(r"[*?\[]", r"[\g<0>]", value) if isinstance(value, str) else value


def _open_matches(value: Text, pattern: str) -> Answer:
    """``*denied*`` and ``said: ${X} denied``: yes, whatever the open part is; no where nothing makes them one."""
    if "?" in pattern or "[" in pattern:
        return _UNDECIDED
    filled = "".join(ANYTHING if isinstance(part, Hole) else part for part in value.parts)
    if fnmatch.fnmatchcase(filled, pattern):
        return YES
    first, *others = pattern.split("*")
    stars = [(RunValue("*", number=number), each) for number, each in enumerate(others)]
    open_pattern = text([first, *(part for star in stars for part in star)])
    return _UNDECIDED if could_be_equal(value, open_pattern) else NO
