"""Every AWS call of the pipeline is allowed.

What the review found
    Nothing: it looked at some permissions of the deploy role (PassRole, DescribeStacks) and not at whether the others
    are there. A deploy that is refused a call stops half way, in production first, where the names are new.
What is checked
    Every call of the AWS CLI and of boto3 (waiters, paginators and high-level commands count for the calls that they
    make), and what ``cdk deploy`` and its like take on: each permission that it needs, on the resources that it
    touches, with the condition keys that it brings, against the policies and the boundary of the role in force at that
    step. Actions without resource-level permissions need ``*``. A name that only the run knows stands for the
    resources of that kind that the job's environment has. ``iam:PassRole`` is W1's, ``DescribeStacks`` is W2's.
When it does not apply
    No workflow calls AWS.
What cannot be decided
    A call made with keys or by a role that no template at hand has; a script or a program that could not be followed;
    an action that the Service Authorization Reference does not list; conditions on what only a run knows.
Fix
    Allow the action on the resource in the role's policy, or leave the call out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from checker.model.jobs import EffectiveStep
from checker.model.judgements import Judgement
from checker.model.resources import Project
from checker.model.rules import Rule
from checker.model.scripts import AwsCall, CdkCommand
from checker.model.verdicts import Surface
from checker.reason.authority import Authorities, Authority, Ruling
from checker.reason.bootstrap import bootstrap_needs, goes_on_without
from checker.reason.calls import Need, needs
from checker.reason.iam import Answer
from checker.reason.lines import Lines, unfollowed
from checker.reason.passing import PASS_ROLE

if TYPE_CHECKING:
    from checker.model.pipeline import Pipeline

_OTHERS: Final = {PASS_ROLE, "cloudformation:DescribeStacks"}


_Made = tuple[AwsCall | CdkCommand, Ruling]


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    lines: Lines[_Made] = Lines()
    nameless: dict[object, tuple[EffectiveStep | AwsCall | CdkCommand, str]] = {}
    for job in pipeline.jobs:
        trace = pipeline.trace(job)
        authorities = Authorities(trace, project)
        calls: tuple[AwsCall | CdkCommand, ...] = (*trace.aws, *trace.cdk)
        for call in calls:
            authority = authorities.of(call)
            needed = _needs(call, authority)
            if needed and not authority.who.roles:
                step = call.credentials.step if call.credentials else None
                why = f"whether its calls are allowed: {authority.who.why}"
                nameless.setdefault((step.spot if step else job.name, why), (step or call, why))
            elif needed:
                lines.add(call, *((call, _ruling(call, authority, need)) for need in needed))
        yield from unfollowed(pipeline, job, "what it calls")
    for place, why in nameless.values():
        yield place.undecided(None, why, fix="Let the step take on a role that a template at hand makes.")
    for line in lines:
        yield _judged(line.items, line.path)


def _needs(call: AwsCall | CdkCommand, authority: Authority) -> tuple[Need, ...]:
    if isinstance(call, CdkCommand):
        return bootstrap_needs(call, authority)
    return tuple(need for need in needs(call) if need.action not in _OTHERS)


def _ruling(call: AwsCall | CdkCommand, authority: Authority, need: Need) -> Ruling:
    ruling = authority.rule(need)
    if isinstance(call, CdkCommand) and ruling.answer is Answer.DENIED and goes_on_without(authority):
        why = "it is refused, and the command goes on with the role's own permissions, which may be enough"
        return replace(ruling, answer=Answer.UNKNOWN, why=why)
    return ruling


def _judged(made: list[_Made], path: str) -> Judgement:
    refused = [(call, ruling) for call, ruling in made if ruling.answer is Answer.DENIED]
    if refused:
        place, first = refused[0]
        actions = list(dict.fromkeys(ruling.need.action for _, ruling in refused))
        others = tuple(dict.fromkeys(call for call, _ in refused if call is not place))
        return place.fails(
            None,
            f"{first.roles} may not make this call: {', '.join(actions)}{_on(first)} is refused: {first.why}.",
            fix=f"Allow {', '.join(actions)}{_on(first)} in the role's policy, or leave the call out.",
            path=path,
            expected="allowed",
            actual=f"refused to {first.roles}",
            related=others[:10],
        )
    for place, ruling in made:
        if ruling.answer is Answer.UNKNOWN:
            why = f"whether {ruling.roles} may {ruling.need.action}{_on(ruling)}: {ruling.why}"
            return place.undecided(None, why, path=path, fix="Write the policy or the name out.")
    actions = list(dict.fromkeys(ruling.need.action for _, ruling in made))
    return made[0][0].passes(None, f"Allowed: {', '.join(actions)}.", path=path)


def _on(ruling: Ruling) -> str:
    return f" on {ruling.resource}" if ruling.resource else ""


RULE = Rule(
    id="P1",
    title="Every AWS call of the pipeline is allowed",
    surfaces=frozenset({Surface.WORKFLOW, Surface.SCRIPT}),
    looked_for="",
    looked_for_in_pipeline="call of AWS in a job",
    check_pipeline=check_pipeline,
)
