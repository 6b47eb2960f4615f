"""Migrations are bounded in time.

What the review found
    Nothing bounds a migration: a statement that waits for a lock stops every query behind it, for as long as it likes.
What is checked
    The session that migrates has a ``statement_timeout`` and a ``lock_timeout`` that are not 0: from the runner's
    code, its start-up options, the settings of its connections (Rails' database.yml, Django's DATABASES), where each of
    several sets it, ``PGOPTIONS``, the role or the database, its parameter group, or every migration itself; and no
    migration switches them off. ``SET LOCAL`` where no transaction is open bounds nothing. The job that migrates has a
    ``timeout-minutes``, and whoever waits for its task gives up before the job is ended, and fails with the task.
    A migration that fails fails its job; so does one that never ran, since its image could not be pulled (then there
    is no exit code) or ECS had no room for it (``run_task`` answers with ``failures``). An exit code that is only
    printed ends nothing; one that its step hands on is a later step's to look at. No later job rolls services although
    the migration has failed, and psql stops at a statement that fails (``ON_ERROR_STOP``).
    The repository's own runner ends with a failure where a statement of a migration, or its connection, fails, and
    where another run holds the lock all the while. A function that migrates is waited for, and its ``FunctionError``.
    A script that migrates in a container (its image's entry point, or what its task is told to run) fails likewise.
    In MySQL and MariaDB the bound for locks is ``lock_wait_timeout``, and MariaDB's for statements is
    ``max_statement_time``. In SQL Server the bound for locks is ``LOCK_TIMEOUT``.
When it does not apply
    Nothing in the repository applies migrations. A statement's bound in MySQL, which has none for what changes, in SQL
    Server and in Oracle; there the bound for locks too, which is to wait for none.
What cannot be decided
    A tool whose connection is configured outside of the repository, or of whose connections some set a bound and some
    do not. A bound that the runner's code sets in one place and takes away in another. A wait whose bound the script
    does not show, or without which the program may end well. A ``timeout-minutes`` that only the run knows, a task
    whose command nobody knows before it runs, and a script that could not be followed.
Fix
    Connect with ``options=-c lock_timeout=5s -c statement_timeout=5min``; let a migration that needs more say so. Set
    ``timeout-minutes`` on the job, above the bound of the wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.migrations.folders import MigrationRunner
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import options, shown
from checker.model.rules import Rule, Unseen
from checker.model.sources import Spot
from checker.model.values import Absent
from checker.model.verdicts import Location, Outcome, Subject
from checker.reason.calls.function_errors import in_background, looked_at
from checker.reason.deploys.paths import At
from checker.reason.deploys.task_ends import failure_goes_through, passes_on
from checker.reason.deploys.task_waits import Wait, waits_of
from checker.reason.migrations.ends.psql_ends import SAID, ends_well
from checker.reason.migrations.ends.rolled_after import rolled_although_failed
from checker.reason.migrations.ends.runner_ends import ended_well
from checker.reason.migrations.migrating import Migrating, migrating, runs_its_image, tool_of
from checker.reason.migrations.session_timeouts import (
    LOCK,
    STATEMENT,
    Bound,
    called,
    given_to,
    in_code,
    in_connections,
    in_force,
    in_sql,
    in_templates,
    is_set,
    switched_off,
    system_of,
    why_not,
)
from checker.reason.migrations.started.built import FIX_CHANGED, runner_changed_by_then
from checker.reason.migrations.started.ends import ended_well_in_containers
from checker.reason.migrations.started.steps import by_scripts, read_into
from checker.reason.migrations.started.unread_tasks import may_migrate
from checker.reason.migrations.transactions import is_wrapped

_SUBS: Final = {STATEMENT: "statement-timeout", LOCK: "lock-timeout"}
_WHAT: Final = {
    STATEMENT: "a statement may run for ever",
    LOCK: "a statement may wait for a table for ever, and every query behind it waits too",
}
_FIX_SESSION: Final = "Set {} on the session that migrates, before its first statement (options=-c {}=...)."
_FIX_ELSEWHERE: Final = (
    "Set {} on the session that migrates, before its first statement (SET SESSION {} = ..., seconds)."
)
_FIX_SERVER: Final = "Set {} on the session that migrates, before its first statement (SET {} ..., milliseconds)."
_FIX_OF: Final = {
    "django": 'Set {0} in DATABASES: "OPTIONS": {{"options": "-c {0}=..."}}, in the settings of whoever migrates.',
    "rails": "Set {0} below `variables:` of the connection in config/database.yml.",
}
_FIX_OF_ELSEWHERE: Final = {
    "django": 'Set {0} in DATABASES: "OPTIONS": {{"init_command": "SET SESSION {0} = ..."}}, for whoever migrates.',
    "rails": _FIX_OF["rails"],
}
_FIX_JOB: Final = "Set timeout-minutes on the job, a little above the bound of what it waits for."
_FIX_END: Final = "Fail where the exit code is not 0, and where the wait's time is up."
_FIX_FUNCTION: Final = "Keep the answer, and fail where it has one: jq -e '.FunctionError == null' answer.json."
_FIX_OUTCOME: Final = "Let the step fail: without `|| true`, `;`, a trap that exits 0, or continue-on-error."
_FIX_WAIT: Final = "Give the wait a bound that is well below the job's timeout-minutes."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    steps = migrating(pipeline)
    connections = pipeline.migration_code.connections
    system = system_of(project, connections, pipeline.migrations, pipeline.migration_code.runners)
    for bound in (STATEMENT, LOCK):
        if called(bound, system):
            yield from _session(bound, system, pipeline, project, steps)
        elif steps or pipeline.migrations or pipeline.migration_code.runners:
            yield pipeline.not_applicable(_SUBS[bound], why_not(bound, system))
    yield from _jobs(pipeline, steps)
    yield from rolled_although_failed(pipeline, {id(each.job): each.job for each in steps}.values())
    yield from ended_well(pipeline.migration_code.runners)
    yield from ended_well_in_containers(pipeline)
    yield from may_migrate(pipeline, steps)


# -- the session ---------------------------------------------------------------------------------


def _session(
    bound: str, system: str, pipeline: Pipeline, project: Project, steps: Sequence[Migrating]
) -> Iterator[Judgement]:
    sub, name = _SUBS[bound], called(bound, system)
    own_way = system == "PostgreSQL"
    fix = (_FIX_SESSION if own_way else _FIX_SERVER if system == "SQL Server" else _FIX_ELSEWHERE).format(name, name)
    fix_of = _FIX_OF if own_way else {} if system == "SQL Server" else _FIX_OF_ELSEWHERE
    for folder in pipeline.migrations:
        for index, line in switched_off(name, folder):
            said = f"It switches {name} off: {_WHAT[bound]}."
            yield folder.migrations[index].fails(sub, said, fix="Give it a bound of its own.", path=str(line))
    in_files = in_sql(name, pipeline.migrations, partial(is_wrapped, pipeline=pipeline))
    everywhere = in_force(in_files, in_templates(name, project))
    runners = pipeline.migration_code.runners
    steps = read_into(steps, pipeline)
    given = [given_to(name, step, pipeline) for step in steps]
    for runner in runners:
        yield _runner(bound, name, fix, runner, everywhere or (given[0] if given and all(given) else None), pipeline)
    if runners:
        return
    seen: set[tuple[str, Outcome]] = set()
    # What a task runs that is started without a command, its image's own entry point tells.
    by_image = pipeline.migration_code.at_start
    by_script = by_scripts(pipeline)
    named = [each for each in steps if not ((by_image or by_script) and runs_its_image(each))]
    for step in (*named, *by_script):
        tool = tool_of(step, pipeline)
        program = tool.name if tool is not None else "what it runs"
        connections = pipeline.migration_code.connections
        own = in_connections(name, program, connections)
        if own is not None and own.off:
            said = f"{own.where} switches {name} off: {_WHAT[bound]}."
            judged = step.action.fails(sub, said, fix="Give it a bound of its own.")
        elif (found := own or in_force(everywhere, given_to(name, step, pipeline))) is not None and not found.off:
            judged = is_set(step.action, sub, name, found, fix)
        else:
            file = next((each.file for each in connections if each.tool == program), "")
            why = f"{program} connects with settings that are not in the repository; none of it sets {name}"
            if file:
                why = f"{program} connects as {file} says, which does not set {name}; the role or the database may"
            judged = step.action.undecided(sub, why, fix=fix_of.get(program, fix).format(name))
        if (program, judged.outcome) not in seen:
            seen.add((program, judged.outcome))
            yield judged
    at_start = (*(() if named else by_image), *pipeline.migration_code.shaping)
    for runner in at_start:
        own = in_connections(name, runner.library, pipeline.migration_code.connections)
        yield _runner(bound, name, fix_of.get(runner.library, fix).format(name), runner, own or everywhere, pipeline)
    for folder in pipeline.migrations if not (steps or at_start or by_script) else ():
        own = in_connections(name, folder.tool, pipeline.migration_code.connections)
        found = own or everywhere
        if own is not None and own.off:
            said = f"{own.where} switches {name} off: {_WHAT[bound]}."
            yield folder.fails(sub, said, fix="Give it a bound of its own.")
        elif found is not None and not found.off:
            yield is_set(folder, sub, name, found, fix)
        else:
            why = f"what applies these migrations is not found in the repository, and nothing in it sets {name}"
            yield folder.undecided(sub, why, fix=fix)


def _runner(
    bound: str, name: str, fix: str, runner: MigrationRunner, everywhere: Bound | None, pipeline: Pipeline
) -> Judgement:
    sub = _SUBS[bound]
    own = in_code(name, runner)
    if own is not None and (why := runner_changed_by_then(runner, pipeline)):
        return runner.undecided(sub, why, fix=FIX_CHANGED)
    if own is not None and own.off:
        return runner.fails(sub, f"It switches {name} off: {_WHAT[bound]}.", fix=fix, path=own.where)
    if own is not None and own.unheard is not NO and (everywhere is None or everywhere.off):
        if isinstance(own.unheard, Open):
            why = f"{own.where} sets {name} for a transaction alone (SET LOCAL), and {own.unheard.why}"
            return runner.undecided(sub, why, fix=fix)
        said = f"It sets {name} for a transaction alone (SET LOCAL), and none is open there: {_WHAT[bound]}."
        return runner.fails(sub, said, fix=fix, path=own.where)
    own = own if own is not None and own.unheard is NO else None
    if own is not None and own.undone:
        why = f"{own.where} sets {name} and {own.undone} switches it off: which of them is in force is not followed"
        return runner.undecided(sub, why, fix=f"Set {name} in one place; give one statement more with SET LOCAL.")
    if own is not None:
        return runner.passes(sub, f"It sets {name}.", path=own.where)
    if everywhere is not None and not everywhere.off:
        return is_set(runner, sub, name, everywhere, fix)
    if runner.library:
        why = f"it runs {runner.library}, whose connection may set {name} where this repository does not show it"
        return runner.undecided(sub, why, fix=fix)
    return runner.fails(sub, f"Nothing sets {name}: {_WHAT[bound]}.", fix=fix)


# -- the jobs ------------------------------------------------------------------------------------


def _jobs(pipeline: Pipeline, steps: Sequence[Migrating]) -> Iterator[Judgement]:
    said: set[Spot] = set()
    waited: set[tuple[Spot, ...]] = set()  # a step that several jobs share by a YAML alias ends with each of them
    told: set[tuple[str, Outcome, Subject, Location]] = set()
    for step in steps:
        if step.job.spot not in said:
            said.add(step.job.spot)
            yield _timeout(step)
        way = (step.job.spot, *step.action.reached.way)
        if way not in waited:
            waited.add(way)
            for judged in (*_wait(step, pipeline), *_invoked(step, pipeline), *_failure(step, pipeline)):
                key = (
                    judged.sub or "",
                    judged.outcome,
                    judged.place.subject,
                    judged.place.locate(judged.path, exactly=False),
                )
                if key not in told:  # one wait may be that for several tasks
                    told.add(key)
                    yield judged


def _minutes(step: Migrating) -> tuple[float, ...] | None:
    """The timeouts that can hold: the job's, and the step's where that is shorter; ``None`` where one is not known."""
    written = [step.job.timeout_minutes] if step.job.job.timeout_minutes is not None else []
    if step.step is not None and not isinstance(step.step.timeout_minutes, Absent):
        written.append(step.step.timeout_minutes)
    limits: list[list[float]] = []
    for value in written:
        each = options(value)
        try:
            limits.append([float(shown(option)) for option in each or ()])
        except ValueError:
            return None
        if not each:
            return None
    return tuple(min(limits, key=max)) if limits else ()


def _timeout(step: Migrating) -> Judgement:
    job: EffectiveJob = step.job
    minutes = _minutes(step)
    if minutes is None:
        why = "its timeout-minutes is not known before the run"
        return job.undecided("job-timeout", why, path="timeout-minutes", fix=_FIX_JOB)
    if not minutes:
        said = "It migrates without a timeout-minutes: GitHub ends it after 6 hours."
        return job.fails("job-timeout", said, fix=_FIX_JOB)
    return job.passes("job-timeout", f"It ends after {max(minutes):g} min at most.", path="timeout-minutes")


def _wait(step: Migrating, pipeline: Pipeline) -> Iterator[Judgement]:
    """Whether the wait for a task ends before the job does: a job that is ended first leaves nobody who looks."""
    trace = pipeline.trace(step.job)
    tasks = [each for each in trace.aws if each.step is step.step and _starts_task(each)]
    if not tasks:
        return
    command = step.action if isinstance(step.action, Command) else None
    start = step.start if step.start in tasks else tasks[0]
    waits = waits_of(trace, start, command)
    if not waits:
        if trace.complete:
            said = "Nobody waits for the migration: what follows runs beside it, and its failure is not seen."
            yield step.action.fails("waiter", said, fix="Wait until the task has stopped, and take its exit code.")
        else:
            why = "no wait for the task is seen, but not all of the script could be followed"
            yield step.action.undecided("waiter", why, fix=_FIX_WAIT)
        return
    yield _passed_over(waits, start) or _inside(waits, step)
    if _goes_through(step, pipeline) is NO:
        return  # whatever the program makes of it: its own failure is swallowed
    asking = [each for each in trace.aws if _asks(each, step)]
    if not any(passes_on(each, trace) for each in asking):  # a later step may look
        yield from _unseen_end(asking, tasks)


def _invoked(step: Migrating, pipeline: Pipeline) -> Iterator[Judgement]:
    """Of a function that migrates: whether somebody waits for it, and looks at how it ended."""
    trace = pipeline.trace(step.job)
    for call in trace.aws:
        if call is not step.start or (call.service, call.operation) != ("lambda", "Invoke"):
            continue
        if in_background(call):
            said = "Nobody waits for the migration: the function is invoked as an event, and its failure is not seen."
            yield call.fails("waiter", said, fix="Invoke it with RequestResponse, and look at FunctionError.")
        elif looked_at(call, trace) is NO:
            said = "A function that fails answers with FunctionError, and the command ends well: nothing looks at it."
            yield call.fails("outcome", said, fix=_FIX_FUNCTION)


def _unseen_end(asking: Sequence[AwsCall], starting: Sequence[AwsCall]) -> Iterator[Judgement]:
    """That the step goes on whatever became of the task. Of several that ask for it one is enough that looks."""
    if asking and all(each.handling.notices is NO for each in asking):
        said = "A migration that fails, or does not end in time, lets the step go on: nobody asks for its exit code."
        yield asking[0].fails("outcome", said, fix=_FIX_END)
    elif asking and all(each.handling.unstarted is NO for each in asking):
        said = "A migration whose container cannot start has no exit code, and that passes for success."
        yield asking[0].fails("outcome", said, fix="Take only an exit code of 0 for success.")
    elif (start := next((each for each in starting if each.handling.unstarted is NO), None)) is not None:
        said = "Where ECS starts no task it answers with `failures`, which is no error: the step goes on without it."
        yield start.fails("outcome", said, fix="Fail where the answer holds no task.")


def _failure(step: Migrating, pipeline: Pipeline) -> Iterator[Judgement]:
    """Whether the job goes on with the release although the migration has failed, by what its script and step make of
    it. What happens inside of the program that migrates is looked at by its waits."""
    through = _goes_through(step, pipeline)
    if through is NO:
        said = "A migration that fails lets the job go on: its exit code is swallowed."
        yield step.action.fails("outcome", said, fix=_FIX_OUTCOME)
    elif isinstance(through, Open):
        why = f"whether a migration that fails ends the job: {through.why}"
        yield step.action.undecided("outcome", why, fix=_FIX_OUTCOME)
    elif ends_well(step, pipeline):
        yield step.action.fails("outcome", SAID, fix="Give it -v ON_ERROR_STOP=1 (and --single-transaction).")


def _goes_through(step: Migrating, pipeline: Pipeline) -> Answer:
    """Whether a failure of what migrates is one of its job."""
    trace = pipeline.trace(step.job)
    index = next((index for index, each in enumerate(trace.actions) if each is step.action), None)
    return failure_goes_through(At(step.job, trace, index)) if index is not None else YES


def _passed_over(waits: Sequence[Wait], start: AwsCall) -> Judgement | None:
    """That the program can start the task and end well without any of the waits."""
    # Whether the program is started at all is another question.
    if start.handling.alone.missed is YES or any(each.place.handling.alone.missed is not YES for each in waits):
        return None
    why = "what starts the migration can end well without waiting for it: what decides that is not known"
    return waits[0].place.undecided("waiter", why, fix="Wait whenever the task was started.")


def _asks(call: AwsCall, step: Migrating) -> bool:
    """Whether a call asks what became of tasks; a waiter asks nothing but whether they have stopped."""
    same = call.step is step.step and (call.service, call.operation) == ("ecs", "DescribeTasks")
    return same and not call.waiter


def _starts_task(call: AwsCall) -> bool:
    return (call.service, call.operation) in {("ecs", "RunTask"), ("ecs", "StartTask")}


def _inside(waits: Sequence[Wait], step: Migrating) -> Judgement:
    minutes = _minutes(step)
    limit = 60 * (min(minutes) if minutes else 360.0)
    endless = next((each for each in waits if each.endless), None)
    known = [each.seconds for each in waits if each.seconds is not None]
    if endless is not None:
        said = (
            "The wait for the migration has no bound of its own: the job is ended first, and nobody knows how it went."
        )
        return endless.place.fails("waiter", said, fix=_FIX_WAIT)
    total = sum(known)
    unknown = next((each for each in waits if each.seconds is None), None)
    if unknown is not None and total < limit:
        why = "the bound of the wait for the migration is not seen"
        return unknown.place.undecided("waiter", why, fix=_FIX_WAIT)
    if total >= limit:
        said = (
            f"The wait for the migration ends after {total:g} s, and the job after {limit:g} s: the job is ended first."
        )
        return waits[0].place.fails("waiter", said, fix=_FIX_WAIT, related=(step.job,))
    if minutes is None:
        return waits[0].place.undecided("waiter", "the job's timeout-minutes is not known before the run", fix=_FIX_JOB)
    return waits[0].place.passes("waiter", f"It waits for {total:g} s at most, inside the job's {limit:g} s.")


RULE = Rule(
    id="S8",
    looked_for="migration runner",
    check_pipeline=check_pipeline,
    unseen=Unseen("whether it migrates"),
    looked_for_in_pipeline="migrations, nor anything that applies them,",
)
