"""From workflows as written to jobs as they run: calls followed, inputs bound, permissions capped, actions unfolded.

Cycles, files that are missing and calls into other repositories become located problems of the calling job. The whole
tree is bounded: past :data:`MAX_JOBS` jobs the rest is a problem, never a wait.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from checker.model.environment_words import environment_of as environment_in
from checker.model.pipeline.jobs import (
    DEFAULT_TIMEOUT_MINUTES,
    ConcurrencyInForce,
    Demand,
    EffectiveJob,
    EffectiveStep,
    Start,
    complete,
)
from checker.model.pipeline.workflows import (
    Concurrency,
    Field,
    Job,
    Permissions,
    Workflow,
    Workflows,
)
from checker.model.possible import Possible, options
from checker.model.settings import Settings
from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, Absent
from checker.resolve.expressions.contexts import Bound
from checker.resolve.expressions.evaluation import Contexts, text_value
from checker.resolve.expressions.syntax import fault_in
from checker.resolve.expressions.values import Data, Open, Partial, scalar
from checker.resolve.workflows.example_refs import contexts_on, examples_of
from checker.resolve.workflows.starts import starts_of
from checker.resolve.workflows.steps import Unfolder, credentials, runs_under, scalars, status_functions

MAX_JOBS: Final = 10_000
# GitHub's own bound on reusable workflows ("Reuse workflows": ten levels); composite actions have the same here.
MAX_LEVELS: Final = 10
_RANK: Final = {"none": 0, "read": 1, "write": 2}


@dataclass(slots=True)
class EffectiveJobs:
    """Every job of every run that can happen, and what kept some from being followed."""

    jobs: tuple[EffectiveJob, ...] = ()
    problems: tuple[Problem, ...] = ()

    def working(self) -> Iterator[EffectiveJob]:
        """The jobs that have steps: those that only call a workflow are left out."""
        return (job for job in self.jobs if not job.calls)


def effective_jobs(
    workflows: Workflows,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    environments: Collection[str] = (),
) -> EffectiveJobs:
    """All effective jobs, callers before what they call. ``environments``: the names of the project's environments.

    A reusable workflow that nothing here calls comes once by itself, its inputs open.
    """
    return _Builder(workflows, settings, environments).build()


@dataclass(slots=True)
class _Builder:
    workflows: Workflows
    settings: Settings
    environments: Collection[str]
    jobs: list[EffectiveJob] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    _bound: dict[tuple[int, str], Bound | None] = field(default_factory=dict)

    def build(self) -> EffectiveJobs:
        for workflow in self.workflows.files.values():
            self.called.update(path for job in workflow.jobs.values() if (path := _local(job.uses)))
        for workflow in self.workflows.files.values():
            if workflow.starts_itself or workflow.file not in self.called:
                starts = starts_of(workflow, self.settings.default_branch)
                bound = Bound(workflow, workflow, self.settings, callee=self._callee)
                self._workflow(bound, None, starts)
        return EffectiveJobs(tuple(self.jobs), tuple(self.problems))

    def _callee(self, bound: Bound, job: Job) -> Bound | None:
        """The workflow that a job calls, bound to that call; ``None`` (with a problem, once) where it is not here."""
        key = (id(bound), job.id)
        if key not in self._bound:
            self._bound[key] = self._follow(bound, job)
        return self._bound[key]

    def _follow(self, bound: Bound, job: Job) -> Bound | None:
        spot = job.spot
        path = _local(job.uses)
        if path is None:
            self._complain(spot, f"{job.uses} is in another repository and was not followed", "Check it there.")
            return None
        workflow = self.workflows.files.get(path)
        if workflow is None:
            self._complain(spot, f"there is no workflow {path}", "Mend the path, or add the file.")
            return None
        if "workflow_call" not in workflow.triggers:
            self._complain(spot, f"{path} cannot be called: it has no workflow_call", "Add on: workflow_call.")
            return None
        levels, each = 1, bound
        while True:
            if each.workflow.file == path:
                self._complain(spot, f"{path} calls itself, through this job", "Break the cycle.")
                return None
            if each.caller is None:
                break
            levels, each = levels + 1, each.caller
        if levels >= MAX_LEVELS:
            self._complain(spot, f"workflows call each other more than {MAX_LEVELS} levels deep", "Call fewer.")
            return None
        self._check_call(job, workflow)
        return Bound(workflow, bound.entry, self.settings, bound, job, self._callee)

    def _check_call(self, job: Job, workflow: Workflow) -> None:
        """What GitHub refuses when the run starts: inputs and secrets that are unknown or missing."""
        for name, given in job.with_.items():
            if name not in workflow.call_inputs:
                self._complain(given.spot, f"{workflow.file} has no input {name!r}", "Declare it there, or remove it.")
        for name, declared in workflow.call_inputs.items():
            if declared.required and name not in job.with_:
                self._complain(job.spot, f"{workflow.file} requires the input {name!r}", "Give it under with:.")
        if isinstance(job.secrets, Mapping):
            for name, secret in workflow.call_secrets.items():
                if secret.required and name not in job.secrets:
                    self._complain(job.spot, f"{workflow.file} requires the secret {name!r}", "Give it, or inherit.")

    def _complain(self, spot: Spot, message: str, fix: str) -> None:
        problem = Problem(spot, message, fix)
        if problem not in self.problems[-50:]:
            self.problems.append(problem)

    def _workflow(self, bound: Bound, caller: EffectiveJob | None, starts: tuple[Start, ...]) -> list[EffectiveJob]:
        made: dict[str, EffectiveJob] = {}
        for job in bound.workflow.jobs.values():
            if len(self.jobs) >= MAX_JOBS:
                self._complain(job.spot, f"more than {MAX_JOBS:,} jobs: the rest was not followed", "Call fewer.")
                break
            effective = self._job(bound, job, caller, starts)
            if effective is not None:
                made[job.id] = effective
        for job_id, effective in made.items():
            needs = bound.workflow.jobs[job_id].needs
            for need in needs:
                if need not in bound.workflow.jobs:
                    self._complain(effective.spot, f"job {job_id} needs {need!r}, which is no job", "Mend the name.")
            complete(effective, needs=tuple(made[need] for need in needs if need in made))
        return list(made.values())

    def _job(
        self, bound: Bound, job: Job, caller: EffectiveJob | None, starts: tuple[Start, ...]
    ) -> EffectiveJob | None:
        kept = tuple(start for start in starts if runs_under(job.if_, bound.contexts((start,), job)) is not False)
        if starts and not kept:
            return None  # its `if` is false for every event that could start it
        starts = tuple(
            replace(start, runs=True if start.runs and runs_under(job.if_, bound.contexts((start,), job)) else None)
            for start in kept
        )
        contexts = bound.contexts(kept, job)
        asked = job.permissions or bound.workflow.permissions or (caller.permissions if caller else Permissions())
        environment = ABSENT if job.environment is None else text_value(job.environment.value, contexts)
        written = job.environment.value if job.environment else None
        for fault in (fault_in(job.if_, condition=True), fault_in(written)):
            if fault:
                self._complain(job.spot, fault, "Mend the expression.")
        path = (*((caller.name,) if caller else (bound.workflow.stem,)), job.id)
        inputs = {name: scalar(value) for name, value in bound.inputs(kept).items()}
        env = contexts["env"]
        effective = EffectiveJob(
            name="/".join(path),
            job=job,
            workflow=bound.workflow,
            entry=bound.entry,
            caller=caller,
            environment_name="",
            starts=starts,
            runs=runs_under(job.if_, contexts),
            status_functions=status_functions(job.if_),
            inputs=inputs,
            environment=environment,
            permissions=_capped(asked, caller.permissions) if caller else asked,
            permissions_asked=asked,
            concurrency=tuple(self._concurrency(bound, job, caller, contexts, kept)),
            timeout_minutes=_timeout(job.timeout_minutes, contexts),
            matrix=scalars(contexts["matrix"]),
            max_parallel=text_value(job.max_parallel, contexts),
            env=scalars(env),
            calls=job.uses,
        )
        complete(effective, environment_name=self._environment_name(effective))
        complete(effective, examples=tuple(examples_of(effective, self.settings)))
        complete(effective, concurrency=tuple(_on_examples(group, effective) for group in effective.concurrency))
        self.jobs.append(effective)
        unfolder = Unfolder(self.workflows, effective)
        steps = _steps(unfolder, bound, job, contexts)
        marked = tuple(start for start in kept if start.prerelease)
        if marked:
            again = _steps(Unfolder(self.workflows, effective), bound, job, bound.contexts(marked, job))
            steps = [replace(step, runs_on_prerelease=each.runs) for step, each in zip(steps, again, strict=True)]
        numbered = tuple(replace(step, index=index) for index, step in enumerate(steps))
        roles = tuple(credentials(numbered))
        complete(effective, steps=numbered, credentials=roles, problems=tuple(unfolder.problems))
        self.problems.extend(unfolder.problems)
        if job.uses:
            before = len(self.problems)
            called = self._callee(bound, job)
            if called is None:
                complete(effective, problems=tuple(self.problems[before:]))
            else:
                complete(effective, called=tuple(self._workflow(called, effective, starts)))
        return effective

    def _concurrency(
        self, bound: Bound, job: Job, caller: EffectiveJob | None, contexts: Contexts, starts: tuple[Start, ...]
    ) -> Iterator[ConcurrencyInForce]:
        if caller is not None:
            yield from caller.concurrency
        if bound.workflow.concurrency is not None:
            outer = bound.workflow_contexts(starts)
            yield _in_force(bound.workflow.concurrency, outer, "workflow", bound.workflow.file)
        if job.concurrency is not None:
            yield _in_force(job.concurrency, contexts, "job", f"{bound.workflow.file}#{job.id}")

    def _environment_name(self, job: EffectiveJob) -> str:
        """The project's environment that the job's own words speak of: only where they speak of one alone."""
        named = options(job.environment) if not isinstance(job.environment, Absent) else ()
        inputs = [job.inputs[key] for key in ("environment", "env", "stage") if key in job.inputs]
        words = [str(each) for each in named or () if isinstance(each, str)]
        words += [value for value in inputs if isinstance(value, str)]
        for word in words if len(named or ()) <= 1 else ():
            found = word if word in self.environments else environment_in(word)
            if found and (not self.environments or found in self.environments):
                return found
        if named and len(named) > 1:
            return ""
        if job.caller is not None and job.caller.environment_name:
            return job.caller.environment_name
        for word in (job.entry.stem, job.job.id):
            found = environment_in(word)
            if found and found in self.environments:
                return found
        return ""


def _steps(unfolder: Unfolder, bound: Bound, job: Job, contexts: Contexts) -> list[EffectiveStep]:
    steps: list[EffectiveStep] = []
    skipped: dict[str, Data] = {}
    opened = contexts["steps"]
    assert isinstance(opened, Open)
    for step in job.steps:
        found = list(unfolder.unfold(step, contexts, bound.workflow.shell or "", ()))
        steps.extend(found)
        if step.id and found and found[0].runs is False:
            # A step that is skipped has no outputs (GitHub documentation, "Contexts", `steps`).
            skipped[step.id] = {"outputs": {}, "outcome": "skipped", "conclusion": "skipped"}
            contexts = {**contexts, "steps": Partial(dict(skipped), opened)}
    return steps


def _local(uses: str) -> str | None:
    """The path of a workflow of this repository, ``None`` for one of another."""
    return posixpath.normpath(uses) if uses.startswith("./") else None


def _capped(asked: Permissions, cap: Permissions) -> Permissions:
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


def _timeout(written: Field | None, contexts: Contexts) -> Possible:
    return DEFAULT_TIMEOUT_MINUTES if written is None else text_value(written.value, contexts)
