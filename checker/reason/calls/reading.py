"""Which stacks the pipeline reads, beyond those that the deploy role is judged for anyway."""

from __future__ import annotations

from collections.abc import Sequence

from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.reason.calls.authority import Authority, Ruling
from checker.reason.calls.needs import Need, needs
from checker.reason.iam.deployers import DESCRIBE_STACKS, deployment_of, stacks_to_read
from checker.reason.iam.evaluation import Access


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
