"""Physical names: what the resources of a project will be called.

Which property names a resource is told by :mod:`.naming`; names that custom resources give to what they make are read
in :mod:`.custom_resources`; :mod:`.collisions` says which collide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from checker.model.environments import Project
from checker.model.resources import FUNCTIONS, Raw, Resource
from checker.model.values import (
    ABSENT,
    Absent,
    ArnField,
    Attribute,
    Expression,
    Hole,
    Known,
    OfNamed,
    Pseudo,
    Reference,
    Resolved,
    Text,
    Unknown,
    attribute_of,
    pieces,
    text,
)
from checker.model.verdicts import Surface
from checker.reason.names.custom_resources import names_made_by
from checker.reason.names.naming import Naming, PhysicalName, Reach, naming_of

# How far a name that is built from other resources' names is followed.
_MAX_DEPTH: Final = 8


def physical_names(resource: Resource) -> Iterator[PhysicalName]:
    """Every name that ``resource`` fixes; nothing where CloudFormation generates it."""
    if resource.surface is Surface.ACCOUNT and isinstance(resource.get(""), Unknown):
        return  # nothing was read of it: the name stands in its template, where the gate judges it
    naming = naming_of(resource.type)
    if naming is not None:
        for path in naming.paths:
            if resource.is_generated(path):
                continue
            value = _name_at(resource, path)
            if not isinstance(value, Absent) and value != "":
                parents = tuple(resource.get(each) for each in naming.within)
                others = tuple(resource.get(each) for each in naming.beside)
                yield PhysicalName(resource, path, value, naming, parents, others)
    elif resource.type == "AWS::Route53::RecordSetGroup":
        yield from _records(resource)
    if resource.type in ALIASES:
        yield from _aliases(resource)
    if resource.type in _SECOND_NAMES:
        second = _SECOND_NAMES[resource.type]
        value = _name_at(resource, second.paths[0])
        if not isinstance(value, Absent) and value != "":
            yield PhysicalName(resource, second.paths[0], value, second)
    if resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource":
        yield from names_made_by(resource)


def _name_at(resource: Resource, path: str) -> Resolved | Absent:
    value = resource.get(path)
    for own in ("AWS::StackId", "AWS::StackName") if isinstance(value, Unknown) else ():
        if mentions(resource.raw_at(path), {own}):
            # A piece of the stack's id or name: what exactly is open, but no other stack has it.
            return Text((Pseudo(own, resource.stack.id),))
    if not isinstance(value, Known):
        return value
    number = isinstance(value.value, int | float) and not isinstance(value.value, bool)
    return str(value.value) if number else value.value  # as CloudFormation does


# Host names that CloudFront answers under: one distribution of all accounts may have each (Amazon CloudFront Developer
# Guide, "Use custom URLs by adding alternate domain names", "Move an alternate domain name"). Amplify serves its apps
# through distributions of its own, so theirs are drawn from the same set.
ALIASES: Final = {
    "AWS::CloudFront::Distribution": "DistributionConfig.Aliases",
    "AWS::CloudFront::DistributionTenant": "Domains",
    "AWS::Amplify::Domain": "SubDomainSettings",
}
HOST_NAMES: Final = "CloudFront alias"
_ALIAS: Final = Naming(HOST_NAMES, ("Aliases",), reach=Reach.PARTITION, caseless=True)


# Names beside the one that a resource is known by: an environment answers under PREFIX.REGION.elasticbeanstalk.com,
# which is the only one of that name in its region (Elastic Beanstalk API Reference, "CheckDNSAvailability").
_SECOND_NAMES: Final = {
    "AWS::ElasticBeanstalk::Environment": Naming("Elastic Beanstalk host name", ("CNAMEPrefix",), caseless=True),
}


def _aliases(distribution: Resource) -> Iterator[PhysicalName]:
    path = ALIASES[distribution.type]
    listed = distribution.get(path)
    for index, alias in enumerate(listed.value if isinstance(listed, Known) and isinstance(listed.value, list) else ()):
        name = _served(distribution, alias) if isinstance(alias, dict) else alias
        if isinstance(name, str | Text) and name != "":
            yield PhysicalName(distribution, f"{path}.{index}", name, _ALIAS)


def _served(domain: Resource, setting: Mapping[str, Resolved]) -> Resolved:
    """The host name of one subdomain of an Amplify app: without a prefix it is the domain itself."""
    whole, prefix = domain.get("DomainName"), setting.get("Prefix", "")
    if not isinstance(whole, Known) or not isinstance(whole.value, str | Text) or not isinstance(prefix, str | Text):
        return None
    return text([*pieces(prefix), ".", *pieces(whole.value)]) if prefix != "" else whole.value


def _records(group: Resource) -> Iterator[PhysicalName]:
    """The records of a group, each as if it were a resource of its own. Their zone is the group's, or their own."""
    naming = naming_of("AWS::Route53::RecordSet")
    records = group.get("RecordSets")
    if naming is None or not isinstance(records, Known) or not isinstance(records.value, list):
        return
    for index, record in enumerate(records.value):
        if not isinstance(record, dict) or record.get("Name") is None:
            continue
        parents = tuple(Known(record[each]) if each in record else group.get(each) for each in naming.within)
        others = tuple(Known(record[each]) if each in record else ABSENT for each in naming.beside)
        yield PhysicalName(group, f"RecordSets.{index}.Name", record["Name"], naming, parents, others)


def mentions(expression: Raw, names: Collection[str]) -> bool:
    """Whether an unresolved expression refers to one of ``names``, by ``Ref``, ``Fn::GetAtt`` or ``Fn::Sub``."""
    return any(name in names for name in references(expression))


def references(expression: Raw) -> Iterator[str]:
    """The names that an unresolved expression refers to (``Ref`` and ``Fn::Sub``), and the conditions it asks."""
    pending = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            for key, child in node.items():
                if key in {"Ref", "Condition"} and isinstance(child, str):
                    yield child
                elif key == "Fn::If" and isinstance(child, list) and child and isinstance(child[0], str):
                    yield child[0]
                elif key == "Fn::Sub":
                    source = child[0] if isinstance(child, list) and child else child
                    for part in source.split("${")[1:] if isinstance(source, str) else ():
                        yield part.partition("}")[0].strip()
                pending.append(child)


# -- what a name comes down to -----------------------------------------------------------------------


def fixed_name(resource: Resource) -> PhysicalName | None:
    """The first name that a resource fixes for itself; ``None`` where it is generated or cannot be read."""
    if naming_of(resource.type) is None:
        return None
    return next((each for each in physical_names(resource) if isinstance(each.value, str | Text)), None)


def settled(value: str | Text, project: Project, *, caseless: bool = False, depth: int = 0) -> str | Text:
    """``value`` with every reference to a resource whose name is fixed replaced by that name.

    ``${Cluster}-cpu`` is ``doc-platform-cpu`` where the cluster is called so, in every environment. An ARN of such a
    resource stays a hole, but one that is equal for equal names.
    """
    if isinstance(value, str):
        return value.lower() if caseless else value
    parts: list[str | Hole] = []
    for part in value.parts:
        if isinstance(part, str):
            parts.append(part)
        else:
            parts.extend(_settled_hole(part, project, depth))
    joined = text(parts)
    if caseless:
        return text([part.lower() if isinstance(part, str) else part for part in pieces(joined)])
    return joined


# The attribute that answers what ``Ref`` does. Source: AWS CloudFormation User Guide, each type, "Return values".
_LIKE_REF: Final[Mapping[str, str]] = {
    "AWS::ApiGateway::RestApi": "RestApiId",
    "AWS::ApiGatewayV2::Api": "ApiId",
    "AWS::CloudFront::Distribution": "Id",
    "AWS::Cognito::UserPool": "UserPoolId",
    "AWS::EC2::SecurityGroup": "GroupId",
    "AWS::EC2::Subnet": "SubnetId",
    "AWS::EC2::VPC": "VpcId",
    "AWS::ECS::TaskDefinition": "TaskDefinitionArn",
    "AWS::EFS::FileSystem": "FileSystemId",
    "AWS::ElasticLoadBalancingV2::Listener": "ListenerArn",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "LoadBalancerArn",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "TargetGroupArn",
    "AWS::IAM::ManagedPolicy": "PolicyArn",
    "AWS::KMS::Key": "KeyId",
    "AWS::Route53::HostedZone": "Id",
    "AWS::SNS::Topic": "TopicArn",
    "AWS::SQS::Queue": "QueueUrl",
    "AWS::StepFunctions::StateMachine": "Arn",
}


def _settled_hole(hole: Hole, project: Project, depth: int) -> tuple[str | Hole, ...]:
    target = project.resource(hole.target) if isinstance(hole, Reference) else None
    if target is not None and isinstance(hole, Attribute) and hole.name and _LIKE_REF.get(target.type) == hole.name:
        hole = attribute_of(hole.target)
    if target is None or depth > _MAX_DEPTH:
        return (hole,)
    name = fixed_name(target)
    if name is None or not isinstance(name.value, str | Text):
        return (hole,)
    own = settled(name.value, project, caseless=name.naming.caseless, depth=depth + 1)
    short = target.type.rpartition("::")[2]
    named = {*name.naming.paths, f"{short}Name", "Name"}
    attribute = hole.name if isinstance(hole, Attribute) else None
    if (attribute == "" and name.naming.is_ref) or attribute in named:
        return pieces(own)
    if isinstance(own, Text) and any(is_stacks_own(each) for each in own.holes):
        return (hole,)
    left_open = isinstance(own, Text) and any(is_open(each) for each in own.holes)
    return (OfNamed(f"${{{short} {own}.{_short(hole)}}}", target.stack.account, left_open),)


def _short(hole: Hole) -> str:
    """An attribute by its name, without the resource's."""
    if isinstance(hole, ArnField):
        return f"{hole.attribute}[{hole.field}]"
    return hole.name or "Ref" if isinstance(hole, Attribute) else hole.shown


def is_made_anew(value: Resolved | Absent, project: Project) -> bool:
    """Whether a name holds what CloudFormation generates, for the stack or for another resource: a repeated creation
    has another one. A stack whose first creation failed is made anew, with another id (AWS CloudFormation User Guide,
    "Stack status codes", ROLLBACK_COMPLETE)."""
    if not isinstance(value, Text):
        return False
    left = settled(value, project)
    return isinstance(left, Text) and any(_is_made_anew(hole, project) for hole in left.holes)


def _is_made_anew(hole: Hole, project: Project) -> bool:
    match hole:
        case Attribute(target=target):
            return is_stacks_own(hole) and project.resource(target) is not None
        case Pseudo(name="AWS::StackId"):
            return True
        case Expression(written=written):
            return "AWS::StackId" in written
        case _:
            return False


# Attributes whose values are made for one resource alone. A port or a status is not.
_UNIQUE: Final = ("Arn", "ARN", "Id", "ID", "Name", "Url", "URL", "Uri", "Address", "Ref", "PhysicalResourceId")


def is_stacks_own(hole: Hole) -> bool:
    """Whether no other stack's hole can hold this value: the stack's id, or a generated id of one of its resources."""
    match hole:
        case Pseudo(stack=stack):
            return bool(stack)
        case Attribute(name=name):
            return not name or name.endswith(_UNIQUE)
        case Expression(written=written):
            return "AWS::StackId" in written or "AWS::StackName" in written
        case _:
            return False


def is_open(hole: Hole) -> bool:
    """Whether the value is decided outside of the templates, so that two different holes may hold the same."""
    if isinstance(hole, OfNamed):
        return hole.is_open
    return not isinstance(hole, Pseudo) and not is_stacks_own(hole)


# -- looking resources up by name --------------------------------------------------------------------

# ARNs by type, after arn:PARTITION:. Sources: Service Authorization Reference, "Resource types defined by ..."
_ARNS: Final[Mapping[str, str]] = {
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::ECR::Repository": "ecr:{region}:{account}:repository/{name}",
    "AWS::ECS::Cluster": "ecs:{region}:{account}:cluster/{name}",
    "AWS::ECS::TaskDefinition": "ecs:{region}:{account}:task-definition/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::InstanceProfile": "iam::{account}:instance-profile/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::IAM::User": "iam::{account}:user/{name}",
    "AWS::KMS::Alias": "kms:{region}:{account}:{name}",
    "AWS::Kinesis::Stream": "kinesis:{region}:{account}:stream/{name}",
    **dict.fromkeys(FUNCTIONS, "lambda:{region}:{account}:function:{name}"),
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}",
    "AWS::RDS::DBCluster": "rds:{region}:{account}:cluster:{name}",
    "AWS::RDS::DBInstance": "rds:{region}:{account}:db:{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SSM::Parameter": "ssm:{region}:{account}:parameter/{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}


def literal_names(project: Project) -> Mapping[str | Text, tuple[Resource, ...]]:
    """Physical names and ARNs of the project's resources, where the templates fix them -> the resources called so.

    Names that are unique within a parent only are left out: ``api`` alone says nothing. In a template that says neither
    account nor region, an ARN is a :class:`Text` whose holes are the pseudo parameters'.
    """
    found: dict[str | Text, dict[Resource, None]] = {}
    for resource in project.known_resources():
        naming = naming_of(resource.type)
        if naming is None or naming.within:
            continue
        for path in naming.paths:
            value = resource.get(path)
            if not isinstance(value, Known) or not isinstance(value.value, str | Text):
                continue
            name = settled(value.value, project)
            if isinstance(name, Text) and not all(isinstance(hole, Pseudo) for hole in name.holes):
                continue
            for key in (name, *_arns(resource, naming.kind, name)):
                found.setdefault(key, {})[resource] = None
    return {key: tuple(resources) for key, resources in found.items()}


def _arns(resource: Resource, kind: str, name: str | Text) -> Iterator[str | Text]:
    pattern = _ARNS.get(kind)
    if pattern is None:
        return
    if kind.startswith("AWS::IAM::"):
        path = resource.get("Path")
        if isinstance(path, Known) and isinstance(path.value, str):
            name = text([path.value.lstrip("/"), *pieces(name)])
    if kind == "AWS::SSM::Parameter" and isinstance(name, str):
        name = name.removeprefix("/")  # arn:...:parameter/a for the parameters `a` and `/a`
    stack = resource.stack
    values: dict[str, str | Text] = {
        "region": stack.region or Text((Pseudo("AWS::Region"),)),
        "account": stack.account or Text((Pseudo("AWS::AccountId"),)),
        "name": name,
    }
    parts: list[str | Hole] = [f"arn:{stack.partition}:"]
    for piece in pattern.split("{"):
        placeholder, closed, literal = piece.partition("}")
        parts.extend((*pieces(values[placeholder]), literal) if closed else [placeholder])
    yield text(parts)
    if kind == "AWS::Logs::LogGroup":
        yield text([*parts, ":*"])
    if kind == "AWS::SQS::Queue":
        # Amazon SQS Developer Guide, "Queue and message identifiers": the URL, by which policies name a queue.
        suffix = ".amazonaws.com.cn/" if stack.partition == "aws-cn" else ".amazonaws.com/"
        region, account = pieces(values["region"]), pieces(values["account"])
        yield text(["https://sqs.", *region, suffix, *account, "/", *pieces(name)])
