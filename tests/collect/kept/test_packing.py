"""What is kept is plain data and facts; nothing else is written, and of nothing else an object is made."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from checker.collect.kept.packing import packed, unpacked
from checker.model.verdicts import Location, Outcome


def test_facts_come_back_as_they_were() -> None:
    facts = {"a": (Location("a.yaml", 3), Outcome.UNKNOWN, frozenset({1}), date(2026, 12, 1), None, b"\xff")}
    content = packed(facts)
    assert content is not None
    assert unpacked(content) == facts


@pytest.mark.parametrize(
    "made", [Path("a"), len, lambda: 0, ValueError("a"), [object()]], ids=str.split("path builtin lambda error object")
)
def test_what_is_no_fact_is_not_written(made: object) -> None:
    assert packed(made) is None


class _Calls:
    def __init__(self, function: Any, *arguments: object) -> None:
        self.made = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return self.made


@pytest.mark.parametrize(
    "hostile",
    [_Calls(Path.touch, Path("made")), _Calls(eval, "open('made', 'w')"), _Calls(getattr, Outcome, "PASS")],
    ids=["a method", "eval", "getattr"],
)
def test_of_nothing_else_an_object_is_made(hostile: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert unpacked(pickle.dumps(hostile)) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80",
        b"cchecker.model.verdicts\nfield\n.",
        b"cchecker.model.verdicts\nOutcome.PASS\n.",
        b"cos\nsystem\n.",
    ],
)
def test_what_was_not_written_here_is_nothing(content: bytes) -> None:
    assert unpacked(content) is None
