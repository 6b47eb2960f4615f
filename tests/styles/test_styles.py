"""Each defect of a sound release, in whatever style that is written, flips its findings and no others."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from checker.model.verdicts import Outcome
from tests.pipelines import load
from tests.styles.style import HERE, STYLES, Defect, broken, defects, flipped, said_of, stays


@lru_cache(maxsize=8)
def _style(name: str) -> tuple[dict[str, Any], dict[tuple[str, str], Outcome]]:
    style = load(HERE / f"{name}.yaml")
    return style, said_of(style["files"])


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.stem)
def test_as_it_is(style: Path) -> None:
    said, before = _style(style.stem)
    assert stays(before) == said["stays"]


@pytest.mark.parametrize("defect", list(defects()), ids=str)
def test_one_thing_broken(defect: Defect) -> None:
    said, before = _style(defect.style)
    assert flipped(before, said_of(broken(said["files"], defect.edits))) == list(defect.flips)
