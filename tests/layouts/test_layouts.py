"""What the gate says of each layout is what was reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layouts.layout import LAYOUTS, said_of


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda path: path.stem)
def test_a_stranger_s_repository_gets_the_reviewed_answer(layout: Path) -> None:
    assert said_of(layout) == layout.with_suffix(".txt").read_text(encoding="utf-8")
