"""Workflows of other repositories that a job starts: what they do was not read, as that of one which is called.

A workflow of this repository that is started so is judged by itself.

Sources: GitHub documentation, "Create a workflow dispatch event", "Create a repository dispatch event"; GitHub CLI
manual, "gh workflow run"; the READMEs of the actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Unfollowed
from checker.model.pipeline.scripts import Command, Trace
from checker.model.pipeline.workflows import Workflow
from checker.model.possible import shown
from checker.model.sources import Problem, Spot, brief

_FIX: Final = "Deploy in a workflow of this repository, or name the other one's findings in a waiver of the unknown."
_EXPRESSION: Final = lazy_re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_PUT: Final = lazy_re.compile(r"\$\{(.+?)\}")  # an expression without spaces, as it is put into a text here
# `repos/OWNER/NAME/dispatches`, `repos/OWNER/NAME/actions/workflows/deploy.yml/dispatches`
_PATH: Final = lazy_re.compile(r"repos/([^\s\"'?]+?)(?:/actions/workflows/([^\s\"'/?]+))?/dispatches\b")
_GH_RUN: Final = lazy_re.compile(r"\bworkflow run\b")
_GH_REPO: Final = lazy_re.compile(r"(?:-R|--repo)(?:\s+|=)[\"']?([^\s\"']+)")
_GH_NAMED: Final = lazy_re.compile(r"\bworkflow run\s+(?!-)(?:\"([^\"]+)\"|'([^']+)'|(\S+))")
_OCTOKIT: Final = lazy_re.compile(r"\.(createWorkflowDispatch|createDispatchEvent)\b")
_SCRIPT_REPO: Final = lazy_re.compile(r"\brepo\s*:\s*(?:[\"'`]([^\"'`]+)[\"'`]|([\w.]+))")
_SCRIPT_WORKFLOW: Final = lazy_re.compile(r"\bworkflow_id\s*:\s*[\"'`]([^\"'`]+)[\"'`]")
# Actions that start a workflow -> their inputs that name the repository and the workflow.
_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "benc-uk/workflow-dispatch": ("repo", "workflow"),
    "peter-evans/repository-dispatch": ("repository", ""),
    "convictional/trigger-workflow-and-wait": ("repo", "workflow_file_name"),
}
_OWN: Final = "github.repository"


def started_elsewhere(
    traces: Mapping[EffectiveJob, Trace], workflows: Iterable[Workflow], own: str
) -> tuple[Unfollowed, ...]:
    """Of each job, the workflows of other repositories that it starts. ``own``: ``OWNER/NAME``, empty if not known."""
    here = tuple(workflows)
    found: dict[tuple[Spot, str], Unfollowed] = {}
    for job, trace in traces.items():
        for spot, repository, workflow in (*_by_commands(trace.commands), *_by_steps(job.steps)):
            if _is_elsewhere(repository, workflow, here, own):
                whose, which = (brief(_PUT.sub(r"${{ \1 }}", each), 60) for each in (repository, workflow))
                what = f"the workflow {which} of {whose} does" if which else f"{whose} does when told of the event"
                said = f"what {what} was not followed"
                problem = Problem(spot, said, _FIX, elsewhere=True)
                found.setdefault((spot, said), Unfollowed(job, problem, logged_in=False))
    return tuple(found.values())


def _is_elsewhere(repository: str, workflow: str, here: Iterable[Workflow], own: str) -> bool:
    """Whether a dispatch goes to another repository: one of another name, or where the name does not tell, one that has
    a workflow which this one has not."""
    if not repository or _OWN in repository.replace("github.repository_owner", ""):
        return False
    if own and "$" not in repository:
        return repository.lower().removeprefix("github.com/") != own.lower()
    name = repository.rpartition("/")[2].lower()
    if own and "/" in repository and "$" not in name and name != own.rpartition("/")[2].lower():
        return True
    if not workflow:
        return not any("repository_dispatch" in each.triggers for each in here)
    return not any(_is(workflow, each) for each in here if "workflow_dispatch" in each.triggers)


def _is(named: str, workflow: Workflow) -> bool:
    return "$" in named or named in (workflow.file.rpartition("/")[2], workflow.file, workflow.name)


def _by_commands(commands: Iterable[Command]) -> Iterator[tuple[Spot, str, str]]:
    for command in commands:
        written = _EXPRESSION.sub(r"${\1}", command.text())
        if command.program == "gh" and _GH_RUN.search(written):
            given = command.step.env if command.step is not None else {}
            told = shown(command.environment.get("GH_REPO") or given.get("GH_REPO") or "")
            repository = _GH_REPO.search(written) or _GH_REPO.search(f"-R {told}")
            named = _GH_NAMED.search(written)
            if repository is not None:
                yield command.spot, repository[1], next(filter(None, named.groups()), "") if named else "$"
        elif "/dispatches" in written:
            for path in _PATH.finditer(written):
                yield command.spot, path[1], path[2] or ""


def _by_steps(steps: Iterable[EffectiveStep]) -> Iterator[tuple[Spot, str, str]]:
    for step in steps:
        action = step.step.action.lower()
        if step.runs is NO:
            continue
        if action in _ACTIONS:
            repository, workflow = (_given(step, name) for name in _ACTIONS[action])
            owner = _given(step, "owner")
            named = f"{owner}/{repository}" if owner and repository and "/" not in repository else repository
            yield step.spot, named, workflow if _ACTIONS[action][1] else ""
        elif action == "actions/github-script":
            yield from _by_script(step)


def _by_script(step: EffectiveStep) -> Iterator[tuple[Spot, str, str]]:
    text = _given(step, "script")
    asked = _OCTOKIT.search(text)
    if asked is None:
        yield from ((step.spot, path[1], path[2] or "") for path in _PATH.finditer(text) if "/dispatches" in text)
        return
    repository, workflow = _SCRIPT_REPO.search(text), _SCRIPT_WORKFLOW.search(text)
    if "context.repo" in text if repository is None else (repository[2] or "").startswith("context.repo"):
        return  # `...context.repo`: this one
    named = "" if asked[1] == "createDispatchEvent" else workflow[1] if workflow is not None else "$"
    yield step.spot, (repository[1] or f"${{{repository[2]}}}") if repository is not None else "${repo}", named


def _given(step: EffectiveStep, name: str) -> str:
    value = step.with_.get(name, "")
    return _EXPRESSION.sub(r"${\1}", shown(value)) if value is not None else ""
