"""Whether a migration that fails ends its container with a failure: with what comes after it in its script, the
container serves a schema that it does not know, or its task ends with 0 and the release goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, Open
from checker.model.judgements import Judgement
from checker.model.pipeline.pipeline import Pipeline
from checker.reason.deploys.paths import At
from checker.reason.deploys.task_ends import failure_goes_through
from checker.reason.migrations.ends.psql_ends import ends_well
from checker.reason.migrations.migrating import Migrating
from checker.reason.migrations.started.steps import by_images, by_tasks

_SWALLOWED: Final = "A migration that fails lets its container go on: its exit code is swallowed."
_GOES_ON: Final = "psql goes on after a statement that fails, and ends with 0: its container goes on without it."
_FIX: Final = "Let the script end with the migration's failure: set -e, without `|| true` or `;` behind it."
_FIX_PSQL: Final = "Give it -v ON_ERROR_STOP=1 (and --single-transaction)."


def ended_well_in_containers(pipeline: Pipeline) -> Iterator[Judgement]:
    said = set[tuple[object, ...]]()
    for step in (*by_images(pipeline), *by_tasks(pipeline)):
        if step.action.reached.way not in said:  # several tasks may start one script
            said.add(step.action.reached.way)
            yield from _ended_well(step, pipeline)


def _ended_well(step: Migrating, pipeline: Pipeline) -> Iterator[Judgement]:
    trace = pipeline.trace(step.job)
    index = next(index for index, each in enumerate(trace.actions) if each is step.action)
    through = failure_goes_through(At(step.job, trace, index))
    if through is NO:
        yield step.action.fails("outcome", _SWALLOWED, fix=_FIX)
    elif isinstance(through, Open):
        why = f"whether a migration that fails ends its container: {through.why}"
        yield step.action.undecided("outcome", why, fix=_FIX)
    elif ends_well(step, pipeline):
        yield step.action.fails("outcome", _GOES_ON, fix=_FIX_PSQL)
