"""From workflows as written to jobs as they run: calls followed, inputs bound, permissions capped, actions unfolded.

Cycles, files that are missing and calls into other repositories become located problems of the calling job. The whole
tree is bounded: past :data:`MAX_JOBS` jobs the rest is a problem, never a wait.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import NO, every
from checker.model.environment_words import environment_of as environment_in
from checker.model.pipeline.holding import takes_token
from checker.model.pipeline.jobs import ANYHOW, DEFAULT_TIMEOUT_MINUTES, EffectiveJob, EffectiveStep, Start, complete
from checker.model.pipeline.workflows import Field, Job, Permissions, Workflow, Workflows
from checker.model.possible import Possible, is_known, joined, options
from checker.model.settings import Settings
from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, Absent, Hole, Text
from checker.resolve.expressions.contexts import Bound, View
from checker.resolve.expressions.evaluation import Contexts, text_value
from checker.resolve.expressions.refused import refusals_of
from checker.resolve.expressions.syntax import fault_in
from checker.resolve.expressions.values import Data, Open, Partial, scalar
from checker.resolve.workflows.calls import MAX_LEVELS, local_workflow, refused_calls
from checker.resolve.workflows.choices import RUNNER_REF, Way, ways_of
from checker.resolve.workflows.conditions import both, facts_of
from checker.resolve.workflows.example_refs import examples_of
from checker.resolve.workflows.ifs import goes_on, runs_under, started_by, status_functions
from checker.resolve.workflows.in_force import capped, concurrency_of
from checker.resolve.workflows.starts import starts_of
from checker.resolve.workflows.steps import MAX_STEPS as MAX_STEPS_OF_A_JOB
from checker.resolve.workflows.steps import Unfolder, credentials, scalars

MAX_JOBS: Final = 10_000
# Of all jobs together: each is followed by itself.
MAX_ALTERNATIVES: Final = 1_000
# Of all jobs together: composite actions multiply.
MAX_STEPS: Final = 40_000
# What a job's steps write to its outputs, each under the hole that stands for it in an expression.
Follow: TypeAlias = Callable[[EffectiveJob], Mapping[Hole, Possible]]


class EffectiveJobs(Struct):
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
    follow: Follow = lambda _job: {},
) -> EffectiveJobs:
    """All effective jobs, callers before what they call. ``environments``: the names of the project's environments;
    ``follow`` tells what the steps of a job write to its outputs.

    A reusable workflow that nothing here calls comes once by itself, its inputs open.
    """
    return _Builder(workflows, settings, environments, follow).build()


class _Builder(Struct):
    workflows: Workflows
    settings: Settings
    environments: Collection[str]
    follow: Follow
    jobs: list[EffectiveJob] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    alternatives: int = MAX_ALTERNATIVES  # that may still be made
    steps_left: int = field(default_factory=lambda: MAX_STEPS)
    _bound: dict[tuple[int, str], Bound | None] = field(default_factory=dict)
    _refused: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    _callers: dict[int, EffectiveJob | None] = field(default_factory=dict)
    _made: dict[tuple[int, str], tuple[EffectiveJob, View]] = field(default_factory=dict)
    _outputs: dict[tuple[int, str, View], Mapping[Hole, Possible]] = field(default_factory=dict)

    def build(self) -> EffectiveJobs:
        for workflow in self.workflows.files.values():
            self.called.update(path for job in workflow.jobs.values() if (path := local_workflow(job.uses)))
        for workflow in self.workflows.files.values():
            if workflow.starts_itself or workflow.file not in self.called:
                starts = starts_of(workflow, self.settings.default_branch)
                bound = Bound(workflow, workflow, self.settings, callee=self._callee, followed=self._followed)
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
        path = local_workflow(job.uses)
        if path is None:
            self._complain(spot, f"{job.uses} is in another repository and was not followed", "Check it there.")
            return None
        workflow = self.workflows.files.get(path)
        if workflow is None:
            self._complain(spot, f"there is no workflow {path}", "Correct the path, or add the file.")
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
        return Bound(workflow, bound.entry, self.settings, bound, job, self._callee, self._followed)

    def _complain(self, spot: Spot, message: str, fix: str) -> None:
        problem = Problem(spot, message, fix)
        if problem not in self.problems[-50:]:
            self.problems.append(problem)

    def _workflow(self, bound: Bound, caller: EffectiveJob | None, starts: tuple[Start, ...]) -> list[EffectiveJob]:
        made: dict[str, EffectiveJob] = {}
        self._callers[id(bound)] = caller
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
                    self._complain(effective.spot, f"job {job_id} needs {need!r}, which is no job", "Correct the name.")
            circles = {need for need in needs if job_id in {need, *bound.workflow.needed(need)}}
            if circles:
                why = f"job {job_id} needs itself, by way of {', '.join(sorted(circles))}: GitHub refuses the workflow"
                self._complain(effective.spot, why, "Take one of the needs away.")
            complete(effective, needs=tuple(made[need] for need in needs if need in made and need not in circles))
        for job_id, effective in made.items():
            complete(effective, alternatives=self._alternatives(bound, bound.workflow.jobs[job_id], effective))
        return list(made.values())

    def _job(
        self, bound: Bound, job: Job, caller: EffectiveJob | None, starts: tuple[Start, ...]
    ) -> EffectiveJob | None:
        view, starts = _running(bound, job, View(starts))
        if view is None:
            return None  # its `if` is false for every event that could start it
        written = job.environment.value if job.environment else None
        for fault in (fault_in(job.if_, condition=True), fault_in(written)):
            if fault:
                self._complain(job.spot, fault, "Correct the expression.")
        effective = self._evaluated(bound, job, caller, view, starts)
        complete(effective, examples=tuple(examples_of(effective, self.settings)))
        complete(effective, concurrency=tuple(concurrency_of(effective, bound, view)))
        self.jobs.append(effective)
        self._made[id(bound), job.id] = effective, view
        self._unfolded(bound, job, view, effective)
        self.problems.extend(effective.problems)
        if job.uses:
            before = len(self.problems)
            called = self._callee(bound, job)
            if called is None:
                complete(effective, problems=tuple(self.problems[before:]))
            else:
                complete(effective, called=tuple(self._workflow(called, effective, starts)))
        return effective

    def _evaluated(
        self, bound: Bound, job: Job, caller: EffectiveJob | None, view: View, starts: tuple[Start, ...]
    ) -> EffectiveJob:
        """A job in the runs of a view, all but its steps and what names other jobs."""
        contexts = bound.contexts(view, job)
        asked = job.permissions or bound.workflow.permissions or (caller.permissions if caller else Permissions())
        path = (*((caller.name,) if caller else (bound.workflow.stem,)), job.id)
        effective = EffectiveJob(
            name="/".join(path),
            job=_on_its_runner(job, contexts),
            workflow=bound.workflow,
            entry=bound.entry,
            caller=caller,
            environment_name="",
            starts=starts,
            runs=runs_under(job.if_, contexts),
            facts=both(caller.facts if caller else ANYHOW, facts_of(job.if_, _scope(caller))),
            status_functions=status_functions(job.if_),
            goes_on=goes_on(job.if_, job.needs, contexts),
            inputs={name: scalar(value) for name, value in bound.inputs(view).items()},
            environment=ABSENT if job.environment is None else text_value(job.environment.value, contexts),
            permissions=capped(asked, caller.permissions) if caller else asked,
            permissions_asked=asked,
            timeout_minutes=_timeout(job.timeout_minutes, contexts),
            matrix=scalars(contexts["matrix"]),
            max_parallel=text_value(job.max_parallel, contexts),
            continue_on_error=text_value(job.continue_on_error, contexts),
            env=scalars(contexts["env"]),
            calls=job.uses,
            refusals=(*refusals_of(bound.workflow), *(self._refused_calls(bound.workflow) if caller is None else ())),
        )
        complete(effective, environment_name=self._environment_name(effective))
        return effective

    def _refused_calls(self, entry: Workflow) -> tuple[Problem, ...]:
        if entry.file not in self._refused:
            self._refused[entry.file] = refused_calls(entry, self.workflows.files)
        return self._refused[entry.file]

    def _unfolded(self, bound: Bound, job: Job, view: View, effective: EffectiveJob) -> None:
        """Put a job's steps into it."""
        most = min(self.steps_left, MAX_STEPS_OF_A_JOB)
        unfolder = Unfolder(self.workflows, effective, left=most)
        steps = _steps(unfolder, bound, job, bound.contexts(view, job))
        self.steps_left -= len(steps)
        marked = tuple(start for start in view.starts if start.prerelease)
        if marked:
            on_marked = bound.contexts(replace(view, starts=marked), job)
            again = _steps(Unfolder(self.workflows, effective, left=most), bound, job, on_marked)
            steps = [replace(step, runs_on_prerelease=each.runs) for step, each in zip(steps, again, strict=True)]
        numbered = tuple(replace(step, index=index) for index, step in enumerate(steps))
        complete(effective, steps=numbered, credentials=tuple(credentials(numbered)), problems=tuple(unfolder.problems))
        complete(effective, refusals=(*effective.refusals, *unfolder.refusals))

    def _alternatives(self, bound: Bound, job: Job, effective: EffectiveJob) -> tuple[EffectiveJob, ...]:
        """The job once for each way in which a choice decides several of its things together; empty for a single one.

        Only of jobs that can act on an account, and for which the choices make a difference.
        """
        can_act = effective.credentials or takes_token(effective) or _has_keys(effective)
        if not effective.steps or not can_act or self.alternatives <= 0:
            return ()
        found: dict[object, EffectiveJob] = {}
        by_ref = any(RUNNER_REF.search(step.run.text) for step in effective.steps if step.run is not None)
        for way in ways if len(ways := ways_of(effective, bound)) > 1 else ():
            each = self._on_way(bound, job, effective, way)
            if each is None:
                continue
            mark = _told_apart(each, by_ref=by_ref)
            known = found.get(mark)
            if known is None:
                found[mark] = each
            else:
                complete(
                    known,
                    starts=tuple(dict.fromkeys((*known.starts, *each.starts))),
                    examples=tuple(dict.fromkeys((*known.examples, *each.examples))),
                )
        if len(found) < 2:
            return ()
        self.alternatives -= len(found)
        return tuple(found.values())

    def _on_way(self, bound: Bound, job: Job, whole: EffectiveJob, way: Way) -> EffectiveJob | None:
        """The job as it runs on one way; ``None`` where it does not run then."""
        outer: Bound | None = bound
        while outer is not None and outer.caller is not None and outer.job is not None:
            if runs_under(outer.job.if_, outer.caller.contexts(way.view, outer.job)) is NO:
                return None
            outer = outer.caller
        view, starts = _running(bound, job, way.view)
        if view is None:
            return None
        effective = self._evaluated(bound, job, whole.caller, view, starts)
        complete(effective, needs=whole.needs, concurrency=whole.concurrency, examples=way.examples, given=way.given)
        self._unfolded(bound, job, view, effective)
        return effective

    def _followed(self, bound: Bound, job: Job, view: View, value: Data) -> Data:
        """A job's output with what its steps write put in, where they were followed."""
        written = scalar(value)
        if not isinstance(written, Text) or not any("steps." in hole.shown for hole in written.holes):
            return value
        key = (id(bound), job.id, view)
        if key not in self._outputs:
            self._outputs[key] = {}  # of jobs that need themselves nothing is known
            whole, whole_view = self._made.get((id(bound), job.id), (None, None))
            if whole is None or whole_view != view:
                running, starts = _running(bound, job, view)
                if running is None:
                    return value
                whole = self._evaluated(bound, job, self._callers.get(id(bound)), running, starts)
                self._unfolded(bound, job, running, whole)
            self._outputs[key] = self.follow(whole)
        # What stays open keeps the name of the output: two uses of it are the same value.
        known = {hole: each for hole, each in self._outputs[key].items() if is_known(each)}
        if not any(hole in known for hole in written.holes):
            return value
        return joined(known.get(part, Text((part,))) if isinstance(part, Hole) else part for part in written.parts)

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


def _scope(caller: EffectiveJob | None) -> str | None:
    """What tells a called workflow's inputs from another's; ``None`` where a matrix gives it several."""
    if caller is None:
        return ""
    return None if any(each.job.matrix is not None for each in caller.chain) else caller.name


def _on_its_runner(job: Job, contexts: Contexts) -> Job:
    """The job with the runner that an expression comes to: ``runs-on: ${{ matrix.os }}`` of one row."""
    if not isinstance(job.runs_on, str) or "${{" not in job.runs_on:
        return job
    named = text_value(job.runs_on, contexts)
    return replace(job, runs_on=named) if isinstance(named, str) and named else job


def _running(bound: Bound, job: Job, view: View) -> tuple[View | None, tuple[Start, ...]]:
    """The view without the starts for which a job's ``if`` is false (``None`` where none is left), and those that are
    left with whether it surely runs."""
    runs = {start: runs_under(job.if_, bound.contexts(replace(view, starts=(start,)), job)) for start in view.starts}
    kept = tuple(start for start in view.starts if runs[start] is not NO)
    if view.starts and not kept:
        return None, ()
    return replace(view, starts=kept), tuple(replace(start, runs=every((start.runs, runs[start]))) for start in kept)


def _has_keys(job: EffectiveJob) -> bool:
    """Whether it is handed access keys as variables, as the AWS CLI and SDKs read them."""
    return any("AWS_ACCESS_KEY_ID" in env for env in (job.env, *(step.env for step in job.steps)))


def _told_apart(job: EffectiveJob, *, by_ref: bool) -> object:
    """What two ways of running a job have to differ in to be told apart."""
    steps = tuple(
        (
            step.runs,
            step.working_directory,
            *(tuple(each.items()) for each in (step.with_, step.env, step.expressions)),
        )
        for step in job.steps
    )
    return job.environment, job.timeout_minutes, steps, tuple(start.ref for start in job.starts) if by_ref else ()


def _steps(unfolder: Unfolder, bound: Bound, job: Job, contexts: Contexts) -> list[EffectiveStep]:
    steps: list[EffectiveStep] = []
    skipped: dict[str, Data] = {}
    opened = contexts["steps"]
    assert isinstance(opened, Open)
    for step in job.steps:
        found = list(unfolder.unfold(step, contexts, bound.workflow.shell or "", ()))
        starts = started_by(step, steps, contexts)
        steps += [replace(each, started_by=starts, index=index) for index, each in enumerate(found, len(steps))]
        if step.id and found and found[0].runs is NO:
            # A step that is skipped has no outputs (GitHub documentation, "Contexts", `steps`).
            skipped[step.id] = {"outputs": {}, "outcome": "skipped", "conclusion": "skipped"}
            contexts = {**contexts, "steps": Partial(dict(skipped), opened)}
    return steps


def _timeout(written: Field | None, contexts: Contexts) -> Possible:
    return DEFAULT_TIMEOUT_MINUTES if written is None else text_value(written.value, contexts)
