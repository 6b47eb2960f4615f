"""The stage of the rehearsal: an emulated account with production in it, and time that a test holds in its hand.

What the emulator does not do, and who stands in:
- It runs no containers. Services' tasks count as running at once; a one-off task would run for ever. `Stage.sleep` is
  where time passes for the commands, and there `finish_tasks` ends such tasks, with their last lines in the log. An
  exit code other than 0 cannot be set from outside: that is tested with answers of ECS instead.
- It enforces no PassRole, and ECS actions on the cluster only: see `authority`.
- `cdk deploy` goes through CDK's own bootstrap roles, which are not made here: the stack is deployed as root.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from infra import naming
from infra.environments import REGION
from infra.release.account import Account
from infra.release.cli import main
from tests.infra.lab import Lab
from tests.infra.release.authority import Authority, actions_only

ACCOUNT = "111111111111"
START = datetime.now(UTC)
"""The emulator lists only metrics that are new."""
_CONFIG = "application/vnd.docker.container.image.v1+json"
_MEDIA = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(slots=True)
class HandClock:
    """Sleeping takes no time; what would happen meanwhile happens then."""

    meanwhile: Callable[[], None] = lambda: None
    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.meanwhile()

    def date(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@dataclass(slots=True)
class Stage:
    lab: Lab
    policies: Mapping[str, Sequence[Mapping[str, Any]]]
    """Each environment's deploy role's statements, as synthesized."""
    clock: HandClock = field(default_factory=HandClock)
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def policy(self) -> Sequence[Mapping[str, Any]]:
        return self.policies["production"]

    def root(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.lab.client(service)
        return self._clients[service]

    def push(self, sha: str) -> None:
        """All five images of a commit, as the build leaves them."""
        for image in naming.IMAGES:
            layer = {"mediaType": _CONFIG, "size": 2, "digest": f"sha256:{sha}{'0' * 24}"}
            named = {"mediaType": _MEDIA, "config": layer, "annotations": {"name": image}}
            manifest = {"schemaVersion": 2, "layers": [], **named}
            self.root("ecr").put_image(
                repositoryName=naming.repository(image),
                imageManifest=json.dumps(manifest),
                imageManifestMediaType=_MEDIA,
                imageTag=sha,
            )

    def finish_tasks(self) -> None:
        """What the container would have done: its lines, and its end."""
        ecs, logs = self.root("ecs"), self.root("logs")
        for environment, tasks in naming.ONE_OFF.items():
            for arn, task in self.one_off(environment, tasks).items():
                place = {
                    "logGroupName": naming.task_log_group(environment, task),
                    "logStreamName": f"{task}/{task}/{arn.rpartition('/')[2]}",
                }
                logs.create_log_stream(**place)
                now = int(datetime.now(UTC).timestamp() * 1000)
                logs.put_log_events(**place, logEvents=[{"timestamp": now, "message": f"{task} is done"}])
                ecs.stop_task(cluster=naming.cluster(environment), task=arn)

    def one_off(self, environment: str, tasks: Sequence[str] = (naming.MIGRATIONS,)) -> Mapping[str, str]:
        """ARNs of the running tasks that no service keeps, with what each runs."""
        ecs, cluster = self.root("ecs"), naming.cluster(environment)
        found = {
            arn: task
            for task in tasks
            for arn in ecs.list_tasks(
                cluster=cluster, family=naming.task_family(environment, task), desiredStatus="RUNNING"
            )["taskArns"]
        }
        shown = ecs.describe_tasks(cluster=cluster, tasks=list(found))["tasks"] if found else []
        return {t["taskArn"]: found[t["taskArn"]] for t in shown if t["startedBy"].startswith("release-")}

    def credentials(self, name: str, policy: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
        """Of a new role, through STS; the emulator enforces the policy's actions."""
        iam, sts = self.root("iam"), self.root("sts")
        anyone_here = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": anyone_here, "Action": "sts:AssumeRole"}
        arn = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(actions_only(policy)))
        keys: Mapping[str, str] = sts.assume_role(RoleArn=arn, RoleSessionName="release")["Credentials"]
        return keys

    def as_role(self, name: str, policy: Sequence[Mapping[str, Any]]) -> tuple[Account, Authority]:
        """Clients of a new role, with the policy enforced on both sides of the wire."""
        keys = self.credentials(name, policy)
        session = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=REGION,
        )
        authority = Authority(policy, REGION, ACCOUNT, self._roles_of)
        authority.guard(session)
        return Account(REGION, session), authority

    def _roles_of(self, task_definition: str) -> Sequence[str]:
        found = self.root("ecs").describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
        return [found["taskRoleArn"], found["executionRoleArn"]]

    def revisions(self) -> Mapping[str, Sequence[str]]:
        """All task definitions, by image."""
        ecs = self.root("ecs")
        families = {image: naming.task_family("production", image) for image in naming.IMAGES}
        return {i: ecs.list_task_definitions(familyPrefix=f)["taskDefinitionArns"] for i, f in families.items()}

    def running(self, environment: str = "production") -> Mapping[str, str]:
        """The image tag of every task that runs, by service; all tasks of a service must agree."""
        ecs, cluster = self.root("ecs"), naming.cluster(environment)
        tags = {}
        for service in naming.SERVICES:
            arns = ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus="RUNNING")["taskArns"]
            definitions = {t["taskDefinitionArn"] for t in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]}
            (definition,) = definitions
            found = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
            tags[service] = found["containerDefinitions"][0]["image"].rpartition(":")[2]
        return tags


@dataclass(slots=True)
class Crew:
    """Runs commands as a role on a stage, as the workflow's steps would."""

    account: Account
    clock: HandClock
    environ: Mapping[str, str]

    def __call__(self, *argv: str) -> int:
        return main(argv, self.environ, clock=self.clock, account=self.account)
