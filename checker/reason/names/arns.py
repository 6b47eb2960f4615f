"""ARNs and physical names of a template's resources, as far as they are known before a deployment.

Formats: AWS Service Authorization Reference, "Resource types defined by" each service. A name that the template does
not set is made up by CloudFormation as ``STACK-LOGICALID-RANDOM`` (AWS CloudFormation User Guide, "Name type").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from checker.model.environments import Project
from checker.model.resources import FUNCTIONS, Resource, Stack
from checker.model.values import (
    SECRET_SUFFIX,
    Absent,
    ArnField,
    Attribute,
    Generated,
    Hole,
    Known,
    Pseudo,
    Reference,
    ResourceKey,
    Text,
    UnreadName,
    pieces,
    text,
)

# Longer than this CloudFormation shortens both parts of a generated name, in a way that it does not document.
_GENERATED_LIMIT: Final = 64
_RANDOM: Final = 13  # "-" and twelve characters


class _Shape(Struct, frozen=True):
    """How one type is named. ``tail`` is the ARN's last field; what ``Ref`` returns is the name or the ARN."""

    name: str
    service: str
    tail: str
    ref: Literal["name", "arn"] = "name"
    regional: bool = True
    account: bool = True
    lower: bool = False  # generated names are lower case
    suffix: str = ""  # what ``GetAtt Arn`` has after the ARN that policies name
    random: bool = False  # the service itself appends random characters


_SHAPES: Final[Mapping[str, _Shape]] = {
    "AWS::IAM::Role": _Shape("RoleName", "iam", "role{path}{name}", regional=False),
    "AWS::IAM::User": _Shape("UserName", "iam", "user{path}{name}", regional=False),
    "AWS::IAM::ManagedPolicy": _Shape("ManagedPolicyName", "iam", "policy{path}{name}", "arn", regional=False),
    "AWS::IAM::OIDCProvider": _Shape("Url", "iam", "oidc-provider/{name}", "arn", regional=False),
    "Custom::AWSCDKOpenIdConnectProvider": _Shape("Url", "iam", "oidc-provider/{name}", "arn", regional=False),
    "AWS::ECR::Repository": _Shape("RepositoryName", "ecr", "repository/{name}", lower=True),
    "AWS::ECS::Cluster": _Shape("ClusterName", "ecs", "cluster/{name}"),
    "AWS::S3::Bucket": _Shape("BucketName", "s3", "{name}", regional=False, account=False, lower=True),
    "AWS::Logs::LogGroup": _Shape("LogGroupName", "logs", "log-group:{name}", suffix=":*"),
    "AWS::SecretsManager::Secret": _Shape("Name", "secretsmanager", "secret:{name}", "arn", random=True),
    **dict.fromkeys(FUNCTIONS, _Shape("FunctionName", "lambda", "function:{name}")),
    "AWS::SQS::Queue": _Shape("QueueName", "sqs", "{name}"),
    "AWS::SNS::Topic": _Shape("TopicName", "sns", "{name}", "arn"),
    "AWS::Events::Rule": _Shape("Name", "events", "rule/{name}"),
    "AWS::CloudWatch::Alarm": _Shape("AlarmName", "cloudwatch", "alarm:{name}"),
    "AWS::CloudWatch::CompositeAlarm": _Shape("AlarmName", "cloudwatch", "alarm:{name}"),
    "AWS::CloudTrail::Trail": _Shape("TrailName", "cloudtrail", "trail/{name}"),
    "AWS::DynamoDB::Table": _Shape("TableName", "dynamodb", "table/{name}"),
    "AWS::KMS::Key": _Shape("", "kms", "key/{name}"),  # AWS KMS makes up the id of each
}


class _Written(Struct, frozen=True):
    """How policies name a type where its template writes its name: ``arns`` are the attributes that answer its ARN, of
    which the empty one is ``Ref``; where that is none of them it answers the name."""

    name: str
    service: str
    tail: str
    arns: tuple[str, ...] = ()
    lower: bool = False


_WRITTEN: Final[Mapping[str, _Written]] = {
    "AWS::CodeBuild::Project": _Written("Name", "codebuild", "project/", ("Arn",)),
    "AWS::CodePipeline::Pipeline": _Written("Name", "codepipeline", ""),
    "AWS::Events::EventBus": _Written("Name", "events", "event-bus/", ("Arn",)),
    "AWS::Kinesis::Stream": _Written("Name", "kinesis", "stream/", ("Arn",)),
    "AWS::RDS::DBCluster": _Written("DBClusterIdentifier", "rds", "cluster:", ("DBClusterArn",), lower=True),
    "AWS::RDS::DBInstance": _Written("DBInstanceIdentifier", "rds", "db:", ("DBInstanceArn",), lower=True),
    "AWS::SSM::Parameter": _Written("Name", "ssm", "parameter/"),
    "AWS::StepFunctions::StateMachine": _Written("StateMachineName", "states", "stateMachine:", ("", "Arn")),
}


def name_of(resource: Resource) -> str | Text:
    """The physical name: as the template sets it, or as CloudFormation would make it up, with a hole for the rest."""
    shape = _SHAPES[resource.type]
    if not shape.name:
        return Text((Generated(_shown(resource), resource.key),))
    value = resource.get(shape.name)
    if isinstance(value, Known) and isinstance(value.value, str | Text):
        return _host(value.value) if shape.name == "Url" else value.value
    if not isinstance(value, Absent):
        return Text((UnreadName(resource.key, False, _shown(resource)),))
    stack, rest = resource.stack, Generated(_shown(resource), resource.key)
    name = resource.logical_id.lower() if shape.lower else resource.logical_id
    if stack.parent is not None:
        return Text((rest,))
    stack_name = stack.name.lower() if shape.lower else stack.name
    if len(stack_name) + 1 + len(name) + _RANDOM > _GENERATED_LIMIT:
        return text([stack_name[:16], rest])
    return text([f"{stack_name}-{name}-", rest])


def _shown(resource: Resource) -> str:
    return f"${{{resource.logical_id}}}"


def _host(url: str | Text) -> str | Text:
    """An OIDC provider is named by its URL without the scheme."""
    first, *rest = pieces(url)
    return text([first.removeprefix("https://") if isinstance(first, str) else first, *rest])


def arn_of(resource: Resource) -> str | Text | None:
    """The ARN that policies name the resource by; ``None`` for types that are not in the table."""
    shape = _SHAPES.get(resource.type)
    if shape is None:
        return None
    if shape.service == "iam" and resource.raw_at("Path") is not None:
        path = resource.get("Path")
        if isinstance(path, Known) and isinstance(path.value, str | Text):
            path_pieces = pieces(path.value)
        else:
            path_pieces = ("/",) if isinstance(path, Absent) else (UnreadName(resource.key, True, _shown(resource)),)
    else:
        path_pieces = ("/",)
    tail: list[str | Hole] = []
    for index, part in enumerate(shape.tail.replace("{path}", "\0").replace("{name}", "\0").split("\0")):
        if index:
            named = index == 2 or "{path}" not in shape.tail
            tail.extend(pieces(name_of(resource)) if named else path_pieces)
        tail.append(part)
    if shape.random:
        tail.extend(["-", Generated(_shown(resource), resource.key, SECRET_SUFFIX)])
    return _arn(resource.stack, shape, tail)


def arn_named(stack: Stack, kind: str, name: str, path: str = "/") -> str | None:
    """What ``GetAtt Arn`` answers for a resource whose physical name is known; ``None`` where the format is not."""
    shape = _SHAPES.get(kind)
    if shape is None or shape.random or not stack.account or not stack.region:
        return None
    region, account = (stack.region if shape.regional else ""), (stack.account if shape.account else "")
    tail = shape.tail.replace("{path}", path).replace("{name}", name)
    return f"arn:{stack.partition}:{shape.service}:{region}:{account}:{tail}{shape.suffix}"


def _arn(stack: Stack, shape: _Shape, tail: list[str | Hole]) -> str | Text:
    return text(
        [
            f"arn:{stack.partition}:{shape.service}:",
            *(_region(stack) if shape.regional else ()),
            ":",
            *(account_of(stack) if shape.account else ()),
            ":",
            *tail,
        ]
    )


def account_of(stack: Stack) -> tuple[str | Hole, ...]:
    """The stack's account: its number, or what ``AWS::AccountId`` stands for."""
    return (stack.account or Pseudo("AWS::AccountId"),)


def _region(stack: Stack) -> tuple[str | Hole, ...]:
    return (stack.region or Pseudo("AWS::Region"),)


def stack_arn(stack: Stack) -> Text:
    """The ARN of a stack: its name, and an id that CloudFormation makes up."""
    unique = Generated("${AWS::StackId}", ResourceKey(stack.id, ""))
    head = f"arn:{stack.partition}:cloudformation:"
    return Text(_joined([head, *_region(stack), ":", *account_of(stack), f":stack/{stack.name}/", unique]))


def ecs_arn(stack: Stack, kind: str, name: str | Text) -> str | Text:
    """An ARN of Amazon ECS: ``kind`` is ``service``, ``task-definition``, …, and ``name`` what follows the slash."""
    return text([f"arn:{stack.partition}:ecs:", *_region(stack), ":", *account_of(stack), f":{kind}/", *pieces(name)])


def _joined(parts: list[str | Hole]) -> tuple[str | Hole, ...]:
    return pieces(text(parts))


def expand(value: str | Text, project: Project) -> str | Text:
    """The string with references to the project's resources replaced by their names and ARNs where those are known."""
    if isinstance(value, str):
        return value
    parts: list[str | Hole] = []
    for part in value.parts:
        parts.extend(_expanded(part, project) if isinstance(part, Reference) else (part,))
    return text(parts)


def service_names(service: Resource, project: Project) -> tuple[str | Text, str | Text]:
    """The name of the cluster that an ECS service is in, and its own; holes where they are open."""
    cluster, name = service.get("Cluster"), service.get("ServiceName")
    written = cluster.value if isinstance(cluster, Known) and isinstance(cluster.value, str | Text) else "default"
    if isinstance(name, Known) and isinstance(name.value, str | Text):
        named = name.value
    else:
        made_up = Generated(f"${{{service.logical_id}.Name}}", service.key)
        named = text([f"{service.stack.name}-", made_up])
    return _after_slash(expand(written, project)), named


def _after_slash(written: str | Text) -> str | Text:
    """A cluster's name, whether it is given by name or by ARN."""
    parts = list(pieces(written))
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, str) and "/" in part:
            return text([part.rpartition("/")[2], *parts[index + 1 :]])
    return written


def _service(hole: Reference, service: Resource, project: Project) -> tuple[str | Hole, ...]:
    """What ``Ref`` and ``Fn::GetAtt`` answer for an ECS service: its ARN, and its name."""
    cluster, name = service_names(service, project)
    match hole:
        case Attribute(name="Name"):
            return pieces(name)
        case Attribute(name="" | "ServiceArn"):
            return pieces(ecs_arn(service.stack, "service", text([*pieces(cluster), "/", *pieces(name)])))
        case ArnField(field=5):
            return ("service/", *pieces(cluster), "/", *pieces(name))
        case _:
            return (hole,)


def _as_written(hole: Reference, resource: Resource, shape: _Written) -> tuple[str | Hole, ...]:
    """What an attribute answers for a resource whose template writes its name; itself for any other."""
    value = resource.get(shape.name)
    if not isinstance(hole, Attribute) or not isinstance(value, Known) or not isinstance(value.value, str | Text):
        return (hole,)
    name = pieces(value.value)
    if shape.lower:
        name = tuple(part.lower() if isinstance(part, str) else part for part in name)
    if hole.name in shape.arns:
        head = [f"arn:{resource.stack.partition}:{shape.service}:", *_region(resource.stack), ":"]
        return _joined([*head, *account_of(resource.stack), f":{shape.tail}", *name])
    return name if not hole.name else (hole,)


def _expanded(hole: Reference, project: Project) -> tuple[str | Hole, ...]:
    resource = project.resource(hole.target)
    shape = _SHAPES.get(resource.type) if resource is not None else None
    if resource is not None and resource.type == "AWS::ECS::Service":
        return _service(hole, resource, project)
    if resource is not None and resource.type in _WRITTEN:
        return _as_written(hole, resource, _WRITTEN[resource.type])
    if resource is None or shape is None:
        return (hole,)
    match hole:
        case Attribute(name="") if shape.ref == "name":
            return pieces(name_of(resource))
        case Attribute(name="QueueName" | "TopicName" as attribute) if attribute == shape.name:
            return pieces(name_of(resource))
        case Attribute(name="Id") if shape.ref != "arn":
            return (hole,)
        case Attribute(name="" | "Arn" | "PolicyArn" | "TopicArn" | "Id") if (arn := arn_of(resource)) is not None:
            return (*pieces(arn), *((shape.suffix,) if shape.suffix else ()))
        case ArnField(field=5) if (arn := arn_of(resource)) is not None:
            return pieces(arn_tail(arn))
        case _:
            return (hole,)


def arn_tail(arn: str | Text) -> str | Text:
    """The last field of an ARN, which may have colons of its own. Holes before it have none."""
    colons = 0
    kept: list[str | Hole] = []
    for part in pieces(arn):
        if colons >= 5 or isinstance(part, Hole):
            if colons >= 5:
                kept.append(part)
            continue
        fields = part.split(":")
        if colons + len(fields) - 1 < 5:
            colons += len(fields) - 1
            continue
        kept.append(":".join(fields[5 - colons :]))
        colons = 5
    return text(kept)
