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

import operator
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated, why_open, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Known, Resolved, as_list, as_number
from checker.reason.network.own_traffic import leaves_out, nat_gateways, own_calls, refuses
from checker.reason.network.services import services
from checker.reason.network.waf.acls import (
    Acl,
    AclRule,
    Scope,
    labels_blocked,
    may_block_any_label,
    read_acl,
)
from checker.reason.network.waf.attachments import attachments, names_unknown_target
from checker.reason.network.waf.matching import Share, as_comparison, field_of, holds, searched_text, share_of
from checker.reason.workloads.variables import Variable, environment_variables

_FIX_RATE: Final = "Call the internal name from inside, or leave the NAT gateways' addresses out by a scope-down."
_FIX_GROUP: Final = "Override those rules to Count, or leave the NAT gateways' addresses out of the group."
_FIX_OWN: Final = "Call the internal name from inside, or leave the NAT gateways' addresses out of the rule."
_FIX_OAUTH: Final = "Override them to Count, and block their labels on the paths where no client signs in."
# Rules that block who calls from a data centre, or with a program. AWS WAF Developer Guide, "IP reputation rule groups"
# and "AWS WAF Bot Control rule group".
_MACHINES: Final = frozenset({"HostingProviderIPList", "CategoryHttpLibrary", "SignalNonBrowserUserAgent"})
_REDIRECTS: Final = ("GenericRFI_QUERYARGUMENTS", "EC2MetaDataSSRF_QUERYARGUMENTS")
_LABELS: Final = ("awswaf:managed:aws:core-rule-set:genericrfi_queryarguments",
                  "awswaf:managed:aws:core-rule-set:ec2metadatassrf_queryarguments")  # fmt: skip
_COMPARISONS: Final = ("ByteMatchStatement", "RegexMatchStatement", "RegexPatternSetReferenceStatement")
_LEAVES_OUT: Final = ("(?!", "(?<!", "[^")
_OAUTH: Final = lazy_re.compile(r"oauth|\bmcp\b|openid|/authorize|\boidc\b|mcp[-_/]|[-_/]mcp", re.IGNORECASE)


# The last word of a path: of the authorization endpoint, of what it stands in, and of what is another endpoint.
_AUTHORIZES: Final = lazy_re.compile(r"^auth$|authori[sz]", re.IGNORECASE)
_BEGINS: Final = lazy_re.compile(
    r".*(?:oauth|openid|oidc|mcp)[\w.-]*|v?\d[\d.]*|connect|protocol|login|sign-?in", re.IGNORECASE
)
_NO_SIGN_IN: Final = lazy_re.compile(
    r"health[\w-]*|ready|readyz|live|livez|ping|status|metrics|token|revoke|revocation|introspect|userinfo|jwks[\w.-]*"
    r"|certs|keys|logout|[\w-]+\.(?:js|css|png|ico|svg)",
    re.IGNORECASE,
)
# Fields with what follows the question mark, and a loopback redirect URI in it, as it is and escaped (RFC 6749, 4.1.1);
# how short and how long a query with it may be.
_QUERY: Final = ("QueryString", "AllQueryArguments", "SingleQueryArgument")
_SENT: Final = ("http://127.0.0.1:49152/callback", "http%3A%2F%2F127.0.0.1%3A49152%2Fcallback")
_LENGTHS: Final = (64, 600)
_OF_REDIRECT: Final = lazy_re.compile(r"http|127|redirect|://|loopback", re.IGNORECASE)
_COMPARED: Final = {
    "LE": operator.le, "LT": operator.lt, "GE": operator.ge, "GT": operator.gt, "EQ": operator.eq, "NE": operator.ne
}  # fmt: skip
_WORD: Final = lazy_re.compile(r"[A-Za-z]{3}")


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
        before = _let_in_before(acl, group.rule)
        if before is YES:
            continue
        if isinstance(before, Open) and not group.why:
            return acl.resource.undecided("oauth", before.why, path=group.rule.path, fix=_FIX_OAUTH)
        if group.why or group.scope is not Scope.ALL:
            why = group.why or "whether the group's scope-down statement leaves out where clients sign in is not known"
            managed = group.rule.statement["ManagedRuleGroupStatement"]
            if _left_out(acl, managed.get("ScopeDownStatement") if isinstance(managed, dict) else None) is YES:
                continue
            return acl.resource.undecided("oauth", why, path=group.rule.path, fix=_FIX_OAUTH)
        return acl.resource.fails(
            "oauth",
            f"{serves} is served, and a native client's redirect_uri=http://127.0.0.1:PORT/ is blocked by "
            f"{' and '.join(blocking)}.",
            fix=_FIX_OAUTH,
            path=group.rule.path,
        )
    blocked = [(rule, _blocks_redirect(acl, rule)) for rule in acl.rules]
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


def _blocks_redirect(acl: Acl, rule: AclRule) -> Answer:
    """Whether a rule blocks a loopback redirect URI where clients sign in: by what stands in the query, or by a label
    of the two rules or of their whole group."""
    by_label = (
        every(_meets(acl, each) for each in besides)
        for label, besides in labels_blocked(rule)
        if label.lower() in _LABELS or (label.endswith(":") and any(each.startswith(label.lower()) for each in _LABELS))
    )
    by_itself = _takes_redirect(acl, rule.statement) if rule.blocks and _reads_query(rule.statement) else NO
    blocks = either(chain(by_label, [by_itself]))
    return blocks if blocks is NO else every((blocks, negated(_let_in_before(acl, rule))))


def _reads_query(statement: Resolved) -> bool:
    """Whether a statement asks for what stands in the query, and for nothing that a managed group does."""
    shown = str(statement)
    return any(each in shown for each in _QUERY) and "GroupStatement" not in shown and "RateBased" not in shown


def _takes_redirect(acl: Acl, statement: Resolved) -> Answer:
    """Whether a statement takes the request by which a native client begins to sign in."""
    name = next(iter(statement), "") if isinstance(statement, dict) else ""
    inner = statement.get(name) if isinstance(statement, dict) else None
    if not isinstance(inner, dict):
        return Open("a statement is not known")
    if name == "NotStatement":
        return negated(_takes_redirect(acl, inner.get("Statement")))
    if name in {"AndStatement", "OrStatement"}:
        parts = (_takes_redirect(acl, each) for each in as_list(inner.get("Statements")))
        return every(parts) if name == "AndStatement" else either(parts)
    field, which = field_of(inner)
    if field not in _QUERY:
        return _meets(acl, statement)
    if name == "SizeConstraintStatement":
        return _is_so_long(inner)
    if name not in _COMPARISONS or (field == "SingleQueryArgument" and which != "redirect_uri"):
        return NO
    return either(_is_in_redirect(field, inner, *each) for each in _searched(acl, inner))


def _is_so_long(limit: dict[str, Resolved]) -> Answer:
    size, how = as_number(limit.get("Size")), limit.get("ComparisonOperator")
    if size is None or how not in _COMPARED:
        return Open("which length it is about")
    held = [_COMPARED[str(how)](each, size) for each in _LENGTHS]
    return yes_if(held[0]) if held[0] is held[1] else Open("how long a query is")


def _is_in_redirect(field: str, comparison: dict[str, Resolved], how: str, wanted: Resolved) -> Answer:
    if not isinstance(wanted, str):
        return Open("what it looks for")
    if not how:
        return Open("what it looks for") if _OF_REDIRECT.search(wanted) else NO
    changed = str(comparison.get("TextTransformations"))
    sent = [*_SENT[:1]] if "URL_DECODE" in changed else [*_SENT]
    if field == "QueryString":
        sent = [f"response_type=code&client_id=c&redirect_uri={each}&state=s" for each in sent]
    found = [holds(each.lower() if "LOWERCASE" in changed else each, wanted, how) for each in sent]
    if all(found) or not any(found):
        return YES if found[0] else NO
    return Open("which characters of it a client escapes")


def _meets(acl: Acl, condition: Resolved) -> Answer:
    """Whether requests for where clients sign in meet a condition."""
    inner = condition.get("NotStatement") if isinstance(condition, dict) else None
    if isinstance(inner, dict):
        return negated(_meets(acl, inner.get("Statement")))
    share = share_of(condition, acl.environment)
    if share >= Share.MOST:
        return YES
    if "UriPath" in str(condition):
        return _by_path(acl, condition)
    return NO if share <= Share.FEW else Open("which requests it is about")


def _let_in_before(acl: Acl, group: AclRule) -> Answer:
    """Whether a rule before a group lets requests through by the paths where clients sign in."""
    earlier = (rule for rule in acl.rules if rule.action == "Allow" and rule.priority < group.priority)
    return either([_let_in(acl, rule, rule.place is not group.place) for rule in earlier])


def _let_in(acl: Acl, rule: AclRule, elsewhere: bool) -> Answer:
    """``elsewhere``: it stands in a rule group, whose priorities order nothing but the group's own rules."""
    found = YES if acl.share(rule) is Share.ALL else _by_path(acl, rule.statement)
    if found is NO or not (rule.open or elsewhere or isinstance(found, Open)):
        return found
    return Open(f"which requests {rule.name} lets through before the group")


def _by_path(acl: Acl, statement: Resolved) -> Answer:
    """Whether a statement takes all requests for the paths where clients sign in, whatever else is said of them."""
    name = next(iter(statement), "") if isinstance(statement, dict) else ""
    inner = statement.get(name) if isinstance(statement, dict) else None
    if not isinstance(inner, dict):
        return Open("a statement is not known")
    if name == "OrStatement":
        parts = inner.get("Statements")
        return either([_by_path(acl, each) for each in parts]) if isinstance(parts, list) else Open("its parts")
    if name in _COMPARISONS:
        field = inner.get("FieldToMatch")
        if not isinstance(field, dict):
            return Open("which field it looks at is not known")
        return either(_takes_sign_in(*each) for each in _searched(acl, inner)) if _is_of_paths(inner) else NO
    if name == "LabelMatchStatement" and not str(inner.get("Key")).startswith("awswaf:managed:"):
        return Open("which requests have the label")
    # By a path and something else besides, or by each path but some.
    return Open("it asks for more than a path") if "UriPath" in str(inner) else NO


def _is_of_paths(comparison: dict[str, Resolved]) -> bool:
    return field_of(comparison)[0] == "UriPath"


def _searched(acl: Acl, comparison: dict[str, Resolved]) -> list[tuple[str, Resolved]]:
    """The texts and patterns that a comparison looks for, each with how it does: a pattern's is empty where it is more
    than a text."""
    if "Arn" in comparison:
        patterns = acl.environment.referred(comparison["Arn"])
        listed = patterns.get("RegularExpressionList") if patterns is not None else None
        found = listed.value if isinstance(listed, Known) and isinstance(listed.value, list) else [None]
        return [_pattern(each) for each in found]
    if "RegexString" in comparison:
        return [_pattern(comparison["RegexString"])]
    return [(str(comparison.get("PositionalConstraint")), searched_text(comparison))]


def _pattern(expression: Resolved) -> tuple[str, Resolved]:
    read = as_comparison(expression) if isinstance(expression, str) else None
    return read if read is not None else ("", expression)


def _takes_sign_in(how: str, wanted: Resolved) -> Answer:
    """Whether the paths that a text or a pattern is about have the one among them that clients come to with their
    redirect URI: the authorization endpoint (RFC 6749, 3.1). One path of many is not all of them."""
    if not isinstance(wanted, str):
        return Open("what it looks for")
    named = list(_OAUTH.finditer(wanted))
    if not named:
        return NO
    if not how:
        # A pattern may name a path in order to leave it out, or what stands behind it.
        rest = wanted[named[-1].end() :]
        whole = _AUTHORIZES.search(wanted) or not (_WORD.search(rest) or (rest.endswith("$") and "*" not in rest))
        return YES if whole and not any(mark in wanted for mark in _LEAVES_OUT) else Open("what it looks for")
    if "/.well-known" in wanted:
        return NO  # what is told about the endpoints (RFC 8414, RFC 9728)
    last = wanted.rstrip("/").rpartition("/")[2]
    if _AUTHORIZES.search(last) or (how not in ("EXACTLY", "ENDS_WITH") and _BEGINS.fullmatch(last)):
        return YES
    return NO if _NO_SIGN_IN.fullmatch(last) else Open(f"whether clients sign in at {wanted}")


def _left_out(acl: Acl, scope: Resolved) -> Answer:
    """Whether a group looks at no request for the paths where clients sign in, however much it leaves out besides."""
    name = next(iter(scope), "") if isinstance(scope, dict) else ""
    inner = scope.get(name) if isinstance(scope, dict) else None
    if name == "AndStatement" and isinstance(inner, dict):
        return either([_left_out(acl, each) for each in as_list(inner.get("Statements"))])
    return _by_path(acl, inner.get("Statement")) if name == "NotStatement" and isinstance(inner, dict) else NO


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
            if _OAUTH.search(pattern):
                return pattern
    for service in services(environment):
        for container in service.containers or ():
            if _OAUTH.search(str(container.name)):
                return str(container.name)
    for variable in environment_variables(environment):
        if _OAUTH.search(variable.name.replace("_", "-")):
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
