"""Every AWS call of the pipeline is allowed.

What the review found
    Nothing: it looked at some permissions of the deploy role (PassRole, DescribeStacks) and not at whether the others
    are there. A deploy that is refused a call stops half way, in production first, where the names are new.
What is checked
    Every call of the AWS CLI and of boto3 (waiters, paginators and high-level commands count for the calls that they
    make), and what ``cdk deploy`` and its like assume: each permission that it needs, on the resources that it
    touches, with the condition keys that it brings, against the policies and the boundary of the role in force at that
    step. Actions without resource-level permissions need ``*``. A name that only the run knows stands for the
    resources of that kind that the job's environment has. So is ``iam:PassRole`` where the call gives a role to a
    service (a rule's target, a schedule, a function, a stack); of the roles of tasks it is W1's. ``DescribeStacks`` is
    W2's.
When it does not apply
    No workflow calls AWS.
What cannot be decided
    A call made with keys or by a role that no template declares; a script or a program that could not be followed;
    an action that the Service Authorization Reference does not list; conditions on what only a run knows.
Fix
    Allow the action on the resource in the role's policy, or leave the call out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.rules import Rule, Unseen
from checker.reason.calls.authority import Authority, Ruling
from checker.reason.calls.bootstrap import bootstrap_needs, goes_on_without
from checker.reason.calls.lines import unfollowed
from checker.reason.calls.needs import Need, needs
from checker.reason.calls.refusals import judged
from checker.reason.iam.deployers import DESCRIBE_STACKS
from checker.reason.iam.evaluation import Access
from checker.reason.iam.handing import passing_to_others
from checker.reason.iam.passing import PASS_ROLE

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_OTHERS: Final = {PASS_ROLE, DESCRIBE_STACKS}


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    yield from judged(pipeline, project, _rulings, _needed)
    for job in pipeline.jobs:
        yield from unfollowed(pipeline, job, "what it calls")


def _needed(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Need]:
    if isinstance(call, CdkCommand):
        return bootstrap_needs(call, authority)
    return [*(need for need in needs(call) if need.action not in _OTHERS), *passing_to_others(call)]


def _rulings(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Ruling]:
    rulings = [authority.rule(need) for need in _needed(call, authority)]
    if isinstance(call, CdkCommand) and goes_on_without(authority):
        why = "it is refused, and the command goes on with the role's own permissions, which may be enough"
        return [
            replace(each, answer=Access.UNKNOWN, why=why) if each.answer is Access.DENIED else each for each in rulings
        ]
    return rulings


RULE = Rule(
    id="P1",
    looked_for="",
    looked_for_in_pipeline="call of AWS in a job",
    check_pipeline=check_pipeline,
    unseen=Unseen("what is called", own=True),
)
