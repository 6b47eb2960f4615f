"""What ``docker buildx bake`` pushes, by its command line and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.model.possible import shown
from checker.resolve.trace.bake.pushing import baked
from tests.pipelines import load

GIVEN: Any = load(Path(__file__).with_name("bake.yaml"))


@pytest.mark.parametrize("case", GIVEN["cases"], ids=[case["said"] for case in GIVEN["cases"]])
def test_case(case: dict[str, Any]) -> None:
    files = {**GIVEN["files"], **case.get("more", {})}
    found = baked(["docker", "buildx", "bake", *case["said"].split()], "", case.get("environment", {}), files.get)
    assert (found if found is None else [shown(each) for each in found]) == case["pushed"]
