"""Answers: a third value that keeps its reason, and that nothing takes for a yes or a no."""

from __future__ import annotations

import copy
import pickle

import pytest

from checker.model.answers import NO, YES, Answer, Open, alike, either, every, negated, why_open, yes_if

A, B = Open("a"), Open("b")


@pytest.mark.parametrize(
    ("answers", "one", "all_of_them"),
    [
        ([], NO, YES),
        ([YES], YES, YES),
        ([NO], NO, NO),
        ([A], A, A),
        ([A, B], A, A),
        ([NO, A], A, NO),
        ([YES, A], YES, A),
        ([A, YES, NO], YES, NO),
        ([A, NO, B], A, NO),
        ([B, YES, A], YES, B),
    ],
)
def test_one_of_several_and_all_of_them(answers: list[Answer], one: Answer, all_of_them: Answer) -> None:
    assert either(answers) == one
    assert every(answers) == all_of_them
    # De Morgan: what holds for three values holds for the reasons as well.
    assert negated(either(map(negated, answers))) == all_of_them


def test_nothing_is_asked_that_cannot_change_the_answer() -> None:
    def then_fail(first: Answer) -> object:
        yield first
        raise AssertionError

    assert either(then_fail(YES)) is YES  # type: ignore[arg-type]
    assert every(then_fail(NO)) is NO  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([YES, YES], YES),
        ([NO], NO),
        ([YES, NO], Open("they differ")),
        ([YES, A], A),
        ([], Open("they differ")),
    ],
)
def test_what_possibilities_have_in_common(answers: list[Answer], expected: Answer) -> None:
    assert alike(answers, "they differ") == expected


@pytest.mark.parametrize("answer", [YES, NO, A])
def test_an_answer_has_no_truth_value(answer: Answer) -> None:
    with pytest.raises(TypeError, match="is YES"):
        bool(answer)


@pytest.mark.parametrize("answer", [YES, NO, A])
def test_it_is_the_same_after_a_copy(answer: Answer) -> None:
    assert pickle.loads(pickle.dumps(answer)) == answer
    assert copy.deepcopy(answer) == answer
    assert yes_if(True) is copy.deepcopy(YES)


def test_only_what_is_open_has_a_reason() -> None:
    assert [why_open(each) for each in (YES, NO, A)] == ["", "", "a"]
