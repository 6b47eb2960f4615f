"""What AWS Lambda refuses when a function is made: a role that it may not assume, or that may not put the function into
its network.

Source: AWS Lambda Developer Guide, "Defining Lambda function permissions with an execution role" and "Giving Lambda
functions access to resources in an Amazon VPC": Lambda makes the network interfaces in the role's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Known, Pseudo, text
from checker.model.verdicts import Surface
from checker.reason.iam.evaluation import Request, decide, policies_of
from checker.reason.names.arns import account_of
from checker.reason.startup.execution_roles import shut_out
from checker.reason.text.patterns import exact

_LAMBDA: Final = "lambda.amazonaws.com"
_LIST: Final = "ec2:DescribeNetworkInterfaces"
_MAKE: Final = "ec2:CreateNetworkInterface"
_FIX_TRUST: Final = f"Let {_LAMBDA} assume the role."
_FIX_NETWORK: Final = "Attach the AWS managed policy service-role/AWSLambdaVPCAccessExecutionRole to the role."


def refused_functions(environment: Environment) -> Iterator[Judgement]:
    for function in environment.resources(*sorted(FUNCTIONS)):
        role = environment.referred(function.get("Role"))
        if function.surface is not Surface.TEMPLATE or role is None or role.type != "AWS::IAM::Role":
            continue
        if shut_out(role, environment.project, _LAMBDA):
            said = (
                f"Its execution role {role.logical_id} does not let AWS Lambda assume it: Lambda refuses the function."
            )
            yield function.fails("execution-role", said, fix=_FIX_TRUST, path="Role", related=(role,))
        elif _in_network(function) and (action := _refused(function, role, environment.project)):
            said = f"Lambda cannot put it into its network: {action} is not allowed to its role {role.logical_id}."
            yield function.fails("execution-role", said, fix=_FIX_NETWORK, path="VpcConfig", related=(role,))


def _in_network(function: Resource) -> bool:
    subnets = function.get("VpcConfig.SubnetIds")
    return isinstance(subnets, Known) and isinstance(subnets.value, list) and bool(subnets.value)


def _refused(function: Resource, role: Resource, project: Project) -> str:
    """What the role surely may not do of what Lambda does in its name; as for tasks, somebody else may attach a policy
    to a role that is named and has none."""
    policies = policies_of(role, project)
    if policies.empty and not isinstance(role.get("RoleName"), Absent):
        return ""
    stack = function.stack
    region = stack.region or Pseudo("AWS::Region")
    arn = text([f"arn:{stack.partition}:ec2:", region, ":", *account_of(stack), ":network-interface/new"])
    for action, resource in ((_LIST, "*"), (_MAKE, arn)):
        if decide(policies, Request(action, exact(resource))).denied:
            return action
    return ""
