"""What commands ask GitHub's provider and STS for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.pipeline.scripts import Command, Reached
from checker.model.sources import Spot
from checker.model.values import Absent, Unknown
from checker.resolve.shell.follower import Follower
from checker.resolve.shell.state import State
from checker.resolve.trace.assuming.over_http import asked_over_http
from checker.resolve.trace.assuming.token_asked import audience_asked

CASES = yaml.safe_load((Path(__file__).parent / "asked.yaml").read_text(encoding="utf-8"))


def command(line: str, folder: Path) -> Command:
    library = ScriptLibrary(folder)
    follower = Follower(library, Reached(Spot("a.sh")))
    follower.follow(State(library.shell_text(line, "a.sh", (1,))))
    return follower.commands[-1]


@pytest.mark.parametrize("case", CASES, ids=[case["run"] for case in CASES])
def test_what_is_asked_for(case: dict[str, Any], tmp_path: Path) -> None:
    given = command(case["run"], tmp_path)
    audience = audience_asked(given)
    assert (audience is not None) is ("for" in case)
    if "for" in case:
        assert (None if isinstance(audience, Unknown) else audience) == case["for"]
    calls = asked_over_http(given) or []
    assert [call.text("RoleArn") for call in calls] == [case[key] for key in case if key == "role"]
    seconds = [call.text("DurationSeconds") for call in calls]
    assert [each for each in seconds if not isinstance(each, Absent)] == [case[key] for key in case if key == "seconds"]
