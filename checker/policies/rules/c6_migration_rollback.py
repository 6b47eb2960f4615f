"""Every migration has a tested way back.

What the review found
    Migrations go forward only: a release whose schema is at fault cannot be taken back, and nothing runs or skips
    migrations when production goes back to an earlier release.
What is checked
    Every SQL migration, every change set of Liquibase's, and every migration of Alembic's, Django's, Rails', Knex's,
    Sequelize's, TypeORM's, MikroORM's, Kysely's, node-pg-migrate's, Laravel's, Phinx's, Doctrine's, Ecto's or Entity
    Framework's, has a way back (a down file, a downgrade, operations that can be undone) that undoes what it did, and
    drops nothing that something else still needs (a table that a foreign key refers to, a type of a column, a
    trigger's function: the database refuses that), or it only expands, so that the previous release runs on the new
    schema. Neither direction builds in a transaction (its own, its tool's, or that of statements which are sent
    together) what PostgreSQL builds outside of one alone: an index that is built concurrently, for one. What takes
    away from running code (a drop, a rename, NOT NULL without a default, a constraint or a key that old rows may
    break, but for one in place of another that asked for as much, a type that does not take all that the column
    held, as far as the migrations before tell, a unique key that an insert of the program names in ON CONFLICT, row
    security on a table that was there, where it binds somebody and no policy of the same file allows every row) is
    refused unless a comment at its top says that it is the second half (the contract) of an earlier change that
    only added (the expand), and names the release that carried that: ``-- migrate: contract of 0007 released in
    v1.2.0``. The checker reads that comment; no tool needs it. A command that empties a lasting database, but
    staging's, is refused whatever the migrations say, and so is a program that does so when it starts. What is
    marked as an expand takes nothing away by way of code that it runs either (a block, a function, a rule, a
    trigger that drops rows), and changes no rows but in columns that were added for it. Some test or job runs the
    way back. A workflow that is started by hand goes back to a release (by its name, or else one that is told the
    tag), and an input of it decides whether migrations run.
When it does not apply
    No migrations in the repository. For the workflow: no job migrates a lasting database.
What cannot be decided
    SQL that PostgreSQL's grammar refuses and that is not MySQL's for the same, migrations written as code for other
    tools than these, calls and values there that do not tell what comes of them, a block of procedural code without
    that comment. Row security that is not forced, where no migration tells of any role but the owner, whom it does not
    bind. Whether the release that a header names was ever made. What a step migrates with that is in no folder of
    migrations, and what a command takes away that brings the database to a schema which is declared elsewhere, or a
    program that does so when it starts.
Fix
    Write the down file, or split the change: expand in one release, move the code, contract in a later one. Give the
    rollback workflow a boolean input, and put it into the ``if`` of the job that migrates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from checker.model.answers import Open
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.migrations.folders import Migration, MigrationFolder, SqlFile, Statement
from checker.model.migrations.tools import MigrationTool
from checker.model.migrations.wording import worded
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.workflows import Workflow
from checker.model.rules import Rule
from checker.model.sources import brief
from checker.reason.deploys.manual_inputs import controls, ways_back_by_hand
from checker.reason.migrations.at_hand import not_at_hand
from checker.reason.migrations.back.dependents import Need, dropped_too_early
from checker.reason.migrations.back.made_anew import as_others_see_it
from checker.reason.migrations.back.ways_back import (
    binds_whom,
    changes_rows,
    does_nothing,
    fails_always,
    fills_what_was_added,
    for_owners,
    for_upserts,
    left_behind,
    lost_rights,
    opaque,
    promise_of,
    rolled_back_from_outside,
    taken_by_code,
    takes_away,
    unread,
)
from checker.reason.migrations.migrating import Migrating, changing_at_start, destroying, migrating, runs_back
from checker.reason.migrations.started.steps import by_scripts, by_tasks
from checker.reason.migrations.tools import ALL_IT_HOLDS, declares
from checker.reason.migrations.transactions import refused_in, tool_for

_FIX_ORDER: Final = "Drop what needs it before it, in the reverse of the order in which they were made."
_FIX_BACK: Final = (
    "Write a down file that undoes it; or only add to the schema, and say so in a comment at the file's top, which the "
    "checker reads: -- migrate: expand."
)
_FIX_ALONE: Final = "Move the statement into a file of its own that runs outside of a transaction."
_FIX_CONTRACT: Final = (
    "Release first what no longer needs the old shape. Then say so in a comment at this file's top, which the checker "
    "reads: -- migrate: contract of NNNN released in vX.Y.Z (NNNN: the migration that added the new shape)."
)
_FIX_NOT_READ: Final = (
    "Keep the migrations in the repository, and name a folder that is not called so below migration_folders in "
    "checker.toml."
)
_FIX_WIPES: Final = "Apply the migrations that are pending; empty the databases of developers and tests alone."
_FIX_DECLARED: Final = "Have the change written out as a migration, and apply that: what it does is reviewed then."
_FIX_SHAPED: Final = "Switch that off in production, and apply each change as a migration, which has a way back."
_FIX_WORKFLOW: Final = (
    "Add a workflow started by hand that deploys an earlier release, with a boolean input in the `if` of its migration "
    "job."
)


def check_pipeline(pipeline: Pipeline, _: Project) -> Iterator[Judgement]:
    for each in pipeline.migrations:
        folder = for_upserts(each, pipeline.migration_code.upserts)
        yield from _folder(as_others_see_it(for_owners(folder)), pipeline)
    steps = migrating(pipeline)
    everywhere = (*steps, *by_scripts(pipeline), *by_tasks(pipeline))
    for step, why in not_at_hand(everywhere, pipeline):
        yield step.action.undecided("contract", why, fix=_FIX_NOT_READ)
    yield from _declared(everywhere)
    for runner, why, surely in changing_at_start(pipeline):
        judged = runner.fails if surely else runner.undecided
        yield judged("contract", why, fix=_FIX_SHAPED)
    yield from _destroyed(pipeline)
    if steps:
        yield from _workflow(pipeline, steps)


def _declared(steps: Sequence[Migrating]) -> Iterator[Judgement]:
    """What follows from a schema that is declared, and from what the database has that day."""
    found = {step.action.spot: step.action for step in steps if isinstance(step.action, Command)}
    for command in found.values():
        if declares(command):
            why = "what it takes away follows from a schema that is declared, and stands in no migration"
            yield command.undecided("contract", why, fix=_FIX_DECLARED)


def _destroyed(pipeline: Pipeline) -> Iterator[Judgement]:
    """What programs take away that are given no SQL."""
    for command, what, surely in destroying(pipeline):
        fix = _FIX_WIPES if what == ALL_IT_HOLDS else _FIX_CONTRACT
        if surely:
            why = f"It takes {what} away from code that still runs: `{command.program}`."
            yield command.fails("contract", why, fix=fix)
        else:
            why = f"whether code that still runs needs what `{command.program}` takes away ({what})"
            yield command.undecided("contract", why, fix=fix)


# -- the migrations ------------------------------------------------------------------------------


def _folder(folder: MigrationFolder, pipeline: Pipeline) -> Iterator[Judgement]:
    for problem in folder.problems:
        if problem.unread:
            yield folder.undecided("way-back", f"{problem.spot}: {problem.message}", fix=problem.fix)
            break
    tool, early = tool_for(folder, pipeline), dropped_too_early(folder.migrations)
    for index, migration in enumerate(folder.migrations):
        if migration.number != "R":  # run again whenever it changes: its way back is the file as it was
            earlier = folder.migrations[:index]
            way_back = _refused(migration, tool, pipeline) or _way_back(migration, earlier, early.get(migration))
            yield worded(way_back, migration, folder.tool)
        yield worded(_contract(migration, folder.migrations[:index]), migration, folder.tool)
    if any(each.down is not None for each in folder.migrations):
        yield _tested(folder, pipeline)


# What is gone through by itself, or held against the rest: code, and rights that are taken away.
_TAKEN_APART: Final = frozenset({"do", "call", "revoke"})


def _refused(migration: Migration, tool: MigrationTool | None, pipeline: Pipeline) -> Judgement | None:
    """What PostgreSQL refuses neither goes forward nor back."""
    for way, file in (("", migration.up), ("down:", migration.down)):
        found = refused_in(file, tool, pipeline) if file is not None else None
        if found is None:
            continue
        statement, around = found
        path = f"{way}{statement.spot.line}"
        if isinstance(around, Open):
            why = f"`{_said(statement)}` cannot run inside a transaction, and it stands with others: {around.why}"
            return migration.undecided("way-back", why, fix=_FIX_ALONE, path=path)
        what = "Its way back" if way else "It"
        said = f"{what} is refused: `{_said(statement)}` cannot run inside a transaction, and {around}."
        return migration.fails("way-back", said, fix=_FIX_ALONE, path=path)
    return None


def _way_back(migration: Migration, earlier: Sequence[Migration], early: tuple[Statement, Need] | None) -> Judgement:
    up, down, promise = migration.up, migration.down, promise_of(migration.up)
    if not up.readable or (down is not None and not down.readable):
        return _unread(migration, "way-back")
    if down is None or (does_nothing(down) and promise is not None and promise.kind == "expand"):
        gone = _taken(migration, earlier)
        if not gone and binds_whom(up) is not None:
            return migration.not_applicable("way-back", "It is left open for what it may take away.")
        if gone and promise is not None:
            return _no_way_back(migration, gone[0], f"it takes away ({gone[0].why or gone[0].kind})")
        if gone:
            # One defect, one finding: that it takes away at all is refused below.
            return migration.not_applicable("way-back", "It is refused for what it takes away.")
        if promise is not None and promise.kind == "expand":
            return _as_promised(migration, earlier)
        rows = changes_rows(up)
        if rows:
            return _no_way_back(migration, rows[0], f"it changes rows of {rows[0].table or 'a table'}")
        hidden = opaque(up)
        if hidden:
            why = f"it has no down file, and what `{hidden[0].kind}` in line {hidden[0].spot.line} does is not read"
            return migration.undecided("way-back", why, path=str(hidden[0].spot.line), fix=_FIX_BACK)
        return migration.passes("way-back", "It only adds: the previous release runs on its schema.")
    changes = [each for each in up.statements if each.effect.value not in {"setting"}]
    if changes and does_nothing(down):
        return migration.fails("way-back", "Its way back does nothing.", fix=_FIX_BACK, path=f"down:{_first(down)}")
    if (error := fails_always(down)) is not None:
        said = "Its way back ends in an error, whatever is there."
        return migration.fails("way-back", said, fix=_FIX_BACK, path=f"down:{error.spot.line}")
    left = list(left_behind(migration))
    ended = rolled_back_from_outside(down)
    if ended is not None and not left:
        why = "its way back ends in ROLLBACK, which takes it back where what runs the file has begun a transaction"
        return migration.undecided("way-back", why, path=f"down:{ended.spot.line}")
    if left and opaque(down):
        why = f"its way back runs code (`{opaque(down)[0].kind}`), which may or may not undo `{_said(left[0])}`"
        return migration.undecided("way-back", why, path=f"down:{opaque(down)[0].spot.line}")
    if left:
        said = f"Its way back does not undo `{_said(left[0])}` of line {left[0].spot.line}"
        more = f" and {len(left) - 1} more." if len(left) > 1 else "."
        return migration.fails("way-back", said + more, fix=_FIX_BACK, path=f"down:{_first(down)}")
    if early is not None:
        statement, need = early
        said = f"Its way back is refused: `{_said(statement)}` comes while {need}."
        return migration.fails("way-back", said, fix=_FIX_ORDER, path=f"down:{statement.spot.line}")
    unparsed = next((each for each in opaque(down) if each.kind == "SQL"), None)
    if unparsed is not None:
        why = "its way back holds SQL that PostgreSQL's grammar refuses: whether it runs is not known"
        return migration.undecided("way-back", why, path=f"down:{unparsed.spot.line}", fix=_FIX_BACK)
    hidden = unread(up) if promise is None and not opaque(down) and not changes_rows(down) else ()
    if hidden and hidden[0].kind != "revoke":
        why = f"what `{hidden[0].kind}` in line {hidden[0].spot.line} does is not read, and no code takes it back"
        return migration.undecided("way-back", why, path=str(hidden[0].spot.line))
    return migration.passes("way-back", "Its down file undoes it.")


def _taken(migration: Migration, earlier: Sequence[Migration]) -> tuple[Statement, ...]:
    """What it takes away, and what code that it runs does where no comment says what that is for. Whom the loss of a
    right concerns that no migration has given is not told: it is held against a promise alone."""
    gone = takes_away(migration.up)
    lost = lost_rights(migration, earlier)
    if lost is not None:
        gone = (*gone, replace(lost, why=f"a right that {' and '.join(lost.columns)} had is gone then"))
    if promise_of(migration.up) is not None:
        return gone
    return (*gone, *(each for each in taken_by_code(migration.up) if each.kind != "revoke"))


def _as_promised(migration: Migration, earlier: Sequence[Migration]) -> Judgement:
    """Whether what is marked as an expand only expands, also by the code that it runs."""
    gone = taken_by_code(migration.up)
    if gone:
        by_itself = gone[0].kind == "revoke"
        what = gone[0].why if by_itself else f"code that it runs takes away ({gone[0].why or gone[0].kind})"
        return _no_way_back(migration, gone[0], what)
    rows = [each for each in changes_rows(migration.up) if not fills_what_was_added(each, earlier)]
    if rows:
        return _no_way_back(migration, rows[0], f"it changes rows of {rows[0].table or 'a table'}")
    hidden = [each for each in opaque(migration.up) if each.kind not in _TAKEN_APART or each.value == "unread"]
    if hidden:
        why = f"it is marked as an expand, and what `{hidden[0].kind}` in line {hidden[0].spot.line} does is not read"
        return migration.undecided("way-back", why, path=str(hidden[0].spot.line), fix=_FIX_BACK)
    return migration.passes("way-back", "It only expands: the previous release runs on its schema.")


def _unread(migration: Migration, sub: str) -> Judgement:
    files = [migration.up, *([migration.down] if migration.down else [])]
    problem = next(each for file in files for each in file.problems if each.unread)
    way = "down:" if problem.spot.file != migration.file else ""
    return migration.undecided(
        sub, f"{problem.spot}: {problem.message}", path=f"{way}{problem.spot.line}", fix=problem.fix
    )


def _no_way_back(migration: Migration, statement: Statement, why: str) -> Judgement:
    said = f"Nothing takes it back: {why}, and it has no down file."
    return migration.fails("way-back", said, fix=_FIX_BACK, path=str(statement.spot.line))


def _first(file: SqlFile) -> int:
    return file.statements[0].spot.line if file.statements else 1


def _said(statement: Statement) -> str:
    what = statement.columns[0] if statement.columns else statement.name
    kind = f"{statement.kind} concurrently" if statement.concurrently else statement.kind
    parts = dict.fromkeys(part for part in (kind, statement.table, what) if part)
    return brief(" ".join(parts), 80)


def _contract(migration: Migration, earlier: Sequence[Migration]) -> Judgement:
    if not migration.up.readable:
        return _unread(migration, "contract")
    promise, gone = promise_of(migration.up), _taken(migration, earlier)
    if promise is not None and promise.kind == "expand":
        gone = (*takes_away(migration.up), *taken_by_code(migration.up))
    if promise is not None and promise.kind == "contract":
        at = str(promise.spot.line)
        if not promise.expand:
            why = "It is marked as a contract, but does not say of which migration."
            return migration.fails("contract", why, fix=_FIX_CONTRACT, path=at)
        if not promise.release:
            why = f"It is marked as the contract of {promise.expand}, but names no release that carried that."
            return migration.fails("contract", why, fix=_FIX_CONTRACT, path=at)
        if not any(_same_number(each.number, promise.expand) for each in earlier):
            why = f"It is marked as the contract of {promise.expand}, which is no earlier migration."
            return migration.fails("contract", why, fix="Name the migration that expanded.", path=at)
        return migration.passes("contract", f"It contracts {promise.expand}, which {promise.release} released.")
    if gone:
        first = gone[0]
        kind = "It is marked as an expand, but takes away" if promise else "It takes away from code that still runs"
        more = f", and {len(gone) - 1} more" if len(gone) > 1 else ""
        said = f"{kind}: `{_said(first)}` ({first.why or first.kind}){more}."
        return migration.fails("contract", brief(said), fix=_FIX_CONTRACT, path=str(first.spot.line))
    hidden = opaque(migration.up)
    if (doubtful := binds_whom(migration.up)) is not None:
        why = f"whether `{_said(doubtful)}` takes away: {doubtful.why}"
        return migration.undecided("contract", why, path=str(doubtful.spot.line), fix=_FIX_CONTRACT)
    if hidden and promise is None:
        why = f"what `{hidden[0].kind}` in line {hidden[0].spot.line} does is not read"
        if hidden[0].kind == "revoke":
            why = f"whether anybody works with the right that `{_said(hidden[0])}` takes: no earlier migration gives it"
        fix = "Say in a comment at its top what it is: -- migrate: expand, or contract of NNNN released in vX.Y.Z."
        return migration.undecided("contract", why, path=str(hidden[0].spot.line), fix=fix)
    return migration.passes("contract", "It takes nothing away.")


def _same_number(one: str, other: str) -> bool:
    return one == other or (one.isdigit() and other.isdigit() and one.lstrip("0") == other.lstrip("0"))


def _tested(folder: MigrationFolder, pipeline: Pipeline) -> Judgement:
    """A test that runs a way back, or a job that does so on a database of its own."""
    lasting = {id(each.action.step) for each in migrating(pipeline)}
    if pipeline.migration_code.tests_back:
        spot = pipeline.migration_code.tests_back[0]
        return folder.passes("tested", f"A test runs the way back ({spot}).")
    command = next((each for each in runs_back(pipeline) if id(each.step) not in lasting), None)
    if command is not None:
        return folder.passes("tested", f"A job runs the way back ({command.spot}).")
    why = "Its ways back are never run: no test and no job does so before they are needed."
    return folder.fails("tested", why, fix="In CI, migrate a scratch database up, down and up again.")


# -- the workflow --------------------------------------------------------------------------------


def _workflow(pipeline: Pipeline, steps: Sequence[Migrating]) -> Iterator[Judgement]:
    files = pipeline.workflows.files.values()
    changing = {each.job.entry.file for each in steps}
    found = ways_back_by_hand(files, changing)
    if not found:
        if any(problem.unread for problem in pipeline.workflows.all_problems):
            why = "no workflow goes back to an earlier release, but some workflow could not be read"
            yield pipeline.undecided("workflow", why)
        else:
            said = "No workflow that is started by hand goes back to an earlier release."
            yield pipeline.fails("workflow", said, fix=_FIX_WORKFLOW)
        return
    # What one lacks may be in its jobs of another environment, which are not judged here.
    whole = [each for each in found if each.file in changing or each.file not in pipeline.in_part]
    answers = [_can_choose(workflow, pipeline, steps) for workflow in whole]
    order = ["pass", "unknown", "fail"]
    yield from sorted(answers, key=lambda each: order.index(each.outcome.value))[:1]


def _can_choose(workflow: Workflow, pipeline: Pipeline, steps: Sequence[Migrating]) -> Judgement:
    own = [each for each in steps if each.job.entry is workflow]
    jobs = [job for job in pipeline.jobs if job.entry is workflow]
    place = jobs[0].chain[0] if jobs else pipeline
    if not own:
        unfollowed = next((job for job in jobs if not pipeline.trace(job).complete), None)
        if unfollowed is not None:
            why = f"no migration is seen in {workflow.file}, but not all of {unfollowed.name} could be followed"
            return place.undecided("workflow", why)
        said = f"{workflow.file} goes back to a release and cannot run migrations."
        return place.fails("workflow", said, fix="Add a migration job whose `if` asks a boolean input.")
    for each in own:
        answer = controls(each)
        if answer.fault or not answer.input:
            said = answer.fault or f"{workflow.file} always runs migrations: no input decides whether they run."
            fix = "Ask a boolean input in the `if` of the job: inputs.run_migrations."
            return each.job.fails("workflow", said, fix=fix)
    return own[0].job.passes("workflow", f"The input {controls(own[0]).input} decides whether migrations run.")


RULE = Rule(
    id="C6",
    looked_for="migration",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="migrations, nor jobs that run them,",
)
