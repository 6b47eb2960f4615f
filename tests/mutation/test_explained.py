"""Every explanation of a surviving mutant is about code that is still there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.explained import explained

ROOT = Path(__file__).parents[2]


def _functions(file: str) -> Iterator[tuple[str, str]]:
    """Name (``Class.method``) and text of a file's functions."""
    source = (ROOT / file).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef):
                name = f"{node.name}.{member.name}" if isinstance(node, ast.ClassDef) else member.name
                yield name, " ".join((ast.get_source_segment(source, member) or "").split())


def test_what_is_explained_is_still_there() -> None:
    gone = [
        f"{entry.file} {entry.function}: {entry.was}"
        for entry in explained()
        if not any(
            name == entry.function and " ".join(entry.was.split()) in text
            for name, text in (_functions(entry.file) if (ROOT / entry.file).exists() else ())
        )
    ]
    assert gone == []


def test_each_explanation_is_one_of_its_own_and_says_why() -> None:
    keys = [(each.file, each.function, each.was, each.becomes) for each in explained()]
    assert len(keys) == len(set(keys))
    assert [each for each in explained() if each.was == each.becomes or len(each.why.split()) < 3] == []
