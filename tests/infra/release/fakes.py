"""ECS and CloudWatch as far as a roll-out sees them, with the failures that no emulator gives.

The fakes answer with the shapes of the real calls (mypy's boto3 stubs hold the commands to those), and behave as the
Amazon ECS Developer Guide says: an update with another revision makes a new primary deployment; a service whose
deployment fails goes back to the last completed one by itself, if it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

from infra import naming
from infra.release.account import Account
from tests.infra.release.stage import HandClock

OLD, NEW, OTHER = "a" * 40, "b" * 40, "c" * 40
REGISTRY = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
_MODEL = botocore.session.get_session().get_service_model("ecs")


def refused(operation: str, code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{operation} is not for you"}}, operation)


@dataclass
class FakeService:
    name: str
    definition: str
    desired: int = 2
    deployments: list[dict[str, Any]] = field(default_factory=list)
    alarms: bool = True

    def set(self, definition: str, desired: int, rollout: str) -> None:
        self.definition, self.desired = definition, desired
        for deployment in self.deployments:
            deployment.update(status="ACTIVE", runningCount=0)
        self.deployments.insert(
            0,
            {
                "id": f"ecs-svc/{len(self.deployments)}",
                "status": "PRIMARY",
                "taskDefinition": definition,
                "desiredCount": desired,
                "runningCount": 0 if rollout == "IN_PROGRESS" else desired,
                "pendingCount": 0,
                "failedTasks": 0,
                "rolloutState": rollout,
                "rolloutStateReason": f"{rollout} because",
            },
        )

    def shown(self) -> dict[str, Any]:
        alarms = {"alarmNames": [f"production-{self.name}-5xx"], "enable": True, "rollback": True}
        return {
            "serviceName": self.name,
            "taskDefinition": self.definition,
            "desiredCount": self.desired,
            "deployments": self.deployments,
            "deploymentConfiguration": {"alarms": alarms} if self.alarms else {},
        }


class FakeEcs:
    """`fate` says what becomes of an update: of a service and an image tag to `completes`, `goes back`, `fails`,
    `hangs`, or an error to raise. `log` has the updates, in order, as `service:tag`."""

    class meta:  # noqa: N801 - botocore's name
        service_model = _MODEL

    def __init__(self, tag: str = OLD, desired: int = 2, environment: str = "production") -> None:
        self.environment = environment
        self.definitions: dict[str, dict[str, Any]] = {}
        self.services: dict[str, FakeService] = {}
        self.fate: Callable[[str, str], str | Exception] = lambda _service, _tag: "completes"
        self.log: list[str] = []
        for name in naming.IMAGES:
            arn = self._register(naming.task_family(environment, name), name, tag)
            if name in naming.SERVICES:
                service = self.services[name] = FakeService(name, arn, desired)
                service.set(arn, desired, "COMPLETED")

    def _register(self, family: str, name: str, tag: str) -> str:
        revision = 1 + sum(d["family"] == family for d in self.definitions.values())
        arn = f"arn:aws:ecs:us-west-2:111111111111:task-definition/{family}:{revision}"
        self.definitions[arn] = {
            "taskDefinitionArn": arn,
            "family": family,
            "revision": revision,
            "status": "ACTIVE",
            "cpu": "256",
            "containerDefinitions": [{"name": name, "image": f"{REGISTRY}/{naming.repository(name)}:{tag}"}],
        }
        return arn

    def tag_of(self, definition: str) -> str:
        image: str = self.definitions[definition]["containerDefinitions"][0]["image"]
        return image.rpartition(":")[2]

    def running(self) -> dict[str, str]:
        return {name: self.tag_of(service.deployments[0]["taskDefinition"]) for name, service in self.services.items()}

    # -- the calls -------------------------------------------------------------------------------------------------

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        found = self.definitions.get(taskDefinition)
        if found is None:
            found = [d for d in self.definitions.values() if d["family"] == taskDefinition][-1]
        return {"taskDefinition": found}

    def register_task_definition(self, **wanted: Any) -> dict[str, Any]:
        container = wanted["containerDefinitions"][0]
        arn = self._register(wanted["family"], container["name"], container["image"].rpartition(":")[2])
        return {"taskDefinition": self.definitions[arn]}

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        found = [self.services[name].shown() for name in services if name in self.services]
        return {"services": found, "failures": []}

    def update_service(
        self,
        *,
        cluster: str,
        service: str,
        taskDefinition: str,  # noqa: N803
        desiredCount: int,  # noqa: N803
    ) -> dict[str, Any]:
        tag = self.tag_of(taskDefinition)
        fate = self.fate(service, tag)
        if isinstance(fate, Exception):
            raise fate
        self.log.append(f"{service}:{tag[:1]}")
        found = self.services[service]
        before = found.definition
        match fate:
            case "completes":
                found.set(taskDefinition, desiredCount, "COMPLETED")
            case "hangs":
                found.set(taskDefinition, desiredCount, "IN_PROGRESS")
            case "fails":
                found.set(taskDefinition, desiredCount, "FAILED")
            case "goes back":
                found.set(taskDefinition, desiredCount, "FAILED")
                found.set(before, desiredCount, "COMPLETED")
        return {"service": found.shown()}


class FakeCloudWatch:
    def __init__(self) -> None:
        self.states: dict[str, str] = {f"production-{name}-5xx": "OK" for name in naming.SERVICES}

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:  # noqa: N803
        found = [{"AlarmName": name, "StateValue": self.states[name]} for name in AlarmNames if name in self.states]
        return {"MetricAlarms": found, "CompositeAlarms": []}


class FakeCloudFormation:
    def __init__(self, outputs: Mapping[str, str], statuses: list[str] | None = None) -> None:
        self.outputs = outputs
        self.statuses = statuses or ["UPDATE_COMPLETE"]
        self.cancelled: list[str] = []

    def cancel_update_stack(self, *, StackName: str) -> None:  # noqa: N803
        self.cancelled.append(StackName)
        self.statuses = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == "MISSING":
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}},
                "DescribeStacks",
            )
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackName": StackName, "StackStatus": status, "Outputs": outputs}]}


class FakeAccount(Account):
    """An account of fakes; whatever has none would find nobody on loopback."""

    def __init__(self, ecs: FakeEcs, statuses: list[str] | None = None) -> None:
        super().__init__("us-west-2")
        self.fake_ecs = ecs
        self.fake_cloudwatch = FakeCloudWatch()
        outputs = {
            "ClusterName": naming.cluster("production"),
            "PrivateSubnetIds": "subnet-1,subnet-2",
            **{
                f"{name.capitalize()}TaskDefinitionArn": ecs.describe_task_definition(
                    taskDefinition=naming.task_family(ecs.environment, name)
                )["taskDefinition"]["taskDefinitionArn"]
                for name in naming.IMAGES
            },
        }
        self.fake_cloudformation = FakeCloudFormation(outputs, statuses)
        self.__dict__.update(
            ecs=self.fake_ecs, cloudwatch=self.fake_cloudwatch, cloudformation=self.fake_cloudformation
        )


__all__ = ["NEW", "OLD", "OTHER", "FakeAccount", "FakeEcs", "HandClock", "refused"]
