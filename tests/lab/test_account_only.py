"""What only an account can tell: each fact by answers in AWS's documented shape, beside an innocent look-alike.

The cases are data, in ``account_only.yaml``. Most of these facts no emulator can be brought into by a call: a
certificate that ends soon, a roll-out that failed, an image of last year. So the answers of a lab in which all is well
are changed, and read as an account's are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checker.audit import audit
from checker.collect.account import AUDIT, PREFLIGHT, Needs, Target
from checker.collect.config.settings_file import project_settings
from checker.lab.clients import KEY
from checker.lab.release import COMMIT
from checker.model.verdicts import Outcome, Run
from checker.preflight import preflight
from checker.reports import shape
from checker.run import pipeline
from checker.run.request import Request, request_for
from tests import patches
from tests.lab import answers, taped
from tests.lab.breaks.test_each_break import fresh_lab, once
from tests.lab.taped import Tape

ROOT = Path(__file__).parents[2]
CASES: list[dict[str, Any]] = patches.read(Path(__file__).with_name("account_only.yaml"))[0]
NEEDS: Mapping[str, Needs] = {"audit": AUDIT, "preflight": PREFLIGHT}
pytestmark = pytest.mark.xdist_group("account only")


@dataclass(frozen=True, slots=True)
class Well:
    """The lab as it stands when all is well: its answers to each command."""

    tapes: Mapping[str, Tape]
    request: Request

    def run(self, command: str, steps: Any) -> Run:
        taken_at = datetime.now(UTC).isoformat()
        snapshot = replace(answers.changed(self.tapes[command], steps).read(), taken_at=taken_at)
        if command == "audit":
            return audit(self.request, snapshot)
        return preflight(self.request, snapshot, image_tag=COMMIT)


@pytest.fixture(scope="module")
def well(own_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Well]:
    patch = pytest.MonkeyPatch()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, KEY)
    patch.setenv("NO_PROXY", "127.0.0.1")
    with fresh_lab(own_assembly, tmp_path_factory.mktemp("well")) as account:
        endpoint = account.clients.lab.endpoint
        target = Target(region="us-west-2", endpoint_url=endpoint, stacks=tuple(project_settings(ROOT).stacks))
        tapes = {name: taped.record(target, needs) for name, needs in NEEDS.items()}
        request = request_for(
            ROOT, assemblies=[("", account.assembly)], environments=["production"], say=lambda _: None
        )
    patch.setattr(pipeline, "pipeline_of", once(pipeline.pipeline_of))
    yield Well(tapes, request)
    patch.undo()


def told(run: Run) -> list[str]:
    wrong = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)
    return sorted(
        f"{defect.id}{'' if outcome is Outcome.FAIL else f' {outcome}'}"
        for outcome in wrong
        for defect in shape.defects(run, outcome)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_it_is_told_and_nothing_else(well: Well, case: dict[str, Any]) -> None:
    assert {"audit": told(well.run("audit", case["answers"]))} == {"audit": case.get("audit", [])}
    if "preflight" in case:
        assert {"preflight": told(well.run("preflight", case["answers"]))} == {"preflight": case["preflight"]}


def test_all_is_well_before() -> None:
    assert CASES[0] == {"name": "all is well", "answers": [], "audit": [], "preflight": []}
