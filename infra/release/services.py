"""Services as ECS shows them: what they run, what is being deployed, and which alarms guard them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from infra import naming
from infra.release import revisions
from infra.release.errors import FailedError

if TYPE_CHECKING:
    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef


@dataclass(frozen=True, slots=True)
class Deployment:
    id: str
    primary: bool
    task_definition: str
    desired: int
    running: int
    pending: int
    failed: int
    rollout: str
    """IN_PROGRESS, COMPLETED or FAILED."""
    reason: str
    created: datetime | None


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    task_definition: str
    desired: int
    deployments: Sequence[Deployment]
    alarms: Sequence[str]
    """Names of the alarms that roll a deployment back; empty if none does."""

    @property
    def primary(self) -> Deployment:
        for deployment in self.deployments:
            if deployment.primary:
                return deployment
        raise FailedError(f"{self.name} has no primary deployment", fix="Wait until ECS shows one, then go on.")

    def deployment(self, wanted: str) -> Deployment | None:
        """By its id; None where ECS shows it no longer, or not yet."""
        return next((each for each in self.deployments if each.id == wanted), None)

    @property
    def moving(self) -> bool:
        """A deployment is in progress, or tasks of an older one still run."""
        return self.primary.rollout == "IN_PROGRESS" or not self.alone

    @property
    def alone(self) -> bool:
        """Only the primary deployment has tasks."""
        return not any(d.running or d.pending for d in self.deployments if not d.primary)

    @property
    def serving(self) -> bool:
        """All wanted tasks of the primary deployment run, and no others.

        ECS stops the last tasks of the old deployment only when those of the new one are healthy.
        """
        return self.alone and self.primary.running >= self.primary.desired and not self.primary.pending

    def shown(self) -> str:
        parts = [
            f"{revision(d.task_definition)} {d.rollout or '?'} {d.running}/{d.desired} running"
            + (f", {d.failed} failed" if d.failed else "")
            + (f" ({d.reason})" if d.reason and d.rollout != "COMPLETED" else "")
            for d in self.deployments
        ]
        return f"{self.name}: {'; '.join(parts)}"


def revision(arn: str) -> str:
    """`family:7` of a task definition's ARN."""
    return arn.rpartition("/")[2]


def read(ecs: ECSClient, cluster: str, names: Sequence[str] = naming.SERVICES) -> Mapping[str, Service]:
    """By name, in the order asked for. A service that is not there is an error."""
    answer = ecs.describe_services(cluster=cluster, services=list(names))
    found = {service["serviceName"]: seen(service) for service in answer["services"]}
    gone = [name for name in names if name not in found]
    if gone:
        raise FailedError(f"cluster {cluster} has no service {', '.join(gone)}", fix="Deploy the environment first.")
    return {name: found[name] for name in names}


def running(ecs: ECSClient, services: Mapping[str, Service]) -> Mapping[str, str]:
    """The image tag that each service is set to run."""
    return {name: revisions.running_tag(ecs, service.task_definition, name) for name, service in services.items()}


def seen(found: ServiceTypeDef) -> Service:
    """A service out of an answer of ECS."""
    alarms = found.get("deploymentConfiguration", {}).get("alarms")
    return Service(
        name=found["serviceName"],
        task_definition=found["taskDefinition"],
        desired=found["desiredCount"],
        deployments=[_deployment(deployment) for deployment in found["deployments"]],
        alarms=alarms["alarmNames"] if alarms and alarms["enable"] and alarms["rollback"] else [],
    )


def _deployment(found: DeploymentTypeDef) -> Deployment:
    return Deployment(
        id=found.get("id", ""),
        primary=found.get("status") == "PRIMARY",
        task_definition=found.get("taskDefinition", ""),
        desired=found.get("desiredCount", 0),
        running=found.get("runningCount", 0),
        pending=found.get("pendingCount", 0),
        failed=found.get("failedTasks", 0),
        rollout=found.get("rolloutState", ""),
        reason=found.get("rolloutStateReason", ""),
        created=found.get("createdAt"),
    )
