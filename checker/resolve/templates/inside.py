"""What a template says by itself of where it is deployed, when nobody else does.

Its environment: by the tags and the names that its resources have, where all that speak of one speak of the same. Its
account and region: by values that work nowhere else, so that a stack of another account is refused as it stands.

Sources: IAM User Guide, "Grant a user permissions to pass a role to an AWS service" (a role is passed to services of
its own account only), "Managed policies and inline policies" (customer managed policies are attached in the account
that has them); AWS Certificate Manager User Guide, "Supported Regions" (load balancers use certificates of their own
region); Amazon EC2 User Guide, "Regions and Zones" (a zone's name begins with its region's).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from checker import lazy_re
from checker.data.name_properties import name_properties
from checker.model.environment_words import environment_of, environment_tag, words
from checker.model.resources import Raw, Stack, rebuilt

BY_TAGS: Final = "by the tags of its resources"
BY_NAMES: Final = "by the names of its resources"

# Of the words for environments those that hardly stand in a name for anything else: a portal for developers may be
# `dev-portal`, an app for shows `demo`.
_PLAIN: Final = frozenset({"production", "prod", "prd", "staging", "stg"})
# What has names that say nothing of the environment: hosts, which a stack may have for other environments than its own,
# and what a version is called by, `live` or `Prod` in each environment.
_SAY_NOTHING: Final = (
    *("AWS::Route53", "AWS::CertificateManager::", "AWS::SES::"),
    *("AWS::Lambda::Alias", "AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"),
)


def environment_inside(stack: Stack) -> tuple[str, str] | None:
    """The environment that a stack's resources speak of, and by what; ``None`` where they speak of none or several."""
    for found, why in ((_tagged(stack), BY_TAGS), (_named(stack), BY_NAMES)):
        spoken = {*found}
        if len(spoken) == 1:
            return spoken.pop(), why
        if spoken:
            return None
    return None


# How many of a stack's resources have to be called after an environment whose name may be any word.
_ENOUGH: Final = 3


def named_after(stack: Stack, environments: Collection[str]) -> str | None:
    """The one of these environments that a stack's resources are called after; ``None`` where they are after none or
    several, or hardly any is."""
    spoken = [
        environment
        for kind, properties in _resources(stack)
        for value in _names(kind, properties)
        for environment in environments
        if _holds(words(value), words(environment))
    ]
    return spoken[0] if len(spoken) >= _ENOUGH and len({*spoken}) == 1 else None


def _holds(name: list[str], part: list[str]) -> bool:
    return any(name[at : at + len(part)] == part for at in range(len(name) - len(part) + 1))


def _tagged(stack: Stack) -> Iterator[str]:
    for _, properties in _resources(stack):
        if (found := environment_of(environment_tag(properties.get("Tags")) or "")) is not None:
            yield found


def _named(stack: Stack) -> Iterator[str]:
    for kind, properties in _resources(stack):
        for value in _names(kind, properties):
            yield from (each for word in words(value) if word in _PLAIN and (each := environment_of(word)))


def _names(kind: str, properties: Mapping[str, Raw]) -> Iterator[str]:
    for path in name_properties(kind) if not kind.startswith(_SAY_NOTHING) else ():
        value = properties.get(path)
        if isinstance(value, str):
            yield value


_ROLE: Final = lazy_re.compile(r"arn:aws[\w-]*:iam::(?P<account>\d{12}):(?:role|policy)/.+")
_CERTIFICATE: Final = lazy_re.compile(r"arn:aws[\w-]*:acm:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):certificate/.+")
_ZONE: Final = lazy_re.compile(r"(?P<region>[a-z]{2}(?:-[a-z]+){1,2}-\d)(?:[a-z]|-.+)")
# Type -> properties whose literal value is of the stack's own account or region, and what shows it.
_OWN: Final[Mapping[str, tuple[tuple[str, re.Pattern[str], str], ...]]] = {
    "AWS::EC2::Subnet": (("AvailabilityZone", _ZONE, "a subnet's zone"),),
    "AWS::ECS::TaskDefinition": (
        ("TaskRoleArn", _ROLE, "a role that it passes"),
        ("ExecutionRoleArn", _ROLE, "a role that it passes"),
    ),
    "AWS::Lambda::Function": (("Role", _ROLE, "a role that it passes"),),
    **dict.fromkeys(
        ("AWS::IAM::Role", "AWS::IAM::User"),
        (
            ("PermissionsBoundary", _ROLE, "a permissions boundary"),
            ("ManagedPolicyArns", _ROLE, "a policy that it attaches"),
        ),
    ),
    **dict.fromkeys(
        ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerCertificate"),
        (("Certificates", _CERTIFICATE, "a listener's certificate"),),
    ),
}


def at_home(stacks: Iterable[Stack]) -> tuple[list[Stack], list[str]]:
    """The stacks, with the account and region where nobody says them and one alone would take the stack as it stands;
    and what is noted of that."""
    made: list[Stack] = []
    notes: list[str] = []
    for stack in stacks:
        changes: dict[str, str] = {}
        for what in ("account", "region"):
            found = {} if getattr(stack, what) else dict(_only(stack, what))
            if len(found) == 1:
                ((value, why),) = found.items()
                changes[what] = value
                notes.append(f"took {what} {value} for {stack.what} {stack.name} (by {why})")
        made.append(_located(stack, changes) if changes else stack)
    return made, notes


def _located(stack: Stack, changes: Mapping[str, str]) -> Stack:
    return rebuilt(stack, lambda each: {name: getattr(each, name) or value for name, value in changes.items()})


def _only(stack: Stack, what: str) -> Iterator[tuple[str, str]]:
    for kind, properties in _resources(stack):
        for name, pattern, why in _OWN.get(kind, ()):
            for value in _texts(properties.get(name)):
                match = pattern.fullmatch(value)
                if match is not None and (found := match.groupdict().get(what)):
                    yield found, why


def _texts(value: Raw) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value if isinstance(value, list) else ():
        yield from _texts(each.get("CertificateArn") if isinstance(each, Mapping) else each)


def _resources(stack: Stack) -> Iterator[tuple[str, Mapping[str, Raw]]]:
    """Type and properties of the resources that are there wherever a stack is deployed, those of the stacks nested in
    it too. What a condition may leave out may be of another environment or account than this deployment's."""
    pending = [stack]
    while pending:
        each = pending.pop()
        declared: Raw = each.template.get("Resources")
        for name, raw in declared.items() if isinstance(declared, Mapping) else ():
            if isinstance(raw, Mapping) and isinstance(raw.get("Type"), str) and "Condition" not in raw:
                properties = raw.get("Properties")
                yield raw["Type"], properties if isinstance(properties, Mapping) else {}
                if name in each.nested:
                    pending.append(each.nested[name])
