"""Who is in which security group: what runs on its network's default one, and groups of what only answers.

Each service takes the default group where it is given subnets and no group (their pages in the AWS CloudFormation
Template Reference), and a group that is named as the network's default one is no better. A group of which nothing but
databases, caches, file systems and endpoints are members is not a service's: nobody's code runs in it that could send
anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.model.environments import Environment, Project
from checker.model.resources import Resource
from checker.model.values import ABSENT, Absent, Attribute, Known, Resolved, Text, Unknown, as_list
from checker.reason.network.security_groups import SECURITY_GROUP
from checker.reason.templates.sdk_calls import states

# Type -> what says that it is in a network, and where it names its groups; `*` stands for every element of a list.
_PLACES: Final = (
    ("AWS::AppRunner::VpcConnector", "Subnets", "SecurityGroups"),
    ("AWS::Batch::ComputeEnvironment", "ComputeResources.Subnets", "ComputeResources.SecurityGroupIds"),
    ("AWS::CodeBuild::Project", "VpcConfig.Subnets", "VpcConfig.SecurityGroupIds"),
    ("AWS::EC2::Instance", "SubnetId", "SecurityGroupIds"),
    ("AWS::EC2::Instance", "NetworkInterfaces.*.SubnetId", "NetworkInterfaces.*.GroupSet"),
    ("AWS::EC2::NetworkInterface", "SubnetId", "GroupSet"),
    (
        "AWS::EC2::LaunchTemplate",
        "LaunchTemplateData.NetworkInterfaces.*.SubnetId",
        "LaunchTemplateData.NetworkInterfaces.*.Groups",
    ),
    (
        "AWS::ECS::Service",
        "NetworkConfiguration.AwsvpcConfiguration",
        "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
    ),
    (
        "AWS::ECS::TaskSet",
        "NetworkConfiguration.AwsVpcConfiguration",
        "NetworkConfiguration.AwsVpcConfiguration.SecurityGroups",
    ),
    (
        "AWS::Events::Rule",
        "Targets.*.EcsParameters.NetworkConfiguration.AwsVpcConfiguration",
        "Targets.*.EcsParameters.NetworkConfiguration.AwsVpcConfiguration.SecurityGroups",
    ),
    (
        "AWS::Pipes::Pipe",
        "TargetParameters.EcsTaskParameters.NetworkConfiguration.AwsvpcConfiguration",
        "TargetParameters.EcsTaskParameters.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
    ),
    (
        "AWS::Scheduler::Schedule",
        "Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration",
        "Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
    ),
    ("AWS::EMRServerless::Application", "NetworkConfiguration.SubnetIds", "NetworkConfiguration.SecurityGroupIds"),
    ("AWS::Lambda::Function", "VpcConfig", "VpcConfig.SecurityGroupIds"),
    ("AWS::MWAA::Environment", "NetworkConfiguration.SubnetIds", "NetworkConfiguration.SecurityGroupIds"),
    ("AWS::SageMaker::Model", "VpcConfig.Subnets", "VpcConfig.SecurityGroupIds"),
    ("AWS::SageMaker::NotebookInstance", "SubnetId", "SecurityGroupIds"),
    ("AWS::Serverless::Function", "VpcConfig", "VpcConfig.SecurityGroupIds"),
    ("AWS::Synthetics::Canary", "VPCConfig.SubnetIds", "VPCConfig.SecurityGroupIds"),
)
# These make or demand a group where they are given none: only the default group by name counts.
_NAMED_ONLY: Final = (
    ("AWS::EKS::Cluster", "ResourcesVpcConfig.SecurityGroupIds"),
    ("AWS::Glue::Connection", "ConnectionInput.PhysicalConnectionRequirements.SecurityGroupIdList"),
    ("AWS::AutoScaling::LaunchConfiguration", "SecurityGroups"),
    ("AWS::EC2::LaunchTemplate", "LaunchTemplateData.SecurityGroupIds"),
    ("AWS::DMS::ReplicationInstance", "VpcSecurityGroupIds"),
)
# A template for instances that are put into a network by whoever starts them.
_STARTERS: Final = (
    ("AWS::AutoScaling::AutoScalingGroup", "VPCZoneIdentifier", "LaunchTemplate"),
    (
        "AWS::AutoScaling::AutoScalingGroup",
        "VPCZoneIdentifier",
        "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification",
    ),
    ("AWS::AutoScaling::AutoScalingGroup", "VPCZoneIdentifier", "LaunchConfigurationName"),
    ("AWS::EC2::Instance", "SubnetId", "LaunchTemplate"),
)
# Fleets, and where they say what to start: each from several templates, or by specifications of its own (Amazon EC2 API
# Reference, "SpotFleetLaunchSpecification"). Without a subnet they are in the account's default network, and there on
# its default group.
_FLEETS: Final = (
    ("AWS::EC2::EC2Fleet", "LaunchTemplateConfigs"),
    ("AWS::EC2::SpotFleet", "SpotFleetRequestConfigData.LaunchTemplateConfigs"),
)
_SPECIFICATIONS: Final = "SpotFleetRequestConfigData.LaunchSpecifications"
_TEMPLATES: Final = {
    "AWS::EC2::LaunchTemplate": ("LaunchTemplateData.SecurityGroupIds", "LaunchTemplateData.NetworkInterfaces"),
    "AWS::AutoScaling::LaunchConfiguration": ("SecurityGroups",),
}


def on_default_group(environment: Environment) -> Iterator[tuple[Resource, str]]:
    """What runs on its network's default group, and the property that says so, or says nothing."""
    for kind, network, groups in _PLACES:
        for owner in environment.resources(kind):
            for placed, given, path in _pairs(owner, network, groups):
                absent = placed and isinstance(given, Absent) and not _by_template(owner, path)
                if absent or (not isinstance(given, Absent) and _names_default(given)):
                    yield owner, path
    yield from _by_state_machines(environment)
    for kind, groups in _NAMED_ONLY:
        for owner in environment.resources(kind):
            value = owner.get(groups)
            if isinstance(value, Known) and _names_default(value.value):
                yield owner, groups
    for kind, network, template in _STARTERS:
        for owner in environment.resources(kind):
            if isinstance(owner.get(network), Known):
                value = owner.get(template)
                if isinstance(value, Known) and _starts_without(environment, owner, value.value):
                    yield owner, template
    yield from _by_fleets(environment)


def _by_fleets(environment: Environment) -> Iterator[tuple[Resource, str]]:
    for kind, path in _FLEETS:
        for owner in environment.resources(kind):
            for index, each in enumerate(_items(owner, path)):
                given = _below(each, "LaunchTemplateSpecification") if isinstance(each, dict) else None
                if _starts_without(environment, owner, given):
                    yield owner, f"{path}.{index}.LaunchTemplateSpecification"
    for owner in environment.resources("AWS::EC2::SpotFleet"):
        for index, each in enumerate(_items(owner, _SPECIFICATIONS)):
            if isinstance(each, dict) and any(_bare(group) for group in _groups_of(each)):
                yield owner, f"{_SPECIFICATIONS}.{index}"


def _items(owner: Resource, path: str) -> list[Resolved]:
    value = owner.get(path)
    return value.value if isinstance(value, Known) and isinstance(value.value, list) else []


def _groups_of(specification: dict[str, Resolved]) -> Iterator[Resolved]:
    """What each new network interface is given as its groups; one without interfaces has one."""
    interfaces = specification.get("NetworkInterfaces")
    if not interfaces:
        yield specification.get("SecurityGroups")
    for each in interfaces if isinstance(interfaces, list) else ():
        if isinstance(each, dict) and "NetworkInterfaceId" not in each:
            yield each.get("Groups")


def _bare(groups: Resolved) -> bool:
    named = [each.get("GroupId") if isinstance(each, dict) else each for each in as_list(groups)]
    return not named or _names_default(named)


def _starts_without(environment: Environment, owner: Resource, template: Resolved) -> bool:
    """Whether a template of the project, by its id or its name, puts what is started into no group."""
    names = (
        [template.get(f"LaunchTemplate{key}") for key in ("Id", "Name")] if isinstance(template, dict) else [template]
    )
    started = next(filter(None, (environment.referred(each) for each in names)), None)
    return started is not None and not _has_groups(started, owner)


_RUNS_TASK: Final = lazy_re.compile(r"arn:[\w*-]+:states:::(?:aws-sdk:)?ecs:runTask(?:\.\w+)?")


def _by_state_machines(environment: Environment) -> Iterator[tuple[Resource, str]]:
    """State machines that run a task in a network (AWS Step Functions Developer Guide, "Run Amazon ECS or Fargate
    tasks"); ``SecurityGroups.$`` is given when it runs."""
    for owner, path, state in states(environment):
        if not _RUNS_TASK.fullmatch(str(state.get("Resource", ""))):
            continue
        for given in (state.get("Parameters"), state.get("Arguments")):
            told = _below(given, "NetworkConfiguration.AwsvpcConfiguration") if isinstance(given, dict) else None
            if not isinstance(told, dict) or "SecurityGroups.$" in told:
                continue
            groups = _or_absent(told.get("SecurityGroups"))
            if isinstance(groups, Absent) or _names_default(groups):
                yield owner, path


def _pairs(owner: Resource, network: str, groups: str) -> Iterator[tuple[bool, Resolved | Absent, str]]:
    """Whether it is in a network, and what it names as its groups there: once for each element of a list."""
    head, star, below = network.partition(".*.")
    if not star:
        value = owner.get(groups)
        given = value.value if isinstance(value, Known) else value
        placed = owner.get(network)
        # An empty list is the same as none.
        yield isinstance(placed, Known) and placed.value != [], _or_absent(given), groups
        return
    listed = owner.get(head)
    inner = groups.partition(".*.")[2]
    for index, entry in enumerate(listed.value if isinstance(listed, Known) and isinstance(listed.value, list) else ()):
        if isinstance(entry, dict):
            placed_at, given_at = _below(entry, below), _below(entry, inner)
            yield placed_at is not None, _or_absent(given_at), f"{head}.{index}.{inner}"


def _or_absent(given: Resolved | Absent | Unknown) -> Resolved | Absent:
    return ABSENT if given is None or given == [] else given


def _below(entry: dict[str, Resolved], path: str) -> Resolved:
    inner: Resolved = entry
    for step in path.split("."):
        if isinstance(inner, Unknown | Text):
            return inner
        inner = inner.get(step) if isinstance(inner, dict) else None
    return inner


def _by_template(owner: Resource, path: str) -> bool:
    """Whether an instance's groups may be named in its launch template, or beside its subnet in another form."""
    if owner.type != "AWS::EC2::Instance" or path != "SecurityGroupIds":
        return False
    others = ("LaunchTemplate", "NetworkInterfaces", "SecurityGroups")
    return not all(isinstance(owner.get(each), Absent) for each in others)


def _has_groups(template: Resource, owner: Resource) -> bool:
    """Whether what is started from a template is put into a group there, or by whoever starts it."""
    places = _TEMPLATES.get(template.type)
    if places is None or not isinstance(owner.get("SecurityGroupIds"), Absent):
        return True
    return not all(isinstance(template.get(place), Absent) for place in places)


def _names_default(value: Resolved | Absent) -> bool:
    return any(
        isinstance(hole, Attribute) and hole.name == "DefaultSecurityGroup"
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, Text)
        for hole in each.holes
    )


# --- members ----------------------------------------------------------------------------------------------------------

# What names a group without being in it.
_RULES: Final = frozenset(
    {SECURITY_GROUP, "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}
    | {"AWS::EC2::SecurityGroupVpcAssociation"}
)
_ANSWERING: Final = frozenset({
    "AWS::AmazonMQ::Broker", "AWS::DAX::Cluster", "AWS::DocDB::DBCluster", "AWS::DocDBElastic::Cluster",
    "AWS::EC2::VPCEndpoint", "AWS::EFS::MountTarget", "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache", "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem", "AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster", "AWS::MemoryDB::Cluster",
    "AWS::Neptune::DBCluster", "AWS::OpenSearchServerless::VpcEndpoint", "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::DBProxy", "AWS::RDS::DBProxyEndpoint",
    "AWS::Redshift::Cluster", "AWS::RedshiftServerless::Workgroup", "AWS::Timestream::InfluxDBInstance",
})  # fmt: skip


def only_answers(group: Resource, project: Project) -> Resource | None:
    """One of the members of a group that has some, none of which calls anybody; ``None`` for any other group.

    A group that its stack hands out and nobody of the project takes may have members elsewhere.
    """
    naming = project.once(_naming).get(group, ())
    members = [each for each in naming if each.type not in _RULES and not _hands_on(each)]
    if not members or any(each.type not in _ANSWERING for each in members):
        return None
    handed_out = f"{group.logical_id}" in str(group.stack.template.get("Outputs", ""))
    return None if handed_out and all(each.stack is group.stack for each in naming) else members[0]


def _hands_on(resource: Resource) -> bool:
    """Whether it is a nested stack, which is told of the group: its own resources, which are there too, are in it."""
    return resource.type == "AWS::CloudFormation::Stack" and resource.logical_id in resource.stack.nested


def _naming(project: Project) -> Mapping[Resource, tuple[Resource, ...]]:
    """Group -> the resources that name it."""
    found: dict[Resource, list[Resource]] = {}
    for each in project.resources():
        value = each.get("")
        for group in dict.fromkeys(project.all_referred(value)) if isinstance(value, Known) else ():
            if group.type == SECURITY_GROUP and group is not each:
                found.setdefault(group, []).append(each)
    return {group: tuple(naming) for group, naming in found.items()}
