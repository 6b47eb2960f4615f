"""What web ACLs stand in front of: load balancers, APIs, gateways of Amazon ECS, distributions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Unknown, Value, as_list

# Its load balancers are made by Amazon ECS, as its properties say.
GATEWAY: Final = "AWS::ECS::Gateway"
GATEWAY_BALANCER: Final = "Configuration.HostSharedAlb"


def faces_internet(gateway: Resource) -> Answer:
    """Whether a gateway's load balancers face the internet, by either property that says so."""
    for path, inside in (("AccessType", "PRIVATE"), (f"{GATEWAY_BALANCER}.Scheme", "internal")):
        value = gateway.get(path)
        if isinstance(value, Known) and isinstance(value.value, str):
            if value.value.lower() == inside.lower():
                return NO
        elif not isinstance(value, Absent):
            return Open("whether it faces the internet is not known")
    return YES


class Attachment(Struct, frozen=True):
    """A web ACL in front of something. ``acl`` is ``None`` where the ACL is not part of the project."""

    association: Resource
    target: Resource | None
    acl: Resource | None


def attachments(environment: Environment) -> Iterator[Attachment]:
    for association in environment.project.resources("AWS::WAFv2::WebACLAssociation"):
        acl = environment.referred(association.get("WebACLArn"))
        yield Attachment(
            association,
            environment.referred(association.get("ResourceArn")),
            acl if acl is not None and acl.type == "AWS::WAFv2::WebACL" else None,
        )
    for gateway in environment.project.resources(GATEWAY):
        named = gateway.get(f"{GATEWAY_BALANCER}.WebACLArn")
        if not isinstance(named, Absent):
            acl = environment.referred(named)
            yield Attachment(gateway, gateway, acl if acl is not None and acl.type == "AWS::WAFv2::WebACL" else None)


_BRINGS_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})


def taking_bodies(environment: Environment) -> Iterator[tuple[Attachment, Answer]]:
    """The web ACLs of distributions, and whether those pass requests with bodies on. Without a list of methods a
    distribution takes those that only read (Amazon CloudFront API Reference, AllowedMethods)."""
    for distribution in environment.project.resources("AWS::CloudFront::Distribution"):
        acl = environment.referred(distribution.get("DistributionConfig.WebACLId"))
        # One of elsewhere is not asked about: most distributions have theirs from another region's stack.
        if acl is None or acl.type != "AWS::WAFv2::WebACL":
            continue
        config = (distribution.get(f"DistributionConfig.{name}") for name in ("DefaultCacheBehavior", "CacheBehaviors"))
        takes = either(_takes_bodies(each) for value in config for each in _listed(value))
        if takes is not NO:
            yield Attachment(distribution, distribution, acl), takes


def _listed(value: Value) -> list[Resolved]:
    return [] if isinstance(value, Absent) else as_list(value.value) if isinstance(value, Known) else [value]


def _takes_bodies(behavior: Resolved) -> Answer:
    methods = behavior.get("AllowedMethods") if isinstance(behavior, dict) else behavior
    listed = as_list(methods)
    if any(isinstance(each, str) and each in _BRINGS_BODIES for each in listed):
        return YES
    known = all(isinstance(each, str) for each in listed)
    return NO if known else Open("whether a distribution passes requests with bodies on to the API is not known")


def names_unknown_target(attachment: Attachment) -> bool:
    """Whether the association may be with anything: its target is a parameter or an import."""
    value = attachment.association.get("ResourceArn")
    if attachment.target is not None or isinstance(value, Absent):
        return False
    return isinstance(value, Unknown) or isinstance(value.value, Text)
