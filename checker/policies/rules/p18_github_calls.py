"""Every call of GitHub's API exists, and the job's token allows it.

What the review found
    Nothing: found since. A step that annotates a release or asks for a tag runs last, or only when something failed: a
    path that GitHub does not have, or a permission that a caller does not grant, shows when it is needed.
What is checked
    Every call by ``gh``, ``gh api``, curl, Python and ``actions/github-script``: GitHub has the operation, with that
    method and path; and where the job's own token makes it, ``permissions`` in force through every caller allow it. In
    a workflow ``gh`` has no token unless ``GH_TOKEN`` is set. Reading is judged as in a private repository.
When it does not apply
    No job calls GitHub's API.
What cannot be decided
    A path that is not written out; permissions that the repository's default or callers elsewhere decide.
Fix
    Use the operation's own path (a release is changed by its id, not by its tag), give ``gh`` a token
    (``GH_TOKEN: ${{ github.token }}``), and write the permission at the job and at every job that calls it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker.model.answers import YES, Answer, Open, either, yes_if
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.rules import Rule
from checker.reason.deploys.paths import once
from checker.reason.github.calls import Call, Token, calls_of
from checker.reason.github.endpoints import NEVER

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob
    from checker.model.pipeline.pipeline import Pipeline

_FIX_PATH: Final = "Look the operation up in GitHub's REST API reference, and use its method and path."
_FIX_TOKEN: Final = "Set GH_TOKEN: ${{ github.token }} in the step's env."  # noqa: S105 - no password
_FIX_OTHER: Final = "Use a GitHub App's token for it: no permissions of a workflow include it."
_RANK: Final = ("none", "read", "write")
# What the repository's default always holds (GitHub Docs, "Permissions for the GITHUB_TOKEN").
_DEFAULT: Final = frozenset({"contents:read", "packages:read"})


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    repository = project.settings.repository
    yield from once(
        judgement
        for job in pipeline.jobs
        for call in calls_of(job, pipeline.trace(job), repository)
        for judgement in _judged(call, job)
    )


def _judged(call: Call, job: EffectiveJob) -> Iterator[Judgement]:
    place = call.place
    if call.wrong:
        yield place.fails(None, f"GitHub's API has no {call.asked}: {call.wrong}.", fix=_FIX_PATH)
        return
    if call.needs is None:
        yield place.undecided(None, call.why, fix=_FIX_PATH)
        return
    if call.token is Token.NONE:
        yield place.fails("permission", f"{call.asked} is called without a token: gh refuses to run.", fix=_FIX_TOKEN)
        return
    yield place.passes(None, f"GitHub has {call.asked}.")
    if call.token is not Token.JOB:
        return
    for group in call.needs:
        yield _permitted(call, job, group)


def _permitted(call: Call, job: EffectiveJob, group: tuple[str, ...]) -> Judgement:
    place = call.place
    if NEVER in group:
        return place.fails("permission", f"The job's own token may never make {call.asked}.", fix=_FIX_OTHER)
    answer = either(_allows(job, need) for need in group)
    if answer is YES:
        return place.passes("permission", f"The job's token may make {call.asked}.")
    wanted = " or ".join(need.replace(":", ": ") for need in group)
    fix = f"Write permissions: {{{wanted}}} at the job, and at every job that calls it."
    if isinstance(answer, Open):
        why = f"whether the job has {wanted}, which {call.asked} needs: {answer.why}"
        return place.undecided("permission", why, fix=fix)
    scope = group[0].partition(":")[0]
    return place.fails(
        "permission",
        f"{call.asked} needs {wanted}, and {job.name} has {scope}: {job.permissions.level(scope)}.",
        fix=fix,
        related=(job,),
    )


def _allows(job: EffectiveJob, need: str) -> Answer:
    scope, _, level = need.partition(":")
    has = job.permissions.level(scope)
    if has is None:
        return YES if need in _DEFAULT else Open("what the repository gives a job that writes no permissions")
    return yes_if(_RANK.index(has) >= _RANK.index(level))


RULE = Rule(
    id="P18",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="call of GitHub's API in a job",
)
