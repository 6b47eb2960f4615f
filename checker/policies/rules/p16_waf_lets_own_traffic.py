"""The web ACL lets the system's own traffic and protocols through.

What the review found
    Nothing: found since. It asked for a rate limit for each address and for AWS's groups. All that services call
    through the public name comes from the addresses of the NAT gateways and shares one limit; and a native client's
    OAuth request carries ``redirect_uri=http://127.0.0.1:PORT/`` (RFC 8252, 7.3), which two rules of the common group
    take for an attack.
What is checked
    Every web ACL in front of a load balancer. Where containers or functions are told to call the load balancer's public
    name and leave through NAT gateways: no blocking rate limit for each address counts those gateways, no rule blocks
    their addresses, and no group those of hosting providers or programs that are no browsers. Where OAuth or MCP is
    served: ``GenericRFI_QUERYARGUMENTS`` and ``EC2MetaDataSSRF_QUERYARGUMENTS`` do not block there, nor does a rule
    that blocks their labels, or by itself what such a redirect URI holds.
When it does not apply
    No web ACL in front of a load balancer; nothing behind it calls it, and it serves no OAuth.
What cannot be decided
    An ACL, a statement or a set of addresses that is not known; limits by keys other than the address.
Fix
    Let server-side calls use the internal name, or leave the NAT gateways' addresses out of the limit by a scope-down
    statement; let the two rules count, and block their labels where no client signs in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, why_open
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Known, as_list
from checker.reason.network.own_traffic import leaves_out, nat_gateways, own_calls, refuses
from checker.reason.network.services import services
from checker.reason.network.waf.acls import (
    Acl,
    AclRule,
    Scope,
    may_block_any_label,
    read_acl,
)
from checker.reason.network.waf.attachments import attachments, names_unknown_target
from checker.reason.network.waf.sign_in import OAUTH, blocks_redirect, leaves_sign_in_out, let_in_before
from checker.reason.workloads.variables import Variable, environment_variables

_FIX_RATE: Final = "Call the internal name from inside, or leave the NAT gateways' addresses out by a scope-down."
_FIX_GROUP: Final = "Override those rules to Count, or leave the NAT gateways' addresses out of the group."
_FIX_OWN: Final = "Call the internal name from inside, or leave the NAT gateways' addresses out of the rule."
_FIX_OAUTH: Final = "Override them to Count, and block their labels on the paths where no client signs in."
# Rules that block who calls from a data centre, or with a program. AWS WAF Developer Guide, "IP reputation rule groups"
# and "AWS WAF Bot Control rule group".
_MACHINES: Final = frozenset({"HostingProviderIPList", "CategoryHttpLibrary", "SignalNonBrowserUserAgent"})
_REDIRECTS: Final = ("GenericRFI_QUERYARGUMENTS", "EC2MetaDataSSRF_QUERYARGUMENTS")


def check(environment: Environment) -> Iterator[Judgement]:
    for each in attachments(environment):
        balancer = each.target
        own = each.association.stack.environment == environment.name
        if own and names_unknown_target(each) and (before := _may_stand_before(environment)) is not None:
            why = f"whether it stands before {before.logical_id}: only the deployment tells its ResourceArn"
            yield each.association.undecided(None, why, path="ResourceArn", fix=_FIX_RATE)
        if balancer is None or balancer.type != "AWS::ElasticLoadBalancingV2::LoadBalancer":
            continue
        calls = list(own_calls(environment, balancer))
        serves = _serves_oauth(environment)
        if not calls and not serves:
            continue
        if each.acl is None:
            why = "the associated web ACL is not part of this project, so its rules are not known"
            yield each.association.undecided(None, why, path="WebACLArn", fix=_FIX_RATE)
            continue
        acl = read_acl(environment, each.acl)
        if calls:
            yield from _own_traffic(environment, acl, calls)
        if serves:
            yield _redirects(acl, serves)


def _may_stand_before(environment: Environment) -> Resource | None:
    """A load balancer for which it would matter which web ACL it has."""
    serves = _serves_oauth(environment)
    balancers = environment.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")
    return next((each for each in balancers if serves or any(own_calls(environment, each))), None)


def _own_traffic(environment: Environment, acl: Acl, calls: list[Variable]) -> Iterator[Judgement]:
    gateways = nat_gateways(environment)
    caller = f"{calls[0].container} calls it by its public name ({calls[0].name})"
    related = tuple(dict.fromkeys(each.owner for each in calls))[:5]
    if not gateways:
        if not any(True for _ in environment.resources("AWS::EC2::VPC")):
            why = f"{caller}, and the network it does so from is not part of this project"
            yield acl.resource.undecided("rate-limit", why, fix=_FIX_RATE)
        return
    answer: Answer = YES
    path = name = ""
    for rule in acl.rules:
        if "RateBasedStatement" in rule.statement and rule.blocks and answer is not NO:
            own = leaves_out(environment, acl, rule, gateways)
            if own is not YES:
                answer, path, name = own, rule.path, rule.name
    if answer is NO:
        violation = f"{caller}: through {len(gateways)} NAT address(es), which all share the limit of {name}."
        yield acl.resource.fails("rate-limit", violation, fix=_FIX_RATE, path=path, related=related)
    elif isinstance(answer, Open) or acl.unread:
        why = acl.unread or f"whether {name} counts what comes from the NAT gateways: {why_open(answer)}"
        yield acl.resource.undecided("rate-limit", why, path=path, fix=_FIX_RATE)
    else:
        yield acl.resource.passes("rate-limit", "No limit counts the NAT gateways' addresses.")
    for rule in acl.rules:
        if refuses(environment, acl, rule, gateways):
            violation = f"{caller}: from NAT addresses, which {rule.name} blocks."
            yield acl.resource.fails("own", violation, fix=_FIX_OWN, path=rule.path, related=related)
    for group in acl.groups():
        blocking = sorted(_MACHINES.intersection(group.blocking))
        if blocking and group.scope is Scope.ALL:
            violation = f"{caller}: from NAT addresses, which {', '.join(blocking)} of {group.name} blocks."
            yield acl.resource.fails("groups", violation, fix=_FIX_GROUP, path=group.rule.path, related=related)


def _redirects(acl: Acl, serves: str) -> Judgement:
    for group in acl.groups():
        blocking = [name for name in _REDIRECTS if name in group.blocking]
        if not blocking:
            continue
        before = let_in_before(acl, group.rule)
        if before is YES:
            continue
        if isinstance(before, Open) and not group.why:
            return acl.resource.undecided("oauth", before.why, path=group.rule.path, fix=_FIX_OAUTH)
        if group.why or group.scope is not Scope.ALL:
            why = group.why or "whether the group's scope-down statement leaves out where clients sign in is not known"
            managed = group.rule.statement["ManagedRuleGroupStatement"]
            if leaves_sign_in_out(acl, managed.get("ScopeDownStatement") if isinstance(managed, dict) else None) is YES:
                continue
            return acl.resource.undecided("oauth", why, path=group.rule.path, fix=_FIX_OAUTH)
        return acl.resource.fails(
            "oauth",
            f"{serves} is served, and a native client's redirect_uri=http://127.0.0.1:PORT/ is blocked by "
            f"{' and '.join(blocking)}.",
            fix=_FIX_OAUTH,
            path=group.rule.path,
        )
    blocked = [(rule, blocks_redirect(acl, rule)) for rule in acl.rules]
    for rule, _ in (each for each in blocked if each[1] is YES):
        violation = f"{serves} is served, and {rule.name} blocks a loopback redirect_uri there."
        return acl.resource.fails("oauth", violation, fix=_FIX_OAUTH, path=rule.path)
    for rule, answer in blocked:
        if isinstance(answer, Open):
            why = f"whether {rule.name} blocks a loopback redirect_uri: {answer.why}"
            return acl.resource.undecided("oauth", why, path=rule.path, fix=_FIX_OAUTH)
    unclear = next((rule for rule in acl.rules if _is_unclear(rule)), None)
    if unclear is not None:
        why = f"whether {unclear.name} blocks a loopback redirect_uri: its statement is not known"
        return acl.resource.undecided("oauth", why, path=unclear.path, fix=_FIX_OAUTH)
    if acl.unread or acl.why:
        return acl.resource.undecided("oauth", acl.unread or acl.why, path="Rules", fix=_FIX_OAUTH)
    return acl.resource.passes("oauth", "A loopback redirect URI passes where clients sign in.")


def _is_unclear(rule: AclRule) -> bool:
    """Whether what a rule blocks is not known."""
    managed = rule.statement.get("ManagedRuleGroupStatement")
    if managed is not None and not rule.counts:
        named = isinstance(managed, dict) and (managed.get("VendorName", "AWS"), managed.get("Name"))
        return not named or not all(isinstance(each, str) for each in named)
    if may_block_any_label(rule):
        return True
    return rule.open and not rule.counts and not _by_source(rule) and (rule.blocks or not rule.statement)


def _by_source(rule: AclRule) -> bool:
    """Whether a rule asks where a request comes from, and not what stands in it."""
    return any(
        name in rule.statement for name in ("GeoMatchStatement", "IPSetReferenceStatement", "RateBasedStatement")
    )


def _serves_oauth(environment: Environment) -> str:
    """What tells that clients sign in here by OAuth or MCP; empty where nothing does."""
    for rule in environment.resources("AWS::ElasticLoadBalancingV2::ListenerRule"):
        for pattern in _paths(rule):
            if OAUTH.search(pattern):
                return pattern
    for service in services(environment):
        for container in service.containers or ():
            if OAUTH.search(str(container.name)):
                return str(container.name)
    for variable in environment_variables(environment):
        if OAUTH.search(variable.name.replace("_", "-")):
            return variable.name
    return ""


def _paths(rule: Resource) -> Iterator[str]:
    value = rule.get("Conditions")
    for item in as_list(value.value) if isinstance(value, Known) else []:
        if isinstance(item, dict) and item.get("Field") == "path-pattern":
            config = item.get("PathPatternConfig")
            values = config.get("Values") if isinstance(config, dict) else item.get("Values")
            yield from (str(each) for each in as_list(values))


RULE = Rule(
    id="P16",
    looked_for="web ACL in front of a load balancer whose services call it, or that serves OAuth",
    check=check,
)
