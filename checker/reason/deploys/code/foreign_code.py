"""What a job runs of other repositories, of a branch, and of its own actions that nobody followed; what caches hold.

Source: actions/checkout, "Usage": without a ``ref`` it is the default branch of another repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import Command, Trace
from checker.model.possible import shown
from checker.model.values import ABSENT, Absent
from checker.reason.deploys.code.fetched_code import PINNED, is_own
from checker.reason.deploys.code.trees import uses

_WORKSPACE: Final = lazy_re.compile(
    r"^(?:/github/workspace|/home/runner/work/[\w.-]+/[\w.-]+|\$GITHUB_WORKSPACE"
    r"|(?:\$\{\{?\s*)?(?:github\.workspace|GITHUB_WORKSPACE)(?:\s*\}\}?)?)(?=/|$)"
)
# Actions by others than GitHub that take the artifacts of any run, or what a release has.
_FETCHES: Final = lazy_re.compile(
    r"^(?!actions/)[\w-]+/.*(?:(?:download|fetch)\w*-(?:\w+-)*(?:artifacts?|releases?)\b|(?:artifacts?|releases?)-(?:download|fetch)"
    r"|release-assets?\b)"
)
RELEASE: Final = lazy_re.compile(r"\bgithub\.event\.release\.tag_name\b|\bgithub\.event\.release\['tag_name'\]")
# GitHub Docs, "Dependency caching reference": a key that is not there is looked for by the prefixes of restore-keys.
_CACHES: Final = frozenset({"actions/cache", "actions/cache/restore"})
_TOLD: Final = lazy_re.compile(r"github\.(?:sha|ref|run_id|event\.release)\b|hashFiles|inputs\.|steps\.|needs\.")
_INSTALLED: Final = lazy_re.compile(r"^[~/$]|(?:^|/)(?:node_modules|\.?venv|vendor|target|\.\w+|\w*cache)(?:/|$)")
OWN_REF: Final = lazy_re.compile(r"\bgithub\.(?:sha|ref|ref_name)\b|\bGITHUB_(?:SHA|REF|REF_NAME)\b")


def foreign_code(job: EffectiveJob, trace: Trace, own: str) -> Iterator[tuple[EffectiveStep, str]]:
    """The checkouts of other repositories, at no commit or version, whose code the job runs; each with what is open."""
    for step in job.steps:
        repository = step.with_.get("repository", ABSENT)
        if step.step.action.lower() != "actions/checkout" or step.runs is NO or isinstance(repository, Absent):
            continue
        name, ref = shown(repository), shown(step.with_.get("ref", ""))
        if not name or is_own(name, own) or "github.repository" in name or PINNED.fullmatch(ref):
            continue
        folder = shown(step.with_.get("path", "")).removeprefix("./").strip("/")
        if _is_run(step, folder, job, trace):
            yield step, f"whether {name}, as {ref or 'its default branch'} has it, is what the tag is deployed with"


def _is_run(step: EffectiveStep, folder: str, job: EffectiveJob, trace: Trace) -> bool:
    """Whether something of a checkout is run later on: an action of it, or a script."""
    later = [each for each in job.steps if each.index > step.index]
    if any(each.uses.startswith(f"./{folder}/" if folder else "./") for each in later):
        return True
    if not folder:
        return bool(trace.gaps)
    commands = (each for each in trace.actions if isinstance(each, Command) and each.step is not None)
    if any(uses(each, folder) for each in commands if each.step is not None and each.step.index > step.index):
        return True
    # A script that is not in the repository leaves no command behind: its step names it.
    inside = re.compile(rf"(?:^|[\s=:\"'/]){re.escape(folder)}/")
    return any(each.run is not None and inside.search(each.run.text) for each in later)


def own_actions(job: EffectiveJob, trace: Trace) -> list[EffectiveStep]:
    """The steps that use an action of the workspace which nobody followed, with something to deploy with in hand."""
    unread = {gap.problem.spot for gap in trace.gaps}
    return [step for step in job.steps if step.uses.startswith("./") and not step.unfolded and step.spot in unread]


def restored(job: EffectiveJob, end: int, *, of_tag: bool) -> Iterator[tuple[EffectiveStep, list[str]]]:
    """The caches, with their paths of code, that a job takes from another run: their key does not tell the commit.
    ``of_tag``: the run itself stands on the tag."""
    for step in job.steps[: end + 1]:
        if step.step.action.lower() not in _CACHES or step.runs is NO:
            continue
        key = shown(step.with_.get("key", ""))
        key = key if of_tag else OWN_REF.sub("", key)  # what a person picked is no tag
        told = _TOLD.search(key) and not step.with_.get("restore-keys")
        if not told:
            paths = _cached(shown(step.with_.get("path", "")))
            yield step, [each for each in paths if each and not _INSTALLED.search(each)]


def _cached(written: str) -> list[str]:
    """The paths of a cache from the workspace on, which is ``.`` itself; a pattern is what it begins with."""
    lines = (_WORKSPACE.sub(".", each.strip()) for each in written.split("\n"))
    return [re.sub(r"^(?:\./)+|(?:/?\*+)+$|/$", "", each) or "." for each in lines if each and each[0] != "!"]


def uploads(job: EffectiveJob) -> bool:
    """Whether a job hands files on to others of its run."""
    return any(step.step.action == "actions/upload-artifact" for step in job.steps)


def branch_used(uses: str, own: str) -> str:
    """The branch of this repository at which an action or workflow of it is used; empty for a file of the workspace, of
    another repository, and for a version or commit that is pinned (GitHub Docs, "Workflow syntax": ``uses``)."""
    name, _, ref = uses.partition("@")
    if uses.startswith("./") or not ref or not own:
        return ""
    repository = "/".join(name.split("/")[:2])
    pinned = PINNED.fullmatch(ref.removeprefix("refs/tags/")) or ref.startswith("refs/tags/")
    return ref.removeprefix("refs/heads/") if is_own(repository, own) and not pinned else ""


def of_other_runs(job: EffectiveJob, end: int) -> Iterator[tuple[EffectiveStep, str]]:
    """The artifacts of another run, and the files of another release, that a job is handed before the change."""
    for step in job.steps[: end + 1]:
        if _FETCHES.search(step.step.action.lower()) and step.runs is not NO:
            given = [shown(each) for each in step.with_.values()]
            if any(RELEASE.search(each) or OWN_REF.search(each) or "github.run_id" in each for each in given):
                continue  # of this very release, or run
            yield step, f"whose code it is that {step.step.action} downloads"
            continue
        run = step.with_.get("run-id", ABSENT)
        if step.step.action.lower() != "actions/download-artifact" or step.runs is NO or isinstance(run, Absent):
            continue
        if run not in ("", None) and "github.run_id" not in shown(run):
            yield step, f"whose code the artifact of run {shown(run)} is"


def actions_of_branches(job: EffectiveJob, end: int, own: str) -> Iterator[tuple[EffectiveStep, str]]:
    """The repository's own actions that a job takes from a branch, whatever is checked out."""
    for step in job.steps[: end + 1]:
        branch = branch_used(step.uses, own)
        if branch and step.runs is not NO:
            yield step, f"{branch}, for the action {step.step.action}"
