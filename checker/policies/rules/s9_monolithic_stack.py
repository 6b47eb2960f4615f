"""Data and services live in different stacks, far from the resource limit.

What the review found
    One stack holds databases, buckets, secrets, network and services: what goes wrong with a service blocks, or rolls
    back, the stack that holds the data.
What is checked
    Every stack, nested ones too: it does not hold both resources that keep data and resources that run or serve
    (``stateful``), and has at most 400 resources, 80 % of what CloudFormation takes (``resources``).
When it does not apply
    ``stateful``: a stack that neither keeps data nor runs anything. Functions behind custom resources are part of the
    deployment, one that rotates a secret goes with it, and a queue for what failed with what fills it: they count as
    neither.
What cannot be decided
    A stack with a macro or a loop that cannot be expanded here; of AWS SAM's only where it may add too many.
Fix
    Move databases, buckets, caches, secrets and registries into a stack of their own; give their identifiers to the
    services as configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import FUNCTIONS, Resource, Stack, StackPlace
from checker.model.rules import Rule
from checker.reason.templates.serverless import TRANSFORM, made_at_most
from checker.reason.templates.stateful import keeps_data

# CloudFormation User Guide, "Understand CloudFormation quotas": 500 resources in one template.
_LIMIT = 500
_MOST = _LIMIT * 8 // 10

# What is lost with these too, beside what keeps data: messages that are under way, and what a key has encrypted.
_QUEUE: Final = "AWS::SQS::Queue"
_KEPT_APART: Final = frozenset({"AWS::KMS::Key", "AWS::KMS::ReplicaKey", _QUEUE})
_ROTATION: Final = "AWS::SecretsManager::RotationSchedule"
# Where what runs, or another queue, names the one that takes what failed: it belongs there.
_SENDERS: Final = ("AWS::Lambda::", "AWS::SNS::", "AWS::SQS::", "AWS::Serverless::")
_FAILURES: Final = ("DeadLetterConfig", "RedrivePolicy", "DeadLetterQueue", "DestinationConfig.OnFailure")
# What runs code or serves requests, and can be made again from the code at any time.
_STATELESS = frozenset(
    {
        "AWS::Amplify::App",
        "AWS::Amplify::Branch",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGatewayV2::Api",
        "AWS::AppRunner::Service",
        "AWS::AppStream::Fleet",
        "AWS::AppSync::GraphQLApi",
        "AWS::AutoScaling::AutoScalingGroup",
        "AWS::Batch::ComputeEnvironment",
        "AWS::Batch::JobDefinition",
        "AWS::CloudFront::Distribution",
        "AWS::BedrockAgentCore::Gateway",
        "AWS::BedrockAgentCore::Harness",
        "AWS::BedrockAgentCore::Runtime",
        "AWS::CodeBuild::Fleet",
        "AWS::Deadline::Fleet",
        "AWS::EC2::EC2Fleet",
        "AWS::EC2::Instance",
        "AWS::EC2::SpotFleet",
        "AWS::ECS::Daemon",
        "AWS::ECS::DaemonTaskDefinition",
        "AWS::ECS::ExpressGatewayService",
        "AWS::ECS::Gateway",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::ECS::TaskSet",
        "AWS::EKS::Cluster",
        "AWS::EMR::Cluster",
        "AWS::EMRServerless::Application",
        "AWS::EKS::FargateProfile",
        "AWS::EKS::Nodegroup",
        "AWS::ElasticBeanstalk::Environment",
        "AWS::ElasticLoadBalancing::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::GameLift::ContainerFleet",
        "AWS::GameLift::Fleet",
        "AWS::GlobalAccelerator::Accelerator",
        "AWS::Glue::Job",
        "AWS::KinesisAnalyticsV2::Application",
        "AWS::Lambda::Function",
        "AWS::Lambda::WebFunction",
        "AWS::Lightsail::Container",
        "AWS::Lightsail::Instance",
        "AWS::MWAA::Environment",
        "AWS::SageMaker::Endpoint",
        "AWS::Serverless::Api",
        "AWS::Serverless::Function",
        "AWS::Serverless::HttpApi",
        "AWS::Serverless::StateMachine",
        "AWS::StepFunctions::StateMachine",
        "AWS::Synthetics::Canary",
        "AWS::Transfer::Server",
        "AWS::VpcLattice::Service",
    }
)


def check(environment: Environment) -> Iterator[Judgement]:
    by_stack: dict[str, list[Resource]] = {stack.id: [] for stack in environment.stacks}
    for resource in environment.resources():
        by_stack[resource.stack.id].append(resource)
    for stack in environment.stacks:
        place = StackPlace(stack)
        left = _left(stack, environment)
        yield _size(place, by_stack[stack.id], _unexpanded(stack, environment), left)
        yield _mixture(place, by_stack[stack.id], left, environment.project)


def _size(place: StackPlace, resources: list[Resource], unread: str | None, left: str | None) -> Judgement:
    """The quota counts what the template declares, whether a condition makes it or not. ``left`` is what is unread
    beside what AWS SAM adds."""
    declared = place.stack.template.get("Resources")
    count = max(len(resources), len(declared) if isinstance(declared, dict) else 0)
    fix = "Split the stack: data, network and services change for different reasons."
    if count > _MOST:
        violation = f"The stack has {count} resources of the {_LIMIT} that CloudFormation takes."
        return place.fails("resources", violation, fix=fix, expected=f"at most {_MOST}", actual=str(count))
    most = made_at_most(resources) if unread and not left else None
    if most is not None and most <= _MOST:
        said = f"At most {most} resources, with those that AWS SAM makes."
        return place.passes("resources", said, expected=f"at most {_MOST}")
    if unread:
        return place.undecided("resources", f"how many resources there are: {unread}", fix=fix)
    return place.passes("resources", f"{count} resources.", expected=f"at most {_MOST}", actual=str(count))


# What people think of first when they hear of data and services; the rest follows in the template's order.
_FOREMOST: Final = ("AWS::RDS::", "AWS::DocDB::", "AWS::DynamoDB::", "AWS::ECS::Service", "AWS::EKS::", "AWS::Lambda::")
_LEAST: Final = ("AWS::ECR::", "AWS::Logs::", "AWS::KMS::")


def _weight(resource: Resource) -> int:
    foremost = next((index for index, each in enumerate(_FOREMOST) if resource.type.startswith(each)), len(_FOREMOST))
    return foremost + resource.type.startswith(_LEAST)


def _mixture(place: StackPlace, resources: list[Resource], left: str | None, project: Project) -> Judgement:
    data = [each for each in resources if keeps_data(each.type) or each.type in _KEPT_APART]
    if any(each.type == _QUEUE for each in data):
        of_failures = _of_failures(resources, project)
        data = [each for each in data if each not in of_failures]
    running = [each for each in resources if each.type in _STATELESS]
    if any(each.type in FUNCTIONS for each in running):
        helpers = _custom_resource_handlers(resources, project)
        running = [each for each in running if each not in helpers]
    fix = "Move what keeps data into a stack of its own, and give its identifiers to the services as configuration."
    if data and running:
        first, other = min(data, key=_weight), min(running, key=_weight)
        violation = f"The stack keeps data ({first.logical_id}) and runs services ({other.logical_id})."
        if not any(each.certain for each in data) or not any(each.certain for each in running):
            return place.undecided("stateful", "one half exists only under an open condition", fix=fix)
        return place.fails("stateful", violation, fix=fix, related=(first, other))
    if left is not None:
        return place.undecided("stateful", f"what the stack holds: {left}", fix=fix)
    if not data and not running:
        return place.not_applicable("stateful", "Neither data nor anything that runs.")
    return place.passes("stateful", "The stack keeps data." if data else "The stack keeps no data.")


def _unexpanded(stack: Stack, environment: Environment) -> str | None:
    """What of this very stack is not at hand; a nested stack's template would be judged for itself."""
    return next(_notes(stack, environment), None)


def _left(stack: Stack, environment: Environment) -> str | None:
    """What of it is not at hand beside what AWS SAM adds: functions, roles, APIs, of which a bound is known."""
    return next((note for note in _notes(stack, environment) if not note.startswith(TRANSFORM)), None)


def _notes(stack: Stack, environment: Environment) -> Iterator[str]:
    yield from (note for note in stack.unread if not note.startswith("nested stack"))
    yield from (f"{loop}: its collection is not known" for loop in environment.unknown_loops.get(stack.id, ()))


def _of_failures(resources: list[Resource], project: Project) -> set[Resource]:
    """The queues that take what failed elsewhere in the stack."""
    senders = (each for each in resources if each.type.startswith(_SENDERS))
    given = (each.get(place) for each in senders for place in _FAILURES)
    return {found for value in given for found in project.all_referred(value)}


def _custom_resource_handlers(resources: list[Resource], project: Project) -> set[Resource]:
    """The functions that custom resources call, directly or through a provider's function, or that change a secret."""
    tokens = [
        each.get("ServiceToken")
        for each in resources
        if each.type.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))
    ]
    tokens += [each.get("RotationLambdaARN") for each in resources if each.type == _ROTATION]
    found = {each for token in tokens for each in project.all_referred(token)}
    # CDK's provider framework hands the event on to the user's function, named in its environment.
    handed = [each.get("Environment.Variables.USER_ON_EVENT_FUNCTION_ARN") for each in found]
    return found | {each for value in handed for each in project.all_referred(value)}


RULE = Rule(
    id="S9",
    looked_for="stack",
    check=check,
)
