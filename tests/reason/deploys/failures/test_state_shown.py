"""What a failure says of the services: of all that were rolled, where somebody reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.answers import YES
from checker.model.environments import Project
from checker.model.settings import Settings
from checker.reason.deploys.failures.state_shown import shows_state
from checker.reason.deploys.paths import deploy_paths
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository, workflow

_ROLL = """
for service in api web; do
  aws ecs update-service --cluster c --service $service --task-definition $service
  aws ecs wait services-stable --cluster c --services $service
done
"""
_QUERY = '--query "services[].taskDefinition"'


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (f"aws ecs describe-services --cluster c --services api web {_QUERY}", True),
        (f"aws ecs describe-services --cluster c --services api {_QUERY}", False),
        (f"aws ecs describe-services --cluster c --services $ALL {_QUERY}", True),
        (f"aws ecs describe-services --cluster c --services api web {_QUERY} > state.txt", False),
        (f'aws ecs describe-services --cluster c --services api web {_QUERY} >> "$GITHUB_STEP_SUMMARY"', True),
        (f"aws ecs describe-services --cluster other --services api web {_QUERY}", False),
    ],
)
def test_what_a_trap_shows(shown: str, expected: bool, tmp_path: Path) -> None:
    script = f"trap '{shown}' ERR\n{_ROLL}"
    files = {".github/workflows/ci.yml": workflow(script, environment="production")}
    pipeline = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert pipeline is not None
    (path,) = deploy_paths(pipeline, Project(()))
    found = shows_state(path, path.forward[0])
    assert (found is not None and found[1] is YES) is expected
