"""The deploy role may describe every stack that the pipeline reads.

What the review found
    ``cloudformation:DescribeStacks`` covers one stack, so reading the outputs of the others is refused.
What is checked
    For every role that CI deploys with: a ``DescribeStacks`` of each shared stack and each stack of the
    environments that the role serves would be allowed, but for stacks that no job reads where all that its jobs do
    is known. Reading is harmless, so ``*`` is accepted. Every call of workflows and scripts that reads a stack
    (waiters for stacks do): the role that makes it may read that stack.
When it does not apply
    No role that deploys trusts GitHub's OIDC provider. No job reads a stack as the role. Nested stacks, which
    nobody reads by name.
What cannot be decided
    A policy whose content is not in the templates, a stack pattern from a parameter without a default, or what a
    template is deployed as, where nobody says so.
Fix
    Allow ``cloudformation:DescribeStacks`` on ``arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/*`` of each stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.overlap import Pattern, overlap
from checker.model.resources import Stack
from checker.model.rules import Rule
from checker.reason.iam.conditions import Context
from checker.reason.iam.deployers import DESCRIBE_STACKS, Deployer, Deployment, deployment_of, stacks_to_read
from checker.reason.iam.evaluation import Access, Request, decide
from checker.reason.names.arns import stack_arn
from checker.reason.text.patterns import exact

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_FIX = (
    "Allow cloudformation:DescribeStacks on arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/* of each stack, or on *."
)


def check(environment: Environment) -> Iterator[Judgement]:
    deployment = deployment_of(environment.project)
    for deployer in deployment.deployers:
        if deployer.role.stack.environment == environment.name:
            yield _reads_stacks(deployment, deployer)


def _reads_stacks(deployment: Deployment, deployer: Deployer) -> Judgement:
    stacks = sorted(stacks_to_read(deployment, deployer), key=lambda each: each.name)  # in one order
    decisions = [(stack, decide(deployer.policies, _request(stack))) for stack in stacks]
    if any(not decision.allowed for _, decision in decisions):
        read = _read(deployment, deployer)
        if read is not None:
            decisions = [each for each in decisions if any(overlap(_request(each[0]).resource, arn) for arn in read)]
            if not decisions:
                return deployer.role.not_applicable(None, "No job reads a stack that this role would have to read.")
    refused = [stack.name for stack, decision in decisions if decision.denied and stack.named]
    if refused:
        return deployer.role.fails(
            None,
            f"The role may not read the outputs of {', '.join(refused[:10])}: DescribeStacks is refused.",
            fix=_FIX,
            expected="DescribeStacks on every stack",
            actual=f"refused for {len(refused)} of {len(decisions)}",
        )
    for stack, decision in decisions:
        if decision.denied:
            why = f"whether it may read the stack of {stack.source.file}: nobody says what that is deployed as"
            return deployer.role.undecided(None, why, fix=_FIX)
        if decision.answer is Access.UNKNOWN:
            return deployer.role.undecided(None, f"whether it may read {stack.name}: {decision.why}", fix=_FIX)
    return deployer.role.passes(None, f"It may read all {len(decisions)} stacks.")


def _read(deployment: Deployment, deployer: Deployer) -> list[Pattern] | None:
    """What the jobs read as this role, where all that they do is known."""
    if (pipeline := deployment.project.pipeline) is None:
        return None
    from checker.reason.calls.reading import read_as

    return read_as(deployer.role, pipeline, deployment.project)


def _request(stack: Stack) -> Request:
    region = {"aws:requestedregion": (stack.region,)} if stack.region else {}
    return Request(DESCRIBE_STACKS, exact(stack_arn(stack)), Context(region))


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.calls.reading import reading, rulings_on_reading
    from checker.reason.calls.refusals import judged

    yield from judged(pipeline, project, rulings_on_reading, reading)


RULE = Rule(
    id="W2",
    looked_for="deploy role that trusts GitHub's OIDC provider (AWS::IAM::Role)",
    looked_for_in_pipeline="call that reads a stack",
    check=check,
    check_pipeline=check_pipeline,
)
