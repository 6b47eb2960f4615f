"""ECS and CloudWatch as far as a roll-out sees them, with the failures that no emulator gives.

The fakes answer with the shapes of the real calls (mypy's boto3 stubs hold the commands to those), and behave as the
Amazon ECS Developer Guide says: an update with another revision makes a new primary deployment; a service whose
deployment fails goes back to the last completed one by itself, if it has one; no service can be set to a revision that
was deregistered. And they are eventually consistent, as ECS is: after a change, the next read of that service still
shows what was there before it.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

from infra import naming
from infra.release.account import Account
from tests.infra.release.stage import HandClock

OLD, NEW, OTHER = "a" * 40, "b" * 40, "c" * 40
REGISTRY = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
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
    old: list[dict[str, Any]] = field(default_factory=list)
    """What the next reads show instead, the first one first."""
    made: Any = field(default_factory=itertools.count)

    def set(self, definition: str, desired: int, rollout: str) -> None:
        self.definition, self.desired = definition, desired
        for deployment in self.deployments:
            deployment.update(status="ACTIVE", runningCount=0)
        self.deployments.insert(
            0,
            {
                "id": f"ecs-svc/{self.name}/{next(self.made)}",
                "status": "PRIMARY",
                "taskDefinition": definition,
                "desiredCount": desired,
                "runningCount": 0 if rollout == "IN_PROGRESS" else desired,
                "pendingCount": 0,
                "failedTasks": 0,
                "rolloutState": rollout,
                "rolloutStateReason": f"{rollout} because",
                "createdAt": LONG_AGO,
            },
        )

    def shown(self) -> dict[str, Any]:
        alarms = {"alarmNames": [f"production-{self.name}-5xx"], "enable": True, "rollback": True}
        return {
            "serviceName": self.name,
            "taskDefinition": self.definition,
            "desiredCount": self.desired,
            "deployments": copy.deepcopy(self.deployments),
            "deploymentConfiguration": {"alarms": alarms} if self.alarms else {},
        }

    def read(self) -> dict[str, Any]:
        return self.old.pop(0) if self.old else self.shown()


class FakeEcs:
    """`fate` says what becomes of an update: of a service and an image tag to `completes`, `goes back`, `fails`,
    `hangs`, or an error to raise. `log` has the updates, in order, as `service:tag`. `lag` is how many reads of a
    service after a change of it show what was there before."""

    class meta:  # noqa: N801 - botocore's name
        service_model = _MODEL

    def __init__(self, tag: str = OLD, desired: int = 2, environment: str = "production") -> None:
        self.environment = environment
        self.definitions: dict[str, dict[str, Any]] = {}
        self.services: dict[str, FakeService] = {}
        self.fate: Callable[[str, str], str | Exception] = lambda _service, _tag: "completes"
        self.log: list[str] = []
        self.lag = 1
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
        return {"taskDefinition": self.definition(taskDefinition)}

    def definition(self, name: str) -> dict[str, Any]:
        """By ARN, by `family:revision`, or the newest active one of a family."""
        for arn, found in self.definitions.items():
            if name in (arn, arn.rpartition("/")[2]):
                return found
        return [d for d in self.definitions.values() if d["family"] == name and d["status"] == "ACTIVE"][-1]

    def newest(self) -> dict[str, str]:
        """The image tag of the newest active revision of each service's family."""
        families = {name: naming.task_family(self.environment, name) for name in self.services}
        return {n: self.tag_of(self.definition(family)["taskDefinitionArn"]) for n, family in families.items()}

    def deregister_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        found = self.definition(taskDefinition)
        found["status"] = "INACTIVE"
        return {"taskDefinition": found}

    def register_task_definition(self, **wanted: Any) -> dict[str, Any]:
        container = wanted["containerDefinitions"][0]
        arn = self._register(wanted["family"], container["name"], container["image"].rpartition(":")[2])
        return {"taskDefinition": self.definitions[arn]}

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        found = [self.services[name].read() for name in services if name in self.services]
        return {"services": found, "failures": []}

    def update_service(
        self,
        *,
        cluster: str,
        service: str,
        taskDefinition: str,  # noqa: N803
        desiredCount: int,  # noqa: N803
    ) -> dict[str, Any]:
        wanted = self.definition(taskDefinition)
        if wanted["status"] != "ACTIVE":
            raise refused("UpdateService", "ClientException")
        taskDefinition = wanted["taskDefinitionArn"]  # noqa: N806
        tag = self.tag_of(taskDefinition)
        fate = self.fate(service, tag)
        if isinstance(fate, Exception):
            raise fate
        self.log.append(f"{service}:{tag[:1]}")
        found = self.services[service]
        before = found.definition
        found.old = [found.shown()] * self.lag
        match fate:
            case "completes":
                found.set(taskDefinition, desiredCount, "COMPLETED")
            case "hangs":
                found.set(taskDefinition, desiredCount, "IN_PROGRESS")
            case "fails":
                found.set(taskDefinition, desiredCount, "FAILED")
            case "goes back":
                found.set(taskDefinition, desiredCount, "FAILED")
                answered = found.shown()
                found.set(before, desiredCount, "COMPLETED")
                return {"service": answered}
        return {"service": found.shown()}


class FakeLambda:
    """The sync function: `code` is what the stack deployed last; publishing it twice gives one version."""

    def __init__(self) -> None:
        self.code = "old"
        self.published = ["placeholder", "old"]
        self.aliases = {naming.LIVE_ALIAS: "2", f"release-{OLD}": "2"}

    def publish_version(self, *, FunctionName: str, Description: str) -> dict[str, Any]:  # noqa: N803
        if self.published[-1] != self.code:
            self.published.append(self.code)
        return {"Version": str(len(self.published)), "Description": Description}

    def create_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str) -> dict[str, Any]:  # noqa: N803
        if Name in self.aliases:
            raise refused("CreateAlias", "ResourceConflictException")
        self.aliases[Name] = FunctionVersion
        return self.get_alias(FunctionName=FunctionName, Name=Name)

    def update_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str) -> dict[str, Any]:  # noqa: N803
        self.aliases[Name] = FunctionVersion
        return self.get_alias(FunctionName=FunctionName, Name=Name)

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803
        if Name not in self.aliases:
            raise refused("GetAlias", "ResourceNotFoundException")
        return {"Name": Name, "FunctionVersion": self.aliases[Name]}

    @property
    def live(self) -> str:
        return self.published[int(self.aliases[naming.LIVE_ALIAS]) - 1]


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
        self.fake_lambda = FakeLambda()
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
            ecs=self.fake_ecs,
            cloudwatch=self.fake_cloudwatch,
            cloudformation=self.fake_cloudformation,
            lambda_=self.fake_lambda,
        )


__all__ = ["NEW", "OLD", "OTHER", "FakeAccount", "FakeEcs", "HandClock", "refused"]
