"""The rollback can restore the infrastructure of its tag.

What the review found
    Rolling back changes images only: a broken security group or a variable that was removed stays.
What is checked
    A workflow that rolls back (by its name, or else one that a person starts with a tag) can deploy the stack: some job
    of it runs ``cdk deploy`` (or a CloudFormation deployment), if only behind an input, with the code of the tag to go
    back to.
When it does not apply
    No workflow deploys stacks: they are deployed by hand.
What cannot be decided
    A roll-back that runs what could not be followed; a commit from a step that is not given the tag. Whether
    a program that was not followed deploys a stack, where no other does.
Fix
    Give the roll-back a job that checks out the release's tag and deploys the stacks from there, as the deploy does
    (``cdk deploy``, ``sam deploy``, ``aws cloudformation deploy``). An input may decide whether it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.workflow_place import WorkflowPlace
from checker.model.rules import Rule
from checker.reason.deploys.changes import Change, Changing, What, workflows_of
from checker.reason.deploys.code.tag_code import Code, Found, code_of
from checker.reason.deploys.paths import unseen
from checker.reason.deploys.rollbacks import is_rollback, tag_inputs

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = (
    "Give the roll-back a job that checks out the release's tag and deploys the stacks from it; an input may decide "
    "whether it runs."
)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    own = project.settings.repository
    workflows = [each for each in workflows_of(pipeline) if each.entry.starts_itself]
    deploying = [each for each in workflows if list(_stack_changes(each))]
    if not deploying:
        yield from unseen(pipeline, None, "whether stacks are deployed")
        return
    backs = [each for each in workflows if is_rollback(each.entry) and each.jobs]
    for back in backs:
        # What one lacks may be in its jobs of another environment, which are not judged here.
        if back.entry.file not in pipeline.in_part or any(_stack_changes(back)):
            yield _judged(back, pipeline, own)
    if backs or any(is_rollback(pipeline.workflows.files[file]) for file in pipeline.in_part):
        return
    # A deploy that a person starts with a tag is a roll-back where the tag is an old one.
    answers = [_judged(each, pipeline, own) for each in deploying if tag_inputs(each.entry)]
    best = next((each for each in answers if not each.fix), None) or next(iter(answers), None)
    if best is None:
        best = next((found for each in deploying if (found := _by_picked_tag(each, pipeline, own)) is not None), None)
    if best is not None:
        yield best
    else:
        yield pipeline.fails(None, "Workflows deploy stacks, and none can bring those of a release back.", fix=_FIX)


def _stack_changes(workflow: Changing) -> Iterator[tuple[EffectiveJob, Change]]:
    return ((job, change) for job, change in workflow.all_changes() if change.what is What.STACK)


def _judged(workflow: Changing, pipeline: Pipeline, own: str) -> Judgement:
    place = WorkflowPlace(workflow.entry, _environment(workflow))
    found: list[Found] = []
    for job, change in _stack_changes(workflow):
        if change.place.reached.on_failure:
            continue
        # What somebody pushed asks for no tag: a roll-back is started by hand, where it can be.
        by_hand = [start for start in job.starts if start.event == "workflow_dispatch"]
        codes = code_of(job, change.place, by_hand or job.starts, pipeline, own, alone=True)
        if codes and all(each.code is Code.TAG for each in codes):
            return place.passes(None, f"{job.name} deploys the stack with the tag's code.")
        found.extend(each for each in codes if each.code is not Code.TAG)
    wrong = next((each for each in found if each.code is Code.OTHER), None)
    doubt = next((each for each in found if each.code is Code.OPEN), None)
    if doubt is not None:
        return place.undecided(None, doubt.why, fix=_FIX)
    if wrong is not None:
        return WorkflowPlace(workflow.entry, _environment(workflow), wrong.step.spot).fails(
            None,
            f"The roll-back deploys the stack, and not with the tag's code: it checks out {wrong.why}.",
            fix="Check out the rollback's tag in the job that deploys the stack.",
            related=(wrong.step,),
        )
    if not workflow.followed:
        why = "whether the roll-back deploys the stack: not all that it runs could be followed"
        return place.undecided(None, why, fix=_FIX)
    return place.fails(None, "The roll-back cannot deploy the stack: only images go back.", fix=_FIX)


def _by_picked_tag(workflow: Changing, pipeline: Pipeline, own: str) -> Judgement | None:
    """That a person can start the deploy on an old release's tag: the run then stands on that tag's commit."""
    for job, change in _stack_changes(workflow):
        picked = [
            # A run on a tag has the tag's code, whoever started it.
            replace(start, trigger=replace(start.trigger, event="push"))
            for start in job.starts
            if start.event == "workflow_dispatch" and str(start.ref).startswith("refs/tags/")
        ]
        codes = code_of(job, change.place, picked, pipeline, own, alone=True) if picked else []
        if codes and all(each.code is Code.TAG for each in codes):
            place = WorkflowPlace(workflow.entry, _environment(workflow))
            return place.passes(None, f"Started by hand on a release's tag, {job.name} deploys the stack as of then.")
    return None


def _environment(workflow: Changing) -> str:
    names = {job.environment_name for job in workflow.jobs} - {""}
    return names.pop() if len(names) == 1 else ""


RULE = Rule(
    id="S11",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="workflow that deploys a stack",
)
