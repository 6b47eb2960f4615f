"""Custom resources have their permissions before they run.

What the review found
    Not in the review. ``AwsCustomResource`` shares one function and one role in a stack, and gives each use its
    permission by a policy attached to that role moments before the function runs. IAM takes seconds to spread a
    change, so the first deployment may fail with "access denied", and the next one not.
What is checked
    Every custom resource: each policy that its stack attaches to the function's role by a resource of its own comes
    before the function itself. Then the function is new when it runs, and what it may do is older than it. Permissions
    written into the role (``Policies``, ``ManagedPolicyArns``) come with it.
When it does not apply
    No custom resource, or only ones whose function was there before this stack, with all that it may do.
What cannot be decided
    A policy that allows all of a service of which a function needs a part to write its log (``logs:*``).
    A function or role that is taken from a condition which is open. How long IAM takes is never known: a policy that
    later deployments change is not judged.
Fix
    Let the function depend on the policy, or write the statements into the role's own ``Policies``. In place of
    ``AwsCustomResource``, use a role of its own with inline policies, or the plain CloudFormation type if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Expression, Known, Text, Unknown, Value, as_list, first_unknown
from checker.model.verdicts import Outcome
from checker.reason.iam.evaluation import only_allows
from checker.reason.templates.handlers import functions_of
from checker.reason.templates.order import Order

_FIX: Final = "Write the statements into the Policies of the function's role, or let the function depend on the policy."
_RANK: Final = (Outcome.ERROR, Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.WAIVED)
# What a function writes of itself. Source: AWS Managed Policy Reference, "AWSLambdaBasicExecutionRole" and
# "AWSXRayDaemonWriteAccess".
_WATCHING: Final = (
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups",
    "logs:DescribeLogStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSampling*",
)  # fmt: skip
_POLICIES: Final = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")


def check(environment: Environment) -> Iterator[Judgement]:
    order = Order()
    for kind in sorted(environment.types):
        if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
            for resource in environment.resources(kind):
                yield from _judged(environment, resource, order)


def _judged(environment: Environment, resource: Resource, order: Order) -> Iterator[Judgement]:
    token = resource.get("ServiceToken")
    if isinstance(token, Unknown):
        yield resource.undecided(None, f"its function: {token.why}", path="ServiceToken", fix=_FIX)
        return
    functions, doubt = functions_of(environment, token)
    judged = [each for function in functions for each in _run_by(environment, resource, function, order)]
    # One that fails says enough; of several functions the worst counts.
    worst = min(judged, key=lambda each: _RANK.index(each.outcome), default=None)
    if doubt and (worst is None or worst.outcome is Outcome.PASS):
        yield resource.undecided(None, doubt, fix=_FIX)
    elif worst is not None:
        yield worst


def _run_by(environment: Environment, resource: Resource, function: Resource, order: Order) -> Iterator[Judgement]:
    # What is of another stack was there before, but for a policy that this one attaches.
    there = function.stack is not resource.stack
    role = environment.referred(function.get("Role"))
    if role is None or role.type != "AWS::IAM::Role":
        if there:
            return
        given = function.get("Role")
        if isinstance(given, Unknown):
            yield resource.undecided(None, "the role of its function is not known", fix=_FIX)
        elif isinstance(given, Absent) and (doubt := _of_unknown_roles(environment, resource)) is not None:
            # AWS SAM makes the role, and a policy may name what it will be called.
            yield resource.undecided(None, f"whose permissions {doubt.logical_id} holds is not known", fix=_FIX)
        elif _is_open(given) and (other := _for_another(environment, resource)) is not None:
            yield resource.undecided(None, f"whether {other.logical_id} is for the role of its function", fix=_FIX)
        else:
            yield resource.passes(None, "Its function's role was there before.")
        return
    late = [
        policy
        for policy in environment.children(role, *_POLICIES)
        if policy.stack is resource.stack and not order.comes_after(function, policy)
    ]
    # A policy that has to wait for the custom resource is for what comes later.
    late = [policy for policy in late if not order.comes_after(policy, resource)]
    # A function whose log or trace is refused runs all the same.
    watching = {policy.key: only_allows(policy, environment.project, _WATCHING) for policy in late}
    late = [policy for policy in late if watching[policy.key] is not YES]
    if not late and (there or role.stack is not resource.stack):
        if not there:
            yield resource.passes(None, "Its function's role was there before.")
        return
    if not late and (doubt := _of_unknown_roles(environment, resource)) is not None:
        yield resource.undecided(None, f"whose permissions {doubt.logical_id} holds is not known", fix=_FIX)
        return
    if not late:
        yield resource.passes(None, "What its function may do is there before the function.")
        return
    if all(watching[policy.key] is not NO for policy in late):
        why = f"whether {late[0].logical_id} is for anything but its log: {watching[late[0].key]}"
        yield resource.undecided(None, why, fix=_FIX)
        return
    if not any(each.certain for each in late):
        yield resource.undecided(None, f"{late[0].logical_id} exists only under a condition that is open", fix=_FIX)
        return
    policy = next((each for each in late if not order.comes_after(resource, each)), late[0])
    yield resource.fails(
        None,
        f"It may run before {policy.logical_id} gives its function a permission: nothing orders the two."
        if not order.comes_after(resource, policy)
        else f"It runs right after {policy.logical_id} is attached to the role of a function that is there already.",
        fix=_FIX,
        expected="policies that come before the function",
        actual=f"{len(late)} attached after it",
        related=tuple(late),
    )


def _of_unknown_roles(environment: Environment, resource: Resource) -> Resource | None:
    """A policy of the same stack that may be attached to any role."""
    for policy in environment.resources(*_POLICIES):
        for name in ("Roles", "RoleName"):
            value = policy.get(name)
            written = value.value if isinstance(value, Known) else value if isinstance(value, Unknown) else None
            open_ = first_unknown(written) is not None or any(
                isinstance(each, Text) and any(isinstance(hole, Expression) for hole in each.holes)
                for each in as_list(written)
            )
            if policy.stack is resource.stack and open_:
                return policy
    return None


def _is_open(value: Value) -> bool:
    return isinstance(value, Known) and isinstance(value.value, Text)


def _for_another(environment: Environment, resource: Resource) -> Resource | None:
    """A policy of the same stack that is attached to a role of elsewhere."""
    for policy in environment.resources(*_POLICIES):
        values = [policy.get(name) for name in ("Roles", "RoleName")] if policy.stack is resource.stack else []
        for each in (each for value in values if isinstance(value, Known) for each in as_list(value.value)):
            role = environment.referred(each)
            if role is None or role.stack is not resource.stack:
                return policy
    return None


RULE = Rule(
    id="P8",
    looked_for="custom resource whose function is made in the same stack (Custom::*)",
    check=check,
)
