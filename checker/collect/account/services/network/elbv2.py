"""Elastic Load Balancing: load balancers, listeners, rules, target groups and their health."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Answer
from checker.collect.account.services.network import certificates
from checker.collect.account.shapes import Draft, fields, maybe, picked, said, shape

_ELB: Final = "AWS::ElasticLoadBalancingV2::"


def _attributes(value: Any) -> list[dict[str, str]]:
    return sorted(
        ({"Key": str(each["Key"]), "Value": str(each["Value"])} for each in value), key=lambda each: each["Key"]
    )


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    found = picked(action, "Type Order TargetGroupArn RedirectConfig FixedResponseConfig JwtValidationConfig")
    for name in ("AuthenticateOidcConfig", "AuthenticateCognitoConfig"):
        if action.get(name):
            config = dict(action[name])
            if "SessionTimeout" in config:
                config["SessionTimeout"] = str(config["SessionTimeout"])
            found[name] = config
    if action.get("ForwardConfig"):
        forward = picked(action["ForwardConfig"], "TargetGroups TargetGroupStickinessConfig")
        forward["TargetGroups"] = [picked(each, "TargetGroupArn Weight") for each in forward.get("TargetGroups") or ()]
        found["ForwardConfig"] = forward
    return found


def _actions(value: Any) -> list[dict[str, Any]]:
    return [_action(each) for each in value]


_CONDITION: Final = (
    "Field Values HostHeaderConfig HttpHeaderConfig HttpRequestMethodConfig PathPatternConfig QueryStringConfig "
    "SourceIpConfig RegexValues"
)
LOAD_BALANCER: Final = shape(
    f"{_ELB}LoadBalancer", "LoadBalancerArn", said("Name", "LoadBalancerName"), said("Type"), maybe("Scheme"),
    said("Subnets", "AvailabilityZones", lambda zones: sorted(each["SubnetId"] for each in zones)),
    maybe("SecurityGroups", read=lambda groups: list(groups) or None), maybe("IpAddressType"),
    maybe("DNSName"), maybe("CanonicalHostedZoneID", "CanonicalHostedZoneId"),
)  # fmt: skip
LISTENER: Final = shape(
    f"{_ELB}Listener", "ListenerArn", said("LoadBalancerArn"), *fields("Port Protocol SslPolicy", maybe),
    maybe("AlpnPolicy", read=lambda value: list(value) or None),
    maybe("Certificates", read=lambda found: [picked(each, "CertificateArn") for each in found] or None),
    said("DefaultActions", read=_actions),
    maybe("MutualAuthentication", read=lambda value: picked(
        value, "Mode TrustStoreArn IgnoreClientCertificateExpiry AdvertiseTrustStoreCaNames") or None),
)  # fmt: skip
RULE: Final = shape(
    f"{_ELB}ListenerRule", "RuleArn", said("Priority", read=int),
    said("Conditions", read=lambda found: [picked(each, _CONDITION) for each in found]),
    said("Actions", read=_actions), maybe("Transforms", read=lambda found: list(found) or None),
)  # fmt: skip
TARGET_GROUP: Final = shape(
    f"{_ELB}TargetGroup", "TargetGroupArn", said("Name", "TargetGroupName"), said("TargetType"),
    *fields("HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckTimeoutSeconds HealthyThresholdCount "
            "UnhealthyThresholdCount"),
    *fields("Port Protocol VpcId HealthCheckPath HealthCheckPort HealthCheckProtocol ProtocolVersion IpAddressType",
            maybe),
    maybe("Matcher", read=lambda value: picked(value, "HttpCode GrpcCode") or None),
)  # fmt: skip


def describe(account: Account) -> Iterator[Draft | None]:
    listed = account.ask("elbv2", "DescribeLoadBalancers")
    groups = account.ask("elbv2", "DescribeTargetGroups")
    balancers = [each for each in map(LOAD_BALANCER.draft, listed.items) if each is not None]
    asked = [
        (
            each,
            account.ask("elbv2", "DescribeLoadBalancerAttributes", of=each, LoadBalancerArn=each.id),
            account.ask("elbv2", "DescribeListeners", of=each, LoadBalancerArn=each.id),
        )
        for each in balancers
    ]
    targets = [each for each in map(TARGET_GROUP.draft, groups.items) if each is not None]
    asked_of_targets = [
        (
            each,
            account.ask("elbv2", "DescribeTargetGroupAttributes", of=each, TargetGroupArn=each.id),
            account.ask("elbv2", "DescribeTargetHealth", of=each, TargetGroupArn=each.id),
        )
        for each in targets
    ]
    listeners = []
    for balancer, attributes, its_listeners in asked:
        yield balancer.add(attributes, said("LoadBalancerAttributes", "Attributes", _attributes))
        listeners += [each for each in map(LISTENER.draft, its_listeners.items) if each is not None]
    yield from _listeners(account, listeners)
    for target, attributes, health in asked_of_targets:
        yield target.add(attributes, said("TargetGroupAttributes", "Attributes", _attributes))
        if health.complete:
            account.add_facts("target_health", {target.id: [_health(each) for each in health.items]})


def _listeners(account: Account, listeners: list[Draft]) -> Iterator[Draft | None]:
    asked: list[tuple[Draft, Answer, Answer, Answer | None]] = []
    for each in listeners:
        rules = account.ask("elbv2", "DescribeRules", ListenerArn=each.id)
        attributes = account.ask("elbv2", "DescribeListenerAttributes", ListenerArn=each.id)
        # Certificates beside the default one: Server Name Indication is a matter of TLS.
        secure = each.properties.get("Protocol") in {"HTTPS", "TLS"}
        more = account.ask("elbv2", "DescribeListenerCertificates", ListenerArn=each.id) if secure else None
        asked.append((each, rules, attributes, more))
    presented = [each.get("CertificateArn") for one in listeners for each in one.properties.get("Certificates") or ()]
    presented += [each.get("CertificateArn") for *_, more in asked if more is not None for each in more.items]
    named = certificates.ask_named(account, presented)
    for listener, rules, attributes, more in asked:
        yield listener.add(attributes, said("ListenerAttributes", "Attributes", _attributes))
        for rule in rules.items:
            draft = None if rule.get("IsDefault") else RULE.draft(rule)
            if draft is not None:
                draft.set("ListenerArn", listener.id)
                yield draft
        for certificate in more.items if more is not None else ():
            if not certificate.get("IsDefault"):
                yield _certificate(listener, certificate)
    yield from certificates.told(account, named)


def _certificate(listener: Draft, certificate: Mapping[str, Any]) -> Draft:
    arn = str(certificate.get("CertificateArn"))
    properties = {"ListenerArn": listener.id, "Certificates": [{"CertificateArn": arn}]}
    return Draft(f"{_ELB}ListenerCertificate", (f"{listener.id}|{arn}",), properties=properties)


def _health(description: Mapping[str, Any]) -> dict[str, Any]:
    target, health = description.get("Target") or {}, description.get("TargetHealth") or {}
    return {**picked(target, "Id Port"), **picked(health, "State Reason")}
