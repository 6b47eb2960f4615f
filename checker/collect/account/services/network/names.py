"""Amazon Route 53 and AWS Cloud Map: zones, records, namespaces, services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, NamelessError, fields, maybe, picked, said, shape

ZONE: Final = shape(
    "AWS::Route53::HostedZone", "Id", said("Name"),
    maybe("HostedZoneConfig.Comment", "Config.Comment", lambda value: value or None),
)  # fmt: skip
RECORD: Final = (
    said("Name"), said("Type"), maybe("TTL", read=str),
    maybe("ResourceRecords", read=lambda found: [each["Value"] for each in found] or None),
    maybe("AliasTarget", read=lambda value: picked(value, "DNSName HostedZoneId EvaluateTargetHealth")),
    *fields("SetIdentifier Weight Region Failover GeoLocation HealthCheckId MultiValueAnswer CidrRoutingConfig", maybe),
)  # fmt: skip
NAMESPACE: Final = (
    *fields("Name"), maybe("Description", read=lambda value: value or None),
    maybe("HostedZoneId", "Properties.DnsProperties.HostedZoneId"),
    maybe("Properties", "Properties.DnsProperties.SOA",
          lambda value: {"DnsProperties": {"SOA": picked(value, "TTL")}} if value.get("TTL") is not None else None),
)  # fmt: skip
_NAMESPACES: Final = {
    "DNS_PRIVATE": "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "DNS_PUBLIC": "AWS::ServiceDiscovery::PublicDnsNamespace",
    "HTTP": "AWS::ServiceDiscovery::HttpNamespace",
}  # fmt: skip
SERVICE: Final = shape(
    "AWS::ServiceDiscovery::Service", "Id Arn", said("Name"), maybe("Description", read=lambda value: value or None),
    maybe("DnsConfig", read=lambda value: picked(value, "DnsRecords RoutingPolicy NamespaceId")),
    maybe("HealthCheckConfig", read=lambda value: picked(value, "Type ResourcePath FailureThreshold")),
    maybe("HealthCheckCustomConfig", read=lambda value: picked(value, "FailureThreshold")),
    # A template says so of a service that is found by API calls alone; the others' kind follows from their DNS.
    maybe("Type", read=lambda kind: kind if kind == "HTTP" else None),
)  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    zones = account.ask("route53", "ListHostedZones")
    namespaces = account.ask("servicediscovery", "ListNamespaces")
    hosted = [each for each in (_zone(one) for one in zones.items) if each is not None]
    asked = [
        (zone, account.ask("route53", "ListResourceRecordSets", HostedZoneId=zone.id))
        for zone in hosted
        if _of_the_stacks(account, zone)
    ]
    yield from hosted
    for zone, records in asked:
        yield from (_record(zone, each) for each in records.items)
    yield from _discovery(account, namespaces.items)


def _zone(zone: Mapping[str, Any]) -> Draft | None:
    """A zone, but for those that a service such as AWS Cloud Map made for itself and alone may change.

    Source: Amazon Route 53 API Reference, LinkedService.
    """
    if zone.get("LinkedService"):
        return None
    ident = str(zone.get("Id", "")).rpartition("/")[2]
    draft = ZONE.draft(zone, (ident,) if ident else None)
    if draft is not None:
        private = (zone.get("Config") or {}).get("PrivateZone")
        if private is not False:
            draft.unread["VPCs"] = "the list does not tell which VPCs a zone is private to"
    return draft


def _of_the_stacks(account: Account, zone: Draft) -> bool:
    """Whether a zone may hold records that matter: it is of the stacks, or names of theirs lie in it."""
    if account.scope.has(zone.type, zone.ids, zone.tags):
        return True
    name = str(zone.properties.get("Name", "")).rstrip(".")
    records = (each.rstrip(".") for each in account.scope.ids("AWS::Route53::RecordSet"))
    return any(each == name or each.endswith(f".{name}") for each in records)


def _record(zone: Draft, record: Mapping[str, Any]) -> Draft | None:
    name = str(record.get("Name", ""))
    if record.get("Type") in {"NS", "SOA"} and name.rstrip(".") == str(zone.properties.get("Name", "")).rstrip("."):
        return None  # every zone is made with these
    draft = Draft("AWS::Route53::RecordSet", (name.rstrip("."), name), properties={"HostedZoneId": zone.id})
    return draft.read(record, RECORD)


def _discovery(account: Account, namespaces: list[Any]) -> Iterator[Draft | None]:
    drafts = []
    for each in namespaces:
        said_kind, ident = each.get("Type"), each.get("Id")
        if not ident or not said_kind or not isinstance(said_kind, str):
            raise NamelessError
        kind = _NAMESPACES.get(said_kind)
        if kind is None:
            continue
        draft = Draft(kind, (str(ident), str(each.get("Arn", ident)))).read(each, NAMESPACE)
        if kind == _NAMESPACES["DNS_PRIVATE"]:
            draft.unread["Vpc"] = "AWS Cloud Map does not tell the VPC of a namespace"
        drafts.append(draft)
    asked = [
        (each, account.ask("servicediscovery", "ListServices", of=each,
                            Filters=[{"Name": "NAMESPACE_ID", "Values": [each.id], "Condition": "EQ"}]))
        for each in drafts
    ]  # fmt: skip
    yield from drafts
    for namespace, services in asked:
        for service in services.items:
            draft_of_service = SERVICE.draft(service)
            if draft_of_service is not None:
                draft_of_service.set("NamespaceId", namespace.id)
                yield draft_of_service
