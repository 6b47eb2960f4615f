"""What GitHub refuses a workflow for in the workflows that it calls: then nothing of it starts.

All calls are looked at before any ``if``: a job that would be skipped is refused like any other. Sources: GitHub
documentation, "Reuse workflows" (inputs and secrets that are declared; permissions that are kept or lowered, never
raised) and "Workflow syntax", ``jobs.<job_id>.with``; the parser of GitHub's runner, ``PermissionsHelper``, for what
counts as raised: a scope that a called workflow or a job of it writes, against what the calling job has.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker.model.pipeline.workflows import Job, Permissions, Workflow
from checker.model.sources import Problem, Spot
from checker.resolve.workflows.in_force import capped, is_lower

# GitHub's own bound on reusable workflows ("Reuse workflows": ten levels).
MAX_LEVELS: Final = 10
# Whether a job gets a token is asked of the jobs that assume a role (P4), where what follows from it is said.
_ASKED_ELSEWHERE: Final = frozenset({"id-token"})


def local_workflow(uses: str) -> str | None:
    """The path of a workflow of this repository, ``None`` for one of another."""
    return posixpath.normpath(uses) if uses.startswith("./") else None


def refused_calls(entry: Workflow, files: Mapping[str, Workflow]) -> tuple[Problem, ...]:
    """Why GitHub does not start a workflow, as far as its calls in this repository tell."""
    calls = _Calls(files)
    calls.of(entry, ())
    return tuple(calls.refused)


class _Call(Struct, frozen=True):
    """A job that calls, and what its callers leave it."""

    job: Job
    has: Permissions


class _Calls(Struct):
    files: Mapping[str, Workflow]
    refused: dict[Problem, None] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def of(self, workflow: Workflow, way: tuple[_Call, ...]) -> None:
        """Look at all calls of a workflow that is called ``way``, and at what they call."""
        for job in workflow.jobs.values():
            path = local_workflow(job.uses)
            called = self.files.get(path) if path is not None else None
            if called is None or "workflow_call" not in called.triggers:
                continue
            self._look(_given_otherwise(job, called))
            asked = job.permissions or workflow.permissions
            cap = way[-1].has if way else None
            has = capped(asked or cap, cap) if cap is not None else asked or Permissions()
            further = (*way, _Call(job, has))
            self._look(_asked_in_vain(called, further))
            key = called.file, str(sorted(has.levels.items(), key=str)) + str(has.others)
            if len(further) < MAX_LEVELS and key not in self.seen:
                self.seen.add(key)
                self.of(called, further)

    def _look(self, found: Iterator[Problem]) -> None:
        self.refused.update(dict.fromkeys(found))


def _given_otherwise(job: Job, called: Workflow) -> Iterator[Problem]:
    """Inputs and secrets that are unknown or missing. Names are compared as GitHub does, without their case."""
    inputs = {name.lower(): each for name, each in called.call_inputs.items()}
    given = {name.lower() for name in job.with_}
    for name, written in job.with_.items():
        if name.lower() not in inputs:
            yield Problem(written.spot, f"{called.file} has no input {name!r}", "Declare it there, or remove it.")
    for name, declared in inputs.items():
        if declared.required and name not in given:
            yield Problem(job.spot, f"{called.file} requires the input {declared.name!r}", "Give it under with:.")
    if isinstance(job.secrets, str):
        return  # all are handed on
    handed = {name.lower(): each for name, each in (job.secrets or {}).items()}
    secrets = {name.lower(): each for name, each in called.call_secrets.items()}
    for name, secret in handed.items():
        if name not in secrets:
            yield Problem(secret.spot, f"{called.file} has no secret {name!r}", "Declare it there, or remove it.")
    for name, each in secrets.items():
        if each.required and name not in handed:
            yield Problem(job.spot, f"{called.file} requires the secret {each.name!r}", "Give it, or inherit.")


def _asked_in_vain(called: Workflow, way: tuple[_Call, ...]) -> Iterator[Problem]:
    """Permissions that a called workflow, or a job of it, writes and its callers do not have."""
    asking = [(called.file, called.permissions)]
    asking += [(f"the job {job.id} of {called.file}", job.permissions) for job in called.jobs.values()]
    lacking: dict[Spot, dict[str, str]] = {}
    for who, asked in asking:
        for scope, level, shown in _written(asked):
            lacks = next((call for call in way if is_lower(call.has.level(scope), level)), None)
            if lacks is not None:
                lacking.setdefault(lacks.job.spot, {}).setdefault(shown, who)
    for spot, found in lacking.items():
        what, who = next(iter(found.items()))
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        why = f"{who} asks for `{what}`{others}, which the job that calls it does not have"
        yield Problem(spot, why, f"Add {', '.join(found)} to permissions there, or ask for less.")


def _written(asked: Permissions | None) -> Iterator[tuple[str, str, str]]:
    """The scopes that are written, the level of each, and how both are written."""
    if asked is None:
        return
    for scope, level in asked.levels.items():
        if level is not None and scope not in _ASKED_ELSEWHERE:
            yield scope, level, f"{scope}: {level}"
    if asked.others in ("read", "write"):
        yield "", asked.others, f"{asked.others}-all"
