"""One-off tasks: run, log, wait, and pass the exit code on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra import naming
from infra.release import revisions
from infra.release.account import Account, code_of
from infra.release.console import Deadline
from infra.release.errors import DeadlineError, FailedError, RefusedError, TaskError
from infra.release.outputs import StackState
from infra.release.services import revision

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskOverrideTypeDef, TaskTypeDef
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef

POLL_SECONDS: Final = 5.0
_APPEAR_SECONDS: Final = 120.0
"""How long ECS may not show a task yet that it has answered to have started (RunTask is eventually consistent)."""
_DRAIN_SECONDS: Final = 30.0
"""How long after a task's end its last lines may take to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOff:
    """A task of the stack's definitions, run once with a commit's image."""

    environment: str
    task: str
    sha: str
    command: Sequence[str] = ()
    """Instead of the image's own; empty for that."""


def run(account: Account, stack: StackState, wanted: OneOff, deadline: Deadline, say: Callable[[str], None]) -> None:
    """Run to the end. Raises `TaskError` with the container's exit code if that is not 0.

    At the deadline the task is told to stop: its process gets SIGTERM, and 30 s to end cleanly.
    """
    cluster = naming.cluster(wanted.environment)
    refuse_second(account, cluster, wanted.environment, wanted.task)
    arn = start(account, stack, wanted)
    say(f"started {arn}")
    task = _follow(account, cluster, arn, wanted, deadline, say)
    _judge(task, wanted.task, say)


def refuse_second(account: Account, cluster: str, environment: str, task: str) -> None:
    """One at a time: the earlier one may be of a run that was cancelled, which does not end its task."""
    if task not in naming.SERVICES:
        present = still_running(account, cluster, environment, task)
        if present:
            raise RefusedError(
                f"a {task} task is running already: {', '.join(present)}", fix="Wait for its end, then run this again."
            )


def still_running(account: Account, cluster: str, environment: str, task: str) -> Sequence[str]:
    pages = account.ecs.get_paginator("list_tasks").paginate(
        cluster=cluster, family=naming.task_family(environment, task), desiredStatus="RUNNING"
    )
    return [arn for page in pages for arn in page["taskArns"]]


def start(account: Account, stack: StackState, wanted: OneOff) -> str:
    """Start a revision pinned to the commit, with the stack's network; answers the task's ARN."""
    label = naming.label(wanted.task)
    family = naming.task_family(wanted.environment, wanted.task)
    pinned = revisions.pin(
        account.ecs,
        base=stack[f"{label}TaskDefinitionArn"],
        family=family,
        task=wanted.task,
        sha=wanted.sha,
    )
    overrides: TaskOverrideTypeDef = {}
    if wanted.command:
        overrides = {"containerOverrides": [{"name": wanted.task, "command": list(wanted.command)}]}
    answer = account.ecs.run_task(
        cluster=naming.cluster(wanted.environment),
        taskDefinition=f"{family}:{revisions.number(pinned)}",
        launchType="FARGATE",
        count=1,
        startedBy=f"release-{wanted.sha[:12]}",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": stack["PrivateSubnetIds"].split(","),
                "securityGroups": [stack[f"{label}SecurityGroupId"]],
                "assignPublicIp": "DISABLED",
            }
        },
        overrides=overrides,
    )
    if not answer["tasks"]:
        reasons = "; ".join(failure.get("reason", "no reason") for failure in answer["failures"])
        raise FailedError(f"ECS did not start {revision(pinned)}: {reasons}", fix="Nothing ran. Run the command again.")
    return answer["tasks"][0].get("taskArn", "")


def _follow(
    account: Account, cluster: str, arn: str, wanted: OneOff, deadline: Deadline, say: Callable[[str], None]
) -> TaskTypeDef:
    """Print the task's lines as they come, until it has stopped."""
    log = _Log(account, wanted, arn.rpartition("/")[2], say)
    status = ""
    missing = Deadline(deadline.clock, _APPEAR_SECONDS)
    while True:
        answer = account.ecs.describe_tasks(cluster=cluster, tasks=[arn])
        if not answer["tasks"]:
            if not missing.pause(POLL_SECONDS):
                raise FailedError(f"ECS does not show task {arn}", fix="Read its log group for how it ended.")
            continue
        task = answer["tasks"][0]
        missing = Deadline(deadline.clock, _APPEAR_SECONDS)
        if task.get("lastStatus", "") != status:
            status = task.get("lastStatus", "")
            say(f"task {status}")
        log.print_new()
        if status == "STOPPED":
            log.drain(deadline)
            return task
        if not deadline.pause(POLL_SECONDS):
            account.ecs.stop_task(cluster=cluster, task=arn, reason="The release stopped waiting for it")
            raise DeadlineError(
                f"{arn} did not end within {deadline.seconds:.0f} s; it was last {status} and has been told to stop",
                fix="Read its log for how far it came, then run this again.",
            )


@dataclass(slots=True)
class _Log:
    """The lines of a task's container. Its stream does not exist before the first of them."""

    account: Account
    wanted: OneOff
    task_id: str
    say: Callable[[str], None]
    token: str = ""

    def print_new(self) -> bool:
        """Print what came since the last time; whether anything had."""
        printed = False
        while True:
            try:
                page = self._page()
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return printed
                raise
            for event in page["events"]:
                printed = True
                self.say(f"  | {event.get('message', '').rstrip()}")
            # The end is where the token no longer changes (CloudWatch Logs API Reference, GetLogEvents).
            if page["nextForwardToken"] == self.token:
                return printed
            self.token = page["nextForwardToken"]

    def _page(self) -> GetLogEventsResponseTypeDef:
        group = naming.task_log_group(self.wanted.environment, self.wanted.task)
        stream = f"{self.wanted.task}/{self.wanted.task}/{self.task_id}"
        if self.token:
            return self.account.logs.get_log_events(
                logGroupName=group, logStreamName=stream, startFromHead=True, nextToken=self.token
            )
        return self.account.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)

    def drain(self, deadline: Deadline) -> None:
        """The last lines arrive some seconds after the end: go on until none come."""
        limit = Deadline(deadline.clock, _DRAIN_SECONDS)
        while limit.pause(POLL_SECONDS) and self.print_new():
            pass


def _judge(task: TaskTypeDef, name: str, say: Callable[[str], None]) -> None:
    stopped = task.get("stoppedReason") or "no reason given"
    for container in task.get("containers", []):
        if container.get("name") == name:
            code = container.get("exitCode")
            if code == 0:
                say(f"{name} ended with exit code 0")
                return
            if code is not None:
                raise TaskError(
                    f"{name} ended with exit code {code}: {stopped}", code=code, fix="Read its lines above."
                )
            reason = container.get("reason") or stopped
            raise FailedError(f"{name} never ran: {reason}", fix="Can its image, secrets and network be reached?")
    raise FailedError(f"the task ended without a container {name}: {stopped}")
