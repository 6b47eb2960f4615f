"""Jobs that roll services after one that migrates, and that its failure does not keep from running."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.reason.deploys.changes import Change, What, workflows_of
from checker.reason.deploys.task_ends import held_back


def rolled_although_failed(pipeline: Pipeline, migrating: Collection[EffectiveJob]) -> Iterator[Judgement]:
    for workflow in workflows_of(pipeline) if migrating else ():
        for job in workflow.changing:
            if not any(_rolls(change) for change in workflow.changes[job.name]):
                continue
            for before in migrating:
                if before.entry is job.entry and before is not job and job.after(before) and not _mends(job):
                    if not held_back(job, frozenset(id(each) for each in before.chain if each not in job.chain)):
                        said = f"It rolls services although {before.name} has failed to migrate: its `if` runs it then."
                        fix = f"Ask in its `if` that {before.job.id} did not fail."
                        yield job.fails("outcome", said, fix=fix, path="if", related=(before,))
                    break


def _rolls(change: Change) -> bool:
    on_failure = change.place.reached.on_failure
    return change.what is What.SERVICE and not on_failure


def _mends(job: EffectiveJob) -> bool:
    """Whether it runs only where something has failed, or was cancelled."""
    asked = [each.status_functions for each in job.chain]
    return any(each and each <= {"failure", "cancelled"} for each in asked)
