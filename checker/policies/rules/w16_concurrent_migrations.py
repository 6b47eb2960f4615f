"""One migration runs at a time.

What the review found
    The migration runner takes no lock, and staging's workflow cancels a run that is migrating: its task goes on, and
    the next run starts a second one on the same database.
What is checked
    The program that applies migrations holds a PostgreSQL session advisory lock while it does, on the connection that
    migrates, or is a tool that locks by itself (Flyway, Liquibase, Prisma, golang-migrate, node-pg-migrate, Knex,
    Rails, Ecto, Atlas, Sqitch, sqlx, Entity Framework Core from version 9 on). A lock of a transaction, a shared one,
    one taken over a pool, or a try whose answer nobody looks at keeps nobody out, nor does one whose failure is passed
    over: a Python runner is gone through as if another run held the lock, and no migration may reach the database then.
    Who waits polls, where migrations build indexes concurrently. So does what an image's entry point runs whatever
    there is, in each container that starts, and so does a program that brings the database to the schema of its models
    when it starts (``synchronize``, ``ddl-auto``, ``AutoMigrate``). A script of the repository that an image, or a task
    in one, starts is followed as one that a job calls. No workflow cancels a run that may be migrating.
When it does not apply
    Nothing in the repository applies migrations.
What cannot be decided
    A runner that is not in the repository. A connection whose kind the code does not show. A `cancel-in-progress` that
    only the run knows. A lock that is only taken under a condition which the code alone does not tell. A script that
    the recipe of its image changes. A task whose command nobody knows before it runs.
Fix
    Connect once, poll ``pg_try_advisory_lock`` on that connection with a deadline, migrate on it, and let the lock go
    with the session. Set ``cancel-in-progress: false`` for workflows that migrate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from typing import ClassVar, Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Project
from checker.model.judgements import Judgeable, Judgement
from checker.model.live.account import Account
from checker.model.migrations.folders import MigrationRunner
from checker.model.migrations.shaping import Shapes
from checker.model.migrations.tools import BY_NAME, MigrationTool
from checker.model.pipeline.jobs import ConcurrencyInForce, EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import truth
from checker.model.resources import Resource
from checker.model.rules import Rule, Unseen
from checker.model.sources import Spot
from checker.model.values import Unknown
from checker.model.verdicts import Location, Subject, Surface
from checker.reason.account.running import Task, own_repositories, running_tasks, task_places
from checker.reason.deploys.rollbacks import is_rollback
from checker.reason.deploys.serial import cancelled_by, is_of_one_run
from checker.reason.github.cancelled_runs import CANCELLERS, cancels_runs, step_cancels_runs
from checker.reason.migrations.at_hand import handed
from checker.reason.migrations.migrating import (
    Migrating,
    lock_by_themselves,
    locks_of,
    migrating,
    not_locking,
    told_not_to_lock,
    tool_of,
    unlocked_in,
)
from checker.reason.migrations.runner_locks import Locking, locking
from checker.reason.migrations.started.built import FIX_CHANGED, runner_changed_by_then
from checker.reason.migrations.started.steps import by_scripts, is_one_of, read_into, step_changed_by_then
from checker.reason.migrations.started.unread_tasks import may_migrate
from checker.reason.migrations.transactions import locked_first

_FIX_LOCK: Final = (
    "Hold a session advisory lock for the whole run, on the connection that migrates: poll SELECT "
    "pg_try_advisory_lock(hashtext('...')) with a deadline, and look at the answer."
)
_FIX_START: Final = (
    "Migrate in one task of its own before the roll-out, or run it while a session advisory lock is held."
)
_FIX_SHAPED: Final = (
    "Switch that off in production, write each change as a migration, and apply those in one task before the roll-out."
)
_FIX_CONNECTION: Final = "Take one connection of its own (a client, not the pool) for the lock and for every migration."
_FIX_READ: Final = "Let the audit read it: `checker permissions` prints the policy."
_FIX_CANCEL: Final = "Set cancel-in-progress: false: a cancelled run leaves its migration running."


def check_pipeline(pipeline: Pipeline, _: Project) -> Iterator[Judgement]:
    steps = migrating(pipeline)
    yield from _locks(pipeline, steps)
    yield from _cancelled(steps)
    if steps:
        yield from _cancelling(pipeline, {id(step.job) for step in steps})
    yield from may_migrate(pipeline, steps)


# -- the lock ------------------------------------------------------------------------------------


def _locks(pipeline: Pipeline, steps: Sequence[Migrating]) -> Iterator[Judgement]:
    runners = pipeline.migration_code.runners
    entries = {each.entry.file for each in runners}
    steps = [*read_into(steps, pipeline), *by_scripts(pipeline)]
    steps = [each for each in steps if each.action.spot.file not in entries]  # calls of a tool's library, seen there
    started = {tool.name for step in steps if (tool := tool_of(step, pipeline)) is not None}
    own = [each for each in runners if not _is_covered(each, runners, started)]
    for runner in own:
        yield from _runner(runner, pipeline)
    hooked = {runner.library for runner in own if _is_hook(runner)}
    said: set[tuple[str, str]] = set()
    for step in steps:
        tool = tool_of(step, pipeline)
        if tool is None:
            if ("", "") not in said and not is_one_of(step, runners, pipeline):
                said.add(("", ""))
                if lock_by_themselves(pipeline):
                    yield from _by_folder(pipeline)
                    continue
                why = "what it runs is not found in the repository, nor is it a tool that is known"
                yield step.action.undecided("lock", why, fix=_FIX_LOCK)
        elif tool.name not in hooked:
            why = step_changed_by_then(step, pipeline)
            judged = step.action.undecided("lock", why, fix=FIX_CHANGED) if why else _tool(step, tool, pipeline)
            if (tool.name, judged.violation) not in said:
                said.add((tool.name, judged.violation))
                yield judged
    at_start = {each.entry.file: each for each in pipeline.migration_code.at_start}
    for runner in at_start.values():
        yield from _runner(runner, pipeline)
    for runner in pipeline.migration_code.shaping:
        if runner.entry.file not in at_start:
            yield from _runner(runner, pipeline)
    if not runners and not said and not at_start:
        yield from _by_folder(pipeline)


def _is_hook(runner: MigrationRunner) -> bool:
    """Whether a tool runs this file itself, whoever starts the tool."""
    tool = BY_NAME.get(runner.library)
    return tool is not None and bool(tool.hook) and runner.entry.file.rpartition("/")[2] == tool.hook


def _is_covered(runner: MigrationRunner, runners: Sequence[MigrationRunner], started: Set[str]) -> bool:
    """Whether what keeps a second run out is asked of another part of the same run: of the program that starts the
    tool, or of the file that the tool runs whoever starts it."""
    if locking(runner).taken:
        return False
    beside = [each for each in runners if each.library and each.library == runner.library]
    if _is_hook(runner):
        return runner.library not in started and any(not _is_hook(each) for each in beside)
    return any(_is_hook(each) and locking(each).sound for each in beside)


def _by_folder(pipeline: Pipeline) -> Iterator[Judgement]:
    """Folders that nothing in the repository is seen to run."""
    for folder in pipeline.migrations:
        tool = BY_NAME.get(folder.tool)
        if tool is not None and (where := unlocked_in(pipeline.migrations, tool)):
            yield folder.fails("lock", f"{tool.name} is told not to lock ({where}).", fix=f"Remove {where}.")
        elif tool is not None and locks_of(tool, pipeline) is YES:
            yield folder.passes("lock", f"{tool.name} keeps a second run out ({tool.source}).")
        else:
            why = "what applies these migrations is not found in the repository"
            yield folder.undecided("lock", why, fix=_FIX_LOCK)


def _tool(step: Migrating, tool: MigrationTool, pipeline: Pipeline) -> Judgement:
    place, locks = step.action, locks_of(tool, pipeline)
    if locks is YES or (tool.locked and re.search(tool.locked, step.told)):
        where = told_not_to_lock(step, tool, pipeline)
        if where:
            return place.fails("lock", f"{tool.name} is told not to lock ({where}).", fix=f"Remove {where}.")
        return place.passes("lock", f"{tool.name} keeps a second run out ({tool.source}).")
    # In a loop each round is a session of its own.
    if tool.name == "psql" and isinstance(place, Command) and not place.reached.loops:
        held, fault = locked_first(place, handed(step, pipeline) or (), dict(pipeline.migration_code.drivers))
        if held:
            said = "It takes an advisory lock first, and holds it in the session of all its files."
            return place.passes("lock", said)
        if fault:
            return place.fails("lock", f"Its lock keeps no second run out: {fault}.", fix=_FIX_LOCK)
    if isinstance(locks, Open):
        why = f"whether {tool.name} keeps a second run out is not told by its command ({tool.source})"
        return place.undecided("lock", why, fix="Run it under a lock, or in a job that no other can run beside.")
    said = f"{tool.name} takes no lock: two runs migrate the same database at once ({tool.source})."
    newer = (
        f"Take version {tool.locks_from} of its library or a later one, which locks. Or wrap"
        if tool.locks_from
        else "Wrap"
    )
    fix = f"{newer} it: take a session advisory lock, then run {tool.name} while it is held."
    return place.fails("lock", said, fix=fix)


def _runner(runner: MigrationRunner, pipeline: Pipeline) -> Iterator[Judgement]:
    if why := runner_changed_by_then(runner, pipeline):
        yield runner.undecided("lock", why, fix=FIX_CHANGED)
        return
    found = locking(runner)
    tool = BY_NAME.get(runner.library)
    if runner.shapes is not None and not found.taken:
        yield _shaping(runner)  # whatever lock the library takes for migrations
        return
    if not found.taken and tool is not None and locks_of(tool, pipeline) is YES:
        if where := not_locking(tool, ((file.code, file.file) for file in runner.files)):
            said = f"{tool.name} is told not to lock ({where[0]})."
            yield runner.fails("lock", said, fix=f"Remove {where[0]}.", path=f"{where[1]}:1")
            return
        yield runner.passes("lock", f"{tool.name} keeps a second run out ({tool.source}).")
        return
    option = tool.locked if tool is not None and not found.taken else ""
    if tool is not None and option and any(re.search(option, file.code) for file in runner.files):
        yield runner.passes("lock", f"It has {tool.name} keep a second run out ({tool.source}).")
        return
    yield _lock(runner, found, tool, pipeline)
    if not found.sound:
        return
    yield _connection(runner, found)
    if all(not each.attempt for each in found.sound):
        yield from _waits(runner, found, pipeline)


def _shaping(runner: MigrationRunner) -> Judgement:
    once = "whether two that start at once both make what is new" if runner.shapes is Shapes.ADDS else ""
    if runner.doubt or once or BY_NAME[runner.library].locks is YES:
        why = f"whether each start changes the schema unlocked: {runner.doubt or 'its lock is told of for migrations'}"
        return runner.undecided("lock", once or why, fix=_FIX_SHAPED)
    said = f"Every program that starts has {runner.library} change the schema, and takes no lock: two do so at once."
    return runner.fails("lock", said, fix=_FIX_SHAPED)


def _lock(runner: MigrationRunner, found: Locking, tool: MigrationTool | None, pipeline: Pipeline) -> Judgement:
    if found.sound and found.doubt:
        return runner.undecided("lock", found.doubt, path=found.sound[0].at, fix=_FIX_LOCK)
    if found.sound:
        return runner.passes("lock", "It holds a session advisory lock.", path=found.sound[0].at)
    if found.taken:
        first = found.taken[0]
        return runner.fails("lock", f"Its lock keeps no second run out: {first.fault}.", fix=_FIX_LOCK, path=first.at)
    if found.table:
        why = "it locks a table, which lasts as long as that transaction; whether all migrations run in it is not read"
        return runner.undecided("lock", why, path=found.table, fix=_FIX_LOCK)
    if found.other:
        why = "it asks for a lock as another system has it; whether it holds that while it migrates is not followed"
        return runner.undecided("lock", why, path=found.other, fix=_FIX_LOCK)
    handed_on = tool is not None and tool.unsure and any(re.search(tool.unsure, file.code) for file in runner.files)
    if tool is not None and (handed_on or isinstance(locks_of(tool, pipeline), Open)):
        why = f"whether {tool.name} keeps a second run out depends on how it is called ({tool.source})"
        return runner.undecided("lock", why, fix=_FIX_LOCK)
    said = "The migration runner takes no lock: two runs migrate the same database at once."
    if tool is not None:
        said = f"It runs {tool.name}, which takes no lock: two runs migrate the same database at once ({tool.source})."
    if runner in pipeline.migration_code.at_start:
        said = f"Every container that starts runs {runner.library}, which takes no lock: two migrate at once."
        return runner.fails("lock", said, fix=_FIX_START)
    return runner.fails("lock", said, fix=_FIX_LOCK)


def _connection(runner: MigrationRunner, found: Locking) -> Judgement:
    pooled = next((each for each in found.sound if each.pooled is YES), None)
    if pooled is not None:
        said = f"The lock is taken over a pool ({pooled.receiver}): it belongs to whichever connection ran that query."
        return runner.fails("connection", said, fix=_FIX_CONNECTION, path=pooled.at)
    if found.pooler:
        said = "It connects through a pooler, which gives the lock's session to others."
        return runner.fails("connection", said, fix="Connect to the database itself.", path=found.pooler)
    if found.elsewhere:
        said = "Migrations are sent over another connection than the one that holds the lock."
        return runner.fails("connection", said, fix=_FIX_CONNECTION, path=found.elsewhere)
    for each in found.sound:
        if isinstance(each.pooled, Open):
            return runner.undecided("connection", each.pooled.why, path=each.at, fix=_FIX_CONNECTION)
    return runner.passes("connection", "The lock is held on a connection of its own.", path=found.sound[0].at)


def _waits(runner: MigrationRunner, found: Locking, pipeline: Pipeline) -> Iterator[Judgement]:
    """A blocking wait holds a snapshot, for which CREATE INDEX CONCURRENTLY waits in turn (PostgreSQL documentation,
    "Building Indexes Concurrently")."""
    built = next(_concurrent(pipeline), None)
    if built is not None:
        said = f"It waits in pg_advisory_lock and holds a snapshot, for which the concurrent index of {built} waits."
        yield runner.fails("wait", said, fix="Poll pg_try_advisory_lock with a deadline.", path=found.sound[0].at)


def _concurrent(pipeline: Pipeline) -> Iterator[Spot]:
    for folder in pipeline.migrations:
        for migration in folder.migrations:
            yield from (each.spot for each in migration.statements if each.concurrently)


# -- the workflows -------------------------------------------------------------------------------


class _Group(Judgeable, Struct, frozen=True):
    """A job as the place of a concurrency group that it is in, whoever declares that."""

    surface: ClassVar[Surface] = Surface.WORKFLOW
    job: EffectiveJob
    spot: Spot

    @property
    def environment_name(self) -> str:
        return self.job.environment_name

    @property
    def subject(self) -> Subject:
        return self.job.subject

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a line is exact enough
        return Location(self.spot.file, self.spot.line, "concurrency")


def _cancelled(steps: Sequence[Migrating]) -> Iterator[Judgement]:
    said: set[Spot] = set()
    for job in {id(step.job): step.job for step in steps}.values():
        ends = [(each, _cancels(each, job)) for each in job.concurrency]
        cancels = next((each for each, answer in ends if answer is YES), None)
        unsure = next((each for each, answer in ends if isinstance(answer, Open)), None)
        action = next((each for each in job.steps if each.step.action in CANCELLERS), None)
        if cancels is not None:
            if cancels.spot not in said:
                said.add(cancels.spot)
                why = f"A newer run cancels this one while it migrates (cancel-in-progress at {cancels.spot})."
                yield _Group(job, cancels.spot).fails("cancel", why, fix=_FIX_CANCEL)
        elif action is not None:
            yield action.fails("cancel", "It cancels runs that may be migrating.", fix="Remove the step.")
        elif unsure is not None:
            why = f"cancel-in-progress at {unsure.spot} depends on the run"
            yield _Group(job, unsure.spot).undecided("cancel", why, fix=_FIX_CANCEL)
        else:
            yield job.passes("cancel", "No newer run cancels it.")


def _cancels(group: ConcurrencyInForce, job: EffectiveJob) -> Answer:
    """Whether a later run cancels one of the job, on the refs that the job runs on."""
    answer = truth(group.cancel_in_progress) if not is_of_one_run(group, job) else NO
    by_hand = "inputs." in str(group.cancel_written)
    return cancelled_by(group, job) if isinstance(answer, Open) and not by_hand else answer


def _cancelling(pipeline: Pipeline, judged: Set[int]) -> Iterator[Judgement]:
    """Other jobs that cancel runs, whichever those are: by an action, GitHub's command or its API."""
    for job in pipeline.jobs:
        if is_rollback(job.entry):
            continue  # a person who rolls back has looked at what runs
        action = next((each for each in job.steps if each.step.action in CANCELLERS), None)
        if action is not None and id(job) not in judged:
            yield action.fails("cancel", "It cancels runs that may be migrating.", fix="Remove the step.")
        told = next((each for each in job.steps if step_cancels_runs(each)), None)
        if told is not None:
            yield told.fails("cancel", "It is told to cancel a run that may be migrating.", fix="Remove the step.")
        for command in pipeline.trace(job).commands:
            if cancels_runs(command):
                why = "It cancels a run that may be migrating: its migration goes on, and nobody waits for it."
                yield command.fails("cancel", why, fix="Let the run come to its end, or stop before it migrates.")


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: at most one task migrates a database. Tasks of one family have one database."""
    tasks = running_tasks(account)
    if isinstance(tasks, Unknown):
        for environment in project.environments:
            yield environment.undecided("running", f"how many migrations run: {tasks.why}", fix=_FIX_READ)
        return
    migrating: dict[tuple[str, ...], list[tuple[Task, Resource]]] = {}
    own = own_repositories(project)
    for task, place in task_places([each for each in tasks if each.migrates], project):
        images = sorted({image.repository for image in task.images if image.repository in own})
        # What runs the same migrations in the same cluster does so on the same database, whatever its family is called.
        migrating.setdefault((task.cluster, *(images or [task.family])), []).append((task, place))
    for together in migrating.values():
        if len(together) > 1:
            families = " and ".join(dict.fromkeys(task.family for task, _ in together))
            yield together[0][1].fails(
                "running",
                f"{len(together)} tasks of {families} migrate at the same time.",
                fix="Stop all but the first; the runner's lock must keep the others out.",
            )
    counts: dict[str, int] = {}
    for together in migrating.values():
        for _, place in together[:1]:
            counts[place.environment_name] = max(counts.get(place.environment_name, 0), len(together))
    for environment in project.environments:
        if environment.name not in counts and any(environment.resources("AWS::ECS::Cluster")):
            yield environment.passes("running", "No migration runs.")
        elif counts.get(environment.name) == 1:
            yield environment.passes("running", "One migration runs.")


RULE = Rule(
    id="W16",
    looked_for="migration runner",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether it migrates"),
    looked_for_in_pipeline="migrations, nor anything that applies them,",
    check_account=check_account,
)
