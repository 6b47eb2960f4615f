"""Which stacks the pipeline reads, beyond those that the deploy role is judged for anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from checker.model.environments import Project
from checker.model.overlap import Pattern
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.resources import Resource
from checker.reason.calls.authority import Authority, Ruling, authorities_of
from checker.reason.calls.bootstrap import bootstrap_needs
from checker.reason.calls.needs import Need, needs
from checker.reason.iam.deployers import DESCRIBE_STACKS, deployment_of, stacks_to_read
from checker.reason.iam.evaluation import Access

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline


def reading(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Need]:  # noqa: ARG001 - one shape for all
    """``DescribeStacks``, where the call needs it: waiters for stacks poll it."""
    return [need for need in needs(call) if need.action == DESCRIBE_STACKS] if isinstance(call, AwsCall) else []


def rulings_on_reading(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Ruling] | None:
    """What AWS answers; ``None`` for a refusal that the deploy role itself is judged for."""
    rulings = [authority.rule(need) for need in reading(call, authority)]
    refused = [each for each in rulings if each.answer is not Access.ALLOWED]
    judged = _judged_elsewhere(authority) if refused else []
    if refused and all(any(name in each.resource for name in judged) for each in refused):
        return None
    return rulings


def _judged_elsewhere(authority: Authority) -> list[str]:
    deployment = deployment_of(authority.project)
    return [
        f":stack/{stack.name}/"
        for deployer in deployment.deployers
        if deployer.role in authority.who.roles
        for stack in stacks_to_read(deployment, deployer)
    ]


def read_as(role: Resource, pipeline: Pipeline, project: Project) -> list[Pattern] | None:
    """The ARNs of all stacks that jobs read as ``role``; ``None`` where they may read more: a job that acts as the role
    is not here or could not be followed, a call may be made by another role, or the CDK reads with what it was given,
    for want of a role of the bootstrap stack's."""
    if any(problem.unread for problem in pipeline.workflows.all_problems):
        return None
    found: list[Pattern] = []
    taken_on = False
    for job in pipeline.ways():
        trace = pipeline.trace(job)
        if not (job.credentials or trace.sessions):
            continue
        if not trace.complete:
            return None
        authorities = authorities_of(trace, project)
        for command in trace.cdk:
            authority = authorities.of(command)
            if not _reads_as_another(command, authority):
                return None
            taken_on = taken_on or role in authority.who.roles
        for call in trace.aws:
            authority = authorities.of(call)
            taken_on = taken_on or role in authority.who.roles
            for need in reading(call, authority):
                if not authority.who.roles:
                    return None
                if role in authority.who.roles:
                    found.extend(request.resource for _, request in authority.requests(role, need))
    return found if taken_on else None


def _reads_as_another(command: CdkCommand, authority: Authority) -> bool:
    """Whether a command of the CDK does all that it does to stacks as roles of the bootstrap stack."""
    wanted = bootstrap_needs(command, authority) if authority.who.roles else []
    return bool(wanted) and all(authority.rule(need).answer is Access.ALLOWED for need in wanted)
