"""Load balancers, listeners and the web ACL in front of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from checker.errors import UsageError
from checker.lab.breaks.account import Account, Target

_LONG: Final = "SizeRestrictions_BODY"


def stop_access_logs(account: Account) -> str:
    balancer = account.first("AWS::ElasticLoadBalancingV2::LoadBalancer").id
    off = [{"Key": "access_logs.s3.enabled", "Value": "false"}]
    account.clients("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=off)
    return f"load balancer {balancer} keeps no access log"


def lower_tls(account: Account) -> str:
    listener = _https(account)
    account.clients("elbv2").modify_listener(ListenerArn=listener.id, SslPolicy="ELBSecurityPolicy-2016-08")
    return f"listener {listener.id} negotiates TLS 1.2 at most"


def present_another_certificate(account: Account) -> str:
    listener = _https(account)
    asked = {"DomainName": "another.example", "ValidationMethod": "DNS"}
    arn = account.clients("acm").request_certificate(**asked)["CertificateArn"]
    account.clients("elbv2").modify_listener(ListenerArn=listener.id, Certificates=[{"CertificateArn": arn}])
    return f"listener {listener.id} presents the certificate of another.example"


def _https(account: Account) -> Target:
    kind = "AWS::ElasticLoadBalancingV2::Listener"
    return account.first(kind, lambda each: each.properties.get("Protocol") == "HTTPS", such="with HTTPS")


def take_web_acl_away(account: Account) -> str:
    association = account.first("AWS::WAFv2::WebACLAssociation").id
    balancer = association.partition("|")[0]
    account.clients("wafv2").disassociate_web_acl(ResourceArn=balancer)
    return f"no web ACL stands in front of {balancer}"


def block_documents(account: Account) -> str:
    def block(rules: list[dict[str, Any]]) -> bool:
        changed = False
        for rule in rules:
            group = rule["Statement"].get("ManagedRuleGroupStatement", {})
            before = group.get("RuleActionOverrides", [])
            # A long body is another finding's (S1): it still counts.
            after = [each for each in before if each["Name"] == _LONG or not each["Name"].endswith("_BODY")]
            if len(after) < len(before):
                group["RuleActionOverrides"], changed = after, True
        return changed

    return f"web ACL {_changed(account, block, 'that counts what bodies hold')} blocks documents and code"


def limit_everybody(account: Account) -> str:
    """A low limit without a scope, and no rule on query arguments that only counts."""

    def limit(rules: list[dict[str, Any]]) -> bool:
        found = False
        for rule in rules:
            rated = rule["Statement"].get("RateBasedStatement", {})
            rated.pop("ScopeDownStatement", None)
            if rated:
                rated["Limit"], found = 100, True
            group = rule["Statement"].get("ManagedRuleGroupStatement", {})
            before = group.get("RuleActionOverrides", [])
            after = [each for each in before if not each["Name"].endswith("_QUERYARGUMENTS")]
            if len(after) < len(before):
                group["RuleActionOverrides"], found = after, True
        return found

    return f"web ACL {_changed(account, limit, 'with a limit')} spares nothing that the system itself sends"


def _changed(account: Account, change: Callable[[list[dict[str, Any]]], bool], such: str) -> str:
    client = account.clients("wafv2")
    for target in account.all("AWS::WAFv2::WebACL"):
        name, identifier, scope = target.id.split("|")
        asked = {"Name": name, "Id": identifier, "Scope": scope}
        answer = client.get_web_acl(**asked)
        acl = answer["WebACL"]
        if change(acl["Rules"]):
            kept = {key: acl[key] for key in ("DefaultAction", "VisibilityConfig", "Rules")}
            client.update_web_acl(**asked, **kept, LockToken=answer["LockToken"])
            return name
    raise UsageError(f"nothing to break: the lab has no web ACL {such}", "Choose another.")
