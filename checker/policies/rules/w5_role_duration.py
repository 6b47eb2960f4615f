"""Deploy credentials last as long as the deploy.

What the review found
    Credential steps ask for no duration, so sessions end after an hour in the middle of long deploys (ExpiredToken).
What is checked
    ``MaxSessionDuration`` of every role that CI deploys with (``W5[maximum]``): at least 7200 seconds, for a workflow
    that asks for more than the role's maximum is refused, and at most 43200, for IAM takes no more. The default is 3600
    (AWS IAM User Guide, "Update the maximum session duration for a role"). Every step that assumes a role in a workflow
    that deploys or migrates asks for 7200 seconds (``W5[duration]``); no step anywhere asks for more than its role's
    maximum, or for less than the 900 that STS gives at least (``W5[allowed]``), or for more than the 3600 that a
    chained role is given at most (``W5[chained]``); and a job ends before its session does (``W5[timeout]``): its own
    timeout, or those of the steps that follow, until one of them assumes the role anew.
When it does not apply
    No role that deploys trusts GitHub's OIDC provider. No step assumes a role.
What cannot be decided
    A duration from a parameter without a default, or one that only a run knows; which role a step assumes.
Fix
    Set ``MaxSessionDuration`` to 7200 (up to 43200), ``role-duration-seconds: 7200`` in the workflows, and
    ``timeout-minutes`` of at most 115 at the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from checker.model.answers import NO, YES, Answer, Open, either, why_open, yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN
from checker.model.rules import Rule, Unseen
from checker.model.values import ABSENT, Absent, Known, Resolved, Text, Unknown, as_number
from checker.reason.iam.deployers import Deployer, deployment_of

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import Credentials, EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.scripts import AwsCall
    from checker.model.possible import Possible
    from checker.reason.deploys.changes import Changing

DEPLOY_SECONDS: Final = 7200
# What a role is given at most that is assumed with another role's credentials (AWS IAM User Guide, "Methods to assume
# a role", role chaining), and the shortest maximum that a role can have.
CHAINED_SECONDS: Final = 3600
# What a role allows whose MaxSessionDuration is not set (IAM API Reference, CreateRole).
DEFAULT_MAXIMUM: Final = 3600
# The longest maximum that a role can have (the same page), and the shortest session that STS gives (AWS STS API
# Reference, AssumeRoleWithWebIdentity, DurationSeconds).
LONGEST_SECONDS: Final = 43200
SHORTEST_SECONDS: Final = 900
_INPUT: Final = "with.role-duration-seconds"
_FIX_ASK: Final = f"Set role-duration-seconds: {DEPLOY_SECONDS} at the step."
_FIX_ASK_STS: Final = f"Ask STS for {DEPLOY_SECONDS} seconds (--duration-seconds, or a profile's duration_seconds)."


def check(environment: Environment) -> Iterator[Judgement]:
    for deployer in deployment_of(environment.project).deployers:
        if deployer.role.stack.environment == environment.name:
            maximum = _maximum(deployer)
            if maximum is not None and maximum > LONGEST_SECONDS:
                yield deployer.role.fails(
                    "maximum",
                    f"IAM refuses the role: no session lasts {maximum:g} seconds, and {LONGEST_SECONDS} at most.",
                    fix=f"Set MaxSessionDuration to {DEPLOY_SECONDS}.",
                    path="MaxSessionDuration",
                    expected=f"at most {LONGEST_SECONDS}",
                    actual=f"{maximum:g}",
                )
                continue
            yield deployer.role["MaxSessionDuration"].must(
                _long_enough,
                expected=f"at least {DEPLOY_SECONDS}",
                default=3600,
                violation=f"A slow deploy outlasts its session: the role's maximum is below {DEPLOY_SECONDS} seconds.",
                fix=f"Set MaxSessionDuration to {DEPLOY_SECONDS}.",
                sub="maximum",
            )


def _long_enough(value: Resolved) -> Answer:
    if isinstance(value, Text | Unknown):
        return NOT_KNOWN
    seconds = as_number(value)
    return yes_if(seconds is not None and seconds >= DEPLOY_SECONDS)


# -- the steps -----------------------------------------------------------------------------------------


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.deploys.changes import workflows_of
    from checker.reason.oidc.assumed_roles import role_sessions

    deploying = {job.name: _deploys(each, job, pipeline) for each in workflows_of(pipeline) for job in each.jobs}
    by_line: dict[tuple[str, str, str], list[tuple[EffectiveJob, Credentials]]] = {}
    for job, credentials in role_sessions(pipeline):
        chained = "" if isinstance(credentials.chained, Open) else credentials.chained.value
        place = (str(credentials.step.spot), chained, job.environment_name)
        by_line.setdefault(place, []).append((job, credentials))
    for uses in by_line.values():
        # One step of a reusable workflow is one place in each environment, however many call it.
        yield from _step(uses, either(deploying.get(job.name, NO) for job, _ in uses), project)


def _deploys(workflow: Changing, job: EffectiveJob, pipeline: Pipeline) -> Answer:
    """Whether a job is of a workflow that deploys or migrates, and does more in it than to plan, or to ask."""
    trace = pipeline.trace(job)
    plans = bool(trace.aws or trace.cdk) and trace.complete and job.name not in workflow.changes
    if plans and all(map(_only_asks, trace.aws)) and all(each.name in _LOOKS for each in trace.cdk):
        return NO
    if workflow.changes:
        return YES
    return NO if workflow.followed else Open("whether its workflow deploys could not be followed")


# Commands of the CDK that change nothing; of a deploy it is asked before. Source: AWS CDK documentation, "CDK CLI
# reference".
_LOOKS: Final = frozenset({"diff", "synth", "synthesize", "list", "ls", "doctor", "metadata", "drift", "deploy"})


def _only_asks(call: AwsCall) -> bool:
    """Whether a call reads, and waits for nothing; or makes a change set that nobody executes."""
    from checker.reason.calls.swallowed import reads

    waits = any(loop.kind in {"retry", "while"} for loop in call.reached.loops)
    return (reads(call) and not waits) or call.argument("noexecutechangeset") is True


def _step(uses: list[tuple[EffectiveJob, Credentials]], deploys: Answer, project: Project) -> Iterator[Judgement]:
    asked = [_seconds(credentials) for _, credentials in uses]
    chained = [credentials.chained for _, credentials in uses]
    if deploys is not NO and YES not in chained:
        yield from _duration(uses, asked, deploys)
    if YES in chained:
        yield _chained(uses, asked)
    elif any(seconds is None or seconds > CHAINED_SECONDS or _too_short(seconds, deploys) for seconds in asked):
        yield _allowed(uses, asked, project)
    if deploys is YES:
        yield _timeout(uses, asked)


def _too_short(seconds: float, deploys: Answer) -> bool:
    """Whether STS refuses so short a session, and nothing else is said of it: a deploy's is to be longer anyway."""
    return deploys is NO and seconds < SHORTEST_SECONDS


def _seconds(credentials: Credentials, pick: Callable[..., float] = min) -> float | None:
    """What it asks for at least (or, picked by ``max``, at most); ``None`` where that cannot be told."""
    from checker.model.pipeline.jobs import DEFAULT_ROLE_SECONDS

    if credentials.seconds in (ABSENT, "", None):
        return DEFAULT_ROLE_SECONDS
    numbers = _numbers(credentials.seconds)
    return pick(numbers) if numbers else None


def _numbers(value: Possible | Absent) -> list[float]:
    from checker.model.possible import options

    each = None if isinstance(value, Absent) else options(value)
    numbers = [None if isinstance(option, Text) else as_number(option) for option in each or ()]
    known = [number for number in numbers if number is not None]
    return known if len(known) == len(numbers) else []


def _ends_before(job: EffectiveJob, credentials: Credentials, seconds: float) -> bool:
    """Whether a job, or what it does in a session, is ended by the bounds that it sets itself before the session of so
    many seconds is over."""
    minutes = _at_most(job.timeout_minutes) if job.job.timeout_minutes is not None else None
    bounds = (minutes, _steps_after(job, credentials))
    return any(each is not None and each * 60 < seconds for each in bounds)


def _duration(
    uses: list[tuple[EffectiveJob, Credentials]], asked: list[float | None], deploys: Answer
) -> Iterator[Judgement]:
    step = uses[0][1].step
    fix = _FIX_ASK if step.uses else _FIX_ASK_STS
    short = [
        (job, credentials, seconds)
        for (job, credentials), seconds in zip(uses, asked, strict=True)
        if seconds is not None and seconds < DEPLOY_SECONDS and not _ends_before(job, credentials, seconds)
    ]
    if short and deploys is not YES:
        why = f"it asks for {short[0][2]:g} seconds, and {why_open(deploys)}"
        yield short[0][1].step.undecided("duration", why, path=_INPUT, fix=fix)
    elif short:
        job, credentials, seconds = short[0]
        missing = credentials.seconds in (ABSENT, "", None)
        says = "It asks for no duration and gets" if missing else "It asks for"
        yield credentials.step.fails(
            "duration",
            f"{says} {seconds:g} seconds: its session ends in the middle of a long deploy (ExpiredToken).",
            fix=fix,
            path=_INPUT,
            expected=str(DEPLOY_SECONDS),
            actual=f"{seconds:g}",
            related=tuple({each.name: each for each, *_ in short if each.name != job.name}.values()),
        )
    elif None in asked:
        yield step.undecided("duration", "how long a session it asks for", path=_INPUT, fix=fix)
    else:
        yield step.passes("duration", "Its session is as long as the deploy may take.", path=_INPUT)


def _chained(uses: list[tuple[EffectiveJob, Credentials]], asked: list[float | None]) -> Judgement:
    credentials = next(each for _, each in uses if each.chained is not NO)
    fix = f"Ask for {CHAINED_SECONDS} at most, or assume the role directly by the job's token."
    if max((seconds for seconds in asked if seconds is not None), default=0) > CHAINED_SECONDS:
        return credentials.step.fails(
            "chained",
            f"It asks for more than {CHAINED_SECONDS} seconds of a role that is chained from another: that is refused.",
            fix=fix,
            path=_INPUT,
            expected=f"at most {CHAINED_SECONDS}",
        )
    if None in asked:
        return credentials.step.undecided("chained", "how long a session it asks for", path=_INPUT, fix=fix)
    return credentials.step.passes("chained", "It asks for no more than a chained role is given.", path=_INPUT)


def _allowed(uses: list[tuple[EffectiveJob, Credentials]], asked: list[float | None], project: Project) -> Judgement:
    from checker.reason.oidc.assumed_roles import assumption

    step = uses[0][1].step
    doubt = "how long a session it asks for" if None in asked else ""
    fix = "Raise the role's MaxSessionDuration, or ask for less."
    for job, credentials in uses:
        seconds = _seconds(credentials, max)
        meant = assumption(job, credentials, project)
        limits = {str(each.role.logical_id): _maximum(each) for each in meant.candidates}
        if seconds is None:
            continue
        bound = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, seconds))
        if seconds != bound:
            return step.fails(
                "allowed",
                f"It asks for {seconds:g} seconds, and no role gives {'more' if bound < seconds else 'less'} than "
                f"{bound:g}: the request is refused.",
                fix=f"Ask for {SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds.",
                path=_INPUT,
                expected=f"{SHORTEST_SECONDS} to {LONGEST_SECONDS}",
                actual=f"{seconds:g}",
            )
        over = [(name, limit) for name, limit in limits.items() if limit is not None and limit < seconds]
        if limits and len(over) == len(limits):
            name, limit = over[0]
            return step.fails(
                "allowed",
                f"It asks for {seconds:g} seconds, and {name} gives {limit:g} at most: the request is refused.",
                fix=fix,
                path=_INPUT,
                expected=f"at most {limit:g}",
                actual=f"{seconds:g}",
                related=tuple(each.role for each in meant.candidates),
            )
        if not limits:
            doubt = doubt or f"whether the role allows {seconds:g} seconds: {meant.why}"
        elif over or None in limits.values():
            doubt = doubt or f"whether {', '.join(limits)} allows {seconds:g} seconds"
    if doubt:
        return step.undecided("allowed", doubt, path=_INPUT, fix=fix)
    return step.passes("allowed", "The role allows a session of the length that it asks for.", path=_INPUT)


def _maximum(deployer: Deployer) -> float | None:
    value = deployer.role.get("MaxSessionDuration")
    if isinstance(value, Absent):
        return DEFAULT_MAXIMUM
    return as_number(value.value) if isinstance(value, Known) and not isinstance(value.value, Text | Unknown) else None


def _of_session(asked: float | None, session: float) -> str:
    """The session that a job is compared with, in words: the one that it has, or the one that it should ask for."""
    return (
        f"its session of {asked:g} seconds"
        if asked == session
        else f"the {session:g} seconds that a deploy's session should have, to outlast a slow one"
    )


def _timeout(uses: list[tuple[EffectiveJob, Credentials]], asked: list[float | None]) -> Judgement:
    fix = "Set timeout-minutes of the job below the session's length."
    doubt = ""
    for (job, credentials), seconds in zip(uses, asked, strict=True):
        # What is too short for a deploy is a finding of its own; the job is compared with what it should ask for.
        session = CHAINED_SECONDS if credentials.chained is YES else max(seconds or DEPLOY_SECONDS, DEPLOY_SECONDS)
        minutes = _at_most(job.timeout_minutes)
        after = _steps_after(job, credentials)
        if after is not None and after * 60 <= session:
            continue
        if minutes is None:
            doubt = doubt or f"how long {job.name} may run"
        elif minutes * 60 > session:
            may = "may run" if job.job.timeout_minutes else "sets no timeout-minutes and may run"
            return job.fails(
                "timeout",
                f"The job {may} {minutes:g} minutes, longer than {_of_session(seconds, session)}.",
                fix=fix,
                path="timeout-minutes",
                expected=f"at most {session / 60:g}",
                actual=f"{minutes:g}",
                related=tuple({each.name: each for each, _ in uses if each.name != job.name}.values()),
            )
    job = uses[0][0]
    if doubt:
        return job.undecided("timeout", doubt, path="timeout-minutes", fix=fix)
    return job.passes("timeout", "The job ends within a session that is long enough to deploy.", path="timeout-minutes")


def _steps_after(job: EffectiveJob, credentials: Credentials) -> float | None:
    """The minutes that the steps with the role's session may take together, ``None`` where one of them has no bound.

    A later step that takes the role on again begins another session; after a failure it may be passed over, so what
    runs then still counts. A script that assumes the role itself works with it for the rest of its own step.
    """
    renewals = [each.step.index for each in job.credentials if each.step.index > credentials.step.index]
    renewed = min((index for index in renewals if job.steps[index].runs is YES), default=len(job.steps))
    afresh = min((index for index in renewals if _always(job.steps[index])), default=len(job.steps))
    total = 0.0
    first = credentials.step.index + (1 if credentials.step.uses else 0)
    for step in job.steps[first:afresh]:
        if step.runs is NO or (step.index > renewed and not step.runs_after_failure):
            continue
        minutes = None if isinstance(step.timeout_minutes, Absent) else _at_most(step.timeout_minutes)
        if minutes is None:
            return None
        total += minutes
    return total


def _always(step: EffectiveStep) -> bool:
    return step.runs is YES and "always" in step.status_functions


def _at_most(value: Possible) -> float | None:
    numbers: Iterable[float] = _numbers(value)
    return max(numbers, default=None)


RULE = Rule(
    id="W5",
    looked_for="deploy role that trusts GitHub's OIDC provider (AWS::IAM::Role)",
    check=check,
    check_pipeline=check_pipeline,
    unseen=Unseen("which role is taken on", logins=True),
    looked_for_in_pipeline="step that assumes an AWS role",
)
