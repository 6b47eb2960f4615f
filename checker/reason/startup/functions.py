"""What AWS Lambda refuses when a function, or what calls it, is made: a role that it may not assume, that may not put
the function into its network, send to where failed events go, or read what is to call it.

Sources: AWS Lambda Developer Guide, "Defining Lambda function permissions with an execution role", "Giving Lambda
functions access to resources in an Amazon VPC" (Lambda makes the network interfaces in the role's name), "Capturing
records of Lambda asynchronous invocations" and "Using Lambda with Amazon SQS". All of it is tried when it is made:
https://github.com/aws-samples/aws-serverless-ecommerce-platform/issues/41, https://github.com/aws/aws-cdk/issues/6770.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Known, Pseudo, text
from checker.model.verdicts import Surface
from checker.reason.iam.evaluation import Request, decide, policies_of
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import account_of, arn_of
from checker.reason.startup.execution_roles import shut_out
from checker.reason.text.patterns import exact

_LAMBDA: Final = "lambda.amazonaws.com"
_LIST: Final = "ec2:DescribeNetworkInterfaces"
_MAKE: Final = "ec2:CreateNetworkInterface"
_FIX_TRUST: Final = f"Let {_LAMBDA} assume the role."
_FIX_NETWORK: Final = "Attach the AWS managed policy service-role/AWSLambdaVPCAccessExecutionRole to the role."
# Where a function's events may go -> the call that Lambda makes in the role's name; what may call it, and likewise.
_SENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::SQS::Queue": ("sqs:SendMessage",),
    "AWS::SNS::Topic": ("sns:Publish",),
    "AWS::Events::EventBus": ("events:PutEvents",),
}
_READS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::SQS::Queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
}
_GONE: Final = "DeadLetterConfig.TargetArn"
_DESTINATIONS: Final = ("DestinationConfig.OnFailure.Destination", "DestinationConfig.OnSuccess.Destination")


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
        else:
            yield from _calls(environment, function, (_GONE,), role, _SENDS, "send to")
    for kind, paths, calls, doing in (
        ("AWS::Lambda::EventInvokeConfig", _DESTINATIONS, _SENDS, "send to"),
        ("AWS::Lambda::EventSourceMapping", ("EventSourceArn",), _READS, "read from"),
    ):
        for place in environment.resources(kind):
            called = environment.referred(place.get("FunctionName"))
            role = environment.referred(called.get("Role")) if called is not None and called.type in FUNCTIONS else None
            if role is not None and role.type == "AWS::IAM::Role" and place.surface is Surface.TEMPLATE:
                yield from _calls(environment, place, paths, role, calls, doing)


def _calls(
    environment: Environment,
    place: Resource,
    paths: tuple[str, ...],
    role: Resource,
    calls: Mapping[str, tuple[str, ...]],
    doing: str,
) -> Iterator[Judgement]:
    """What the role surely may not do with what a function's events come from, or go to."""
    policies = policies_of(role, environment.project)
    if policies.empty and not isinstance(role.get("RoleName"), Absent):
        return
    for path in paths:
        target = environment.referred(place.get(path))
        arn = arn_of(target) if target is not None else None
        if target is None or arn is None or _lets_roles_in(environment, target):
            continue
        asked = (Request(action, exact(arn)) for action in calls.get(target.type, ()))
        if refused := next((each.action for each in asked if decide(policies, each).denied), ""):
            said = f"Lambda cannot {doing} {target.logical_id}: {refused} is not allowed to its role {role.logical_id}."
            fix = f"Allow the role {refused} on it."
            yield place.fails("execution-role", said, fix=fix, path=path, related=(role, target))


def _lets_roles_in(environment: Environment, target: Resource) -> bool:
    """Whether a policy of its own lets roles of the account in, or may: it is enough by itself. A topic without one has
    a policy that lets them publish (Amazon SNS Developer Guide, "Amazon SNS access policy")."""
    kinds = _OWN_POLICIES.get(target.type, ())
    policies = [each for kind in kinds for each in environment.children(target, kind)]
    if not policies:
        return target.type == "AWS::SNS::Topic" or any(True for kind in kinds for _ in environment.strays(target, kind))
    for policy in policies:
        value = policy.get("PolicyDocument")
        content = value.value if isinstance(value, Known) else None
        document = read_document(content, policy, "PolicyDocument", environment.project)
        named = [who for each in document.statements if each.allows for who in each.principals or (("*", None),)]
        if document.unread or any(kind in ("*", "AWS") for kind, _ in named):
            return True
    return False


_OWN_POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"),
}


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
