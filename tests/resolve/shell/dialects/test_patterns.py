"""What patterns let through, of values that are open in part, and what is no pattern."""

from __future__ import annotations

import pytest

from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline import shell
from checker.model.pipeline.shell import Literal, Variable, Word
from checker.model.possible import Possible
from checker.model.values import RunValue, Text
from checker.resolve.shell.dialects.patterns import compared, matches
from checker.resolve.shell.words import decide

_TAG = Text(("refs/tags/", RunValue("${TAG}")))
_SAID = Text((RunValue("${WHAT}"), " was denied"))


@pytest.mark.parametrize(
    ("value", "pattern", "answer"),
    [
        (_TAG, "refs/tags/*", YES),
        (_TAG, "refs/heads/*", NO),
        (_TAG, "refs/tags/v*", None),
        (_TAG, "refs/tags/?", None),
        (_TAG, "*", YES),
        (_SAID, "*denied*", YES),
        (_SAID, "*missing*", None),
        (_SAID, "*missing", NO),
        ("refs/tags/v1", "refs/tags/*", YES),
        ("x0", "x[0]", YES),
    ],
)
def test_a_pattern_is_held_against_what_is_open(value: str | Text, pattern: str, answer: Answer | None) -> None:
    found = matches(value, pattern)

    assert isinstance(found, Open) if answer is None else found is answer


def _words(value: Possible, *, quoted: bool, double: bool) -> tuple[list[Possible], shell.Test]:
    words = (
        Word((Variable("REF", True),)),
        Word((Literal("==", False),)),
        Word((Literal("refs/tags/*", quoted),)),
    )
    return [value, "==", "refs/tags/*"], shell.Test(words, 1, double=double)


@pytest.mark.parametrize(
    ("value", "quoted", "double", "answer"),
    [
        ("refs/tags/v1", False, True, YES),
        ("refs/tags/v1", True, True, NO),
        ("refs/tags/v1", False, False, NO),
        ("refs/tags/*", True, True, YES),
        ("refs/tags/*", True, False, YES),
        (_TAG, False, True, YES),
        (_TAG, True, True, None),
        (_TAG, False, False, None),
    ],
)
def test_what_is_quoted_or_between_single_brackets_stands_for_itself(
    value: Possible, quoted: bool, double: bool, answer: Answer | None
) -> None:
    found = decide(compared(*_words(value, quoted=quoted, double=double)))

    assert isinstance(found, Open) if answer is None else found is answer
