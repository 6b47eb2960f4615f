"""Python that is put together while it runs is followed where it says what it does, and open where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("dynamic.yaml"))
FILES = {
    "other.py": "import boto3\n\ndef go():\n    boto3.client('ecs').list_clusters()\n",
    "go.sh": 'test "$1" = now && aws ecs list-services\n',
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, "python main.py", {**FILES, "main.py": case["code"]})
    assert [each.operation for each in trace.aws] == case["calls"]
    if "commands" in case:
        assert [" ".join(map(str, each.words)) for each in trace.commands][1:] == case["commands"]
    problems = [problem.message for problem in trace.problems if problem.unread]
    if "unread" in case:
        assert any(case["unread"] in message for message in problems)
    else:
        assert problems == []
