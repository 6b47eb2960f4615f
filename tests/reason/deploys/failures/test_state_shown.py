"""What a failure says of the services: of all that were rolled, where somebody reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.environments import Project
from checker.reason.deploys.failures.state_shown import shows_state
from checker.reason.deploys.paths import deploy_paths
from tests.pipelines import pipeline, workflow

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
    made = pipeline(tmp_path, {".github/workflows/ci.yml": workflow(script, environment="production")})
    (path,) = deploy_paths(made, Project(()))
    assert (shows_state(path, path.forward[0]) is not None) is expected
