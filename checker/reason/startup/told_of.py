"""What a container or a function is told of and may do nothing with.

Who has a secret's ARN, a queue's URL or a table's name among its variables calls AWS for it, in the name of its own
role. Where neither that role's policies nor any of the thing's own allow one of the calls that it is there for, all of
them are refused when the program makes the first. Source: AWS IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Attribute, Known, Resolved, Text
from checker.model.verdicts import Surface
from checker.reason.iam.evaluation import Request, decide, grants, policies_of
from checker.reason.iam.keys import own_key, role_decrypts
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import arn_of
from checker.reason.text.patterns import exact
from checker.reason.workloads.variables import Variable, environment_variables

_SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
# What is named, and the calls that it is there for.
_CALLS: Final = {
    _SECRET: ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
    "AWS::SQS::Queue": ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
    "AWS::DynamoDB::Table": (
        *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        *("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable"),
    ),
}
_POLICIES: Final = {
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SQS::QueueInlinePolicy": "PolicyDocument",
}
_WORD: Final = {_SECRET: "secret", "AWS::SQS::Queue": "queue", "AWS::DynamoDB::Table": "table"}
_ROLE: Final = "AWS::IAM::Role"


def told_in_vain(environment: Environment) -> Iterator[Judgement]:
    said: set[tuple[Resource, Resource]] = set()
    for variable in environment_variables(environment):
        named = _named(environment, variable.value)
        owner = variable.owner
        if named is None or owner.surface is not Surface.TEMPLATE or (owner, named) in said:
            continue
        role = _role_of(environment, variable)
        if role is None:
            continue
        action = _CALLS[named.type][0]
        if _may_nothing(environment, role, named):
            why = f"may do nothing with it: nothing allows {action} or the like"
        elif locked_out := _by_its_key(environment, role, named):
            why, action = f"may not decrypt it: {locked_out}", "kms:Decrypt"
        else:
            continue
        said.add((owner, named))
        violation = (
            f"{variable.name} tells {variable.container} of the {_WORD[named.type]} {named.logical_id}, and its role "
            f"{role.logical_id} {why}."
        )
        fix = f"Allow {action} for {named.logical_id} in the role's policy, or leave the variable out."
        yield owner.fails("may", violation, fix=fix, path=variable.path, related=(role, named))


def _named(environment: Environment, value: Resolved) -> Resource | None:
    """The thing whose name, URL or ARN a variable is."""
    hole = value.only_hole if isinstance(value, Text) else None
    found = environment.project.resource(hole.target) if isinstance(hole, Attribute) else None
    return found if found is not None and found.type in _CALLS else None


def _role_of(environment: Environment, variable: Variable) -> Resource | None:
    """The role that calls are made with, where it is one of the project's."""
    owner = variable.owner
    role = environment.referred(owner.get("Role" if owner.type in FUNCTIONS else "TaskRoleArn"))
    return role if role is not None and role.type == _ROLE else None


def _may_nothing(environment: Environment, role: Resource, named: Resource) -> bool:
    project, arn = environment.project, arn_of(named)
    policies = policies_of(role, project)
    if arn is None or (policies.empty and not isinstance(role.get("RoleName"), Absent)):
        return False  # somebody else may attach one by its name
    if _lets_roles_in(environment, named) or grants(policies, "sts:AssumeRole"):
        return False  # it may call as another role
    return all(decide(policies, Request(action, exact(arn))).denied for action in _CALLS[named.type])


def _by_its_key(environment: Environment, role: Resource, named: Resource) -> str:
    """Why the key of a secret keeps the role out; empty where it does not, or is not one of the project's."""
    key = own_key(environment, named.get("KmsKeyId")) if named.type == _SECRET else None
    decision = role_decrypts(key, role, "secretsmanager", environment.project) if key is not None else None
    return decision.why if decision is not None and decision.denied else ""


def _lets_roles_in(environment: Environment, named: Resource) -> bool:
    """Whether a policy of the thing's own allows something to roles, or may."""
    if not isinstance(named.get("ResourcePolicy"), Absent) or any(environment.strays(named, *_POLICIES)):
        return True
    for policy in environment.children(named, *_POLICIES):
        value, path = policy.get(_POLICIES[policy.type]), _POLICIES[policy.type]
        document = read_document(value.value if isinstance(value, Known) else None, policy, path, environment.project)
        kinds = [kind for each in document.statements if each.allows for kind, _ in each.principals or (("*", None),)]
        if document.unread or {"AWS", "*"} & set(kinds):
            return True
    return False
