"""The stage of the rehearsal: an emulated account with production in it, and time that a test holds in its hand.

What the emulator does not do, and who stands in:
- It runs no containers. Services' tasks count as running at once; a one-off task would run for ever. `Stage.sleep` is
  where time passes for the commands, and there `finish_tasks` ends such tasks, with their last lines in the log. An
  exit code other than 0 cannot be set from outside: that is tested with answers of ECS instead.
- It enforces no PassRole, and ECS actions on the cluster only: see `authority`.
- `cdk deploy` goes through CDK's own bootstrap roles, which are not made here: the stack is deployed and updated as
  root, by the calls that it ends in (test_stack_updates.py). Where CloudFormation's handler of a service sends ECS more
  than the emulator does, `begin_update` sends it.
"""

import io
import json
import time
import zipfile
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

    def deploy_function(self, code: str, environment: str = "production") -> None:
        """What a deployment of the stack does to the sync function: new code, which nobody calls yet."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.js", f"exports.handler = async () => '{code}';")
        self.root("lambda").update_function_code(
            FunctionName=naming.sync_function(environment), ZipFile=archive.getvalue()
        )

    def live_version(self, environment: str = "production") -> str:
        answer = self.root("lambda").get_alias(FunctionName=naming.sync_function(environment), Name=naming.LIVE_ALIAS)
        return str(answer["FunctionVersion"])

    def begin_update(self, stack: str, template: Mapping[str, Any], *, at: str = "") -> None:
        """Begin an update of a stack; with `at`, wait until that resource is in progress, and do to the services, in
        which something changed, what AWS's CloudFormation does by then: name their families to ECS."""
        self.root("s3").put_object(Bucket="templates", Key=stack, Body=json.dumps(template).encode())
        self.root("cloudformation").update_stack(
            StackName=stack, TemplateURL=f"{self.lab.endpoint}/templates/{stack}", Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        if at:
            # The emulator calls the making of a resource in an update an update of it.
            begun = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
            self._wait_until(lambda: self._last_event(stack, at).get("ResourceStatus") in begun)
            for service in naming.SERVICES:
                self.root("ecs").update_service(
                    cluster=naming.cluster("production"),
                    service=service,
                    taskDefinition=self.newest(service),
                )

    def newest(self, task: str, environment: str = "production") -> str:
        """The newest active revision of a family: what AWS takes the family for, and the emulator its newest of all."""
        family = naming.task_family(environment, task)
        found = self.root("ecs").list_task_definitions(familyPrefix=family, status="ACTIVE")["taskDefinitionArns"]
        # The emulator also lists families that begin with this one's name.
        numbers = [int(arn.rpartition(":")[2]) for arn in found if arn.rpartition(":")[0].endswith(f"/{family}")]
        return f"{family}:{max(numbers)}"

    def update_stack(self, stack: str, template: Mapping[str, Any], *, at: str = "") -> str:
        """The status in which an update of a stack ends."""
        self.begin_update(stack, template, at=at)
        self._wait_until(lambda: not self.status(stack).endswith("_IN_PROGRESS"))
        return self.status(stack)

    def status(self, stack: str) -> str:
        return str(self.root("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])

    def signal_once(self, stack: str, resource: str) -> Callable[[], None]:
        """Lets a resource go on that waits for a signal: the emulator takes an update back only between two of them."""
        waiting = [resource]

        def signal() -> None:
            while waiting:
                self.root("cloudformation").signal_resource(
                    StackName=stack, LogicalResourceId=waiting.pop(), UniqueId="1", Status="SUCCESS"
                )
            time.sleep(0.1)

        return signal

    def _last_event(self, stack: str, logical_id: str) -> Mapping[str, Any]:
        pages = self.root("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
        # The newest first.
        events = (event for page in pages for event in page["StackEvents"])
        return next((event for event in events if event["LogicalResourceId"] == logical_id), {})

    @staticmethod
    def _wait_until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def told(self) -> Sequence[Mapping[str, Any]]:
        """What was told of deployments, in order."""
        events = self.root("logs").filter_log_events(logGroupName=naming.DEPLOY_LOG_GROUP)["events"]
        return [json.loads(event["message"]) for event in sorted(events, key=lambda event: event["timestamp"])]

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
