"""GitHub starts the workflow, and every job that assumes a role may request a token.

What the review found
    Nothing: found since. A called workflow has no more permissions than its caller gives it, so a job that asks for
    ``id-token: write`` gets no token where one caller on the way does not grant it.
What is checked
    Every job that assumes an AWS role by its OIDC token, in a step or by ``sts:AssumeRoleWithWebIdentity`` in a
    script: ``id-token: write`` is in force for it, from the workflow that GitHub starts through every caller. A
    permission that is not listed below a written ``permissions`` is ``none``, and no repository's default has it. And
    of every workflow that calls AWS: that GitHub starts it. A value of another form than its key has, a key that
    belongs elsewhere, one that is missing, a merge key (``<<``), a need that is no job, and an expression that asks for
    a context or a function which its place does not know (``secrets`` in an ``if``, ``env`` or ``matrix`` in a job's)
    make the whole file invalid, and so does a call of a workflow that does not declare an input or a secret which it is
    given, that requires one which it is not, or that asks for permissions which its caller does not have. It is held
    against the schema of GitHub's own language server (GitHub documentation,
    "Contexts reference", Context availability). So it is with an action of the repository's own, for the jobs that use
    it. A key or a word that is in no schema may be a new one. And that a job which asks what another one came to needs
    that one itself: what is asked of all others is empty.
When it does not apply
    No job assumes a role by its token: keys, or a role that is chained from them.
What cannot be decided
    Permissions in a form that cannot be read; a reusable workflow that asks for none, and whose callers are elsewhere.
Fix
    Write ``permissions: {id-token: write, contents: read}`` at the job, and at every job that calls it. Put a secret
    into the job's ``env``, and ask that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.answers import NO, YES
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.workflow_place import AtLine, WorkflowPlace
from checker.model.rules import Rule, Unseen
from checker.model.sources import Spot
from checker.reason.oidc.assumed_roles import role_sessions

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.workflows import Asking

_CODE: Final = lazy_re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NEED: Final = lazy_re.compile(r"(?<![\w.'\"-])needs\.([A-Za-z_][\w-]*)")
_SCOPE: Final = "id-token"
_WORKFLOWS: Final = ".github/workflows/"
_FIX: Final = "Add id-token: write (and contents: read, where it checks out code) to permissions there."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - the protocol's
    missing: dict[str, list[EffectiveJob]] = {}
    culprits: dict[str, EffectiveJob] = {}
    for job, sure in _asking(pipeline):
        if job.permissions.level(_SCOPE) == "write":
            yield job.passes(None, "It may request a token.", path="permissions")
        elif not sure:
            why = "whether it assumes its role by its token or by keys"
            yield job.undecided(None, why, path="permissions", fix=_FIX)
        elif job.is_reusable_alone and all(each.job.permissions is None for each in job.chain) and not _written(job):
            why = "it has what its callers grant, and none of them is in this repository"
            yield job.undecided(None, why, path="permissions", fix=_FIX)
        else:
            culprit = _culprit(job)
            key = str(culprit.spot)
            culprits.setdefault(key, culprit)
            missing.setdefault(key, []).append(job)
    for key, jobs in missing.items():
        yield _refused(culprits[key], jobs)
    acting = {job.entry.file for job, _ in role_sessions(pipeline)}
    acting |= {job.entry.file for job, trace in pipeline.traces.items() if trace.aws or trace.cdk}
    yield from _not_started(pipeline, acting, set(culprits))
    yield from _asking_in_vain(pipeline, acting, set(culprits))
    yield from _never_given(pipeline, acting)


def _not_started(pipeline: Pipeline, acting: Set[str], said: Set[str]) -> Iterator[Judgement]:
    """Workflows that GitHub does not take, of those with a job that acts on AWS: said once, where it stands; not of a
    job whose permissions are said to be too few already (``said``)."""
    chained = [each for job in pipeline.jobs if job.entry.file in acting for each in job.chain]
    for refusal in dict.fromkeys(refusal for each in chained for refusal in each.refusals):
        if str(refusal.spot) in said:
            continue
        job = next(each for each in chained if refusal in each.refusals)
        of_workflow = [each for each in chained if each.workflow.file == refusal.spot.file]
        if of_workflow or refusal.spot.file.startswith(_WORKFLOWS):
            why = f"GitHub refuses the workflow, and nothing of it starts: {refusal.message}."
            place = (
                _around(refusal.spot, of_workflow) if of_workflow else WorkflowPlace(job.workflow, spot=refusal.spot)
            )
            yield AtLine(place, refusal.spot).fails("start", why, fix=refusal.fix)
            continue
        why = f"GitHub refuses {refusal.spot}, and the job ends before its first step: {refusal.message}."
        yield job.fails("start", why, fix=refusal.fix)


def _asking_in_vain(pipeline: Pipeline, acting: Set[str], said: Set[str]) -> Iterator[Judgement]:
    """Jobs that ask for a token for something else than a role, and whose callers do not have it: GitHub then starts
    nothing, of the jobs that deploy neither. ``said``: where it is said already."""
    for job in pipeline.jobs:
        asks = job.caller is not None and job.permissions_asked.level(_SCOPE) == "write"
        if job.entry.file not in acting or not asks or job.permissions.level(_SCOPE) == "write":
            continue
        culprit = _culprit(job)
        if str(culprit.spot) not in said:
            said = {*said, str(culprit.spot)}
            why = f"GitHub refuses the workflow, and nothing of it starts: {job.name} asks for `id-token: write`, which"
            yield culprit.fails("start", f"{why} {culprit.name} does not have.", fix=_FIX, path="permissions")


def _never_given(pipeline: Pipeline, acting: Set[str]) -> Iterator[Judgement]:
    """What a job asks of another one that is none of its needs: GitHub fills ``needs`` with the direct ones alone, and
    all else in it is empty (GitHub documentation, "Contexts reference", ``needs``)."""
    chained = [each for job in pipeline.jobs if job.entry.file in acting for each in job.chain]
    workflows = {each.workflow.file: each.workflow for each in chained}
    for workflow in workflows.values():
        said: set[tuple[str, str]] = set()
        for asking in workflow.asking:
            jobs = [each for each in workflow.jobs.values() if each.spot <= asking.spot]
            owner = max(jobs, key=lambda each: each.spot, default=None)
            needs = {need.lower() for need in owner.needs} if owner is not None else set()
            for name in _asked(asking):
                if owner is None or name.lower() in needs or (owner.id, name) in said:
                    continue
                said.add((owner.id, name))
                found = next((each for each in chained if each.job is owner), None)
                place = WorkflowPlace(workflow, spot=asking.spot) if found is None else found
                why = f"The job {owner.id} asks needs.{name}, which is none of its needs: that is always empty."
                yield AtLine(place, asking.spot).fails("needs", why, fix=f"Add {name} to the needs of {owner.id}.")


def _asked(asking: Asking) -> Iterator[str]:
    """The jobs that an expression asks the context ``needs`` for."""
    whole = asking.condition and "${{" not in asking.text
    for code in (asking.text,) if whole else _CODE.findall(asking.text):
        yield from _NEED.findall(code)


def _around(spot: Spot, jobs: Sequence[EffectiveJob]) -> EffectiveJob | EffectiveStep | WorkflowPlace:
    """The step that a line stands in, or the job; else the workflow of them all."""
    inside = max((each for each in jobs if each.spot <= spot), key=lambda each: each.spot, default=None)
    written = (each.spot for each in jobs[0].workflow.jobs.values() if each.spot <= spot)
    # A job that no event starts is none of these.
    if inside is None or inside.job.spot != max(written, default=None):
        return WorkflowPlace(jobs[0].workflow, spot=spot)
    steps = (each for each in inside.steps if each.spot.file == spot.file and each.spot <= spot)
    step = max(steps, key=lambda each: each.spot, default=None)
    # What is indented less than a step is a key of the job behind its steps.
    return inside if step is None or spot.column < step.spot.column else step


def _asking(pipeline: Pipeline) -> Iterator[tuple[EffectiveJob, bool]]:
    """Jobs that need a token, each once, and whether that is sure."""
    seen: dict[str, tuple[EffectiveJob, bool]] = {}
    for job, credentials in role_sessions(pipeline):
        if credentials.oidc is not NO:
            before = seen.get(job.name, (job, False))
            seen[job.name] = job, before[1] or credentials.oidc is YES
    yield from seen.values()


def _written(job: EffectiveJob) -> bool:
    """Whether the workflow itself writes permissions: then its callers can only take away."""
    return job.workflow.permissions is not None


def _culprit(job: EffectiveJob) -> EffectiveJob:
    """The first on the way that does not have it: what stands below cannot make up for it."""
    return next((each for each in job.chain if each.permissions_asked.level(_SCOPE) != "write"), job)


def _refused(culprit: EffectiveJob, jobs: list[EffectiveJob]) -> Judgement:
    others = [job for job in jobs if job is not culprit]
    written = culprit.job.permissions or culprit.workflow.permissions
    has = "does not list id-token" if written else "has no permissions written, and the default has no id-token"
    if written and written.level(_SCOPE) in ("none", "read") and _SCOPE in written.levels:
        has = f"gives id-token: {written.level(_SCOPE)}"
    named = ", ".join(job.name for job in jobs[:5])
    return culprit.fails(
        None,
        f"It {has}: {named} cannot request a token, and the role is not taken on.",
        fix=_FIX,
        path="permissions",
        expected="id-token: write",
        related=tuple(others),
    )


RULE = Rule(
    id="P4",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    unseen=Unseen("which role is taken on", logins=True),
    looked_for_in_pipeline="job that assumes an AWS role by its OIDC token",
)
