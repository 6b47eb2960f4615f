"""What is asked of an account: the types, properties and facts that rules or drift want, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from checker.collect.account.operations import OPERATIONS, Operation


class Needs(Struct, frozen=True, kw_only=True):
    """``without`` leaves out types, properties and facts, in the words of :attr:`Operation.serves`.

    ``unmanaged``: also what no stack owns is looked for, where that costs calls of its own.
    ``others``: resources of the stacks whose types have no describer are read through Cloud Control.
    """

    only: frozenset[str] | None = None
    without: frozenset[str] = field(default_factory=frozenset)
    unmanaged: bool = False
    others: bool = False

    def wants(self, what: str) -> bool:
        """Whether a type, a property or a fact is asked for. A property is wanted with its type."""
        if self.only is not None and what not in self.only and what.partition("/")[0] not in self.only:
            return False
        return what not in self.without and what.partition("/")[0] not in self.without

    def calls_for(self, operation: Operation) -> bool:
        """Whether anything that the operation serves is asked for."""
        return not operation.serves or any(self.wants(what) for what in operation.serves)


# Wanted by drift alone. What groups and roles hold themselves (rules, inline policies) is not read a second time.
_DRIFT_ALONE: Final = frozenset({
    "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::EC2::EIP", "AWS::EC2::NetworkAcl", "AWS::EC2::NetworkAclEntry", "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SubnetNetworkAclAssociation", "AWS::EC2::VPC/EnableDnsHostnames",
    "AWS::EC2::VPC/EnableDnsSupport", "AWS::ECR::Repository/RepositoryPolicyText",
    "AWS::ElastiCache::SubnetGroup", "AWS::ElasticLoadBalancingV2::Listener/ListenerAttributes",
    "AWS::IAM::Policy", "AWS::KMS::Alias",
    "AWS::KMS::Key", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Version", "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function/ReservedConcurrentExecutions", "AWS::RDS::DBSubnetGroup",
    "AWS::S3::Bucket/LoggingConfiguration", "AWS::S3::Bucket/OwnershipControls",
    "AWS::S3::Bucket/PublicAccessBlockConfiguration", "AWS::S3::Bucket/Tags",
    "AWS::S3::Bucket/VersioningConfiguration", "AWS::SecretsManager::ResourcePolicy",
    "AWS::ServiceDiscovery::HttpNamespace", "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace", "AWS::ServiceDiscovery::Service",
    "AWS::WAFv2::LoggingConfiguration", "AWS::S3::Bucket/LifecycleConfiguration",
    "AWS::ElasticLoadBalancingV2::TargetGroup", "facts/drift_detection", "facts/target_health",
})  # fmt: skip
# A preview has to be started first, which is a write: read where one was started, and only on request.
_ON_REQUEST: Final = frozenset({"facts/lifecycle_previews"})

AUDIT: Final = Needs(without=_DRIFT_ALONE | _ON_REQUEST)
DRIFT: Final = Needs(without=_ON_REQUEST, unmanaged=True, others=True)
PREFLIGHT: Final = Needs(
    only=frozenset({
        "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::ECR::Repository", "AWS::ECS::Cluster",
        "AWS::ECS::Service", "AWS::ECS::TaskDefinition", "facts/alarms", "facts/deployments", "facts/images",
        "facts/tasks", "stacks", "stacks/resources",
    }),
    without=frozenset({"AWS::ECR::Repository/LifecyclePolicy", "AWS::ECR::Repository/RepositoryPolicyText"}),
)  # fmt: skip
EVERYTHING: Final = Needs(unmanaged=True, others=True)


def operations(needs: Needs) -> tuple[Operation, ...]:
    """The calls that can be made for what is asked, in the table's order."""
    return tuple(
        each
        for each in OPERATIONS.values()
        if (each.serves == ("other types",) and needs.others)
        or (each.serves != ("other types",) and needs.calls_for(each))
    )


def expected_calls(needs: Needs, counts: Mapping[str, int]) -> int:
    """About how many calls an account costs that has ``counts`` of each type: one of each, and one for each thing."""
    return sum(counts.get(each.per, 0) if each.per else 1 for each in operations(needs))
