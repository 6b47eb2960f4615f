"""What the settings of a project have a tool run is followed, or on record; ordinary ones are no noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load
from tests.resolve.shell.handed.test_handed import is_as_said

CASES = load(Path(__file__).with_name("projects.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['right']}: {case['name']}" for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    is_as_said(case, tmp_path)
