"""Comparing patterns: held against an exact, slow reference on small ones, and against time on large ones."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.overlap import Pattern, Wild, overlap
from checker.model.values import Hole, Parameter, Pseudo, Text
from checker.reason.text.patterns import covers, exact, glob, match
from tests.answers import said
from tests.work import lines_run

_SMALL = st.text("ab*?", max_size=6)
ACCOUNT = Pseudo("AWS::AccountId")
NAME = Parameter("Name", "one")


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def _strings(pattern: str) -> list[str]:
    """Strings of a pattern: every star as each of a few runs, some with a letter that no pattern has."""
    runs = ["", "a", "b", "#", "aa", "ab", "ba", "##########"]
    return ["".join(each) for each in product(*({"*": runs, "?": ["a", "b", "#"]}.get(c, [c]) for c in pattern))]


def _follow(pattern: str, positions: frozenset[int], character: str) -> frozenset[int]:
    found: set[int] = set()
    for position in _closed(pattern, positions):
        if position < len(pattern):
            token = pattern[position]
            if token == "*":
                found.add(position)
            elif token in ("?", character):
                found.add(position + 1)
    return _closed(pattern, frozenset(found))


def _closed(pattern: str, positions: frozenset[int]) -> frozenset[int]:
    found = set(positions)
    for position in sorted(positions):
        following = position
        while following < len(pattern) and pattern[following] == "*":
            following += 1
            found.add(following)
    return frozenset(found)


def _contains(pattern: str, target: str) -> bool:
    """Exact: no string of ``target`` leads the pattern's subset automaton to a state that does not accept."""
    pending = [(0, _closed(pattern, frozenset({0})))]
    seen = set(pending)
    while pending:
        position, states = pending.pop()
        following: list[tuple[int, frozenset[int]]] = []
        if position == len(target):
            if len(pattern) not in states:
                return False
            continue
        token = target[position]
        letters = "ab#" if token in "*?" else token
        if token == "*":
            following.append((position + 1, states))
        following += [(position + (token != "*"), _follow(pattern, states, letter)) for letter in letters]
        for state in following:
            if state not in seen:
                seen.add(state)
                pending.append(state)
    return True


@given(_SMALL, _SMALL)
def test_covers_is_containment_of_the_two_languages(pattern: str, target: str) -> None:
    assert covers(glob(pattern), glob(target)) is _contains(pattern, target)


@given(_SMALL, st.text("ab", max_size=6))
def test_a_plain_string_is_covered_exactly_when_it_matches(pattern: str, target: str) -> None:
    assert said(match(glob(pattern), exact(target))) is (_regex(pattern).fullmatch(target) is not None)


@given(st.text("ab*?", max_size=4), st.text("ab*?", max_size=4))
def test_overlap_has_a_witness(one: str, other: str) -> None:
    witness = any(_regex(other).fullmatch(each) for each in _strings(one))
    witness = witness or any(_regex(one).fullmatch(each) for each in _strings(other))
    assert overlap(glob(one), glob(other)) is witness


@given(st.text("ab*?", max_size=6))
def test_a_star_covers_everything_and_a_pattern_covers_itself(pattern: str) -> None:
    assert covers(glob("*"), glob(pattern))
    assert covers(glob(pattern), glob(pattern))


def _text(*parts: str | Hole) -> Text:
    return Text(parts)


@pytest.mark.parametrize(
    ("pattern", "target", "expected"),
    [
        (glob(_text("arn:", ACCOUNT, ":x")), exact(_text("arn:", ACCOUNT, ":x")), True),
        (glob(_text("arn:", ACCOUNT, ":x*")), exact(_text("arn:", ACCOUNT, ":xy")), True),
        (glob("arn:*:x"), exact(_text("arn:", ACCOUNT, ":x")), True),
        (glob("arn:123456789012:x"), exact(_text("arn:", ACCOUNT, ":x")), None),
        (glob("arn:12345678901a:x"), exact(_text("arn:", ACCOUNT, ":x")), False),
        (glob("role/a"), exact(_text("role/", NAME)), None),
        (glob("role/b-*"), exact(_text("role/a-", NAME)), False),
        (glob(_text("role/", NAME)), exact("group/x"), False),
        (glob("?"), exact(_text(NAME)), None),
        (glob("role/${aws:username}"), exact("role/x"), None),
        (glob("role/${*}"), exact("role/x"), False),
        (glob("role/${*}"), exact("role/*"), True),
        (exact("role/*"), exact("role/x"), False),
        (glob("role/a"), glob("role/*"), None),
    ],
)
def test_match(pattern: Pattern, target: Pattern, expected: bool | None) -> None:
    assert said(match(pattern, target)) is expected


def test_an_open_part_does_not_reach_past_its_own_field() -> None:
    # As plain stars the two would overlap: the account's number could hold ":role/Stack-Web-".
    one, other = _text("arn:", ACCOUNT, ":role/Api-x"), _text("arn:", ACCOUNT, ":role/Web-*")
    assert not overlap(exact(one), glob(other))


@pytest.mark.parametrize("pattern", ["*a" * 500 + "b", "?*" * 500, "*?" * 250 + "a*" * 250, "a*" * 500 + "?"])
def test_hostile_patterns_are_compared_cell_by_cell_at_most(pattern: str) -> None:
    assert lines_run(lambda: covers(glob(pattern), exact("a" * 900)), limit=6_000_000)
    assert lines_run(lambda: overlap(glob(pattern), glob("a*" * 450)), limit=6_000_000)


def test_too_long_to_compare_is_undecided() -> None:
    assert said(match(glob("*a" * 2000), exact("b" + "a" * 5000))) is None
    assert Wild.ANY in glob("*")
