"""Which jobs migrate a database that matters, and how: by a command of their own, or by a task that they start.

A job that migrates a database of its own (a service container of a test) touches nothing that lasts. So a job counts
only where it works with AWS credentials, in a deployment environment, or with a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.migrations.tools import MigrationTool, about_migrations
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Argument, AwsCall, Command, How
from checker.model.possible import OneOf, Possible, options, shown
from checker.model.values import Unknown
from checker.reason.migrations.tools import Applied, applied_behind, applied_by, applies

_STARTS: Final = frozenset(
    {
        ("ecs", "RunTask"),
        ("ecs", "ExecuteCommand"),
        ("ecs", "execute-command"),  # as the AWS CLI has it: a command of its own
        ("lambda", "Invoke"),
        ("codebuild", "StartBuild"),
        ("ssm", "SendCommand"),
    }
)
_LOCAL: Final = re.compile(r"localhost|127\.0\.0\.1|@(?:postgres|db|database)[:/]")
_LIST: Final = re.compile(r"\[[^\[\]{}]*\]")

Action: TypeAlias = "Command | AwsCall"


class Migrating(Struct, frozen=True):
    """One step of a job that migrates. ``start`` is the call that starts a task which does it, if there is one."""

    job: EffectiveJob
    step: EffectiveStep | None
    action: Action
    applied: Applied

    @property
    def tool(self) -> MigrationTool | None:
        return self.applied.tool

    @property
    def back(self) -> bool:
        return self.applied.back

    @property
    def start(self) -> AwsCall | None:
        return self.action if isinstance(self.action, AwsCall) else None


def migrating(pipeline: Pipeline) -> tuple[Migrating, ...]:
    """Every step of every job that migrates a lasting database, in order; one entry per step and way."""
    return tuple(each for job in pipeline.jobs for each in _of_job(job, pipeline))


def tool_of(step: Migrating, pipeline: Pipeline) -> MigrationTool | None:
    """The tool that a step runs, through a script of package.json too; ``None`` for a program of its own."""
    if step.tool is not None or not isinstance(step.action, Command):
        return step.tool
    words = {shown(word) for word in step.action.words[1:]}
    for name, command in pipeline.migration_code.scripts:
        if name in words:
            applied = applies(command.split())
            if applied is not None and applied.tool is not None:
                return applied.tool
    return None


def runs_back(pipeline: Pipeline) -> Iterator[Command]:
    """The commands of any job, tests too, that run migrations backwards."""
    for job in pipeline.jobs:
        for command in pipeline.trace(job).commands:
            applied = applied_by(command)
            if applied is not None and applied.back:
                yield command


def _of_job(job: EffectiveJob, pipeline: Pipeline) -> Iterator[Migrating]:
    trace = pipeline.trace(job)
    found: dict[int, list[Migrating]] = {}
    for index, action in enumerate(trace.actions):
        applied = applied_by(action) if isinstance(action, Command) else None
        if applied is None:
            applied = applied_behind(trace.actions, index)
        if isinstance(action, AwsCall):
            applied = _call(action, job)
        if applied is not None and isinstance(action, Command | AwsCall):
            found.setdefault(id(action.step), []).append(Migrating(job, action.step, action, applied))
    for entries in found.values():
        # A command of the pipeline's own that starts a task is seen twice: as itself, and as the call inside it.
        commands = [each for each in entries if isinstance(each.action, Command)]
        # So is what a task runs: `make migrate` is told of by the tool in the recipe, where one is known.
        told = [each for each in commands if each.tool is not None] or commands
        first = told[0] if told else entries[0]
        if _lasts(first, entries):
            yield first


def _call(call: AwsCall, job: EffectiveJob) -> Applied | None:
    if (call.service, call.operation) not in _STARTS or call.how in (How.CLI_WAITER, How.SDK_WAITER):
        return None
    told = " ".join(_texts(call.arguments))
    for words in _LIST.findall(told):
        applied = applies(_words(words))
        if applied is not None:
            return applied
    line = call.text("command")  # of `aws ecs execute-command`: a line, where others are given words
    if isinstance(line, str) and (applied := applies(_words(json.dumps(line.split())))) is not None:
        return applied
    named = " ".join(
        filter(None, (told, *(each.job.id for each in job.chain), call.step.step.name if call.step else ""))
    )
    return Applied(None, "down" in named.lower()) if about_migrations(named) else None


def _words(written: str) -> list[str]:
    """The words of a command in JSON's or Python's spelling: ``["npx", "prisma", "migrate", "deploy"]``."""
    try:
        found = json.loads(written)
    except ValueError:
        found = [part.strip(" '\"[]") for part in written.split(",")]
    words = [word for part in found if isinstance(part, str) for word in part.split()]
    return words[2:] if words[:2] in (["sh", "-c"], ["bash", "-c"]) else words


def _texts(value: Argument | Mapping[str, Argument]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, tuple):
        if value and all(isinstance(each, str) for each in value):
            yield json.dumps(list(value))
        else:
            for each in value:
                yield from _texts(each)
    elif isinstance(value, OneOf):
        yield from (shown(option) for option in value.options)
    elif not isinstance(value, Unknown):
        yield shown(value)


def _lasts(first: Migrating, entries: list[Migrating]) -> bool:
    """Whether the database outlives the job."""
    job = first.job
    if any(isinstance(each.action, AwsCall) for each in entries):
        return True
    env = first.step.env if first.step is not None else job.env
    told = [text for name, value in env.items() if not name.startswith("GITHUB_") for text in _shown(value)]
    if any(_LOCAL.search(text) for text in told):
        return False
    # A role alone gives no container the address of a database: what runs in one may be a test beside its own.
    outside = job.environments != () or bool(job.credentials and not first.applied.contained)
    if outside or any("secrets." in text for text in told):
        return True
    run = first.step.step.run if first.step is not None else None
    return run is not None and "secrets." in run.text


def _shown(value: Possible) -> tuple[str, ...]:
    each = options(value)
    return () if each is None else tuple(shown(option) for option in each)
