"""What a job changes: stacks, services, one-off tasks and schemas, as its trace shows them.

Reading a deployment's state is no change, nor is registering a revision or pushing an image: nothing that runs is
touched by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.holding import given_secrets, may_act
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace
from checker.model.pipeline.workflows import Workflow
from checker.model.possible import Possible, options
from checker.model.values import ABSENT, Absent
from checker.reason.migrations.lasting import is_own
from checker.reason.migrations.migrating import applied_in_task
from checker.reason.migrations.tools import applied_behind, applied_by, is_contained


class What(StrEnum):
    """The kind of thing that is changed."""

    STACK = "stack"
    SERVICE = "service"
    TASK = "task"
    SCHEMA = "schema"
    OTHER = "other"


Action: TypeAlias = "Command | AwsCall | CdkCommand"


class Change(Struct, frozen=True):
    """One change. ``targets`` are what is changed (selectors of stacks, a service), empty where nothing is named."""

    what: What
    place: Action
    targets: tuple[Possible, ...] = ()


# service -> operation -> what it changes, and the argument that names it. Source: each service's API Reference.
_CALLS: Final[Mapping[str, Mapping[str, tuple[What, str]]]] = {
    "cloudformation": {
        **dict.fromkeys(
            ("CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet", "RollbackStack", "deploy"),
            (What.STACK, "stackname"),
        ),
        # Stacks of other accounts and regions, under names that StackSets gives them.
        **dict.fromkeys(
            ("UpdateStackSet", "CreateStackInstances", "UpdateStackInstances", "DeleteStackInstances"),
            (What.OTHER, "stacksetname"),
        ),
    },
    "ecs": {
        **dict.fromkeys(
            (
                "UpdateService",
                "CreateService",
                "DeleteService",
                "UpdateServicePrimaryTaskSet",
                "CreateTaskSet",
                "deploy",
            ),
            (What.SERVICE, "service"),
        ),
        "UpdateExpressGatewayService": (What.SERVICE, "servicearn"),
        "RunTask": (What.TASK, "taskdefinition"),
        "StartTask": (What.TASK, "taskdefinition"),
    },
    "codedeploy": {"CreateDeployment": (What.SERVICE, "deploymentgroupname")},
    "lambda": dict.fromkeys(
        ("UpdateFunctionCode", "UpdateFunctionConfiguration", "UpdateAlias"), (What.SERVICE, "functionname")
    ),
    "apprunner": dict.fromkeys(("StartDeployment", "UpdateService"), (What.SERVICE, "servicearn")),
    "lightsail": dict.fromkeys(
        ("CreateContainerServiceDeployment", "UpdateContainerService"), (What.SERVICE, "servicename")
    ),
    "amplify": dict.fromkeys(("StartDeployment", "StartJob"), (What.SERVICE, "appid")),
    "sagemaker": {"UpdateEndpoint": (What.SERVICE, "endpointname")},
    "elasticbeanstalk": {
        "UpdateEnvironment": (What.SERVICE, "environmentname"),
        "SwapEnvironmentCNAMEs": (What.SERVICE, "sourceenvironmentname"),
    },
    # Which of two versions gets the requests.
    "elbv2": {"ModifyListener": (What.SERVICE, "listenerarn"), "ModifyRule": (What.SERVICE, "rulearn")},
    "autoscaling": {"StartInstanceRefresh": (What.SERVICE, "autoscalinggroupname")},
    "cloudfront": {"CreateInvalidation": (What.OTHER, "distributionid")},
    "rds-data": {"ExecuteStatement": (What.SCHEMA, "database"), "BatchExecuteStatement": (What.SCHEMA, "database")},
}
_CDK: Final = frozenset({"deploy", "destroy", "import", "rollback", "watch"})
# Programs that deploy, by the word that makes them do it.
_PROGRAMS: Final[Mapping[str, tuple[What, frozenset[str]]]] = {
    **dict.fromkeys(("terraform", "tofu", "terragrunt"), (What.OTHER, frozenset({"apply", "destroy"}))),
    "pulumi": (What.OTHER, frozenset({"up", "destroy"})),
    "sam": (What.STACK, frozenset({"sync"})),
    **dict.fromkeys(("sls", "serverless"), (What.STACK, frozenset({"deploy", "remove"}))),
    **dict.fromkeys(("copilot", "eb", "ecs-deploy", "fly", "flyctl"), (What.OTHER, frozenset({"deploy"}))),
    "kubectl": (What.OTHER, frozenset({"apply", "set", "rollout", "replace", "patch", "delete"})),
    "helm": (What.OTHER, frozenset({"upgrade", "install", "rollback", "uninstall"})),
}
# What is run by name from a file that is not followed: the name alone tells.
_RUNNERS: Final = frozenset({"make", "just", "task", "npm", "yarn", "pnpm", "bun", "nx", "turbo"})
_TELLING: Final = lazy_re.compile(r"(?:^|[^a-z])(?:deploy|rollback|release)(?:$|[^a-z])")
_FIRST_WORDS: Final = 5


def changes_of(trace: Trace) -> Iterator[Change]:
    """Everything that a trace changes, in the order in which it happens."""
    for index, action in enumerate(trace.actions):
        change = _change(action)
        if change is None and (applied_behind(trace.actions, index) or _in_task(action, trace)):
            change = Change(What.SCHEMA, action)
        if change is not None:
            yield change


def _in_task(action: Action, trace: Trace) -> bool:
    """Whether a call has something else change a schema."""
    return isinstance(action, AwsCall) and applied_in_task(action, action.job, trace) is not None


@lru_cache(maxsize=16_384)  # several rules ask about each action
def _change(action: Action) -> Change | None:
    if isinstance(action, CdkCommand):
        return Change(What.STACK, action, action.stacks) if action.name in _CDK and not _only_prepares(action) else None
    if isinstance(action, AwsCall):
        if action.waiter:
            return None
        what, argument = _CALLS.get(action.service, {}).get(action.operation, (None, ""))
        if what is None or action.argument("noexecutechangeset") is True:
            return None
        value = action.text(argument)
        return Change(what, action, () if isinstance(value, Absent) else (value,))
    return _command(action)


_FIRST_STACK: Final = lazy_re.compile(r"(?<![a-z])bootstrap(?!ped)", re.IGNORECASE)


def bootstraps(job: EffectiveJob, changes: Iterable[Change]) -> bool:
    """Whether a job that a person alone starts deploys nothing but the stack that everything else needs first: it is of
    no release. It says so by the stack's name, its template's or a context."""
    by_hand = bool(job.starts) and all(start.event == "workflow_dispatch" for start in job.starts)
    return by_hand and all(each.what is What.STACK and _is_first(each) for each in changes)


def _is_first(change: Change) -> bool:
    named = bool(change.targets) and all(map(_of_first_stack, change.targets))
    return named or _told_first(change.place)


def _of_first_stack(target: Possible) -> bool:
    each = options(target)
    return bool(each) and all(isinstance(name, str) and _FIRST_STACK.search(name) for name in each or ())


def _told_first(place: Action) -> bool:
    if isinstance(place, CdkCommand):
        return place.context.get("bootstrap") in {"true", "1", True}
    template = place.text("templatefile") if isinstance(place, AwsCall) else ABSENT
    return not isinstance(template, Absent) and _of_first_stack(template)


def _only_prepares(command: CdkCommand) -> bool:
    """A change set that nobody executes changes nothing (AWS CDK Developer Guide, ``cdk deploy``, ``--method``; AWS CLI
    Command Reference, ``cloudformation deploy``, ``--no-execute-changeset``)."""
    method = command.options.get("method", "")
    return options(method) == ("prepare-change-set",) or command.options.get("no-execute") is True


def _command(command: Command) -> Change | None:
    if not command.entered and applied_by(command) is not None:
        return Change(What.SCHEMA, command)
    program = command.program
    words = [word for word in command.words[1:_FIRST_WORDS] if isinstance(word, str)]
    what, telling = _PROGRAMS.get(program, (None, frozenset()))
    if what is not None and telling.intersection(words):
        return Change(what, command)
    if program in _RUNNERS and not command.entered:
        target = next((word for word in words if not word.startswith("-") and word not in {"run", "run-script"}), "")
        if _TELLING.search(target):
            return Change(What.OTHER, command)
    return None


class Changing(Struct, frozen=True):
    """The jobs of one workflow that GitHub starts, those that change something with what they change.

    ``followed`` is false where a job that holds something to act with could not be followed to its end: then others
    may change something too.
    """

    entry: Workflow
    jobs: tuple[EffectiveJob, ...]
    changes: Mapping[str, tuple[Change, ...]]  # by the name of the job
    followed: bool

    @property
    def changing(self) -> tuple[EffectiveJob, ...]:
        """The jobs that change something."""
        return tuple(job for job in self.jobs if job.name in self.changes)

    def all_changes(self) -> Iterator[tuple[EffectiveJob, Change]]:
        for job in self.changing:
            for change in self.changes[job.name]:
                yield job, change


def workflows_of(pipeline: Pipeline) -> tuple[Changing, ...]:
    """Every workflow that is started by itself (or that nothing here calls), with what its jobs change."""
    by_entry: dict[str, list[EffectiveJob]] = {}
    for job in pipeline.jobs:
        by_entry.setdefault(job.entry.file, []).append(job)
    found = []
    for jobs in by_entry.values():
        changes = {job.name: each for job in jobs if (each := tuple(_real_changes(job, pipeline)))}
        followed = all(pipeline.trace(job).complete for job in jobs if may_act(job))
        found.append(Changing(jobs[0].entry, tuple(jobs), changes, followed))
    return tuple(found)


def _real_changes(job: EffectiveJob, pipeline: Pipeline) -> Iterator[Change]:
    """What a job changes of an environment: a test's own database, on the runner itself, is none."""
    trace = pipeline.trace(job)
    for change in changes_of(trace):
        if not isinstance(change.place, Command):
            yield change
        elif change.what is not What.SCHEMA:
            if may_act(job):
                yield change
        elif is_own(change.place, change.place.step, trace):
            continue
        elif given_secrets(change.place.step) or (
            not is_contained(change.place) and (job.credentials or "self-hosted" in str(job.job.runs_on))
        ):
            yield change
