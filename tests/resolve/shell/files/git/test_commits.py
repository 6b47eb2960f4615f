"""What git takes from a commit, and where it puts that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load
from tests.resolve.shell.variables.test_search_path import check

CASES = load(Path(__file__).parent / "commits.yaml")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    check(case, tmp_path)
