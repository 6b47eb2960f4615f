"""What things are called, and in which scope: namespaces, secrets, search strings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from ministack.services import route53, secretsmanager, servicediscovery
from ministack.services.cloudformation import provisioners

from checker.lab.corrections.spelling import input_of, spelled


def apply() -> None:
    _scope_namespaces()
    _say_whose_zones()
    servicediscovery._list_services = _services_of_namespaces
    _name_secrets_by_arn()
    _spell_web_acls()


_VPC_OF: Final[dict[str, str]] = {}
"""Private namespace id -> its VPC."""


def _scope_namespaces() -> None:
    """A private DNS namespace is scoped by its VPC (AWS Cloud Map, CreatePrivateDnsNamespace), not by the account."""
    known = servicediscovery._create_namespace_record

    def create(name: str, kind: str, *rest: Any, **named: Any) -> Any:
        vpc = str(named.get("vpc") or (rest[3] if len(rest) > 3 else ""))
        others = [
            each
            for each in servicediscovery._namespaces.values()
            if kind == "DNS_PRIVATE" and each["Name"] == name and _VPC_OF.get(each["Id"]) != vpc
        ]
        for each in others:
            each["Name"] = f"{name} of another VPC"
        try:
            namespace, error = known(name, kind, *rest, **named)
        finally:
            for each in others:
                each["Name"] = name
        if namespace is not None:
            _VPC_OF[namespace["Id"]] = vpc
        return namespace, error

    servicediscovery._create_namespace_record = create


def _say_whose_zones() -> None:
    """The zone of a namespace says that AWS Cloud Map made it (Amazon Route 53 API Reference, LinkedService)."""
    known = route53._build_hosted_zone_el

    def shown(parent: Element, zone: Mapping[str, Any]) -> None:
        known(parent, zone)
        for each in servicediscovery._namespaces.values():
            if each.get("Properties", {}).get("DnsProperties", {}).get("HostedZoneId") == zone["id"]:
                linked = SubElement(parent[-1], "LinkedService")
                SubElement(linked, "ServicePrincipal").text = "servicediscovery.amazonaws.com"
                SubElement(linked, "Description").text = each["Arn"]

    route53._build_hosted_zone_el = shown


def _services_of_namespaces(asked: Mapping[str, Any]) -> Any:
    """Services of the namespaces that a filter names (AWS Cloud Map API Reference, ServiceFilter); all without one."""
    wanted = {
        value for each in asked.get("Filters", ()) if each["Name"] == "NAMESPACE_ID" for value in each.get("Values", ())
    }
    found = [
        service
        for service in servicediscovery._services.values()
        if not wanted or service.get("NamespaceId", service.get("DnsConfig", {}).get("NamespaceId")) in wanted
    ]
    return servicediscovery.json_response({"Services": found})


def _name_secrets_by_arn() -> None:
    """`Ref` of a secret is its ARN (CloudFormation Template Reference, AWS::SecretsManager::Secret), not its name."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def by_arn(made: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        return made[1]["Arn"], made[1]

    def name(arn: str) -> str:
        return next((name for name, secret in secretsmanager._secrets.items() if secret["ARN"] == arn), arn)

    handlers["create"] = lambda *given: by_arn(create(*given))
    handlers["update"] = lambda physical_id, *given: by_arn(update(name(physical_id), *given))
    handlers["delete"] = lambda physical_id, properties: delete(name(physical_id), properties)


def _spell_web_acls() -> None:
    """A template has `Arn` and search strings as text, the API `ARN` and base64 (AWS WAFv2 API Reference)."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::WAFv2::WebACL"]
    create, update = handlers["create"], handlers["update"]
    handlers["create"] = lambda logical_id, properties, stack: create(logical_id, _web_acl(properties), stack)
    handlers["update"] = lambda physical_id, old, new, *rest: update(physical_id, _web_acl(old), _web_acl(new), *rest)


def _web_acl(properties: Mapping[str, Any]) -> dict[str, Any]:
    rules = spelled(_encoded(properties.get("Rules", [])), input_of("wafv2", "CreateWebACL").members["Rules"])
    return {**properties, "Rules": rules}


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: _encoded(item) for name, item in value.items() if name != "SearchStringBase64"}
        if isinstance(value.get("SearchString"), str):
            found["SearchString"] = base64.b64encode(value["SearchString"].encode()).decode()
        elif "SearchStringBase64" in value:
            found["SearchString"] = value["SearchStringBase64"]
        return found
    return [_encoded(item) for item in value] if isinstance(value, list) else value
