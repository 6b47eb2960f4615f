"""The line that a shell is given, and commands that are written as lists."""

from __future__ import annotations

import pytest

from checker.model.written.shell_lines import line_in, listed


@pytest.mark.parametrize(
    "words",
    [
        ["sh", "-c", "x y"],
        ["/bin/bash", "-euxc", "x y", "name"],
        ["bash", "-o", "pipefail", "-ec", "x y"],
        ["bash", "-euo", "pipefail", "-c", "x y"],
        ["/bin/ash", "-c", "-e", "x y"],
        ["bash", "--rcfile", "f", "-c", "x y"],
    ],
)
def test_a_line(words: list[str]) -> None:
    assert line_in(words) == "x y"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["sh"],
        ["sh", "-c"],
        ["sh", "-e", "x y"],
        ["sh", "x", "-c", "x y"],
        ["alembic", "-c", "x y"],
        ["bash", "--", "-c", "x y"],
    ],
)
def test_no_line(words: list[str]) -> None:
    assert line_in(words) == ""


def test_a_command_as_a_list() -> None:
    assert listed(' ["sh", "-c", "x y"]') == ["sh", "-c", "x y"]
    assert [listed(each) for each in ("sh -c x", "[x]", "[1]", '{"a": 1}', "[" * 100_000)] == [None] * 5
