"""Whether a check that only some rows of a matrix make is one of what all of the rows roll.

Source: GitHub Docs, "Running variations of jobs in a workflow": rows run beside each other, with ``max-parallel: 1``
one after another, in the order in which they are made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.possible import options
from checker.reason.calls.rolling import rolls
from checker.reason.deploys.paths import At
from checker.reason.health.passed_over import condition_of, passed_over

_OPEN = Open("which rows of the matrix make it")


def made_of_all(check: At, rolled: Sequence[At], serving: Collection[str], pipeline: Pipeline) -> Answer:
    """Whether a check that hangs on the row comes after the roll-out of what it asks: ``serving`` are the services that
    answer it, none where no template tells."""
    rows = check.job.alternatives
    before = all(each.job is not check.job for each in rolled)
    if not rows and before and _is_of_one(check):
        return YES
    if len({tuple(map(str, row.matrix.items())) for row in rows}) != len(rows) or not rows:
        return _OPEN  # something else than the row is chosen, too
    made = [_made(check, row, pipeline) for row in rows]
    if not all(each is YES or each is NO for each in made) or YES not in made:
        return _OPEN
    asking = [row for row, each in zip(rows, made, strict=True) if each is YES]
    in_turn = check.job.max_parallel == 1 and made[-1] is YES and _all_rows(check.job)
    if before or in_turn or NO not in made:
        return YES
    by_row = {id(row): set(_rolled(row, pipeline)) for row in rows}
    if not serving or any(None in names for names in by_row.values()):
        return _OPEN
    if all(any(name in by_row[id(row)] for row in asking) for name in serving):
        return YES
    others = [row for row in rows if row not in asking and by_row[id(row)] & set(serving)]
    return NO if others else _OPEN


_ONE: Final = lazy_re.compile(r"\s*(?:\$\{\{)?\s*matrix\.([\w-]+)\s*==\s*'([^']*)'\s*(?:\}\})?\s*")


def _is_of_one(check: At) -> bool:
    """Whether a step hangs on nothing but a value that one of its job's rows has."""
    step = check.action.step
    if step is None or not check.action.reached.certain or check.job.runs is not YES or len(step.conditions) != 1:
        return False
    asked = _ONE.fullmatch(step.conditions[0])
    return asked is not None and asked[2] in (options(check.job.matrix.get(asked[1], "")) or ())


def _all_rows(job: EffectiveJob) -> bool:
    """Whether its alternatives are its rows, one by one and in their order."""
    each = [(options(value), [row.matrix.get(name) for row in job.alternatives]) for name, value in job.matrix.items()]
    return any(values is not None and list(values) == found for values, found in each)


def _made(check: At, row: EffectiveJob, pipeline: Pipeline) -> Answer:
    trace = pipeline.trace(row)
    found = [At(row, trace, index) for index, each in enumerate(trace.actions) if each.spot == check.action.spot]
    found = [at for at in found if at.action.step is None or at.action.step.runs is not NO]
    if not found:
        return NO if not any(problem.unread for problem in trace.problems) else _OPEN
    sure = any(not condition_of(at, ()) and passed_over(at) is None for at in found)
    return YES if sure else _OPEN


def _rolled(row: EffectiveJob, pipeline: Pipeline) -> Iterator[str | None]:
    for call in pipeline.trace(row).aws:
        if rolls(call):
            named = call.text("service")
            yield named.rpartition("/")[2] if isinstance(named, str) else None
