"""Every public load balancer stands behind a complete web ACL.

What the review found
    No web ACL; the one that was planned lacks the rules for Linux hosts.
What is checked
    Every internet-facing application load balancer of production has a web ACL associated with it. That ACL runs, and
    lets block, AWS's groups for common attacks, known bad inputs, SQL injection, IP reputation and Linux; the common
    group's size limit on bodies does not block, since an API takes larger ones; and one rule blocks an address after
    2000 requests in five minutes or fewer. A group counts as missing where it is overridden to count, where each of its
    rules is, or where a rule before it lets every request through.
When it does not apply
    Environments that may be torn down, shared ones, and production without an internet-facing application load
    balancer.
What cannot be decided
    An ACL that is not part of the project, or that AWS Firewall Manager may put there; a group that a scope-down
    statement confines to some requests; a rate limit by a header that the sender may write.
Fix
    Associate an ``AWS::WAFv2::WebACL`` with the load balancer (``AWS::WAFv2::WebACLAssociation``), with the five
    managed groups and a ``RateBasedStatement`` of 2000 per IP.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Environment, EnvironmentKind
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, Text, as_number
from checker.model.verdicts import Outcome
from checker.reason.network.waf.acls import (
    MANAGED_RULES,
    Acl,
    AclRule,
    ManagedGroup,
    Scope,
    lets_everything_pass,
    may_let_everything_pass,
    read_acl,
    scope_of,
)
from checker.reason.network.waf.attachments import (
    GATEWAY,
    Attachment,
    attachments,
    faces_internet,
    names_unknown_target,
)

_COMMON: Final = "AWSManagedRulesCommonRuleSet"
_REQUIRED: Final = {
    "common": _COMMON,
    "known-bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "sqli": "AWSManagedRulesSQLiRuleSet",
    "ip-reputation": "AWSManagedRulesAmazonIpReputationList",
    "linux": "AWSManagedRulesLinuxRuleSet",
}
_BODY_SIZE: Final = "SizeRestrictions_BODY"
_BODY_SIZE_SUB: Final = "common-body-size"
_LIMIT: Final = 2000
_WINDOW: Final = 300  # seconds: the default of EvaluationWindowSec, and what the limit is counted in
_FIX_ATTACH: Final = "Add an AWS::WAFv2::WebACLAssociation of the web ACL with the load balancer's ARN."
_FIX_BYPASS: Final = "Write out the rules that allow requests: their statements, actions and priorities."
_FIX_RATE: Final = "Add a rule that blocks, with a RateBasedStatement: Limit 2000, AggregateKeyType IP."


def check(environment: Environment) -> Iterator[Judgement]:
    kinds = {each.kind for each in environment.project.environments} - {EnvironmentKind.SHARED}
    # What is shared serves production too, unless there is none.
    if environment.kind is EnvironmentKind.STAGING or (
        environment.kind is EnvironmentKind.SHARED and kinds <= {EnvironmentKind.STAGING}
    ):
        yield environment.not_applicable(None, "A web ACL is asked of production only.")
        return
    by_target: dict[Resource | None, list[Attachment]] = {}
    for each in attachments(environment):
        by_target.setdefault(each.target, []).append(each)
    astray = [each for each in by_target.get(None, []) if names_unknown_target(each)]
    judged: dict[Resource, None] = {}
    for balancer in environment.resources("AWS::ElasticLoadBalancingV2::LoadBalancer", GATEWAY):
        if not _in_scope(balancer):
            continue
        own = by_target.get(balancer, [])
        yield _attached(balancer, own, astray, environment)
        judged.update({each.acl: None for each in own if each.acl is not None})
    for acl in judged:
        yield from _acl(read_acl(environment, acl))


def _in_scope(balancer: Resource) -> bool:
    if balancer.type == GATEWAY:
        return faces_internet(balancer) is not NO
    kind, scheme = balancer.get("Type"), balancer.get("Scheme")
    application = isinstance(kind, Absent) or (isinstance(kind, Known) and kind.value == "application")
    return application and not (isinstance(scheme, Known) and scheme.value == "internal")


def _by_firewall_manager(environment: Environment) -> Resource | None:
    """A policy by which AWS Firewall Manager associates web ACLs of its own with what is in its scope (AWS WAF
    Developer Guide, "AWS WAF policies")."""
    for policy in environment.project.resources("AWS::FMS::Policy"):
        kind = policy.get("SecurityServicePolicyData.Type")
        if not isinstance(kind, Known) or kind.value in ("WAFV2", "WAF"):
            return policy
    return None


def _attached(
    balancer: Resource, own: list[Attachment], astray: list[Attachment], environment: Environment
) -> Judgement:
    if own:
        acl = own[0].acl
        if acl is None:
            why = "the associated web ACL is not part of this project, so its rules are not known"
            return balancer.undecided("attached", why, fix=_FIX_ATTACH)
        scope = acl.get("Scope")
        if isinstance(scope, Known) and scope.value == "CLOUDFRONT":
            return balancer.fails(
                "attached",
                "Its web ACL is of scope CLOUDFRONT: AWS refuses to put it before a load balancer.",
                fix="Make the web ACL with scope REGIONAL.",
                related=(acl,),
            )
        if not isinstance(scope, Absent) and not (isinstance(scope, Known) and isinstance(scope.value, str)):
            return balancer.undecided("attached", "which scope its web ACL has is not known", fix=_FIX_ATTACH)
        if not own[0].association.certain:
            return balancer.undecided("attached", "the association exists only under a condition", fix=_FIX_ATTACH)
        return balancer.passes("attached", "A web ACL stands before it.")
    if astray:
        return balancer.undecided("attached", "what a web ACL is associated with is not known", fix=_FIX_ATTACH)
    if (managed := _by_firewall_manager(environment)) is not None:
        why = f"whether {managed.logical_id} of AWS Firewall Manager puts a web ACL before it"
        return balancer.undecided("attached", why, fix=_FIX_ATTACH)
    return balancer.fails(
        "attached",
        "No web ACL stands before the load balancer.",
        fix=_FIX_ATTACH,
        expected="a WebACLAssociation with this load balancer",
        actual="no association",
    )


def _acl(acl: Acl) -> Iterator[Judgement]:
    """What the rules of ``acl`` do; nothing of it is sure where a rule before them may let everything pass."""
    priorities = {rule.path: rule.priority for rule in acl.rules if rule.place is acl.resource}
    for judgement in _requirements(acl):
        doubt = may_let_everything_pass(acl, priorities.get(judgement.path, 0.0))
        if doubt and judgement.outcome is Outcome.PASS and judgement.sub != _BODY_SIZE_SUB:
            yield acl.resource.undecided(judgement.sub, doubt, path=judgement.path, fix=_FIX_BYPASS)
        else:
            yield judgement


def _requirements(acl: Acl) -> Iterator[Judgement]:
    own = sorted((rule for rule in acl.rules if rule.place is acl.resource), key=lambda rule: rule.priority)
    for first, second in pairwise(own):
        if first.priority == second.priority and not (first.open or second.open):
            said = (
                f"{first.name} and {second.name} have one priority, {second.priority:g}: AWS WAF refuses the web ACL."
            )
            fix = "Give each rule of the web ACL a priority of its own."
            yield acl.resource.fails("priorities", said, fix=fix, path=second.path)
            break
    bypass = next((rule for rule in acl.rules if lets_everything_pass(acl, rule)), None)
    groups = {group.name: group for group in acl.groups()}
    open_group = next((group for group in groups.values() if group.why and not group.name), None)
    for sub, name in _REQUIRED.items():
        group = groups.get(name)
        if group is None:
            yield _missing(acl, sub, name, open_group)
            continue
        yield _group(acl, sub, group, bypass)
        if name == _COMMON and not group.rule.counts:
            yield _body_size(acl, group)
    yield _rate(acl, bypass)


def _missing(acl: Acl, sub: str, name: str, open_group: ManagedGroup | None) -> Judgement:
    why = acl.why or (open_group.why if open_group else "")
    fix = f"Add a ManagedRuleGroupStatement for AWS's {name}."
    if why:
        return acl.resource.undecided(sub, why, path="Rules", fix=fix)
    return acl.resource.fails(
        sub, f"The web ACL lacks {name}.", fix=fix, path="Rules", expected=name, actual="not among its rules"
    )


def _group(acl: Acl, sub: str, group: ManagedGroup, bypass: AclRule | None) -> Judgement:
    name, rule = group.name, group.rule
    fix = f"Let {name} block: OverrideAction None, and overrides for single rules only."
    if bypass is not None and bypass.priority < rule.priority:
        return acl.resource.fails(
            sub,
            f"{name} never runs: the rule {bypass.name} before it allows the requests, or a large part of them.",
            fix="Give the rule that allows a condition, or a priority after the groups.",
            path=bypass.path,
        )
    if group.why or (bypass is not None and rule.open):
        why = group.why or f"whether the rule {bypass.name if bypass else ''} runs before {name} is not known"
        return acl.resource.undecided(sub, why, path=rule.path, fix=fix)
    if not group.blocking:
        return acl.resource.fails(
            sub,
            f"{name} blocks nothing: it only counts.",
            fix=fix,
            path=rule.path,
            expected="a group that blocks",
            actual="overridden to count" if rule.counts else f"all {len(MANAGED_RULES[name].split())} rules count",
        )
    if group.scope is Scope.NOTHING:
        return acl.resource.fails(
            sub,
            f"{name} looks at no request: its scope-down statement selects none.",
            fix="Take the scope-down statement out, or let it select what the group is for.",
            path=rule.path,
        )
    if group.scope is Scope.ONLY:
        why = f"{name} is confined to some requests by its scope-down statement"
        return acl.resource.undecided(sub, why, path=rule.path, fix=fix)
    return acl.resource.passes(sub, f"{name} blocks.", path=rule.path)


def _body_size(acl: Acl, group: ManagedGroup) -> Judgement:
    fix = f"Override {_BODY_SIZE} to Count in RuleActionOverrides."
    if group.why and _BODY_SIZE not in group.neutral:
        return acl.resource.undecided(_BODY_SIZE_SUB, group.why, path=group.rule.path, fix=fix)
    if _BODY_SIZE in group.neutral:
        return acl.resource.passes(_BODY_SIZE_SUB, f"{_BODY_SIZE} does not block.", path=group.rule.path)
    if group.scope is not Scope.ALL:
        why = "which requests the common group looks at depends on its scope-down statement"
        return acl.resource.undecided(_BODY_SIZE_SUB, why, path=group.rule.path, fix=fix)
    return acl.resource.fails(
        _BODY_SIZE_SUB,
        "Requests with a body over 8 KB are blocked: the API takes larger ones.",
        fix=fix,
        path=group.rule.path,
        expected="Count",
        actual="the group's own action, Block",
    )


def _rate(acl: Acl, bypass: AclRule | None) -> Judgement:
    found: list[tuple[AclRule, Answer, str]] = []
    for rule in acl.rules:
        statement = rule.statement.get("RateBasedStatement")
        if isinstance(statement, dict) and not (bypass is not None and bypass.priority < rule.priority):
            doubtful = bypass is not None and rule.open
            why = "whether the rate limit runs before the rule that allows every request is not known"
            scope = scope_of(statement, acl.environment)
            found.append((rule, Open(why), why) if doubtful else (rule, *_limits(rule, statement, scope)))
    for rule, answer, why in sorted(found, key=lambda each: (each[1] is not YES, each[1] is NO)):
        if answer is YES:
            return acl.resource.passes("rate-limit", why, path=rule.path)
        if isinstance(answer, Open):
            return acl.resource.undecided("rate-limit", answer.why, path=rule.path, fix=_FIX_RATE)
        return acl.resource.fails(
            "rate-limit",
            f"The rate limit is none: {why}.",
            fix=_FIX_RATE,
            path=rule.path,
            expected=f"a block after {_LIMIT} requests of one IP in 5 minutes, or fewer",
            actual=why,
        )
    if acl.why:
        return acl.resource.undecided("rate-limit", acl.why, path="Rules", fix=_FIX_RATE)
    return acl.resource.fails(
        "rate-limit",
        "One address may send as many requests as it likes.",
        fix=_FIX_RATE,
        path="Rules",
        expected=f"a block after {_LIMIT} requests of one IP in 5 minutes, or fewer",
        actual="no rate-based rule that runs",
    )


def _open(why: str) -> tuple[Answer, str]:
    return Open(why), why


def _limits(rule: AclRule, statement: dict[str, Resolved], scope: Scope) -> tuple[Answer, str]:
    """Whether a rate-based rule holds each address to the limit, and what it does."""
    limit = as_number(statement.get("Limit"))
    window = as_number(statement.get("EvaluationWindowSec", _WINDOW))
    key = statement.get("AggregateKeyType")
    if not rule.blocks:
        return NO, "it does not block"
    if isinstance(key, Text) or limit is None or not window:
        return _open("the rate limit is not known before deployment")
    if limit * _WINDOW / window > _LIMIT:
        return NO, f"it allows {limit * _WINDOW / window:g} requests in 5 minutes"
    if key == "FORWARDED_IP":
        return _open("it counts by a header, which whoever calls the load balancer directly may write")
    if key != "IP":
        return _open("it counts by keys of its own") if key == "CUSTOM_KEYS" else (NO, "it does not count per IP")
    if scope is Scope.NOTHING:
        return NO, "its scope-down statement selects no request"
    if scope is Scope.ONLY:
        return _open("it is confined to some requests by its scope-down statement")
    return YES, f"It blocks an IP after {limit:g} requests in {window:g} s."


RULE = Rule(
    id="S1",
    looked_for="internet-facing application load balancer (AWS::ElasticLoadBalancingV2::LoadBalancer)",
    check=check,
)
