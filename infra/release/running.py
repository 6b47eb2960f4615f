"""Which commit runs: what `cdk deploy` is told as `imageTag`.

CloudFormation registers a new revision whenever anything in a task definition changes, with the image that the template
names. So the template must name what runs, or the deployment of an environment variable would also change the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra import naming
from infra.release import services
from infra.release.errors import FailedError, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

    from infra.release.services import Service

SHA: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Running:
    sha: str | None
    """None in an environment that was bootstrapped and has not been released to."""


def running(ecs: ECSClient, found: Mapping[str, Service]) -> Running:
    """The one commit that all services are set to run. Anything else has no answer, and says what is there."""
    tags = services.running(ecs, found)
    distinct = set(tags.values())
    if distinct == {naming.BOOTSTRAP_TAG}:
        started = [name for name, service in found.items() if service.desired]
        if started:
            raise FailedError(
                f"{', '.join(started)} should run the bootstrap placeholder, which is no image to run",
                fix="Bring the services to a commit with `roll`, or bootstrap the stack again.",
            )
        return Running(None)
    if len(distinct) == 1 and SHA.fullmatch(next(iter(distinct))):
        return Running(next(iter(distinct)))
    raise RefusedError(
        "services do not run one commit: " + ", ".join(f"{name} {tag or '(no tag)'}" for name, tag in tags.items()),
        fix="Bring them to one with the rollback workflow (`roll --rollback`), then run this again.",
    )
