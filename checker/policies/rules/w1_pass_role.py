"""The deploy role may pass exactly the roles of the tasks it runs.

What the review found
    ``iam:PassRole`` names the API's roles alone; the other services work only because they happen to share one.
What is checked
    For every role that CI deploys to ECS with: it may pass the task role and the execution role of every task
    definition of the environments that it serves (``W1[missing]``); no other role (``W1[scope]``), however the policy
    is written: wildcards, NotResource, NotAction, managed policies, denies and boundaries count for what they do, and
    so does a permission to change its own policies or to assume a role that may pass any; and
    to ``ecs-tasks.amazonaws.com`` only (``W1[service]``). A role that CloudFormation deploys with is none of these,
    where it is named in full and CloudFormation alone can have it. An environment that is not judged is taken to name
    its roles as those of the others are, with its own name in the place of theirs. Every call of workflows and scripts
    that registers a task definition or runs a task: the role that makes it may pass that task's roles.
When it does not apply
    No role that trusts GitHub's OIDC provider registers task definitions, runs tasks or passes roles.
What cannot be decided
    A policy whose content is not in the templates; a role's ARN from a parameter without a default.
Fix
    Allow ``iam:PassRole`` on the ARN of each role, where ``iam:PassedToService`` equals ``ecs-tasks.amazonaws.com``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker.model.answers import YES, Open, why_open
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import FUNCTIONS, Resource
from checker.model.rules import Rule
from checker.reason.iam.deployers import Deployer, Deployment, deployment_of, same_account
from checker.reason.iam.evaluation import Policies, grants, outlined
from checker.reason.iam.passed.own_account import in_own_account
from checker.reason.iam.passed.to_cloudformation import without_service_roles
from checker.reason.iam.passing import (
    PASS_ROLE,
    TASKS,
    Excess,
    TaskRole,
    excess_role,
    excess_service,
    may_pass,
    mirrored,
    needed_only,
    task_roles,
    tasks_only,
)
from checker.reason.iam.widening import widening

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_FIX_MISSING: Final = "Allow iam:PassRole on the task role and the execution role of every task definition."
_FIX_SCOPE: Final = "List the ARNs of the task roles and execution roles, each in full, and nothing else."
_FIX_WIDENING: Final = "Take away what changes IAM policies, and name the roles that it may assume, each in full."
_FIX_SERVICE: Final = f"Add the condition StringEquals iam:PassedToService {TASKS} to every statement of iam:PassRole."
_NEEDING: Final = ("ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:StartTask", PASS_ROLE)


def check(environment: Environment) -> Iterator[Judgement]:
    deployment = deployment_of(environment.project)
    for deployer in deployment.deployers:
        if deployer.role.stack.environment != environment.name:
            continue
        if not deployer.may(*_NEEDING) and not _is_open(deployer):
            continue
        project, role = environment.project, deployer.role
        policies, needed = in_own_account(deployer.policies, _needed(deployment, deployer), deployer.trust, role.stack)
        if needed:
            yield _missing(deployment, deployer, policies, needed)
        functions = not needed and _of_others(deployment, deployer)
        to_others = without_service_roles(policies, project)
        passes = bool(grants(to_others, PASS_ROLE))
        if passes or needed:
            yield _scope(deployment, deployer, policies, to_others, needed, functions=functions)
        if passes:
            said = "No task definition here: the roles that it may pass are of functions."
            yield role.not_applicable("service", said) if functions else _service(role, to_others)
        elif grants(policies, PASS_ROLE):
            yield role.passes("service", "All that it may pass are the roles that CloudFormation deploys with.")
    for other in deployment.perhaps:
        unsure = other.trust.unread or _is_open(other)
        if other.role.stack.environment == environment.name and unsure and any(_needed(deployment, other)):
            yield other.role.undecided("scope", _why_perhaps(other), fix=_FIX_SCOPE)


def _is_open(deployer: Deployer) -> bool:
    """Whether something that is not known, or known in outline only, may let it pass roles."""
    return bool(deployer.policies.unread) or outlined(deployer.policies, PASS_ROLE) is not None


def _why_perhaps(other: Deployer) -> str:
    """Why it is not known whether a role deploys, and so whether it passes what it should."""
    outline = outlined(other.policies, PASS_ROLE)
    return next(iter((*other.policies.unread, *other.trust.unread)), f"{outline} may let it pass roles")


def _of_others(deployment: Deployment, deployer: Deployer) -> bool:
    """Whether all that it deploys takes roles of other services: functions, and nothing of ECS, which it may not call
    either."""
    types = {resource.type for resource in deployment.project.resources()}
    of_ecs = any(each.startswith("AWS::ECS::") for each in types)
    return (
        bool(types & FUNCTIONS) and not of_ecs and not deployer.may(*(each for each in _NEEDING if each != PASS_ROLE))
    )


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.calls.refusals import judged
    from checker.reason.iam.handing import passing_to_tasks, rulings_on_passing

    yield from judged(pipeline, project, rulings_on_passing, passing_to_tasks, "missing")


def _needed(deployment: Deployment, deployer: Deployer) -> Iterator[TaskRole]:
    for environment in deployment.project.environments:
        for each in task_roles(environment):
            if same_account(each.task.stack, deployer.role.stack):
                yield each


def _missing(deployment: Deployment, deployer: Deployer, policies: Policies, needed: list[TaskRole]) -> Judgement:
    served = deployment.served(deployer)
    refused: list[TaskRole] = []
    doubts: list[str] = []
    for each in needed:
        home = each.task.stack.environment
        if home not in served and any(home == known.name for known in deployment.environments):
            continue
        if each.arn is None:
            doubts.append(each.why)
            continue
        decision = may_pass(policies, each.arn)
        if decision.denied:
            refused.append(each)
        elif not decision.allowed:
            doubts.append(f"whether it may pass {each.arn} of {_shown(each)}: {decision.why}")
    if refused:
        return deployer.role.fails(
            "missing",
            f"The role may not pass {', '.join(f'{each.arn} ({_shown(each)})' for each in refused[:5])}"
            f"{f' and {len(refused) - 5} more' if len(refused) > 5 else ''} to {TASKS}: deploying them is refused.",
            fix=_FIX_MISSING,
            related=tuple(dict.fromkeys(each.task for each in refused)),
        )
    if doubts:
        return deployer.role.undecided("missing", doubts[0], fix=_FIX_MISSING)
    return deployer.role.passes("missing", "It may pass the roles of every task definition.")


def _shown(each: TaskRole) -> str:
    return f"{each.property} of {each.task.stack.name}/{each.task.logical_id}"


def _scope(
    deployment: Deployment,
    deployer: Deployer,
    everything: Policies,
    policies: Policies,
    needed: list[TaskRole],
    *,
    functions: bool,
) -> Judgement:
    """``everything`` is all that the role may do, ``policies`` that without the roles that CloudFormation gets."""
    role, project = deployer.role, deployment.project
    elsewhere = sorted(deployment.served(deployer) - {each.name for each in deployment.environments})
    needed = [*needed, *mirrored(needed, elsewhere)]
    answer = needed_only(policies, needed, role.stack, project)
    if answer is YES:
        how, widened = widening(role, everything, project)
        if isinstance(widened, Open):
            return role.undecided("scope", f"whether it {how}: {widened.why}", fix=_FIX_WIDENING)
        if widened is YES:
            said = f"The role {how}. So it can pass whatever role it likes."
            return role.fails("scope", said, fix=_FIX_WIDENING)
        return role.passes("scope", "It may pass no other role.")
    excess = excess_role(policies, needed, role.stack, project, complete=not elsewhere)
    # Where it is functions that take roles, their names may have a pattern; that of every role may not.
    wide = excess is not None and (excess.written == "*" or (not functions and "*" in excess.written))
    if excess is not None and (needed or wide):
        return role.fails(
            "scope",
            f"The role may pass roles that no task definition names, such as {excess.example}: "
            f"iam:PassRole is allowed on {excess.written}.",
            fix=_FIX_SCOPE,
            path=_path(excess, role),
            actual=excess.written,
            related=(excess.statement.source,),
        )
    if not needed:
        return role.not_applicable("scope", "No task definition here whose roles these could be.")
    open_because = why_open(answer) or "which roles it may pass is not known before deployment"
    why = next(iter(policies.unread), open_because)
    if elsewhere:
        why = f"the task definitions of {', '.join(elsewhere)} are not among what is judged"
    return role.undecided("scope", why, fix=_FIX_SCOPE)


def _service(role: Resource, policies: Policies) -> Judgement:
    doubt = next(iter(policies.unread), "")
    if outline := outlined(policies, PASS_ROLE):
        doubt = doubt or f"{outline} may allow it"
    for grant in grants(policies, PASS_ROLE):
        answer = tasks_only(policies, grant.statement)
        if answer is YES:
            continue
        excess = excess_service(policies, grant.statement, role.stack)
        if excess is not None:
            return role.fails(
                "service",
                f"The role may pass roles to services other than ECS tasks, such as {excess.example}.",
                fix=_FIX_SERVICE,
                path=_path(excess, role),
                expected=TASKS,
                actual=excess.example,
                related=(excess.statement.source,),
            )
        doubt = doubt or why_open(answer) or "the condition depends on what is not known before deployment"
    if doubt:
        why = f"which services it may pass roles to: {doubt}"
        return role.undecided("service", why, fix=_FIX_SERVICE)
    return role.passes("service", "It may pass roles to ECS tasks only.")


def _path(excess: Excess, role: Resource) -> str:
    return excess.statement.path if excess.statement.source is role else ""


RULE = Rule(
    id="W1",
    looked_for="role that trusts GitHub's OIDC provider and deploys to ECS",
    looked_for_in_pipeline="call that registers a task definition or runs a task",
    check=check,
    check_pipeline=check_pipeline,
)
