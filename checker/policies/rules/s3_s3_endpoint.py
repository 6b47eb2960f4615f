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
    A subnet in a VPC from elsewhere; a route table, the endpoint's list of them or its network, taken from a parameter;
    whether the endpoint's policy lets the layers of images through, where that depends on what is not known or on who
    asks.
Fix
    Add an ``AWS::EC2::VPCEndpoint`` of type Gateway for ``com.amazonaws.REGION.s3`` with the route tables of the
    private subnets. It costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, ResourceKey
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


class Shut(Struct, frozen=True):
    """An endpoint that is there and does not help, with why and what to do."""

    endpoint: Resource
    why: str
    fix: str


class Covered(Struct, frozen=True):
    """The route tables that lead to S3 through a gateway endpoint, and those that may, with what is not known.

    ``shut``: those that an endpoint names which lets too little through. ``complete``: whether no endpoint leaves its
    list of tables open.
    """

    surely: Set[ResourceKey]
    perhaps: Mapping[ResourceKey, str]
    shut: Mapping[ResourceKey, Shut]
    complete: bool


def _covered_tables(environment: Environment) -> Covered:
    surely: set[ResourceKey] = set()
    perhaps: dict[ResourceKey, str] = {}
    shut: dict[ResourceKey, Shut] = {}
    complete = True
    layers = any(True for _ in environment.resources("AWS::ECS::TaskDefinition"))
    for endpoint in endpoints(environment):
        if endpoint.service != "s3" or not endpoint.gateway or not endpoint.resource.certain:
            continue
        tables, all_of_them = tables_named(environment, endpoint.resource)
        elsewhere = _of_another_region(endpoint.resource)
        serves = NO if elsewhere else lets_through(endpoint.resource, environment.project, layers=layers)
        if serves is NO:
            shut.update(dict.fromkeys(tables, _shut(endpoint.resource, elsewhere=elsewhere, layers=layers)))
            continue
        complete = complete and all_of_them
        apart = {key: _in_network(environment, endpoint.resource, key) for key in tables}
        tables -= {key for key, answer in apart.items() if answer is not YES}
        shut.update((key, _elsewhere(endpoint.resource)) for key, answer in apart.items() if answer is NO)
        perhaps.update((key, answer.why) for key, answer in apart.items() if isinstance(answer, Open))
        if isinstance(serves, Open):
            why = f"whether the policy of {endpoint.resource.logical_id} lets it through: {serves.why}"
            perhaps.update(dict.fromkeys(tables, why))
        else:
            surely |= tables
    return Covered(surely, perhaps, shut, complete)


def _in_network(environment: Environment, endpoint: Resource, table: ResourceKey) -> Answer:
    """Whether a route table is of the endpoint's own network, which alone it can be in."""
    named = environment.project.resource(table)
    own, its = (vpc_resource(environment, each) if each is not None else None for each in (named, endpoint))
    if own is None or isinstance(endpoint.get("VpcId"), Absent):
        return YES
    if its is None:
        return Open(f"whether {endpoint.logical_id} is in {own.logical_id}: only the deployment tells its VpcId")
    return yes_if(own.key == its.key)


def _elsewhere(endpoint: Resource) -> Shut:
    name = endpoint.logical_id
    return Shut(endpoint, f"{name} is in another network", f"Give {name} the VpcId of the network of its route tables.")


def _of_another_region(endpoint: Resource) -> bool:
    """Whether it is the S3 of a region that is not its own, which a gateway endpoint cannot lead to."""
    name = endpoint.get("ServiceName")
    labels = name.value.split(".") if isinstance(name, Known) and isinstance(name.value, str) else []
    return bool(endpoint.stack.region) and len(labels) > 3 and endpoint.stack.region not in labels


def _shut(endpoint: Resource, *, elsewhere: bool, layers: bool) -> Shut:
    name = endpoint.logical_id
    if elsewhere:
        return Shut(endpoint, f"{name} is for the S3 of another region", f"Give {name} the ServiceName of its region.")
    if layers:
        why = f"the policy of {name} does not let the layers of images through"
        bucket = "arn:aws:s3:::prod-REGION-starport-layer-bucket/*"
        return Shut(endpoint, why, f"Let everyone s3:GetObject on {bucket} in the PolicyDocument of {name}.")
    return Shut(endpoint, f"the policy of {name} lets nothing through", f"Allow S3 in the PolicyDocument of {name}.")


def _judged(
    environment: Environment,
    vpc: Resource,
    private: list[tuple[Resource, Answer]],
    covered: Covered,
) -> Judgement:
    missing: list[Resource] = []
    doubtful: list[str] = []
    shut: dict[Resource, Shut] = {}
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
            if table.resource is not None and table.resource.key in covered.shut:
                shut[subnet] = covered.shut[table.resource.key]
    if missing and len(shut) == len(missing):
        return _kept_out(vpc, missing, list({each.endpoint: each for each in shut.values()}.values()), len(private))
    if missing:
        without = [subnet for subnet in missing if subnet not in shut]
        names = ", ".join(subnet.logical_id for subnet in without[:4]) + (" and others" if len(without) > 4 else "")
        also = "".join(f" And {why}." for why in dict.fromkeys(each.why for each in shut.values()))
        return vpc.fails(
            None,
            f"Private subnets reach S3 through no gateway endpoint: {names}.{also}",
            fix=" ".join((_FIX, *dict.fromkeys(each.fix for each in shut.values()))),
            expected="an S3 gateway endpoint on the route table of each private subnet",
            actual=f"{len(missing)} of {len(private)} private subnets without",
            related=tuple(missing[:4]),
        )
    if doubtful:
        return vpc.undecided(None, doubtful[0], fix=_FIX)
    return vpc.passes(None, f"All {len(private)} private subnets reach S3 through a gateway endpoint.")


def _kept_out(vpc: Resource, missing: list[Resource], shut: list[Shut], private: int) -> Judgement:
    """All that is missing has its endpoint, which does not help."""
    return vpc.fails(
        None,
        f"The gateway endpoint of private subnets does not serve them: {'; '.join(each.why for each in shut[:4])}.",
        fix=" ".join(each.fix for each in shut[:4]),
        expected="an S3 gateway endpoint that lets each private subnet fetch",
        actual=f"{len(missing)} of {private} private subnets are kept out",
        related=tuple(each.endpoint for each in shut[:4]),
    )


RULE = Rule(
    id="S3",
    looked_for="VPC or private subnet (AWS::EC2::VPC, AWS::EC2::Subnet)",
    check=check,
)
