"""A pre-release does not deploy production.

What the review found
    Nothing: found since. GitHub's event ``release`` with ``types: [published]`` comes for a pre-release too: a release
    candidate that somebody publishes for testers goes to production at once.
What is checked
    Every job that changes an environment, other than a staging one, in a run that a release started: it does not run
    for a release that is marked as a pre-release. Types (``released`` is for full releases alone), conditions of the
    job, of what it needs, of its callers and of its steps are evaluated for such a run; a step before it that looks at
    the mark and ends the job counts.
When it does not apply
    No job changes an environment in a run that a release started.
What cannot be decided
    A condition on the tag's name, which is a convention and no mark; a look at the mark that may end the job. What a
    job with an environment or a role does where it could not be followed.
Fix
    Write ``types: [released]``, or ``if: ${{ !github.event.release.prerelease }}`` at the job that all others need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.answers import NO, YES, Open
from checker.model.environment_words import kind_of
from checker.model.environments import EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.rules import Rule
from checker.reason.calls.step_ends import is_failing_exit
from checker.reason.deploys.changes import Changing, workflows_of
from checker.reason.deploys.paths import once

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = "Write types: [released], or if: ${{ !github.event.release.prerelease }} at the first job."
_MARK: Final = lazy_re.compile(r"prerelease", re.IGNORECASE)
# `contains(github.ref_name, '-')`, `endsWith(github.event.release.tag_name, '-rc')`
_BY_NAME: Final = lazy_re.compile(
    r"(?:contains|startswith|endswith)\s*\([^)]*(?:tag_name|ref|tag)[^)]*\)", re.IGNORECASE
)
_AT_ALL_COSTS: Final = frozenset({"always", "failure", "cancelled"})


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    judged: set[int] = set()
    for workflow in workflows_of(pipeline):
        if "release" not in workflow.entry.triggers:
            continue
        for job in workflow.changing:
            if _by_release(job, project):
                judged.add(id(job))
                yield _judged(job, workflow, pipeline)
    yield from once(_unseen(pipeline, project, judged))


def _by_release(job: EffectiveJob, project: Project) -> bool:
    return any(start.event == "release" for start in job.starts) and _may_be_production(job, project)


def _unseen(pipeline: Pipeline, project: Project, judged: Set[int]) -> Iterator[Judgement]:
    """Of jobs that a pre-release starts too, what may deploy in them and was not followed."""
    for each in pipeline.unfollowed:
        job = each.job
        if id(job) in judged or not (each.logged_in or job.environment_name) or not _by_release(job, project):
            continue
        runs = each.step is None or each.step.runs_on_prerelease is not NO
        if runs and _starts_on_prerelease(job):
            yield each.undecided(None, f"whether it deploys a pre-release: {each.problem}", fix=_FIX)


def _may_be_production(job: EffectiveJob, project: Project) -> bool:
    """Whether it changes an environment whose users a release candidate must not reach."""
    known = project.environment(job.environment_name)
    kind = known.kind if known is not None else kind_of(job.environment_name)
    return kind is not EnvironmentKind.STAGING


def _judged(job: EffectiveJob, workflow: Changing, pipeline: Pipeline) -> Judgement:
    if not _starts_on_prerelease(job):
        return job.passes(None, "It does not run for a pre-release.")
    places = [change.place for change in workflow.changes[job.name]]
    steps = [place.step for place in places]
    if steps and all(step is not None and step.runs_on_prerelease is NO for step in steps):
        return job.passes(None, "What changes anything in it does not run for a pre-release.")
    looks = list(_looks(job, min((step.index for step in steps if step is not None), default=0), pipeline))
    if any(ends for _, ends in looks):
        return job.passes(None, "A step before it looks at the mark and ends the run.")
    if looks:
        why = f"whether {looks[0][0].name}, which looks at the release's mark, ends the run of a pre-release"
        return job.undecided(None, why, fix=_FIX)
    if any(_BY_NAME.search(text) or _MARK.search(text) for text in _open_conditions(job, steps)):
        return job.undecided(None, "whether its condition is false for every pre-release", fix=_FIX)
    return job.fails(
        None,
        f"{job.entry.file} deploys every published release, and a pre-release is one: {job.name} then changes "
        f"{job.environment_name or 'an environment'}.",
        fix=_FIX,
    )


def _starts_on_prerelease(job: EffectiveJob) -> bool:
    """Whether a pre-release starts it: its own, its callers' and its needs' conditions let it through."""
    if not any(start.prerelease for start in job.starts):
        return False
    for each in job.chain:
        if not each.status_functions & _AT_ALL_COSTS and not all(map(_starts_on_prerelease, each.needs)):
            return False
    return True


def _open_conditions(job: EffectiveJob, steps: list[EffectiveStep | None]) -> Iterator[str]:
    """The conditions on its way that only a run decides."""
    for each in _all_before(job):
        if not any(start.prerelease and start.runs is YES for start in each.starts):
            yield str(each.job.if_ or "")
    for step in steps:
        if step is not None and isinstance(step.runs_on_prerelease, Open):
            yield " ".join(step.conditions)


def _all_before(job: EffectiveJob) -> list[EffectiveJob]:
    """The job, its callers, and all that has to succeed before it."""
    found: dict[int, EffectiveJob] = {}
    pending = [job]
    while pending:
        each = pending.pop()
        if id(each) not in found:
            found[id(each)] = each
            pending.extend([each.caller] if each.caller else [])
            if not each.status_functions & _AT_ALL_COSTS:
                pending.extend(each.needs)
                pending.extend(inner for need in each.needs for inner in need.called)
    return list(found.values())


def _looks(job: EffectiveJob, index: int, pipeline: Pipeline) -> Iterator[tuple[EffectiveStep, bool]]:
    """The steps before step ``index`` that look whether it is a pre-release, and whether they may end the job then."""
    for each in _all_before(job):
        if each.calls:
            continue  # the jobs of what it calls are among them
        trace = pipeline.trace(each)
        for step in each.steps:
            if (each is job and step.index >= index) or not _looks_at_mark(step):
                continue
            ends = [action for action in trace.commands if action.step is step and is_failing_exit(action)]
            yield step, bool(ends) and step.runs_on_prerelease is not NO
        for command in trace.commands:
            reads = command.program in {"gh", "curl", "http"} and _MARK.search(command.text())
            if reads and command.step is not None and not _looks_at_mark(command.step):
                after = [other for other in trace.commands if other.step is command.step and is_failing_exit(other)]
                yield command.step, bool(after)


def _looks_at_mark(step: EffectiveStep) -> bool:
    script = step.step.run.text if step.step.run else ""
    written = [*step.conditions, script]
    written += [str(each.value) for each in (*step.step.env.values(), *step.step.with_.values())]
    # A variable of the whole job is looked at by who names it.
    around = {**step.job.workflow.env, **step.job.job.env}
    written += [str(field.value) for name, field in around.items() if re.search(rf"\b{re.escape(name)}\b", script)]
    return any(_MARK.search(text) for text in written)


RULE = Rule(
    id="P19",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="job that changes an environment when a release is published",
)
