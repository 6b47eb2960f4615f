"""Every VPC with private subnets reaches S3 through a gateway endpoint.

What the review found
    Image layers and file content travel through the NAT gateway, which charges for each byte and is shared by all.
What is checked
    For every VPC: that each private subnet (one whose routes lead to no internet gateway, isolated ones included) uses
    a route table that an S3 gateway endpoint names. The table that counts is the one the subnet is associated with,
    not one that is called after it.
When it does not apply
    No VPC in the environment, or one whose subnets are all public.
What cannot be decided
    A subnet in a VPC from elsewhere; a route table, or the endpoint's list of them, taken from a parameter; whether the
    endpoint's policy lets the layers of images through, where it depends on what is not known or on who asks.
Fix
    Add an ``AWS::EC2::VPCEndpoint`` of type Gateway for ``com.amazonaws.REGION.s3`` with the route tables of the
    private subnets. It costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

from checker.model.answers import NO, Answer, Open
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Known, ResourceKey
from checker.reason.network.endpoint_policies import lets_through
from checker.reason.network.routes import SUBNET, VPC, endpoints, is_private, table_of, tables_named, vpc_resource

_FIX: Final = "Name the route tables of the private subnets in the RouteTableIds of an S3 gateway endpoint."


def check(environment: Environment) -> Iterator[Judgement]:
    private: dict[ResourceKey, list[tuple[Resource, Answer]]] = {}
    for subnet in environment.project.resources(SUBNET):
        answer = is_private(environment, subnet)
        vpc = vpc_resource(environment, subnet)
        if answer is NO:
            continue
        if vpc is None:
            if subnet.environment_name != environment.name:
                continue  # its own environment says so
            why = "the subnet's VPC, which may have an S3 endpoint, is not part of this project"
            yield subnet.undecided(None, why, path="VpcId", fix=_FIX)
        else:
            private.setdefault(vpc.key, []).append((subnet, answer))
    covered = _covered_tables(environment)
    for vpc in environment.resources(VPC):
        if vpc.key not in private:
            yield vpc.not_applicable(
                None, "No private subnet in this VPC: looked for subnets without a route to an IGW."
            )
        else:
            yield _judged(environment, vpc, private[vpc.key], covered)


@dataclass(frozen=True, slots=True)
class Covered:
    """The route tables that lead to S3 through a gateway endpoint, and those that may, with what is not known.

    ``complete``: whether no endpoint leaves its list of tables open.
    """

    surely: Set[ResourceKey]
    perhaps: Mapping[ResourceKey, str]
    complete: bool


def _covered_tables(environment: Environment) -> Covered:
    surely: set[ResourceKey] = set()
    perhaps: dict[ResourceKey, str] = {}
    complete = True
    layers = any(True for _ in environment.resources("AWS::ECS::TaskDefinition"))
    for endpoint in endpoints(environment):
        if endpoint.service != "s3" or not endpoint.gateway or not endpoint.resource.certain:
            continue
        serves = _serves(endpoint.resource, environment.project, layers=layers)
        if serves is NO:
            continue
        tables, all_of_them = tables_named(environment, endpoint.resource)
        complete = complete and all_of_them
        if isinstance(serves, Open):
            why = f"whether the policy of {endpoint.resource.logical_id} lets it through: {serves.why}"
            perhaps.update(dict.fromkeys(tables, why))
        else:
            surely |= tables
    return Covered(surely, perhaps, complete)


def _serves(endpoint: Resource, project: Project, *, layers: bool) -> Answer:
    """Whether it is the S3 of its own region, as a gateway endpoint has to be, and its policy lets enough through."""
    name = endpoint.get("ServiceName")
    labels = name.value.split(".") if isinstance(name, Known) and isinstance(name.value, str) else []
    if endpoint.stack.region and len(labels) > 3 and endpoint.stack.region not in labels:
        return NO
    return lets_through(endpoint, project, layers=layers)


def _judged(
    environment: Environment,
    vpc: Resource,
    private: list[tuple[Resource, Answer]],
    covered: Covered,
) -> Judgement:
    missing: list[Resource] = []
    doubtful: list[str] = []
    for subnet, certainly_private in private:
        table = table_of(environment, subnet)
        if table.resource is not None and table.resource.key in covered.surely:
            continue
        if table.resource is not None and table.resource.key in covered.perhaps:
            doubtful.append(covered.perhaps[table.resource.key])
        elif isinstance(certainly_private, Open) or not covered.complete:
            doubtful.append(
                f"which route table {subnet.logical_id} uses, or which ones the endpoint names, is not known"
            )
        else:
            missing.append(subnet)
    if missing:
        names = ", ".join(subnet.logical_id for subnet in missing[:4]) + (" and others" if len(missing) > 4 else "")
        return vpc.fails(
            None,
            f"Private subnets reach S3 through no gateway endpoint: {names}.",
            fix=_FIX,
            expected="an S3 gateway endpoint on the route table of each private subnet",
            actual=f"{len(missing)} of {len(private)} private subnets without",
            related=tuple(missing[:4]),
        )
    if doubtful:
        return vpc.undecided(None, doubtful[0], fix=_FIX)
    return vpc.passes(None, f"All {len(private)} private subnets reach S3 through a gateway endpoint.")


RULE = Rule(
    id="S3",
    looked_for="VPC or private subnet (AWS::EC2::VPC, AWS::EC2::Subnet)",
    check=check,
)
