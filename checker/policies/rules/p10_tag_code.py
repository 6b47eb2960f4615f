"""A tag is deployed with that tag's own code.

What the review found
    Nothing: found since. A production deploy or a roll-back that a person starts with a tag stands on the branch that
    they picked; the tag's images then meet the branch's stacks, scripts and migrations.
What is checked
    Of every workflow that deploys a tag (a release starts it, a pushed tag, or a person who names one): each job that
    deploys or migrates, and each that hands it files, has the tag's code whenever it does. A run of a release or a tag
    stands on the tag's commit by itself; otherwise ``ref`` of ``actions/checkout`` (or a ``git checkout``) is the tag,
    or a commit that a step worked out from it; of what is deployed from a folder, a worktree or a clone, that is asked
    of what lies there. Inputs and outputs are followed through reusable workflows. Nothing of another commit comes over
    that code before the change, nor is used beside it: by ``git pull``, ``merge`` or ``restore``, from a clone, a
    worktree or another checkout, as it is, by a copy or through a filter, from GitHub's copy of a branch, by a download
    over one of its files, or as the repository's own action or reusable workflow that is named with a branch. A stack
    is of the code that its template, or its app, is made of, wherever that lies.
When it does not apply
    No workflow deploys a tag. A job that uses no code of the repository. A job that a person alone starts and that
    deploys nothing but the stack that everything else needs first, by its name, template or context: bootstrap.
What cannot be decided
    A commit from a step that is not given the tag, or that could not be followed. An artifact of another run, and what
    anybody else's server has for a file of the checkout. Code of another commit, beside something that could not be
    followed, or read by a program that nobody knows and whose output alone is kept. Scripts and actions of another
    repository that is checked out as its branch has it.
Fix
    Check out the tag's commit in every job: ``ref: ${{ inputs.tag }}``, or the commit that a first job resolved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.holding import may_act
from checker.model.rules import Rule
from checker.reason.deploys.changes import Changing, bootstraps, workflows_of
from checker.reason.deploys.code.foreign_code import branch_used
from checker.reason.deploys.code.tag_code import (
    Code,
    Found,
    code_of,
    first_of_each_code,
    unfollowed_code,
)
from checker.reason.deploys.rollbacks import deploys_a_tag

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, Start
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = "Check out the tag (or the commit that it was resolved to) with ref: at this step."

_FIX_CALL: Final = (
    "Call it by its path in the repository (uses: ./...): then it is the workflow of the run's own commit."
)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    by_line: dict[str, list[tuple[EffectiveJob, Found]]] = {}
    own = project.settings.repository
    for workflow in workflows_of(pipeline):
        for job, found in _found(workflow, pipeline, own):
            by_line.setdefault(str(found.step.spot), []).append((job, found))
    yield from _called(pipeline, own)
    for uses in by_line.values():
        # One step of a reusable workflow is one place, however many jobs come through it.
        job, worst = next((each for code in (Code.OTHER, Code.OPEN) for each in uses if each[1].code is code), uses[0])
        yield _judged(job, worst, uses)


def _called(pipeline: Pipeline, own: str) -> Iterator[Judgement]:
    """A workflow of this repository that is called as a branch has it, whatever tag is deployed."""
    changing = {job.workflow.file for workflow in workflows_of(pipeline) for job in workflow.changing}
    for each in pipeline.unfollowed:
        branch = branch_used(each.job.calls, own)
        if not branch or not deploys_a_tag(each.job):
            continue
        path = "/".join(each.job.calls.partition("@")[0].split("/")[2:])
        if path in changing:
            said = f"{each.job.entry.file} deploys a tag, with {path} as {branch} has it."
            yield each.fails(None, said, fix=_FIX_CALL)
        else:
            yield each.undecided(None, f"whether {path}, as {branch} has it, deploys the tag", fix=_FIX_CALL)


def _found(workflow: Changing, pipeline: Pipeline, own: str) -> Iterator[tuple[EffectiveJob, Found]]:
    for job in workflow.jobs:
        if (starts := deploys_a_tag(job)) and may_act(job) and not _bootstraps(job, workflow):
            yield from ((job, each) for each in unfollowed_code(job, starts, pipeline, own))
            if job.name not in workflow.changes and not pipeline.trace(job).complete:
                yield from ((job, each) for each in _at_the_end(job, starts, pipeline, own))
    for job in workflow.changing:
        starts = deploys_a_tag(job)
        if starts and not bootstraps(job, workflow.changes[job.name]):
            places = [change.place for change in workflow.changes[job.name]]
            for place in first_of_each_code(job, places, pipeline, own):
                for found in code_of(job, place, starts, pipeline, own):
                    yield job, found
            if places and not pipeline.trace(job).complete:
                yield from ((job, each) for each in _at_the_end(job, starts, pipeline, own))


def _bootstraps(job: EffectiveJob, workflow: Changing) -> bool:
    return job.name in workflow.changes and bootstraps(job, workflow.changes[job.name])


def _at_the_end(job: EffectiveJob, starts: Sequence[Start], pipeline: Pipeline, own: str) -> Iterator[Found]:
    """Other code that comes in before something which nobody followed: that may deploy with it."""
    for found in code_of(job, None, starts, pipeline, own):
        if found.code is Code.OTHER:
            why = f"whether what was not followed deploys with the code of {found.why}"
            yield replace(found, code=Code.OPEN, why=why)
        elif found.brought:
            yield found


def _judged(job: EffectiveJob, found: Found, uses: list[tuple[EffectiveJob, Found]]) -> Judgement:
    if found.code is Code.OTHER:
        others = tuple(dict.fromkeys(each for each, _ in uses if each is not job))
        return found.step.fails(
            None,
            f"{job.entry.file} deploys a tag, and {job.name} with other code: it checks out {found.why}.",
            fix=_FIX,
            path="with.ref",
            related=(job, *others)[:5],
        )
    if found.code is Code.OPEN:
        return found.step.undecided(None, found.why, path="with.ref", fix=_FIX)
    return found.step.passes(None, "It has the code of the tag that is deployed.", path="with.ref")


RULE = Rule(
    id="P10",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="workflow that deploys a tag",
)
