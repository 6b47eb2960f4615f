"""Jobs as they run: every caller followed, inputs bound, permissions capped.

Overview for who writes rules. ``EffectiveJob`` is one job of a run, named by its chain of calls
(``prod-deploy/migrate/run``). It is a place: ``job.fails(...)``, ``step.fails(...)``. Ask it for

- ``starts``: the events that can start it, with the refs they bring, after its own and its callers' ``if``;
- ``environment``, ``permissions``, ``concurrency`` (all that is in force, its callers' too), ``timeout_minutes``;
- ``steps``: with composite actions unfolded, ``uses``, ``with_``, ``env`` and ``run`` with expressions evaluated;
- ``credentials``: the steps that take on an AWS role;
- ``needs``, ``caller`` and ``entry`` for the order of jobs and where the run began;
- ``ways``: the job once for every choice that decides several things together. What depends on two of them (the
  environment and the role) is asked of each way; of the job itself such values are sets that are not paired.

What the steps' scripts do is :class:`checker.model.pipeline.scripts.Trace`. Values are
:mod:`~checker.model.possible` values: a scalar, a ``Text`` with holes, one of several, or unknown.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import force_setattr

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.judgements import Judgeable
from checker.model.pipeline.workflows import Job, Permissions, RunText, Step, Trigger, Workflow
from checker.model.possible import Possible, options, same
from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, Absent, Text
from checker.model.verdicts import Location, Subject, SubjectKind, Surface

# Events of pull requests: a job without an environment presents the pull request and no ref.
PULL_REQUESTS: Final = frozenset(
    {"pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target"}
)
# The repository's root while a job runs: absolute paths below it are known to be files of the repository.
WORKSPACE: Final = "/github/workspace"
# Minutes after which GitHub cancels a job that sets no timeout ("Workflow syntax", jobs.<job_id>.timeout-minutes).
DEFAULT_TIMEOUT_MINUTES: Final = 360
# Seconds that aws-actions/configure-aws-credentials asks for where role-duration-seconds is not set: one hour.
DEFAULT_ROLE_SECONDS: Final = 3600


class Fact(Struct, frozen=True):
    """What is so in a run: what is asked equals a value or not; with none, it is true or not."""

    about: str
    value: str | bool | float | None
    holds: bool

    def denies(self, other: Fact) -> bool:
        """Whether the two are so in no run."""
        if self.about != other.about:
            return False
        if self.value == other.value:
            return self.holds is not other.holds
        if self.value is not None and other.value is not None:
            return self.holds and other.holds and type(self.value) is type(other.value)
        alone, compared = (self, other) if self.value is None else (other, self)
        # Nothing that equals an empty text is true; what equals false or 0 may be a text that is a number, as "0" is.
        text = compared.value if isinstance(compared.value, str) else ""
        if compared.value == 0 or (text and _MAY_BE_ZERO.fullmatch(text)):
            return False
        return compared.holds and bool(compared.value) is not alone.holds


# What is so, once for each way in which a condition can hold: empty for one that never does.
Facts: TypeAlias = "tuple[frozenset[Fact], ...]"
ANYHOW: Final[Facts] = (frozenset(),)

# Such a text may be compared as a number, and equal false, null or nothing (GitHub documentation, "Evaluate expressions
# in workflows and actions").
_MAY_BE_ZERO: Final = lazy_re.compile(r"[\s+-]*0?[xo]?[0.]*(?:e[-+]?\d+)?\s*", re.IGNORECASE)
_NOT_ASKED: Final = Open("whether it runs when a pre-release starts it")


class Start(Struct, frozen=True):
    """One way a job can come to run.

    ``ref`` is ``github.ref``: a plain string, or a ``Text`` whose holes are what a filter leaves open
    (``refs/tags/v`` + hole). ``pattern`` is the filter as written, ``None`` where there is none. ``runs`` is yes where
    nothing stands in the way, open where an ``if`` depends on what only the run knows (or on the outcome of
    earlier jobs); starts where an ``if`` is surely false are left out. ``prerelease`` is true for a start by a release
    that is marked as a pre-release: it is another start than that by a full release of the same workflow.
    """

    trigger: Trigger
    ref: str | Text
    pattern: str | None = None
    runs: Answer = YES
    prerelease: bool = False

    @property
    def event(self) -> str:
        return self.trigger.event


@dataclasses.dataclass(frozen=True, slots=True)
class ConcurrencyInForce:
    """A concurrency group that a run of the job holds. ``level`` is ``workflow`` or ``job``; ``owner`` whose it is."""

    group: Possible
    cancel_in_progress: Possible
    queue: Possible
    level: str
    owner: str
    spot: Spot
    # Group and cancel_in_progress on each ref that the job surely runs on; empty where no example can be made.
    on_refs: tuple[tuple[Possible, Possible], ...] = dataclasses.field(default=(), compare=False)
    cancel_written: object = dataclasses.field(default=None, compare=False)


class Demand(StrEnum):
    """How a ref counts among those of its job and event."""

    EACH = "each"  # the job runs on it
    ONE = "one"  # the job runs on one of these: a person picks it
    MAYBE = "maybe"  # whether the job runs on it depends on what only the run knows


class Example(Struct, frozen=True):
    """A ref that a job runs on when it starts so: by example where a filter or a person leaves it open."""

    start: Start
    ref: str | Text
    demand: Demand

    @property
    def event(self) -> str:
        return self.start.event


def asked_within(own: frozenset[str], around: frozenset[str]) -> frozenset[str]:
    """The status functions that decide where something runs that is run by something else: a step of a composite
    action, a job of a called workflow. Its own are about what is in there."""
    only_after = bool(around & {"failure", "cancelled"}) and own <= {"always", "success"}
    return around if not own or only_after else own


class EffectiveStep(Judgeable, Struct, frozen=True, eq=False):
    """A step of an effective job. ``via`` names the composite actions it came through, outermost first."""

    surface: ClassVar[Surface] = Surface.WORKFLOW
    job: EffectiveJob
    step: Step
    index: int  # among the job's steps, those of its composite actions among them
    via: tuple[str, ...] = ()
    place: int = 0  # among the job's steps as they are written: that of the step which uses the actions around it
    # Its own id, and the ids of the steps that use the composite actions around it: what happens to it is theirs too.
    ids: tuple[str, ...] = ()
    # Its own `if` as written, and those of the steps around it: all have to hold.
    conditions: tuple[str, ...] = ()
    runs: Answer = YES
    runs_on_prerelease: Answer = _NOT_ASKED  # likewise, in a run that a pre-release started
    mends: Answer = NO  # likewise, where an earlier step has failed
    mends_after: Mapping[int, Answer] = field(default_factory=dict)  # likewise, by the failed step's place, if it asks
    status_functions: frozenset[str] = frozenset()  # of its `if`: success, failure, always, cancelled
    started_by: frozenset[str] = frozenset()  # ids of earlier steps that may fail, whose failure starts this one
    with_: Mapping[str, Possible] = field(default_factory=dict)
    env: Mapping[str, Possible] = field(default_factory=dict)  # the workflow's, the job's and its own
    # `run` with each ${{ }} replaced by a mark of the same name in `expressions`; see checker.resolve.workflows.jobs.
    run: RunText | None = None
    expressions: Mapping[str, Possible] = field(default_factory=dict)
    shell: str = ""  # as written; empty: the runner's default
    working_directory: Possible = ""
    continue_on_error: Possible = False
    allowance: object = None  # `continue-on-error` as it is written where it comes from
    timeout_minutes: Possible | Absent = ABSENT
    scope: str = ""  # of a composite action's step: where it is one of `steps`, as holes of expressions name that
    outputs: Mapping[str, Possible] = field(default_factory=dict)  # of a composite action: its own, out of its steps'
    unfolded: bool = False  # an action of this repository whose steps follow this one, or are missing by a problem

    @property
    def spot(self) -> Spot:
        return self.step.spot

    @property
    def uses(self) -> str:
        return self.step.uses

    @property
    def runs_after_failure(self) -> bool:
        """Whether its ``if`` lets it run although an earlier step failed."""
        return bool(self.status_functions & {"always", "failure", "cancelled"})

    @property
    def name(self) -> str:
        return f"{self.job.name}: {self.step.label}"

    @property
    def environment_name(self) -> str:
        return self.job.environment_name

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.WORKFLOW_STEP, self.name)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a step is exact enough
        field_at = self.step.with_.get(path.removeprefix("with.")) or self.step.env.get(path.removeprefix("env."))
        spot = field_at.spot if path and field_at else self.step.spot
        return Location(spot.file, spot.line, path or None)


class Credentials(Struct, frozen=True):
    """A step that takes on an AWS role (``aws-actions/configure-aws-credentials``).

    ``seconds`` is what it asks for, :data:`~checker.model.values.ABSENT` where it leaves that to the action's default.
    ``chained`` is yes where the role is assumed with credentials that an earlier step obtained. ``oidc`` is yes
    where the job's own token is what is presented; ``audience`` is whom a script asked for that to be made for, empty
    where it did not say.
    """

    step: EffectiveStep
    role: Possible | Absent
    region: Possible | Absent
    seconds: Possible | Absent
    chained: Answer
    oidc: Answer
    audience: Possible | Absent = ABSENT


class EffectiveJob(Judgeable, Struct, frozen=True, eq=False):
    """One job of a run: see the module's overview. Made by :mod:`checker.resolve.workflows.jobs`, which completes it
    once (:func:`complete`): a job and its steps, and jobs that need each other, name one another."""

    surface: ClassVar[Surface] = Surface.WORKFLOW
    name: str
    job: Job
    workflow: Workflow  # where it is written
    entry: Workflow  # what GitHub started (itself, for a reusable workflow that nothing here calls)
    caller: EffectiveJob | None  # the job whose `uses` called this one's workflow
    environment_name: str  # the project's environment it works on, as its names tell; empty where they do not
    starts: tuple[Start, ...] = ()
    examples: tuple[Example, ...] = ()  # the refs of those starts
    runs: Answer = YES
    facts: Facts = ANYHOW  # of a run in which it runs, by its own and its callers' ``if``
    status_functions: frozenset[str] = frozenset()
    # Bad ends of what it needs (each with its id, ``failure`` or ``skipped``, all others a success) after which it
    # surely runs all the same, unless the run is cancelled.
    goes_on: frozenset[frozenset[tuple[str, str]]] = frozenset()
    inputs: Mapping[str, Possible] = field(default_factory=dict)
    environment: Possible | Absent = ABSENT  # GitHub's deployment environment
    permissions: Permissions = field(default_factory=Permissions)
    permissions_asked: Permissions = field(default_factory=Permissions)  # before the callers' caps
    concurrency: tuple[ConcurrencyInForce, ...] = ()
    timeout_minutes: Possible = DEFAULT_TIMEOUT_MINUTES
    matrix: Mapping[str, Possible] = field(default_factory=dict)
    max_parallel: Possible = None
    continue_on_error: Possible = False
    env: Mapping[str, Possible] = field(default_factory=dict)
    needs: tuple[EffectiveJob, ...] = ()
    steps: tuple[EffectiveStep, ...] = ()
    calls: str = ""  # the reusable workflow it calls, and then it has no steps
    called: tuple[EffectiveJob, ...] = ()  # the jobs of that workflow
    credentials: tuple[Credentials, ...] = ()
    problems: tuple[Problem, ...] = ()
    refusals: tuple[Problem, ...] = ()  # what GitHub refuses its workflow for, or an action of the repository's
    # Where one choice (a ref, an option, a row of the matrix) decides several things together: the job once for every
    # way in which it can be chosen, each with what belongs together. ``given`` says of such a one what was chosen.
    alternatives: tuple[EffectiveJob, ...] = ()
    given: str = ""

    def __repr__(self) -> str:
        return f"<EffectiveJob {self.name}{f' ({self.given})' if self.given else ''}>"

    @property
    def ways(self) -> tuple[EffectiveJob, ...]:
        """Its alternatives; itself alone where it has none."""
        return self.alternatives or (self,)

    @property
    def spot(self) -> Spot:
        return self.job.spot

    @property
    def is_reusable_alone(self) -> bool:
        """Whether it belongs to a reusable workflow that nothing in this repository calls: its inputs are open."""
        return not self.entry.starts_itself

    @property
    def asks(self) -> frozenset[str]:
        """The status functions that decide after what it runs: its own, or its callers'."""
        return asked_within(self.status_functions, self.caller.asks) if self.caller else self.status_functions

    @property
    def chain(self) -> tuple[EffectiveJob, ...]:
        """The calls that lead to it, outermost first, itself last."""
        found: list[EffectiveJob] = []
        each: EffectiveJob | None = self
        while each is not None:
            found.append(each)
            each = each.caller
        return tuple(reversed(found))

    @property
    def environments(self) -> tuple[str | Text, ...] | None:
        """The deployment environments it can name: empty for none, ``None`` where that cannot be told.

        An empty name counts as none, as GitHub takes it.
        """
        if isinstance(self.environment, Absent):
            return ()
        each = options(self.environment)
        if each is None:
            return None
        return tuple(
            str(option) if not isinstance(option, Text) else option for option in each if option not in ("", None)
        )

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.WORKFLOW_JOB, self.name)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a job is exact enough
        spots = {
            "permissions": self.job.permissions.spot if self.job.permissions else None,
            "environment": self.job.environment.spot if self.job.environment else None,
            "concurrency": self.job.concurrency.spot if self.job.concurrency else None,
            "timeout-minutes": self.job.timeout_minutes.spot if self.job.timeout_minutes else None,
        }
        name = path.removeprefix("env.")
        variable = (self.job.env.get(name) or self.workflow.env.get(name)) if name != path else None
        spot = spots.get(path) or (variable.spot if variable else self.job.spot)
        return Location(spot.file, spot.line, f"jobs/{self.job.id}" + (f"/{path}" if path else ""))

    def after(self, other: EffectiveJob) -> bool:
        """Whether this job surely starts after ``other`` ended, by its own or its callers' ``needs``."""
        seen: set[int] = set()
        pending: list[EffectiveJob] = [self]
        targets = {id(each) for each in other.chain}
        while pending:
            each = pending.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            for need in each.needs:
                if id(need) in targets:
                    return True
                pending.append(need)
            if each.caller is not None and id(each.caller) not in targets:
                pending.append(each.caller)
        return False


def never_together(one: EffectiveJob, other: EffectiveJob) -> bool:
    """Whether two jobs never run in one run: what starts them, or what their ``if`` asks, is never so for both."""
    if one.starts and other.starts and not any(_may_be_one(mine, its) for mine in one.starts for its in other.starts):
        return True
    return all(
        any(mine.denies(theirs) for mine in left for theirs in right) for left in one.facts for right in other.facts
    )


def _may_be_one(one: Start, other: Start) -> bool:
    """Whether one run may have been started both ways."""
    same_event = one.event == other.event and one.prerelease is other.prerelease
    return same_event and same(one.ref, other.ref) is not NO


def complete(job: EffectiveJob | EffectiveStep, **facts: object) -> None:
    """Put the facts into a job that is being made which name the job itself, and into a step what it is given by those
    that are followed before it. Nothing else ever changes one."""
    for name, value in facts.items():
        force_setattr(job, name, value)
