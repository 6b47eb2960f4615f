"""What a person who starts a workflow by hand chooses: an earlier release to go back to, and whether something runs,
which is read from the conditions on the way to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.workflows import Input, Workflow
from checker.reason.deploys.rollbacks import is_rollback, tag_inputs
from checker.reason.migrations.migrating import Migrating

_INPUT: Final = lazy_re.compile(r"\b(github\.event\.)?inputs\.([\w-]+)(\s*(?:==|!=|<|>))?")
_CALLED_WITH: Final = lazy_re.compile(r"\b(?:fromJSON|contains|startsWith|format)\(\s*$", re.IGNORECASE)


def ways_back_by_hand(workflows: Iterable[Workflow], migrating: Collection[str]) -> list[Workflow]:
    """The workflows by which a person goes back to an earlier release: those called so, or else those of the files that
    migrate which are told a tag. A deploy of a tag is a roll-back where the tag is an old one."""
    by_hand = [each for each in workflows if "workflow_dispatch" in each.triggers]
    return [each for each in by_hand if is_rollback(each)] or [
        each
        for each in by_hand
        if each.file in migrating and any(each.inputs[name].type != "choice" for name in tag_inputs(each))
    ]


class Control(Struct, frozen=True):
    """The input that decides, empty where none does; ``fault`` says why it does not decide although it looks so."""

    input: str = ""
    fault: str = ""


def controls(step: Migrating) -> Control:
    """What decides whether ``step`` runs: a job's condition, its own, or a test in its script."""
    inputs = step.job.entry.inputs
    fault = ""
    for depth, condition in _conditions(step):
        for match in _INPUT.finditer(condition):
            for name in _dispatched(match[2], depth, step.job):
                if name not in inputs:
                    continue
                wrapped = _CALLED_WITH.search(condition[: match.start()]) is not None
                bare = not match[3] and not wrapped and not condition[: match.start()].rstrip().endswith(("==", "!="))
                if bare and match[1] and _looks_boolean(inputs[name]):
                    # GitHub documentation, "Contexts": inputs keep booleans, github.event.inputs turns them to strings;
                    # and a string that is not empty counts as true.
                    fault = (
                        f"`if` asks github.event.inputs.{name}, a string: 'false' counts as true, so they always run."
                    )
                    continue
                if bare and inputs[name].type == "string" and str(inputs[name].default).lower() == "false":
                    fault = f"`if` asks inputs.{name}, a string: 'false' counts as true, so they always run."
                    continue
                return Control(name)
    if not step.action.certain and step.step is not None:
        written = [str(field.value) for field in (*step.step.step.env.values(), *step.job.job.env.values())]
        run = step.step.step.run.text if step.step.step.run is not None else ""
        for match in _INPUT.finditer("\n".join((*written, run))):
            for name in _dispatched(match[2], len(step.job.chain) - 1, step.job):
                if name in inputs:
                    return Control(name)
    return Control(fault=fault)


def _looks_boolean(declared: Input) -> bool:
    return declared.type == "boolean" or str(declared.default).lower() in {"true", "false"}


def _conditions(step: Migrating) -> Iterator[tuple[int, str]]:
    """Every condition that must hold, with the depth of the workflow that it is written in."""
    for depth, job in enumerate(step.job.chain):
        if job.job.if_ is not None:
            yield depth, str(job.job.if_)
        for need in job.needs:
            # A job is skipped with what it needs, unless its own `if` says otherwise; and then it may ask for it.
            follows = not job.status_functions & {"always", "failure", "cancelled"}
            result = f"needs.{need.job.id}.result == "
            asks = f"{result}'success'" in str(job.job.if_) and f"{result}'skipped'" not in str(job.job.if_)
            if need.job.if_ is not None and (follows or asks):
                yield depth, str(need.job.if_)
    for condition in step.step.conditions if step.step is not None else ():
        yield len(step.job.chain) - 1, condition


def _dispatched(name: str, depth: int, job: EffectiveJob) -> Iterator[str]:
    """The manual start's inputs that an input of a called workflow is filled from."""
    if depth == 0:
        yield name
        return
    caller = job.chain[depth - 1]
    field = caller.job.with_.get(name)
    for match in _INPUT.finditer(str(field.value)) if field is not None else ():
        yield from _dispatched(match[2], depth - 1, job)
