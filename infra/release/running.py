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
from infra.release.errors import FailedError, RefusedError, SupersededError

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient

    from infra.release.services import Service

SHA: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Running:
    sha: str | None
    """None in an environment that was bootstrapped and has not been released to."""


def running(ecs: ECSClient, found: Mapping[str, Service]) -> Running:
    """The one commit that all services run. Where no task is wanted, none does, whatever image is named for later."""
    tags = services.running(ecs, found)
    distinct = set(tags.values())
    started = [name for name, service in found.items() if service.desired]
    if not started:
        return Running(None)
    if distinct == {naming.BOOTSTRAP_TAG}:
        raise FailedError(
            f"{', '.join(started)} should run the bootstrap placeholder, which is no image to run",
            fix="Bring the services to a commit with `roll`, or bootstrap the stack again.",
        )
    if len(distinct) == 1 and SHA.fullmatch(next(iter(distinct))):
        return Running(next(iter(distinct)))
    raise RefusedError(
        "services do not run one commit: " + ", ".join(f"{name} {tag or '(no tag)'}" for name, tag in tags.items()),
        fix="Bring them to one with the rollback workflow (`roll --rollback`), then run this again.",
    )


def refuse_another(now: Running, expected: str | None, wanted: str | None = None) -> None:
    """Stop where something else runs than when the release began: somebody rolled back or deployed meanwhile.

    `expected` is the commit that ran then, empty if none did, None if the release did not look. The `wanted` commit is
    no surprise: a command may be repeated.
    """
    if expected is not None and (now.sha or "") not in (expected, wanted):
        raise SupersededError(
            f"{now.sha or 'nothing'} runs now; when this release began it was {expected or 'nothing'}",
            fix="Somebody rolled back or deployed meanwhile. See why; then start a new run, which looks again.",
        )
