"""The system's own calls of its public address, and whether a web ACL's rate limit leaves them out.

What runs in private subnets leaves through NAT gateways, and comes back to the load balancer from their addresses: a
rate-based rule then counts everything that all services call as one client (AWS WAF Developer Guide, "Rate-based rule
statement": requests are counted for each source address; a scope-down statement narrows what is counted).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated
from checker.model.environments import Environment
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Absent, Known, Resolved, ResourceKey, Text, Unknown, as_list
from checker.reason.account.facts import table, texts
from checker.reason.network.served_names import host_conditions, names_by_target, normal_name, records_spelled
from checker.reason.network.waf.acls import Acl, AclRule
from checker.reason.workloads.variables import Variable, environment_variables

# Variables that hold an address for browsers, mails and redirects: it is shown, and not called.
_SHOWN: Final = lazy_re.compile(
    r"^(?:APP|SITE|WEB|PUBLIC|FRONTEND|BASE|ROOT|EXTERNAL|CANONICAL|HOME|NEXT_?AUTH|WEBSITE)_?(?:APP_?)?UR[LI]$"
    r"|ORIGIN|CORS|CALLBACK|REDIRECT|ISSUER|AUDIENCE|COOKIE|DOMAIN|LINK|LOGO|ALLOWED",
    re.IGNORECASE,
)
_URL: Final = lazy_re.compile(r"^(?:https?|wss?)://", re.IGNORECASE)


def own_calls(environment: Environment, balancer: Resource) -> Iterator[Variable]:
    """The variables by which containers and functions are told to call the load balancer by its public name."""
    scheme = balancer.get("Scheme")
    if isinstance(scheme, Known) and scheme.value == "internal":
        return
    names = {normal_name(name) for name in names_by_target(environment).get(balancer.key, ())}
    for listener in environment.children(balancer, "AWS::ElasticLoadBalancingV2::Listener"):
        for rule in environment.children(listener, "AWS::ElasticLoadBalancingV2::ListenerRule"):
            names.update(normal_name(name) for name in host_conditions(rule))
    called = environment.project.once_for((_called, environment.name), lambda: _called(environment))
    keys: list[ResourceKey | str] = [balancer.key, *map(str, names)]
    found = {number: each for key in keys for number, each in called.get(key, ())}
    yield from (found[number] for number in sorted(found))


def _called(environment: Environment) -> Mapping[ResourceKey | str, Sequence[tuple[int, Variable]]]:
    """The variables that hold an address to call, with their numbers, by the resources that it refers to and by its
    host."""
    found: dict[ResourceKey | str, list[tuple[int, Variable]]] = {}
    for number, variable in enumerate(environment_variables(environment)):
        value = variable.value
        if isinstance(value, str | Text) and _URL.match(str(value)) and not _SHOWN.search(variable.name):
            if _outside(variable.owner):
                continue
            spelled = records_spelled(value, environment)
            host = re.split(r"[/:?#]", _URL.sub("", str(spelled)))[0].lower().rstrip(".")
            for key in (host, *(each.key for each in environment.project.all_referred(value))):
                found.setdefault(key, []).append((number, variable))
    return found


def _outside(owner: Resource) -> bool:
    """Whether it is a function in no network, which leaves by addresses of AWS Lambda's own and through no gateway
    (AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC")."""
    return owner.type in FUNCTIONS and isinstance(owner.get("VpcConfig"), Absent)


# An elastic IP of the templates; of a live gateway its addresses; ``None`` where they are not known.
Address: TypeAlias = "Resource | tuple[str, ...] | None"


def nat_gateways(environment: Environment) -> list[Resource]:
    return list(environment.resources("AWS::EC2::NatGateway"))


def leaves_out(environment: Environment, acl: Acl, rule: AclRule, gateways: list[Resource]) -> Answer:
    """Whether a rate-based rule does not count what comes from these gateways."""
    rate = rule.statement.get("RateBasedStatement")
    if not isinstance(rate, dict):
        return YES
    by = rate.get("AggregateKeyType", "IP")
    if by in ("FORWARDED_IP", "CUSTOM_KEYS"):
        return Open("it counts by what a client sends, which is not known of the system's own calls")
    addresses = _of_all(environment, gateways)
    allowed = _allowed_before(environment, acl, rule, addresses)
    narrowed = rate.get("ScopeDownStatement")
    counted = YES if narrowed is None or allowed is YES else _matches(environment, narrowed, addresses)
    return either((allowed, negated(counted)))


def refuses(environment: Environment, acl: Acl, rule: AclRule, gateways: list[Resource]) -> bool:
    """Whether a rule surely blocks, by where it comes from, what comes from these gateways."""
    if not rule.blocks:
        return False
    addresses = _of_all(environment, gateways)
    matched = _matches(environment, rule.statement, addresses) is YES
    return matched and _allowed_before(environment, acl, rule, addresses) is NO


def _allowed_before(environment: Environment, acl: Acl, rule: AclRule, addresses: list[Address]) -> Answer:
    return either(
        _matches(environment, each.statement, addresses)
        for each in acl.rules
        if each.action == "Allow" and each.priority < rule.priority
    )


def _of_all(environment: Environment, gateways: list[Resource]) -> list[Address]:
    """The addresses of all these gateways, which every access control list is asked about."""
    key = (_addresses, *(each.key for each in gateways))
    return environment.project.once_for(
        key, lambda: [each for gateway in gateways for each in _addresses(environment, gateway)]
    )


def _addresses(environment: Environment, gateway: Resource) -> list[Address]:
    """From which addresses a gateway speaks: one, or those of each zone of a regional one."""
    account = environment.project.account
    if account is not None:
        addresses = table(account, "nat_addresses")
        held = addresses.get(gateway.physical_id or "") if not isinstance(addresses, Unknown) else None
        return [tuple(texts(held if isinstance(held, list) else [held])) or None]
    zones = gateway.get("AvailabilityZoneAddresses")
    listed = as_list(zones.value) if isinstance(zones, Known) else []
    ids = [each.get("AllocationIds") if isinstance(each, dict) else None for each in listed]
    return [environment.referred(each) for several in ids for each in as_list(several) or [None]] or [
        environment.referred(gateway.get("AllocationId"))
    ]


_UNFOLLOWED: Final = Open("whether one of its statements matches the system's own calls")


def _matches(environment: Environment, statement: Resolved, addresses: list[Address]) -> Answer:
    """Whether a statement matches each request from these addresses; no where it matches none of them."""
    if not isinstance(statement, dict):
        return _UNFOLLOWED
    if "NotStatement" in statement:
        inner = statement["NotStatement"]
        return negated(_matches(environment, inner.get("Statement") if isinstance(inner, dict) else None, addresses))
    for name, combine in (("AndStatement", every), ("OrStatement", either)):
        inner = statement.get(name)
        if isinstance(inner, dict):
            parts = as_list(inner.get("Statements"))
            return combine(_matches(environment, each, addresses) for each in parts)
    reference = statement.get("IPSetReferenceStatement")
    if isinstance(reference, dict):
        return _in_set(environment, environment.referred(reference.get("Arn")), addresses)
    return _UNFOLLOWED


def _is_listed(address: Resource, listed: set[ResourceKey], literal: set[str]) -> bool:
    """Whether an elastic IP is in a list: by reference, or by the address of one's own that it is made with."""
    own = address.get("Address")
    return address.key in listed or (isinstance(own, Known) and str(own.value) in literal)


def _in_set(environment: Environment, found: Resource | None, addresses: list[Address]) -> Answer:
    if found is None or found.type != "AWS::WAFv2::IPSet":
        return Open("which IP set it names")
    value = found.get("Addresses")
    if isinstance(value, Unknown):
        return Open(f"the addresses of {found.logical_id}: {value.why}")
    items = as_list(value.value) if isinstance(value, Known) else []
    if any(str(item) in ("0.0.0.0/1", "128.0.0.0/1") for item in items):
        return Open(f"{found.logical_id} has every second address there is")
    listed = {each.key for item in items for each in environment.project.all_referred(item)}
    literal = {str(item).removesuffix("/32") for item in items}
    inside = [
        set(address) <= literal
        if isinstance(address, tuple)
        else address is not None and _is_listed(address, listed, literal)
        for address in addresses
    ]
    if all(inside):
        return YES
    # An elastic IP of the project gets its address when it is made: no list written before can have it.
    written = any(not isinstance(item, str) for item in items)
    if any(address is None for address in addresses) or (written and not any(inside) and not listed):
        return Open(f"whether {found.logical_id} has the addresses of the NAT gateways")
    return NO
