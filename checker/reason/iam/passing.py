"""Passing roles to ECS tasks: which roles the tasks need, and what a grant of ``iam:PassRole`` reaches beyond them.

Source: Amazon ECS Developer Guide, "Task IAM role" and "Task execution IAM role": to register a task definition or run
a task is to pass both roles, to ``ecs-tasks.amazonaws.com``. A role can be passed within its own account only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.environments import Environment, Project
from checker.model.overlap import Pattern, Wild, overlap
from checker.model.resources import Resource, Stack
from checker.model.values import Absent, Generated, Hole, Text, Unknown, pieces, text
from checker.reason.iam.bounds import bounds_on_key
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import (
    Decision,
    Policies,
    Request,
    bounds_on_resources,
    decide,
    denials,
    grants,
)
from checker.reason.iam.policies import Statement
from checker.reason.names.arns import account_of, arn_of, expand, service_names
from checker.reason.text.patterns import UNREAD, exact, example, glob, has_hole, has_wild, shown

PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action, not a password
TASKS: Final = "ecs-tasks.amazonaws.com"
_SERVICE_KEY: Final = "iam:passedtoservice"
# Services that a stolen deploy role would pass an administrator's role to.
_OTHER_SERVICES: Final = ("lambda.amazonaws.com", "ec2.amazonaws.com", "ecs.amazonaws.com", "anything.amazonaws.com")
# Only roles can be passed, whatever else a statement names (Service Authorization Reference, IAM: `role*`).
_A_ROLE: Final = glob("arn:*:iam::*:role/*")
_COLONS: Final = 5
_ITS_NAME: Final = glob("role/*")
# What CDK appends to a construct's path to make a logical id.
_HASH: Final = lazy_re.compile(r"[0-9A-F]{8}$")


class TaskRole(Struct, frozen=True):
    """A role that a task definition names. ``arn`` is ``None`` where it is not known, and ``why`` says why."""

    task: Resource
    property: str  # TaskRoleArn or ExecutionRoleArn
    arn: str | Text | None
    role: Resource | None = None
    why: str = ""


def task_roles(environment: Environment) -> Sequence[TaskRole]:
    """The task role and the execution role of every task definition of an environment."""
    return environment.project.once_for((task_roles, environment), lambda: tuple(_task_roles(environment)))


def _task_roles(environment: Environment) -> Iterator[TaskRole]:
    project = environment.project
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        for name in ("TaskRoleArn", "ExecutionRoleArn"):
            value = task.get(name)
            if isinstance(value, Absent):
                continue
            if isinstance(value, Unknown) or not isinstance(value.value, str | Text):
                why = value.why if isinstance(value, Unknown) else "it is no ARN"
                yield TaskRole(task, name, None, None, f"{name} of {task.logical_id}: {why}")
                continue
            role = next((each for each in project.all_referred(value) if each.type == "AWS::IAM::Role"), None)
            yield TaskRole(task, name, _as_arn(expand(value.value, project), task.stack), role)


def _as_arn(written: str | Text, stack: Stack) -> str | Text:
    """A task definition may name a role by its short name."""
    first = pieces(written)[0]
    if (isinstance(first, Hole) and not isinstance(first, Generated)) or str(written).startswith("arn:"):
        return written
    return text([f"arn:{stack.partition}:iam::", *account_of(stack), ":role/", *pieces(written)])


def mirrored(needed: Iterable[TaskRole], elsewhere: Iterable[str]) -> Iterator[TaskRole]:
    """The roles that environments which are not at hand need, where names tell: made by the same code, they are called
    as those at hand are, with the one environment's name in the place of the other's."""
    names = list(elsewhere)
    for each in needed:
        home = each.task.stack.environment
        for name in names:
            if each.arn is not None and any(isinstance(part, str) and home in part for part in pieces(each.arn)):
                parts = [part.replace(home, name) if isinstance(part, str) else part for part in pieces(each.arn)]
                yield TaskRole(each.task, each.property, text(parts))


def passes_a_role(statement: Statement) -> bool:
    """Whether any role is among a statement's resources: what is none cannot be passed."""
    return statement.resources is None or any(_may_be_a_role(pattern) for pattern in statement.resources)


def _may_be_a_role(pattern: Pattern | None) -> bool:
    if pattern is None:
        return True
    # By the service where it is written out: a `*` of another service's ARN matches no role, for all its colons.
    fields = _fields(pattern)
    colons = [index for index, symbol in enumerate(pattern) if symbol == ":"]
    if len(colons) > _COLONS or (len(colons) == _COLONS and not overlap(pattern[colons[-1] + 1 :], _ITS_NAME)):
        return False  # a role's ARN has no more colons, so that no wildcard stands for one
    return (len(fields) < 3 or fields[2] in ("", "iam")) and overlap(pattern, _A_ROLE)


def _fields(pattern: Pattern) -> list[str]:
    """The fields of an ARN up to the first wildcard, open ones empty."""
    fields = [""]
    for symbol in pattern:
        if isinstance(symbol, Wild):
            return fields[:-1]
        if symbol == ":":
            fields.append("")
        elif isinstance(symbol, str):
            fields[-1] += symbol
    return fields


def may_pass(policies: Policies, arn: str | Text, service: str = TASKS) -> Decision:
    """Whether the role of this ARN may be passed to ``service``."""
    return decide(policies, Request(PASS_ROLE, exact(arn), Context({_SERVICE_KEY: (service,)})))


# -- scope -------------------------------------------------------------------------------------------


class Excess(Struct, frozen=True):
    """Something that is granted and should not be: by which statement, what it says, and an example."""

    statement: Statement
    written: str
    example: str


def needed_only(policies: Policies, needed: Iterable[TaskRole], stack: Stack, project: Project) -> Answer:
    """Whether nothing but the ``needed`` roles can be passed: one bound that lies within them is proof."""
    roles = [each for each in needed if each.arn is not None]
    arns = {exact(each.arn): None for each in roles if each.arn is not None}

    def answers() -> Iterator[Answer]:
        nothing = True
        for bound in bounds_on_resources(policies, PASS_ROLE):
            nothing = False
            if bound is None:
                yield NO
                continue
            roles_of_it = [pattern for pattern in bound if _may_be_a_role(pattern)]
            local = [None if pattern is None else _local(pattern, stack) for pattern in roles_of_it]
            yield every(UNREAD if each is None else _is_needed(each, arns, roles, project) for each in local)
        if nothing:
            yield Open("which roles it may pass")

    return either(answers())


def _local(pattern: Pattern, stack: Stack) -> Pattern:
    """The pattern with ``*`` for partition and account taken as one's own: a foreign role cannot be passed anyway."""
    colons = [index for index, symbol in enumerate(pattern) if symbol == ":"]
    if len(colons) < 5:
        return pattern
    partition, account = pattern[colons[0] + 1 : colons[1]], pattern[colons[3] + 1 : colons[4]]
    return (
        *pattern[: colons[0] + 1],
        *(exact(stack.partition) if partition == (Wild.ANY,) else partition),
        *pattern[colons[1] : colons[3] + 1],
        *(exact(text([*account_of(stack)])) if account == (Wild.ANY,) else account),
        *pattern[colons[4] :],
    )


def _is_needed(pattern: Pattern, arns: Collection[Pattern], roles: list[TaskRole], project: Project) -> Answer:
    if pattern in arns:
        return YES
    if pattern[-1:] == (Wild.ANY,) and any(_stands_for(pattern, each.role, project) for each in roles if each.role):
        return YES
    if has_hole(pattern) and Wild.ANY not in pattern:
        maybe = any(overlap(pattern, arn) for arn in arns) or _is_open(pattern)
    else:
        # Written out against a role whose account or name is known at deployment only.
        maybe = Wild.ANY not in pattern and any(has_hole(arn) and overlap(arn, pattern) for arn in arns)
    return Open(f"whether {shown(pattern)} is a role that a task definition names") if maybe else NO


def _is_open(pattern: Pattern) -> bool:
    return isinstance(pattern[0], Hole) if pattern else False


def _stands_for(pattern: Pattern, role: Resource, project: Project) -> bool:
    """Whether a pattern's last ``*`` stands for what CloudFormation appends to the generated name of this one role."""
    arn = arn_of(role)
    if arn is None or Wild.ANY in pattern[:-1] or Wild.ONE in pattern:
        return False
    name = exact(arn)
    if not isinstance(name[-1], Generated) or name[-2] != "-":
        return False
    head, written = name[:-1], pattern[:-1]
    unhashed = len(head) - 1 - len(match[0]) if (match := _HASH.search(role.logical_id)) else len(head) - 1
    if written != head[: len(written)] or len(written) < unhashed:
        return False
    others = (each for each in project.resources("AWS::IAM::Role") if each is not role)
    return not any(overlap(pattern, exact(other)) for each in others if (other := arn_of(each)) is not None)


def excess_role(
    policies: Policies, needed: Iterable[TaskRole], stack: Stack, project: Project, *, complete: bool
) -> Excess | None:
    """A role that is not needed and surely can be passed, where one is found. Roles of the project come first.

    Where not all environments are at hand (``complete`` is false), a role named in full that no template declares
    may be a task's role in one of the others: it does not count.
    """
    roles = [each for each in needed if each.arn is not None]
    arns = {exact(each.arn): None for each in roles if each.arn is not None}
    own = [arn for role in project.resources("AWS::IAM::Role") if (arn := arn_of(role)) is not None]
    made_up = [
        text([f"arn:{stack.partition}:iam::", *account_of(stack), ":role", path])
        for path in ("/anything", "/service/anything")
    ]
    for grant in grants(policies, PASS_ROLE):
        for pattern in grant.resources if grant.resources is not None else [glob("*")]:
            if pattern is None or not _may_be_a_role(pattern):
                continue
            if _is_needed(_local(pattern, stack), arns, roles, project) is YES:
                continue
            written, several = example(_local(pattern, stack), "anything"), has_wild(pattern)
            if not complete and not several and written not in own:
                continue
            for candidate in (*own, written, *made_up) if several else (written,):
                target = exact(candidate)
                if target in arns or not overlap(pattern, target) or any(overlap(target, arn) for arn in arns):
                    continue
                if any(may_pass(policies, candidate, each).allowed for each in _services(grant.statement)):
                    said = "everything but some roles" if grant.resources is None else str(example(pattern, "*"))
                    return Excess(grant.statement, said, str(candidate))
    return None


def _services(statement: Statement) -> tuple[str, ...]:
    """Services that a statement may pass to: the right one, those that it names, and some that nobody should."""
    named = (
        example(pattern)
        for condition in statement.conditions
        if condition.key == _SERVICE_KEY
        for pattern in condition.patterns
        if pattern is not None
    )
    return tuple(dict.fromkeys((TASKS, *(each for each in named if isinstance(each, str)), *_OTHER_SERVICES)))


# -- service -----------------------------------------------------------------------------------------


def tasks_only(policies: Policies, statement: Statement) -> Answer:
    """Whether ``statement`` lets roles be passed to ECS tasks only."""
    return passed_only_to(policies, statement, TASKS) if passes_a_role(statement) else YES


def passed_only_to(policies: Policies, statement: Statement, service: str) -> Answer:
    """Whether ``statement`` lets roles be passed to one service only. The key is in every request to pass a role."""
    return either(
        every(UNREAD if pattern is None else _is_service(pattern, service) for pattern in condition.patterns)
        for condition in bounds_on_key(statement, denials(policies, PASS_ROLE), _SERVICE_KEY, always_present=True)
    )


def _is_service(pattern: Pattern, service: str) -> Answer:
    if pattern in (exact(service), exact(f"{service}.cn")):
        return YES
    return Open(f"whether {shown(pattern)} is {service}") if has_hole(pattern) else NO


def excess_service(policies: Policies, statement: Statement, stack: Stack) -> Excess | None:
    """A service other than ECS tasks that ``statement`` surely lets roles be passed to."""
    head = [f"arn:{stack.partition}:iam::", *account_of(stack)]
    for pattern in statement.resources if statement.resources is not None else [glob("*")]:
        if pattern is None or not _may_be_a_role(pattern):
            continue
        for role in (example(_local(pattern, stack), "anything"), text([*head, ":role/anything"])):
            for service in _services(statement):
                if service != TASKS and may_pass(policies, role, service).allowed:
                    return Excess(statement, str(example(pattern, "*")), service)
    return None


def services_of(environment: Environment) -> Iterator[tuple[Resource, str | Text, str | Text]]:
    """The ECS services of an environment, each with its cluster's name and its own; holes where they are open."""
    for service in environment.resources("AWS::ECS::Service"):
        yield service, *service_names(service, environment.project)
