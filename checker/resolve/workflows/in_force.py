"""What of a job's callers is in force for it too: the cap on its permissions, the concurrency groups that it is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from checker.model.pipeline.jobs import ConcurrencyInForce, Demand, EffectiveJob
from checker.model.pipeline.workflows import Concurrency, Permissions
from checker.model.possible import Possible
from checker.resolve.expressions.contexts import Bound, View
from checker.resolve.expressions.evaluation import Contexts, text_value
from checker.resolve.workflows.example_refs import contexts_on

_RANK: Final = {"none": 0, "read": 1, "write": 2}


def capped(asked: Permissions, cap: Permissions) -> Permissions:
    """A called workflow never has more than its caller's job (GitHub documentation, "Reuse workflows")."""
    scopes = {*asked.levels, *cap.levels, "id-token"}
    levels = {scope: _lower(asked.level(scope), cap.level(scope)) for scope in scopes}
    return Permissions(levels, _lower(asked.others, cap.others), asked.spot or cap.spot)


def _lower(one: str | None, other: str | None) -> str | None:
    if "none" in (one, other):
        return "none"
    if one is None or other is None:
        return None
    return one if _RANK[one] <= _RANK[other] else other


def is_lower(level: str | None, than: str) -> bool:
    """Whether a level of a permission is surely below another; ``None`` is the repository's default."""
    return level is not None and _RANK[level] < _RANK[than]


def concurrency_of(job: EffectiveJob, bound: Bound, view: View) -> Iterator[ConcurrencyInForce]:
    """The groups that a run of the job holds: its callers', its workflow's, its own."""
    found = list(job.caller.concurrency) if job.caller is not None else []
    if bound.workflow.concurrency is not None:
        outer = bound.workflow_contexts(view)
        found.append(_in_force(bound.workflow.concurrency, outer, "workflow", bound.workflow.file))
    if job.job.concurrency is not None:
        contexts = bound.contexts(view, job.job)
        found.append(_in_force(job.job.concurrency, contexts, "job", f"{bound.workflow.file}#{job.job.id}"))
    yield from (_on_examples(group, job) for group in found)


def _in_force(written: Concurrency, contexts: Contexts, level: str, owner: str) -> ConcurrencyInForce:
    return ConcurrencyInForce(
        text_value(written.group, contexts),
        text_value(written.cancel_in_progress, contexts),
        text_value(written.queue, contexts),
        level,
        owner,
        written.spot,
    )


def _on_examples(group: ConcurrencyInForce, job: EffectiveJob) -> ConcurrencyInForce:
    """The group with what its expressions are on each ref that the job surely runs on."""
    written = next(
        (
            concurrency
            for each in job.chain
            for concurrency in (each.job.concurrency, each.workflow.concurrency)
            if concurrency is not None and concurrency.spot == group.spot
        ),
        None,
    )
    if written is None:
        return group
    examples = [each for each in job.examples if each.demand is not Demand.MAYBE]
    found: list[tuple[Possible, Possible]] = []
    if all(isinstance(each.ref, str) for each in examples):
        for each in examples:
            contexts = contexts_on(job, each.start, str(each.ref))
            found.append((text_value(written.group, contexts), text_value(written.cancel_in_progress, contexts)))
    return replace(group, on_refs=tuple(found), cancel_written=written.cancel_in_progress)
