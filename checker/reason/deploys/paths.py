"""Deploy paths: which jobs roll an environment's services, what they do before and after, in which order.

A *path* is what one workflow does to one environment, its reusable workflows followed. In it every action has a
:class:`At`: the job, and the position in that job's trace; :func:`follows` says what surely comes after what.

Sources: Amazon ECS API Reference, "UpdateService" (what starts a deployment); AWS CLI Command Reference, "ecs wait
services-stable"; README of aws-actions/amazon-ecs-deploy-task-definition, ``wait-for-service-stability``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, every, negated, yes_if
from checker.model.environment_words import UNNAMED, kind_of
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Loop, Trace
from checker.model.pipeline.workflows import Workflow
from checker.model.possible import Possible, shown, truth
from checker.model.sources import Problem
from checker.model.values import Absent, Known
from checker.reason.calls.rolling import of_action, rolls
from checker.reason.calls.step_ends import ended_by_another, ended_by_output, is_failing_exit
from checker.reason.deploys.rollbacks import is_rollback


class At(Struct, frozen=True):
    """Where an action stands: ``trace.actions[index]`` of ``job``."""

    job: EffectiveJob
    trace: Trace
    index: int

    @property
    def action(self) -> Command | AwsCall | CdkCommand:
        return self.trace.actions[self.index]


class Rollout(Struct, frozen=True):
    """One update of a service that starts a deployment. ``service`` is its name, ``None`` where that is not known."""

    at: At
    call: AwsCall
    service: str | None
    one_each: bool = False  # called for several services, of which each environment has one

    @property
    def on_failure(self) -> bool:
        """Whether it only happens after something failed: then it takes back."""
        return after_failure(self.call)

    @property
    def concurrent(self) -> bool:
        """Whether others may roll at the same time."""
        step, taken = self.call.step, self.call.handling
        return taken.background or taken.beside or (step is not None and step.step.concurrent)


class DeployPath(Struct, frozen=True, dict=True):
    """What one workflow does to one environment's services."""

    entry: Workflow
    environment: str
    kind: EnvironmentKind
    jobs: tuple[EffectiveJob, ...]
    traces: tuple[Trace, ...]
    rollouts: tuple[Rollout, ...]
    elsewhere: tuple[EffectiveJob, ...] = ()  # jobs of it that call workflows which nobody read

    @property
    def name(self) -> str:
        return f"{self.entry.stem} ({self.environment})" if self.environment else self.entry.stem

    @cached_property
    def forward(self) -> tuple[Rollout, ...]:
        """The roll-outs on the way on which all goes well."""
        return tuple(each for each in self.rollouts if not each.on_failure)

    @cached_property
    def takes_back(self) -> tuple[Rollout, ...]:
        """The roll-outs that follow a failure."""
        return tuple(each for each in self.rollouts if each.on_failure)

    @cached_property
    def ends(self) -> tuple[At, ...]:
        """Where the services are rolled on the way on which all goes well."""
        return tuple(each.at for each in self.forward)

    @property
    def deployed_to(self) -> str:
        """The environment that it deploys to, as far as its jobs name one."""
        return self.environment

    @property
    def rolls_back(self) -> bool:
        """Whether the workflow as a whole goes back to an earlier release, by its name."""
        return is_rollback(self.entry)

    @cached_property
    def _open(self) -> list[Problem]:
        """What was not followed in the jobs that roll services, and in those that come after them."""
        rolling = {id(at.job): at.job for at in (*(each.at for each in self.rollouts), *self.ends)}
        return [
            problem
            for job, trace in zip(self.jobs, self.traces, strict=True)
            if id(job) in rolling or any(job.after(other) for other in rolling.values())
            for problem in (*trace.problems, *job.problems)
            if problem.unread
        ]

    @property
    def complete(self) -> bool:
        """Whether all that follows the first roll-out was followed: what was not found may else still happen."""
        return not self._open

    @property
    def unread(self) -> str:
        """What was not followed, for a person."""
        problems = self._open
        return f"not all of {self.name} could be followed: {problems[0] if problems else 'a job could not be read'}"

    def actions(self) -> Iterator[At]:
        """Every action of its jobs, job by job."""
        for job, trace in zip(self.jobs, self.traces, strict=True):
            for index in range(len(trace.actions)):
                yield At(job, trace, index)

    def waits(self) -> Iterator[At]:
        """Where it waits for services to become stable, or asks again and again how far they are."""
        for at in self.actions():
            if is_wait(at.action):
                yield at


def deploy_paths(pipeline: Pipeline, project: Project) -> tuple[DeployPath, ...]:
    """Every path that rolls services, in the order of the jobs."""
    return _paths(pipeline, project)


@lru_cache(maxsize=2)
def _paths(pipeline: Pipeline, project: Project) -> tuple[DeployPath, ...]:
    grouped: dict[tuple[str, str], tuple[Workflow, list[EffectiveJob]]] = {}
    for job in pipeline.jobs:
        if any(rolls(call) for call in pipeline.trace(job).aws):
            grouped.setdefault((job.entry.file, job.environment_name), (job.entry, []))
    found = []
    for (file, environment), (entry, _) in grouped.items():
        jobs = tuple(
            job
            for job in pipeline.jobs
            if job.entry.file == file and job.environment_name in ("", environment) and job.runs is not NO
        )
        traces = tuple(pipeline.trace(job) for job in jobs)
        rollouts = tuple(
            Rollout(At(job, trace, index), action, _service(action), _one_each(job, action, pipeline))
            for job, trace in zip(jobs, traces, strict=True)
            for index, action in enumerate(trace.actions)
            if isinstance(action, AwsCall) and rolls(action)
        )
        known = project.environment(environment)
        kind = known.kind if known is not None else kind_of(environment) if environment else _by_clusters(rollouts)
        elsewhere = tuple(job for job in pipeline.elsewhere if job.entry.file == file and job.runs is not NO)
        found.append(DeployPath(entry, environment, kind, jobs, traces, rollouts, elsewhere))
    return tuple(found)


def _by_clusters(rollouts: Iterable[Rollout]) -> EnvironmentKind:
    """What a path is for whose workflow names no environment: what all of the clusters are called after that it rolls
    services of (``orders-dev``)."""
    named = [rollout.call.texts("cluster") or (None,) for rollout in rollouts]
    kinds = {kind_of(name) if isinstance(name, str) else EnvironmentKind.OTHER for names in named for name in names}
    return kinds.pop() if len(kinds) == 1 else EnvironmentKind.OTHER


def _one_each(job: EffectiveJob, call: AwsCall, pipeline: Pipeline) -> bool:
    """Whether what chooses the service chooses the environment too, and every environment has but one of them."""
    found: dict[str, set[str | None]] = {}
    for way in job.alternatives:
        for each in pipeline.trace(way).aws:
            if each.spot == call.spot and each.operation == call.operation:
                found.setdefault(way.environment_name, set()).add(_service(each))
    return len(found) > 1 and all(len(names) == 1 and None not in names for names in found.values())


def environment_of(path: DeployPath, project: Project) -> Environment | None:
    """The environment that a path deploys to; where no template has it by the name that the workflow gives, if any, the
    one whose cluster its calls name, or the only one that has services (and, under a name, has none itself)."""
    if path.deployed_to and (known := project.environment(path.deployed_to)) is not None:
        return known
    having = [each for each in project.environments if any(True for _ in each.resources("AWS::ECS::Service"))]
    named = {
        name.rpartition("/")[2]
        for rollout in path.rollouts
        for name in rollout.call.texts("cluster") or ()
        if isinstance(name, str)
    }
    found = [each for each in having if named & _clusters(each)] if len(named) == 1 else []
    if not found and (len(having) > 1 or (path.deployed_to and having[:1] and having[0].name != UNNAMED)):
        return None
    having = found or [each for each in having if not named or not _clusters(each)]
    return having[0] if len(having) == 1 else None


def _clusters(environment: Environment) -> set[str]:
    """The names of its clusters that its templates write out."""
    names = [each.get("ClusterName") for each in environment.resources("AWS::ECS::Cluster")]
    return {name.value for name in names if isinstance(name, Known) and isinstance(name.value, str)}


def after_failure(call: Command | AwsCall | CdkCommand) -> bool:
    """Whether a call is made only after a failure or a cancellation: in a handler, or in a step or a job for that."""
    asked = [call.step.status_functions] if call.step is not None else []
    asked += [call.job.asks] if call.job is not None else []
    return call.reached.on_failure or any(
        {"failure", "cancelled"} & functions and not {"always", "success"} & functions for functions in asked
    )


def _service(call: AwsCall) -> str | None:
    value = call.text("service")
    if isinstance(value, str):
        return value.rpartition("/")[2]
    return None


def is_wait(action: object) -> bool:
    if not isinstance(action, AwsCall) or action.handling.left_alone:
        return False  # of what nobody waits for, nobody learns how it ends
    if (action.service, action.operation) == ("ecs", "deploy"):
        return True  # AWS CLI Command Reference, "ecs deploy": it waits until the deployment has succeeded
    if action.waiter:
        return action.waiter.replace("_", "-").lower() in {"services-stable", "servicesstable", "deployment-successful"}
    if action.service == "ecs" and action.operation in {"DescribeServices", "ListServiceDeployments"}:
        return any(loop.kind in {"retry", "while"} and loop.sleeps for loop in action.reached.loops)
    if of_action(action) and action.operation == "UpdateService" and action.step is not None:
        return truth(action.step.with_.get("wait-for-service-stability", False)) is YES
    return False


# --- order ------------------------------------------------------------------------------------------------------------


def follows(later: At, earlier: At) -> bool:
    """Whether ``later`` surely comes after ``earlier``, where both happen."""
    if later.job is earlier.job:
        return later.index > earlier.index
    return later.job.after(earlier.job)


def last(places: Iterable[At]) -> At | None:
    """The one that comes after the others; of those that nothing orders, the last in the file."""
    found: At | None = None
    for each in places:
        if found is None or follows(each, found) or not follows(found, each):
            found = each
    return found


def shared_loops(one: Command | AwsCall | CdkCommand, other: Command | AwsCall | CdkCommand) -> tuple[Loop, ...]:
    """The loops around both, outermost first; a loop's rounds count as different loops."""
    found = []
    for mine, theirs in zip(one.reached.loops, other.reached.loops, strict=False):
        if (mine.spot, mine.index) != (theirs.spot, theirs.index):
            break
        found.append(mine)
    return tuple(found)


# --- failures ---------------------------------------------------------------------------------------------------------


def fails_here(at: At, *, by_itself: bool = True) -> Answer:
    """Whether a failure of this action ends its job with a failure; open where the job may go on regardless.

    Yes where it stops its script, or a failing exit follows in the same step; and where the programs that it is part
    of (``python roll.py || true``) and its step (``continue-on-error``) let the failure through. ``by_itself`` is false
    where what went wrong is no failure of the action, so that only an exit that follows counts."""
    action = at.action
    allowed = truth(at.job.continue_on_error)  # then the run ends well, whatever becomes of the job
    if allowed is not NO:
        return NO if allowed is YES else Open("whether its job may fail without failing the run")
    goes_on = truth(action.step.continue_on_error) if action.step is not None else NO
    # A step that the failure starts may end the job in its place.
    if goes_on is not NO and not ended_by_another(at.trace, at.index):
        return negated(goes_on)
    if not _let_through(at):
        return NO
    if by_itself and not isinstance(ends := action.handling.ends, Open):
        notices = action.handling.notices if isinstance(action, AwsCall) and action.asks_state else YES
        # `late`: a time-out passes for success.
        return every((notices, action.handling.late)) if ends is YES else yes_if(ended_by_output(at.trace, at.index))
    if by_itself and (action.handling.stops or _ends_in_time(action)):
        return YES
    if by_itself and (again := _asked_again(at)) is not None:
        return fails_here(again)
    other = by_itself and action.handling.turns is NO and action.handling.idle is YES  # something else exits then
    return yes_if(not other and next(exits_after(at), None) is not None)


def _asked_again(at: At) -> At | None:
    """The same call, made once more where this one fails (``wait || wait``): its failure is what counts."""
    call = at.action
    for index in range(at.index + 1, len(at.trace.actions)):
        each = at.trace.actions[index]
        if each.step is not call.step:
            return None
        if (
            isinstance(call, AwsCall)
            and isinstance(each, AwsCall)
            and each.reached.on_failure
            and (each.service, each.operation, each.waiter) == (call.service, call.operation, call.waiter)
            and each.arguments == call.arguments
            and [(loop.spot, loop.index) for loop in each.reached.loops]
            == [(loop.spot, loop.index) for loop in call.reached.loops]
        ):
            return At(at.job, at.trace, index)
    return None


def _ends_in_time(action: Command | AwsCall | CdkCommand) -> bool:
    """``until check; do sleep 5; done``: it goes on only once the check works."""
    handling = action.handling
    return handling.tested == "until" and not handling.fallback and not handling.lost


def exits_after(at: At) -> Iterator[At]:
    """Where the step of an action ends with a failure later on."""
    for index in range(at.index + 1, len(at.trace.actions)):
        each = at.trace.actions[index]
        if each.step is not at.action.step:
            return
        # Not in another round of a loop around the action: that is about another thing.
        around = len([loop for loop in each.reached.loops if loop.kind == "each"])
        if len([loop for loop in shared_loops(each, at.action) if loop.kind == "each"]) < min(around, _rounds(at)):
            continue
        if isinstance(each, Command) and is_failing_exit(each) and not each.handling.background:
            yield At(at.job, at.trace, index)


def _rounds(at: At) -> int:
    return len([loop for loop in at.action.reached.loops if loop.kind == "each"])


def _let_through(at: At) -> bool:
    """Whether the programs that make this call end with a failure when it fails."""
    for index in range(at.index):
        each = at.trace.actions[index]
        if isinstance(each, Command) and each.step is at.action.step and each.reached.leads_to(at.action.reached):
            handling = each.handling
            ends = handling.ends
            if ends is NO or handling.late is NO:
                return False
            if (
                isinstance(ends, Open)
                and not handling.stops
                and not (handling.fallback_stops or handling.tested in {"if", "not"})
            ):
                return False
    return True


# --- findings ---------------------------------------------------------------------------------------------------------


def once(judgements: Iterable[Judgement]) -> Iterator[Judgement]:
    """One judgement per environment, place and requirement, however many paths lead there; those are related."""
    kept: dict[tuple[object, ...], Judgement] = {}
    for each in judgements:
        location = each.place.locate("", exactly=False)
        said = each.violation if location.line is None else ""
        key = (each.place.environment_name, each.sub, each.outcome, location.file, location.line, said)
        before = kept.get(key)
        if before is None:
            kept[key] = each
        elif len(before.related) < 8 and each.place.subject not in {place.subject for place in before.related}:
            kept[key] = replace(before, related=(*before.related, each.place))
    yield from kept.values()


def unseen(pipeline: Pipeline, sub: str | None, what: str) -> Iterator[Judgement]:
    """For a rule that found nothing to judge: that this cannot be decided, where not all could be read."""
    problems = [problem for problem in pipeline.problems if problem.unread]
    for job in (each for each in pipeline.jobs if each.credentials):
        problems.extend(problem for problem in pipeline.trace(job).problems if problem.unread)
    if problems:
        yield pipeline.undecided(sub, f"{what}: {problems[0]}", fix=problems[0].fix)
    for each in () if problems else pipeline.unfollowed[:1]:  # of a job that is given secrets, and no role
        yield each.undecided(sub, f"{what}: {each.problem}", fix=each.problem.fix)


def spelled(value: Possible | Absent) -> str:
    """A value as a message quotes it."""
    return "nothing" if isinstance(value, Absent) else shown(value)
