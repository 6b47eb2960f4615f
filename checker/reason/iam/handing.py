"""Which roles the pipeline's calls pass: to ECS tasks, also where the calls do not say which, and to other services.

To register a task definition or to run a task is to pass its task role and its execution role (Amazon ECS Developer
Guide, "Task IAM role"). Scripts change the image in a definition that they have read, so the roles stand in the
templates: those of the job's environment, of the families that the job names where it names any. So do those that code
takes from a definition that it has asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from checker.model.environments import Environment, Project
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.values import Absent
from checker.reason.calls.authority import Authority, Ruling
from checker.reason.calls.needs import Need, needs
from checker.reason.calls.structures import text_given
from checker.reason.calls.touched import family_of
from checker.reason.iam.deployers import NO_NAME, deployment_of, same_environment
from checker.reason.iam.evaluation import Access
from checker.reason.iam.passing import PASS_ROLE, TASKS, TaskRole, task_roles
from checker.reason.names.families import read_definition

_ROLES: Final = ("taskrolearn", "executionrolearn")


def passing(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Need]:
    """``iam:PassRole`` on each role that the call passes, whatever it is passed to."""
    return [*passing_to_tasks(call, authority), *passing_to_others(call)]


def passing_to_others(call: AwsCall | CdkCommand) -> Sequence[Need]:
    """``iam:PassRole`` on each role that the call gives to another service than ECS tasks: it names them all."""
    found = needs(call) if isinstance(call, AwsCall) else ()
    return [need for need in found if need.action == PASS_ROLE and not _to_tasks(need)]


def _to_tasks(need: Need) -> bool:
    return need.context.get("iam:PassedToService") == TASKS


def passing_to_tasks(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Need]:
    """``iam:PassRole`` on each role that the call passes to ECS tasks."""
    if not isinstance(call, AwsCall):
        return []
    named = [need for need in needs(call) if need.action == PASS_ROLE and _to_tasks(need)]
    open_needs = [need for need in named if need.resources is None or any(map(read_definition, need.resources))]
    if call.service == "ecs" and call.operation == "RegisterTaskDefinition" and not named and _is_read(call):
        open_needs = [Need(PASS_ROLE, None, context={"iam:PassedToService": TASKS})]
    roles = [each for each in _of_tasks(authority) if each.arn is not None] if open_needs else []
    arns = tuple(dict.fromkeys(each.arn for each in roles if each.arn is not None))
    known = [need for need in named if need not in open_needs]
    return [*known, *(replace(need, resources=arns or None) for need in open_needs)]


def _is_read(call: AwsCall) -> bool:
    """Whether the definition comes from a file or from the answer of another call, so that its roles are not seen.

    One that is given by its family and its containers has no roles: registering takes over nothing of the revision
    before (Amazon ECS API Reference, RegisterTaskDefinition: ``taskRoleArn`` and ``executionRoleArn`` are optional).
    """
    if not call.complete or (not isinstance(call.argument("cliinputjson"), Absent) and text_given(call) is None):
        return True
    # An action registers a file, of which the containers alone may be known.
    told = ("networkmode", "cpu", "requirescompatibilities")
    by_action = call.step is not None and bool(call.step.uses)
    return all(
        isinstance(call.argument(name), Absent) for name in (told if by_action else (*told, "containerdefinitions"))
    )


def _of_tasks(authority: Authority) -> list[TaskRole]:
    own = [role for each in _environments(authority) for role in task_roles(each)]
    named = [role for role in own if family_of(role.task) in authority.families]
    return named or own


def _environments(authority: Authority) -> Iterator[Environment]:
    for each in authority.project.environments:
        if not authority.environment or each.name == NO_NAME or same_environment(each.name, authority.environment):
            yield each


def rulings_on_passing(call: AwsCall | CdkCommand, authority: Authority) -> Sequence[Ruling] | None:
    """What AWS answers; ``None`` for a refusal that the deploy role itself is judged for."""
    rulings = [ruling for need in passing_to_tasks(call, authority) for ruling in _rulings(call, need, authority)]
    refused = [each for each in rulings if each.answer is not Access.ALLOWED]
    judged = {str(role.arn) for role in _judged_elsewhere(authority.project, authority)} if refused else set()
    return None if refused and all(each.resource in judged for each in refused) else rulings


def _rulings(call: AwsCall | CdkCommand, need: Need, authority: Authority) -> list[Ruling]:
    """One for each role. Where nothing tells which task it is, those of any will do."""
    each = [authority.rule(replace(need, resources=(arn,))) for arn in need.resources or ()]
    if not each:
        return [authority.rule(need)]
    told = any(role.task for role in _of_tasks(authority) if family_of(role.task) in authority.families)
    answers = {ruling.answer for ruling in each}
    literal = isinstance(call, AwsCall) and any(not isinstance(call.argument(name), Absent) for name in _ROLES)
    if told or literal or len(answers) == 1:
        return each
    why = "which task it is; the role of one would be refused"
    return [
        replace(ruling, answer=Access.UNKNOWN, why=why) if ruling.answer is Access.DENIED else ruling for ruling in each
    ]


def _judged_elsewhere(project: Project, authority: Authority) -> Iterator[TaskRole]:
    deployment = deployment_of(project)
    for deployer in deployment.deployers:
        if deployer.role in authority.who.roles:
            served = deployment.served(deployer)
            for environment in project.environments:
                if environment.name in served or environment not in deployment.environments:
                    yield from task_roles(environment)
