"""Builds ``checker/data/resource_types.json``: which property names a resource, and where that name must be unique.

The facts come from the CloudFormation registry schemas that cfn-lint carries; the tables below hold only what a schema
cannot say, each with its source. Run it again whenever the locked cfn-lint changes:

    python tools/resource_types.py            write the file
    python tools/resource_types.py --check    exit 1 when the file is not what the schemas say
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from checker.reason.names.naming import is_own_name

TARGET: Final = Path(__file__).parent.parent / "checker" / "data" / "resource_types.json"

# Identifiers that refer to something else, or names that several resources may share: they cannot collide.
# Sources: the "Create..." operation of each service's API reference, which does not refuse an existing name.
NOT_UNIQUE: Final = frozenset(
    {
        "AWS::ApiGateway::ApiKey",
        "AWS::ApiGateway::UsagePlanKey",
        "AWS::Athena::NamedQuery",
        "AWS::CloudFormation::ModuleDefaultVersion",
        "AWS::ControlTower::EnabledBaseline",
        "AWS::ControlTower::EnabledControl",
        "AWS::DataPipeline::Pipeline",
        "AWS::DirectoryService::MicrosoftAD",  # a directory's domain name, one per network
        "AWS::DirectoryService::SimpleAD",
        "AWS::EKS::Addon",  # the add-on's product name
        "AWS::EMR::Cluster",
        "AWS::EMR::Step",
        "AWS::EMRServerless::Application",
        "AWS::GreengrassV2::Deployment",
        "AWS::HealthImaging::Datastore",
        "AWS::IVS::EncoderConfiguration",
        "AWS::IVS::IngestConfiguration",
        "AWS::IVS::PlaybackKeyPair",
        "AWS::IVS::PublicKey",
        "AWS::IVS::RecordingConfiguration",
        "AWS::IVS::StorageConfiguration",
        "AWS::IoTWireless::DeviceProfile",
        "AWS::IoTWireless::ServiceProfile",
        "AWS::Omics::ReferenceStore",
        "AWS::Pinpoint::App",
        "AWS::Route53::HostedZone",  # Route 53 Developer Guide: several zones may have the same name
        "AWS::Route53::TrafficPolicy",
        "AWS::SSM::ServiceSetting",
        "AWS::SecurityHub::SecurityControl",
        "AWS::SecurityLake::AwsLogSource",
        "AWS::Transfer::Certificate",
    }
)
_NOT_UNIQUE_SERVICES: Final = ("AWS::WAF::", "AWS::WAFRegional::")  # AWS WAF Classic: names are labels, ids identify

# Ref is the name, though the schema calls the identifier otherwise: an `Id` that nobody gives. Source: CloudFormation
# Template Reference, each type, "Return values".
REF_IS_NAME: Final = frozenset({"AWS::CodeBuild::Project", "AWS::DocDB::DBCluster", "AWS::DocDB::DBInstance"})

# Names that the schema does not mark as identifier or create-only, though the service refuses a second one.
MORE_NAMES: Final[Mapping[str, str]] = {
    "AWS::Bedrock::Agent": "AgentName",
    "AWS::Bedrock::Guardrail": "Name",
    "AWS::Bedrock::KnowledgeBase": "Name",
    "AWS::CloudFront::CachePolicy": "CachePolicyConfig.Name",
    "AWS::CloudFront::KeyGroup": "KeyGroupConfig.Name",
    "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig.Name",
    "AWS::CloudFront::OriginRequestPolicy": "OriginRequestPolicyConfig.Name",
    "AWS::CloudFront::PublicKey": "PublicKeyConfig.Name",
    "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig.Name",
    "AWS::CloudTrail::EventDataStore": "Name",
    "AWS::CodeCommit::Repository": "RepositoryName",
    "AWS::Cognito::UserPoolDomain": "Domain",
    "AWS::DMS::Endpoint": "EndpointIdentifier",
    "AWS::DMS::ReplicationInstance": "ReplicationInstanceIdentifier",
    "AWS::DMS::ReplicationTask": "ReplicationTaskIdentifier",
    "AWS::ECR::PullThroughCacheRule": "EcrRepositoryPrefix",
    "AWS::ECR::RepositoryCreationTemplate": "Prefix",
    # Two stacks with one family register their revisions in turn: the newest may be the other environment's.
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::Glue::Database": "DatabaseName|DatabaseInput.Name",
    "AWS::Glue::Table": "Name|TableInput.Name",
    "AWS::LakeFormation::Tag": "TagKey",
    "AWS::Lightsail::Container": "ServiceName",
    "AWS::MediaPackage::Asset": "Id",
    "AWS::MediaPackage::Channel": "Id",
    "AWS::MediaPackage::OriginEndpoint": "Id",
    "AWS::MediaPackage::PackagingConfiguration": "Id",
    "AWS::MediaPackage::PackagingGroup": "Id",
    # An account has one provider per URL (IAM API Reference, CreateOpenIDConnectProvider).
    "AWS::IAM::OIDCProvider": "Url",
    "AWS::ServiceCatalogAppRegistry::Application": "Name",
    "AWS::ServiceCatalogAppRegistry::AttributeGroup": "Name",
    "AWS::XRay::Group": "GroupName",
    "AWS::XRay::SamplingRule": "SamplingRule.RuleName",
}

# Types that the registry has no schema for. Source: AWS SAM, "AWS SAM resources and properties".
OTHER_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "AWS::Serverless::Function": {"name": "FunctionName", "as": "AWS::Lambda::Function", "ref": True},
    "AWS::Serverless::SimpleTable": {"name": "TableName", "as": "AWS::DynamoDB::Table", "ref": True},
    "AWS::Serverless::StateMachine": {"name": "Name", "as": "AWS::StepFunctions::StateMachine"},
}

# Parents within which a name must be unique, where neither the identifier nor a create-only property tells.
PARENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": (
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "ScalingTargetId",
    ),
    "AWS::Cognito::UserPoolDomain": (),  # a prefix is unique in the region, whatever the pool
    "AWS::Events::Rule": ("EventBusName",),
    "AWS::Glue::Schema": ("Registry",),
    "AWS::ImageBuilder::Component": ("Version",),
    "AWS::ImageBuilder::ContainerRecipe": ("Version",),
    "AWS::ImageBuilder::ImageRecipe": ("Version",),
    "AWS::ImageBuilder::Workflow": ("Type", "Version"),
    "AWS::Kinesis::StreamConsumer": ("StreamARN",),
    # Cloud Map API Reference, CreatePrivateDnsNamespace: a name may be used again in another VPC.
    "AWS::ServiceDiscovery::PrivateDnsNamespace": ("Vpc",),
    # Route 53 API Reference, ResourceRecordSet; a record names its zone by id or by name.
    "AWS::Route53::RecordSet": ("HostedZoneId", "HostedZoneName", "Type", "SetIdentifier"),
    "AWS::Scheduler::Schedule": ("GroupName",),
    "AWS::StepFunctions::StateMachineAlias": ("RoutingConfiguration",),
    # Their create-only references are inputs, not scopes: the names are unique in the account.
    "AWS::AppRunner::VpcIngressConnection": (),
    "AWS::CodeConnections::Connection": (),
    "AWS::CodeStarConnections::Connection": (),
    "AWS::DAX::Cluster": (),
    "AWS::DMS::ReplicationInstance": (),
    "AWS::DMS::ReplicationTask": (),
    "AWS::DocDB::DBInstance": (),
    "AWS::DocDB::DBCluster": (),
    "AWS::OpenSearchServerless::Collection": (),
    "AWS::RDS::DBClusterEndpoint": (),
    "AWS::RDS::Deployment": (),
}
_ACCOUNT_WIDE_ARNS: Final = ("AWS::Personalize::", "AWS::SageMaker::")

# Services without regions, or with one set of names for all of them (AWS General Reference, "Global services").
ACCOUNT_WIDE: Final = (
    "AWS::Budgets::",
    "AWS::CE::",
    "AWS::CUR::",
    "AWS::Chatbot::",
    "AWS::CloudFront::",
    "AWS::CloudWatch::Dashboard",  # CloudWatch User Guide: dashboards are global
    "AWS::GlobalAccelerator::",
    "AWS::IAM::",
    "AWS::NetworkManager::",
    "AWS::Organizations::",
    "AWS::Route53::",
    "AWS::Route53RecoveryControl::",
    "AWS::Shield::",
)
# Names shared by all accounts of a partition (Amazon S3 User Guide, "Bucket naming rules").
PARTITION_WIDE: Final = frozenset({"AWS::S3::Bucket"})

# Compared without case. Beyond what `propertyTransform` says: IAM User Guide, "IAM identifiers"; RDS, ElastiCache,
# Redshift and DMS store identifiers in lower case (their API references); DNS names have no case.
CASELESS: Final = (
    "AWS::DMS::",
    "AWS::DocDB::",
    "AWS::ElastiCache::",
    "AWS::IAM::Group",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    "AWS::MemoryDB::",
    "AWS::Neptune::",
    "AWS::RDS::",
    "AWS::Redshift::",
    "AWS::Route53::",
    "AWS::S3::Bucket",
    "AWS::ServiceDiscovery::",
)

# Types that draw from one set of names: DocumentDB and Neptune are managed by the RDS API; composite and metric alarms
# share theirs (CloudWatch API Reference, PutCompositeAlarm). Both search engines make domains of one service, whose
# names are unique among all domains of an account in a Region (OpenSearch Service API Reference, CreateDomain and
# DomainInfo); domain names of both API generations are one list (API Gateway API Reference, "Amazon API Gateway Version
# 2").
SAME_NAMES: Final[Mapping[str, str]] = {
    "AWS::ApiGatewayV2::DomainName": "AWS::ApiGateway::DomainName",
    "AWS::CloudWatch::CompositeAlarm": "AWS::CloudWatch::Alarm",
    "AWS::DocDB::DBCluster": "AWS::RDS::DBCluster",
    "AWS::DocDB::DBClusterParameterGroup": "AWS::RDS::DBClusterParameterGroup",
    "AWS::DocDB::DBInstance": "AWS::RDS::DBInstance",
    "AWS::DocDB::DBSubnetGroup": "AWS::RDS::DBSubnetGroup",
    "AWS::DocDB::EventSubscription": "AWS::RDS::EventSubscription",
    "AWS::DocDB::GlobalCluster": "AWS::RDS::GlobalCluster",
    "AWS::DynamoDB::GlobalTable": "AWS::DynamoDB::Table",
    "AWS::Elasticsearch::Domain": "AWS::OpenSearchService::Domain",
    "AWS::Neptune::DBCluster": "AWS::RDS::DBCluster",
    "AWS::Neptune::DBClusterParameterGroup": "AWS::RDS::DBClusterParameterGroup",
    "AWS::Neptune::DBInstance": "AWS::RDS::DBInstance",
    "AWS::Neptune::DBParameterGroup": "AWS::RDS::DBParameterGroup",
    "AWS::Neptune::DBSubnetGroup": "AWS::RDS::DBSubnetGroup",
    "AWS::Neptune::EventSubscription": "AWS::RDS::EventSubscription",
    "AWS::Neptune::GlobalCluster": "AWS::RDS::GlobalCluster",
}

_PREFIX: Final = "/properties/"
# Parts of an identifier that are no parent: kinds, versions, and the account itself.
_BESIDE: Final = re.compile(
    r"(Type|Scope|Version|Code|Dimension|SetIdentifier|CatalogId|AwsAccountId|ServiceNamespace)$"
)
_REFERENCE: Final = re.compile(r"^(.+?)(?:Id|Name|Arn|ARN|Identifier)$")


def main(arguments: list[str]) -> int:
    built = render(build(schemas()))
    if arguments == ["--check"]:
        if TARGET.read_text(encoding="utf-8") == built:
            return 0
        sys.stderr.write(f"{TARGET}: not what the schemas say; run python tools/resource_types.py\n")
        return 1
    TARGET.write_text(built, encoding="utf-8")
    return 0


def schemas() -> Iterator[Mapping[str, Any]]:
    """The schema of every type in us-east-1, the region that has them all."""
    folder = files("cfnlint") / "data" / "schemas"
    providers = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    for kind, digest in sorted(providers.items()):
        if kind.startswith("AWS::"):
            yield json.loads((folder / "resources" / f"{digest}.json").read_text(encoding="utf-8"))


def build(every: Iterator[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Type -> what is known of its name, see :class:`checker.reason.names.physical.Naming` for the fields."""
    known = list(every)
    shorts: dict[str, set[str]] = {}
    for schema in known:
        _, service, short = schema["typeName"].split("::")
        shorts.setdefault(service, set()).add(short.lower())
    table = {}
    for schema in known:
        entry = _entry(schema, shorts[schema["typeName"].split("::")[1]])
        if entry is not None:
            table[schema["typeName"]] = entry
    return dict(sorted({**table, **OTHER_TYPES}.items()))


def render(table: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per type, so that a change shows as a change of that type."""
    lines = [f"{json.dumps(kind)}: {json.dumps(entry, sort_keys=True)}" for kind, entry in table.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entry(schema: Mapping[str, Any], shorts: set[str]) -> dict[str, Any] | None:
    kind: str = schema["typeName"]
    if kind in NOT_UNIQUE or kind.startswith(_NOT_UNIQUE_SERVICES):
        return None
    short = kind.rsplit("::", 1)[-1]
    read_only = _paths(schema, "readOnlyProperties")
    identifier = _paths(schema, "primaryIdentifier")
    writable = [path for path in identifier if path not in read_only]
    identified_by = [path for path in writable if _names(path, short, shorts, identifier=True)]
    names = identified_by or [
        path
        for path in _paths(schema, "createOnlyProperties")
        if path not in read_only and _names(path, short, shorts, identifier=False)
    ]
    names = [path for path in _best(names, short) if _is_text(schema, path)]
    name = MORE_NAMES.get(kind) or "|".join(path.replace("/", ".") for path in names)
    if not name:
        return None
    entry: dict[str, Any] = {"name": name}
    parents = PARENTS.get(kind)
    if parents is None:
        parents = tuple(path for path in writable if path not in names and path not in MORE_NAMES.get(kind, ""))
        if not identified_by:
            parents = tuple(dict.fromkeys((*parents, *_parents(schema, names, read_only, shorts))))
    within = [path for path in parents if not _BESIDE.search(path)]
    beside = [path for path in parents if _BESIDE.search(path)]
    if within:
        entry["within"] = within
    if beside:
        entry["beside"] = beside
    if kind in PARTITION_WIDE:
        entry["reach"] = "partition"
    elif kind.startswith(ACCOUNT_WIDE):
        entry["reach"] = "account"
    if kind.startswith(CASELESS) or f"$lowercase({name})" in schema.get("propertyTransform", {}).get(
        _PREFIX + name, ""
    ):
        entry["caseless"] = True
    # Ref answers with the primary identifier: where that is the name alone, Ref is the name.
    if identifier == names or kind in REF_IS_NAME:
        entry["ref"] = True
    if kind in SAME_NAMES:
        entry["as"] = SAME_NAMES[kind]
    return entry


def _paths(schema: Mapping[str, Any], key: str) -> list[str]:
    return [path.removeprefix(_PREFIX) for path in schema.get(key) or ()]


def _names(path: str, short: str, shorts: set[str], *, identifier: bool) -> bool:
    if "*" in path:
        return False
    return is_own_name(path.rsplit("/", 1)[-1], short, shorts, identifier=identifier)


def _best(names: list[str], short: str) -> list[str]:
    """The name among several: the one that says so, at the top; nested ones stand in for each other."""
    top = [path for path in names if "/" not in path]
    for wanted in (f"{short}Name", f"{short}Identifier", f"{short}Id", "Name"):
        if wanted in top:
            return [wanted]
    return top[:1] or names


def _parents(schema: Mapping[str, Any], names: list[str], read_only: list[str], shorts: set[str]) -> Iterator[str]:
    """Create-only properties that refer to another type of the same service: what the resource is made in."""
    kind: str = schema["typeName"]
    if kind.startswith(_ACCOUNT_WIDE_ARNS) or kind.endswith("Snapshot"):
        return
    own = kind.rsplit("::", 1)[-1].lower()
    for path in _paths(schema, "createOnlyProperties"):
        match = _REFERENCE.match(path)
        if match is None or "/" in path or path in names or path in read_only:
            continue
        stem = match.group(1).lower()
        if stem != own and any(other != own and other.endswith(stem) for other in shorts):
            yield path


def _is_text(schema: Mapping[str, Any], path: str) -> bool:
    """Whether the property is a string; an object that happens to be called like the type names nothing."""
    node: Mapping[str, Any] = schema
    for step in path.split("/"):
        node = _followed(schema, _followed(schema, node).get("properties", {}).get(step, {}))
    kinds = node.get("type", "string" if "enum" in node or "pattern" in node else "")
    return "string" in (kinds if isinstance(kinds, list) else [kinds])


def _followed(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref", "")
    if isinstance(reference, str) and reference.startswith("#/definitions/"):
        found: Mapping[str, Any] = schema.get("definitions", {}).get(reference.rsplit("/", 1)[-1], {})
        return found
    return node


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
