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
    A subnet in a VPC from elsewhere; a route table, or the endpoint's list of them, taken from a parameter.
Fix
    Add an ``AWS::EC2::VPCEndpoint`` of type Gateway for ``com.amazonaws.REGION.s3`` with the route tables of the
    private subnets. It costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from checker.model.answers import NO, Answer, Open
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Known, Resolved, ResourceKey, as_list
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
    covered, complete = _covered_tables(environment)
    for vpc in environment.resources(VPC):
        if vpc.key not in private:
            yield vpc.not_applicable(
                None, "No private subnet in this VPC: looked for subnets without a route to an IGW."
            )
        else:
            yield _judged(environment, vpc, private[vpc.key], covered, complete=complete)


def _covered_tables(environment: Environment) -> tuple[set[ResourceKey], bool]:
    """The route tables that lead to S3 through a gateway endpoint, and whether no endpoint leaves its list open."""
    covered: set[ResourceKey] = set()
    complete = True
    layers = any(True for _ in environment.resources("AWS::ECS::TaskDefinition"))
    for endpoint in endpoints(environment):
        if (
            endpoint.service == "s3"
            and endpoint.gateway
            and endpoint.resource.certain
            and _serves(endpoint.resource, layers)
        ):
            tables, all_of_them = tables_named(environment, endpoint.resource)
            covered |= tables
            complete = complete and all_of_them
    return covered, complete


def _serves(endpoint: Resource, layers: bool) -> bool:
    """Whether it is the S3 of its own region, which a gateway endpoint has to be, and its policy allows anything; the
    layers of images too, where containers run (Amazon ECR User Guide, "Minimum Amazon S3 bucket permissions")."""
    name, policy = endpoint.get("ServiceName"), endpoint.get("PolicyDocument.Statement")
    labels = name.value.split(".") if isinstance(name, Known) and isinstance(name.value, str) else []
    if endpoint.stack.region and len(labels) > 3 and endpoint.stack.region not in labels:
        return False
    statements = as_list(policy.value) if isinstance(policy, Known) else []
    if any(isinstance(each, dict) and _refuses_all(each) for each in statements):
        return False
    region = endpoint.stack.region or "us-east-1"
    layer = f"arn:aws:s3:::prod-{region}-starport-layer-bucket/x"
    return not statements or any(
        not isinstance(each, dict) or (each.get("Effect") != "Deny" and (not layers or _reaches(each, layer)))
        for each in statements
    )


def _refuses_all(statement: Mapping[str, Resolved]) -> bool:
    """Whether it denies everything to everybody, whatever else is allowed."""
    every = all("*" in as_list(statement.get(name)) for name in ("Action", "Resource"))
    return statement.get("Effect") == "Deny" and every and not statement.get("Condition")


def _reaches(statement: Mapping[str, Resolved], arn: str) -> bool:
    """Whether it speaks of an object; what is not known of its resources may be that object."""
    named = statement.get("Resource")
    return any(not isinstance(each, str) or fnmatchcase(arn, each.replace("[", "[[]")) for each in as_list(named)) or (
        not isinstance(named, str | list)
    )


def _judged(
    environment: Environment,
    vpc: Resource,
    private: list[tuple[Resource, Answer]],
    covered: set[ResourceKey],
    *,
    complete: bool,
) -> Judgement:
    missing: list[Resource] = []
    doubtful: list[Resource] = []
    for subnet, certainly_private in private:
        table = table_of(environment, subnet)
        if table.resource is not None and table.resource.key in covered:
            continue
        (doubtful if isinstance(certainly_private, Open) or not complete else missing).append(subnet)
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
        why = f"which route table {doubtful[0].logical_id} uses, or which ones the endpoint names, is not known"
        return vpc.undecided(None, why, fix=_FIX)
    return vpc.passes(None, f"All {len(private)} private subnets reach S3 through a gateway endpoint.")


RULE = Rule(
    id="S3",
    looked_for="VPC or private subnet (AWS::EC2::VPC, AWS::EC2::Subnet)",
    check=check,
)
