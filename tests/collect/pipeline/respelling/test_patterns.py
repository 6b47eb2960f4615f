"""Patterns in a spelling that the grammar takes."""

from __future__ import annotations

import pytest

from checker.collect.pipeline.respelling.patterns import plain_patterns


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('x="${x%]}"', 'x="${x%"]"}"'),
        ("ls !(keep) | wc -l", "ls * | wc -l"),
        ("[[ $x == v+([0-9]).* ]]", "[[ $x == $a_pattern ]]"),
        ('x="${x%.*}"', 'x="${x%.*}"'),
        ("echo 'ls !(keep) | wc -l'", "echo 'ls !(keep) | wc -l'"),
    ],
)
def test_patterns(written: str, expected: str) -> None:
    assert plain_patterns(written) == expected
