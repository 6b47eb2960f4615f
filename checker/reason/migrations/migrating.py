"""Which jobs migrate a database that matters, and how: by a command of their own, or by a task that they start.

A job that migrates a database of its own (a service container of a test) touches nothing that lasts. So a job counts
only where it works with AWS credentials, in a deployment environment, or with a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.data.harmless import is_wrapped
from checker.model.answers import NO, YES, Answer
from checker.model.environment_words import kind_of
from checker.model.environments import EnvironmentKind
from checker.model.migrations.folders import MigrationFolder, MigrationRunner, is_sql
from checker.model.migrations.shaping import Shapes
from checker.model.migrations.tools import BY_NAME, MigrationTool, about_migrations
from checker.model.pipeline.holding import any_secret, given_secrets
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Argument, AwsCall, Command, How, Trace
from checker.model.possible import OneOf, Possible, options, shown
from checker.model.sources import Spot
from checker.model.values import Absent, Unknown
from checker.model.written.shell_lines import line_at, listed
from checker.reason.images.used_again import from_stack
from checker.reason.migrations.lasting import is_own, told_of_own
from checker.reason.migrations.started.built import runner_changed_by_then
from checker.reason.migrations.tools import (
    ALL_IT_HOLDS,
    Applied,
    applied_behind,
    applied_by,
    applies,
    destroys,
    liquibase_of_gradle,
    looks,
)
from checker.reason.names.families import family_run, plain_family

_STARTS: Final = frozenset(
    {
        ("ecs", "RunTask"),
        ("ecs", "StartTask"),
        ("ecs", "ExecuteCommand"),
        ("ecs", "execute-command"),  # as the AWS CLI has it: a command of its own
        ("lambda", "Invoke"),
        ("codebuild", "StartBuild"),
        ("batch", "SubmitJob"),
        ("ssm", "SendCommand"),
    }
)
# A file that is run to migrate, by its name without folder and ending.
_FILE: Final = lazy_re.compile(r"(?:^|/)([\w.-]*migrat[\w.-]*)\.(?:py|m?js|cjs|ts)$", re.IGNORECASE)
_COMMENT: Final = lazy_re.compile(r"(?:^|(?<=\s))(?:#|//).*", re.MULTILINE)
_LIST: Final = lazy_re.compile(r"\[[^\[\]{}]*\]")

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

    @property
    def told(self) -> str:
        """What the tool is told on every way: as it is written, and what variables and programs give it."""
        action = self.action
        if isinstance(action, AwsCall):
            given = _texts({name: each for name, each in action.arguments.items() if not isinstance(each, OneOf)})
            return " ".join((action.source, *given))
        return " ".join((action.source, *(each for each in action.words if isinstance(each, str))))


@lru_cache(maxsize=4)  # rules, and folders of migrations, ask it over and over
def migrating(pipeline: Pipeline) -> tuple[Migrating, ...]:
    """Every step of every job that migrates a lasting database, in order; one entry per step and way."""
    return tuple(each for job in pipeline.jobs for each in migrating_in(job, pipeline))


def tool_of(step: Migrating, pipeline: Pipeline) -> MigrationTool | None:
    """The tool that a step runs, through a script of package.json too; ``None`` for a program of its own."""
    if step.tool is not None:
        return step.tool
    if isinstance(step.action, Command):
        words = {shown(word) for word in step.action.words[1:]}
    else:
        lists = _LIST.findall(" ".join(_texts(step.action.arguments)))
        words = {word for each in lists for word in _words(each)[1:]}
    of_scripts = (applies(command.split()) for name, command in pipeline.migration_code.scripts if name in words)
    tools = {each.tool.name for each in of_scripts if each is not None and each.tool is not None}
    if tools:
        return BY_NAME[tools.pop()] if len(tools) == 1 else None
    return None if isinstance(step.action, Command) else _of_task(step.action, pipeline)


def _of_task(call: AwsCall, pipeline: Pipeline) -> MigrationTool | None:
    """The tool that a task migrates with as its definition says, where the one that starts it gives it no command: by
    its family, or of what the stack tells the one that all such definitions have."""
    tasks = pipeline.migration_code.in_tasks
    if call.operation != "RunTask" or not call.complete or not isinstance(call.argument("overrides"), Absent):
        return None
    value = call.text("taskDefinition")
    named = value.rpartition("/")[2].partition(":")[0] if isinstance(value, str) else ""
    if not isinstance(value, Absent) and from_stack(value):
        tools = {each.tool for each in tasks}
    else:
        tools = {each.tool for each in tasks if named and each.family == named}
    return BY_NAME.get(tools.pop()) if len(tools) == 1 else None


def starts_task(step: Migrating, pipeline: Pipeline) -> bool:
    """Whether a step's command starts what migrates elsewhere."""
    calls = pipeline.trace(step.job).aws
    return any(
        (each.service, each.operation) in _STARTS and step.action.reached.leads_to(each.reached) for each in calls
    )


def runs_its_image(step: Migrating) -> bool:
    """Whether what a step starts is given no command, and so runs what its image says."""
    call = step.start
    if call is None or step.tool is not None or call.operation != "RunTask":
        return False
    whole = call.complete and isinstance(call.argument("cliInputJson"), Absent)
    return whole and isinstance(call.argument("overrides"), Absent)


def programs_of(command: Command) -> tuple[str, ...]:
    """The names of the files that a command line runs to migrate: ``migrate`` of ``node dist/migrate.js``, ``runner``
    of ``python -m db.runner``."""
    words = [word if isinstance(word, str) else "" for word in command.words]
    files = [match[1] for word in words if (match := _FILE.search(word)) is not None]
    modules = [after.rpartition(".")[2] for before, after in pairwise(words) if before == "-m"]
    return (*files, *(modules if command.program.startswith("python") else ()))


def locks_of(tool: MigrationTool, pipeline: Pipeline) -> Answer:
    """Whether a tool keeps a second run out by its own doing, by the version of its library that all projects ask for
    where that decides."""
    versions = [version for name, version in pipeline.migration_code.versions if name == tool.name]
    if not tool.locks_from or not versions or 0 in versions:
        return tool.locks
    if min(versions) >= tool.locks_from:
        return YES
    return NO if max(versions) < tool.locks_from else tool.locks


def lock_by_themselves(pipeline: Pipeline) -> bool:
    """Whether all migrations are code that one tool alone can run, and which takes its lock whoever starts it."""
    tools = [BY_NAME.get(folder.tool) for folder in pipeline.migrations]
    locks = all(tool is not None and locks_of(tool, pipeline) is YES for tool in tools)
    files = [each.file for folder in pipeline.migrations for each in folder.migrations]
    code = bool(files) and not any(map(is_sql, files))
    return code and locks


def told_not_to_lock(step: Migrating, tool: MigrationTool, pipeline: Pipeline) -> str:
    """What switches a tool's lock off: an option, a variable that is set to something, a setting of its connection, a
    migration; empty where nothing does."""
    action = step.action
    given = dict(step.step.env) if step.step is not None else {}
    texts = [action.text() if isinstance(action, Command) else action.source]
    given |= action.environment if isinstance(action, Command) else {}
    texts += [name for name, value in given.items() if any(not _is_off(each) for each in _shown(value))]
    texts += [_COMMENT.sub("", each.text) for each in pipeline.migration_code.connections if each.tool == tool.name]
    found = not_locking(tool, ((text, "") for text in texts))
    return found[0] if found is not None else unlocked_in(pipeline.migrations, tool)


def unlocked_in(folders: Iterable[MigrationFolder], tool: MigrationTool) -> str:
    """The first migration of a tool that asks for none of its lock; empty where none does."""
    files = (
        each.file for folder in folders if folder.tool == tool.name for each in folder.migrations if each.up.unlocked
    )
    return next((f"@disable_migration_lock in {file}" for file in files), "")


def not_locking(tool: MigrationTool, texts: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The first words of texts that switch a tool's lock off, and what that text is called."""
    for text, called in texts if tool.unlocked else ():
        if (match := re.search(tool.unlocked, text)) is not None:
            return match[0], called
    return None


def _is_off(value: str) -> bool:
    return value.lower() in {"", "0", "false"}


def destroying(pipeline: Pipeline) -> Iterator[tuple[Command, str, bool]]:
    """The commands of jobs that take a lasting database, or what is in it, away: see ``tools.destroys``."""
    said = set[Spot]()
    for job in pipeline.jobs:
        for command in pipeline.trace(job).commands:
            found = destroys(command) if command.spot not in said else None
            if (
                found is not None
                and found[0] == ALL_IT_HOLDS
                and kind_of(job.environment_name) is EnvironmentKind.STAGING
            ):
                continue  # which may be torn down and filled again
            step = Migrating(job, command.step, command, Applied(None))
            if found is not None and not is_own(command, command.step, pipeline.trace(job)) and _lasts(step, [step]):
                said.add(command.spot)
                yield command, *found


def changing_at_start(pipeline: Pipeline) -> Iterator[tuple[MigrationRunner, str, bool]]:
    """The programs that change the schema when they start, by no migration, with what that takes away and whether it
    surely does. What only adds takes nothing away."""
    for runner in (*pipeline.migration_code.shaping, *pipeline.migration_code.at_start):
        doubt = runner.doubt or (runner_changed_by_then(runner, pipeline) if runner.shapes is Shapes.EMPTIES else "")
        if runner.shapes is Shapes.EMPTIES and not doubt:
            said = f"Whenever the program starts, {runner.library} takes away all that the database holds."
            yield runner, said, True
        elif runner.shapes not in (None, Shapes.ADDS):
            why = f"what {runner.library} takes away when the program starts follows from its models"
            yield runner, f"{why}{f': {doubt}' if doubt else ''}", False


@lru_cache(maxsize=4)
def tools_run(pipeline: Pipeline) -> set[str]:
    """The tools that any job applies migrations with, a database of its own among them; clients are none."""
    commands = (command for job in pipeline.jobs for command in pipeline.trace(job).commands)
    tools = (applied.tool for command in commands if (applied := applied_by(command)) is not None)
    return {tool.name for tool in tools if tool is not None and not tool.is_client}


def runs_back(pipeline: Pipeline) -> Iterator[Command]:
    """The commands of any job, tests too, that run migrations backwards."""
    for job in pipeline.jobs:
        for command in pipeline.trace(job).commands:
            applied = applied_by(command)
            if applied is not None and applied.back:
                yield command


def migrating_in(job: EffectiveJob, pipeline: Pipeline) -> Iterator[Migrating]:
    """The steps of one job that migrate a lasting database, or what a container does that is followed as one."""
    trace = pipeline.trace(job)
    has_liquibase = any(folder.tool == "liquibase" for folder in pipeline.migrations)
    found: dict[int, list[Migrating]] = {}
    for index, action in enumerate(trace.actions):
        applied = applied_by(action) if isinstance(action, Command) else None
        if applied is None:
            applied = applied_behind(trace.actions, index)
        if isinstance(action, AwsCall):
            applied = applied_in_task(action, job, trace) or _by_family(action, trace, pipeline)
        elif applied is None and isinstance(action, Command) and has_liquibase:
            applied = liquibase_of_gradle([shown(word) for word in action.words])
        if applied is not None and isinstance(action, Command | AwsCall):
            found.setdefault(id(action.step), []).append(Migrating(job, action.step, action, applied))
    for entries in found.values():
        kept = [each for each in entries if not _told_otherwise(each, entries)]
        kept = [each for each in kept if not _is_own(each, trace)]
        if kept and _lasts(kept[0], entries):
            yield from _once(kept)


def _is_own(one: Migrating, trace: Trace) -> bool:
    return isinstance(one.action, Command) and is_own(one.action, one.step, trace)


def _once(entries: list[Migrating]) -> list[Migrating]:
    """Entries without those that a loop repeats."""
    seen: dict[tuple[object, ...], Migrating] = {}
    for each in entries:
        seen.setdefault((each.action.reached.way, each.tool.name if each.tool is not None else "", each.back), each)
    return list(seen.values())


def _told_otherwise(one: Migrating, entries: list[Migrating]) -> bool:
    """Whether another entry of the same step tells of what this one does: a task that a command of the pipeline's own
    starts is seen as that and as the call inside it; what `make migrate` runs, as that and as the tool in the
    recipe; what `./mvnw` is told, as that and in its own file, where it hands its words on."""
    if isinstance(one.action, Command) and is_wrapped(one.action.program, one.action.spot.file):
        wrapper = one.action.spot.file
        return any(each.tool is one.tool and each.action.spot.file != wrapper for each in entries)
    if one.tool is None and any(each.tool is not None and _leads(one, each) for each in entries):
        return True
    around = [each for each in entries if isinstance(each.action, Command) and _leads(each, one)]
    if one.tool is None:
        return any(each.tool is None or isinstance(one.action, AwsCall) for each in around)
    return isinstance(one.action, AwsCall) and any(each.tool is not None for each in around)


def _leads(one: Migrating, other: Migrating) -> bool:
    return one is not other and one.action.reached.leads_to(other.action.reached)


def applied_in_task(call: AwsCall, job: EffectiveJob | None, trace: Trace) -> Applied | None:
    """What a call has something else migrate, a task, a function or a machine: by the command that it hands over, or
    by what it, its task's family and its job are called."""
    if (call.service, call.operation) not in _STARTS or call.how in (How.CLI_WAITER, How.SDK_WAITER):
        return None
    told = " ".join(_texts(call.arguments))
    line = call.text("command")  # of `aws ecs execute-command`: a line, where others are given words
    written = [*_LIST.findall(told), *([json.dumps(line.split())] if isinstance(line, str) else ())]
    commands = [_words(each) for each in written]
    found = next((each for each in map(applies, commands) if each is not None), None)
    if found is not None or any(map(looks, commands)):
        return found
    jobs = job.chain if job is not None else ()
    # A family is told by the revision that is registered before, where the call names nothing itself.
    called = (told, *family_run(trace, call), *(each.job.id for each in jobs), call.step.step.name if call.step else "")
    named = " ".join(filter(None, called))
    return Applied(None, "down" in named.lower()) if about_migrations(named) else None


def _by_family(call: AwsCall, trace: Trace, pipeline: Pipeline) -> Applied | None:
    """A task that migrates as its definition says, where the call that runs it gives it no command of its own."""
    tasks = pipeline.migration_code.in_tasks
    if call.operation != "RunTask" or not tasks or not isinstance(call.argument("overrides"), Absent):
        return None
    named = call.text("taskDefinition")
    families = {plain_family(named)} if isinstance(named, str) else family_run(trace, call)
    found = next((each for each in tasks if each.family and each.family in families), None)
    return Applied(BY_NAME.get(found.tool)) if found is not None else None


def _words(written: str) -> list[str]:
    """The words of a command in JSON's or Python's spelling: ``["npx", "prisma", "migrate", "deploy"]``."""
    found = listed(written) or [part.strip(" '\"[]") for part in written.split(",")]
    return [word for part in found[line_at(found) or 0 :] for word in part.split()]


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
    if not job.steps:  # a container's: its task gives it the address
        return True
    if first.step is None and told_of_own(job.env):
        return False
    # A role alone gives no container the address of a database: what runs in one may be a test beside its own.
    outside = job.environments != () or bool(job.credentials and not first.applied.contained)
    if outside or given_secrets(first.step) or (first.step is None and any_secret(job.env.values())):
        return True
    run = first.step.step.run if first.step is not None else None
    return run is not None and "secrets." in run.text


def _shown(value: Possible) -> tuple[str, ...]:
    each = options(value)
    return () if each is None else tuple(shown(option) for option in each)
