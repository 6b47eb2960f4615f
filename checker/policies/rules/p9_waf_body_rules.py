"""The web ACL lets documents and code through to the API.

What the review found
    Not in the review. It asked that the size limit on bodies be taken out of the common group; the group's other rules
    for bodies still block what this product is made of: a page about cross-site scripting, a path in a config file, a
    query in a migration.
What is checked
    Every web ACL associated with a load balancer or an API, or of a distribution that takes bodies: that the rules of
    AWS's groups that read bodies count there, instead of blocking, or that the group leaves documents out by a
    scope-down statement, or an earlier rule lets them through. That no rule of the ACL's own blocks their labels again,
    or by itself what a body holds or how long it is, unless where no documents are sent; and that it lets anything
    through.
When it does not apply
    No web ACL in front of anything, or one without such groups.
What cannot be decided
    An ACL, an override or a group's name that is not known; a scope-down statement that selects requests by something
    else than their method, since it may select those with documents; a group of another vendor, or of one's own that
    no stack declares; a limit of size that only the deployment tells, or beyond what WAF receives of a body; a
    condition on paths of which nothing says whether documents are sent there, or on PUT or PATCH alone; the methods of
    a distribution that only the deployment tells.
Fix
    Override the rules whose names end in ``_BODY`` to Count, and block by their labels where no documents are sent.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from typing import Final, TypeAlias

from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Known, Resolved
from checker.model.verdicts import Outcome
from checker.reason.network.waf.acls import (
    LABELS,
    Acl,
    AclRule,
    ManagedGroup,
    Scope,
    labels_blocked,
    may_block_any_label,
    read_acl,
)
from checker.reason.network.waf.attachments import attachments, taking_bodies
from checker.reason.network.waf.matching import Share

# AWS WAF Developer Guide, managed rule groups: the groups with rules that read bodies, and short names for them.
_SUBS: Final = {
    "AWSManagedRulesCommonRuleSet": "common",
    "AWSManagedRulesKnownBadInputsRuleSet": "known-bad-inputs",
    "AWSManagedRulesSQLiRuleSet": "sqli",
    "AWSManagedRulesUnixRuleSet": "unix",
    "AWSManagedRulesWindowsRuleSet": "windows",
    "AWSManagedRulesPHPRuleSet": "php",
}
_BODY: Final = "_BODY"
# The body size has a requirement of its own, since the plan asks for it.
_SIZE: Final = "SizeRestrictions_BODY"
_FIX_OWN: Final = "Let it count, or combine it with the paths that take no documents (AndStatement)."
_FIX: Final = "Override them to Count in RuleActionOverrides; block by label where no documents are sent."


# A label that a rule blocks, in lower case, with what has to hold besides.
_Blocked: TypeAlias = tuple[AclRule, str, tuple[Resolved, ...]]


def check(environment: Environment) -> Iterator[Judgement]:
    asked: dict[Resource, Answer] = {}
    for each, takes in chain(((each, YES) for each in attachments(environment)), taking_bodies(environment)):
        if each.acl is not None:
            asked[each.acl] = either((asked.get(each.acl, NO), takes))
        else:
            why = "the associated web ACL is not part of this project, so its rules are not known"
            yield each.association.undecided(None, why, path="WebACLArn", fix=_FIX)
    for resource, takes in asked.items():
        for judged in _acl(read_acl(environment, resource)):
            if isinstance(takes, Open) and judged.outcome is Outcome.FAIL:
                yield resource.undecided(judged.sub, takes.why, path=judged.path, fix=judged.fix)
            else:
                yield judged


def _acl(acl: Acl) -> Iterator[Judgement]:
    blocked = [(rule, label.lower(), besides) for rule in acl.rules for label, besides in labels_blocked(rule)]
    spoken = yield from _own(acl)
    for group in acl.groups():
        if group.name in _SUBS:
            spoken = True
            yield _group(acl, group, blocked)
        elif group.why and not group.name:
            spoken = True
            yield acl.resource.undecided(None, group.why, path=group.rule.path, fix=_FIX)
    for rule, name in acl.others():
        spoken = True
        why = f"whether {name} blocks what bodies hold is not known"
        yield acl.resource.undecided("other", why, path=rule.path, fix="Let its rules for bodies count, or waive this.")
    if not spoken and acl.why:
        yield acl.resource.undecided(None, acl.why, path="Rules", fix=_FIX)


def _own(acl: Acl) -> Generator[Judgement, None, bool]:
    """What the ACL does by itself: rules of its own that read bodies, and what becomes of a request that none knows."""
    spoken = False
    labelled = [(each, rule.reads_bodies) for rule in acl.rules for each in rule.labels]
    for rule in acl.rules:
        blocked = list(labels_blocked(rule))
        again = (
            every((reads, negated(acl.spares_documents_of(besides))))
            for each, reads in labelled
            for label, besides in blocked
            if each.endswith(label)
        )
        reads = either(chain([rule.reads_bodies], again)) if rule.blocks else NO
        if reads is not NO:
            reads = every((reads, negated(acl.lets_documents_in_before(rule))))
        if rule.blocks and reads is YES:
            spoken = True
            yield acl.resource.fails(
                "own",
                f"The rule {rule.name} blocks by what a body holds or how long it is, also where documents are sent.",
                fix=_FIX_OWN,
                path=rule.path,
            )
        elif rule.blocks and isinstance(reads, Open):
            spoken = True
            why = f"whether the rule {rule.name} blocks what documents hold: {reads.why}"
            yield acl.resource.undecided("own", why, path=rule.path, fix=_FIX_OWN)
    for rule in acl.unread_groups():
        spoken = True
        why = f"whether the rules of {rule.name}, which none of these stacks declare, block what bodies hold"
        yield acl.resource.undecided("own", why, path=rule.path, fix="Let its rules for bodies count, or waive this.")
    for rule in acl.rules:
        before = any(each.action == "Allow" and each.priority < rule.priority for each in acl.rules) or rule.open
        if rule.blocks and not before and acl.share(rule) is Share.ALL:
            spoken = True
            yield acl.resource.fails(
                "default",
                f"The rule {rule.name} matches every request and lets none through, that of a program least of all.",
                fix="Let it count, or say which requests it is about.",
                path=rule.path,
            )
    default = acl.resource.get("DefaultAction")
    lets = any(rule.action == "Allow" for rule in acl.rules) or acl.why
    if isinstance(default, Known) and isinstance(default.value, dict) and "Block" in default.value and not lets:
        spoken = True
        yield acl.resource.fails(
            "default",
            "Whatever no rule allows is blocked, and no rule allows anything: nothing comes through.",
            fix="Set DefaultAction to Allow, or add rules that allow what the API takes.",
            path="DefaultAction",
        )
    return spoken


def _group(acl: Acl, group: ManagedGroup, blocked: list[_Blocked]) -> Judgement:
    sub, rule = _SUBS[group.name], group.rule
    blocking = [name for name in group.blocking if name.endswith(_BODY) and name != _SIZE]
    if blocking and group.why:
        return acl.resource.undecided(sub, group.why, path=rule.path, fix=_FIX)
    narrowed = group.scope in {Scope.EXCEPT, Scope.ONLY}
    spares = acl.spares_documents(group) if narrowed else yes_if(group.scope is not Scope.ALL)
    spares = either((spares, acl.lets_documents_in_before(rule))) if blocking else spares
    if blocking and isinstance(spares, Open):
        return acl.resource.undecided(sub, spares.why, path=rule.path, fix=_FIX)
    if blocking and spares is NO:
        return acl.resource.fails(
            sub,
            f"Documents and code in a body are blocked as attacks by {', '.join(blocking)}.",
            fix=_FIX,
            path=rule.path,
            expected="body rules that count, or a group that leaves the documents' paths out",
            actual=f"{len(blocking)} body rules block",
        )
    again, spared = _blocked_again(acl, group, blocked)
    if again is not None and spared is NO:
        return acl.resource.fails(
            sub,
            f"The group's body rules count, but the rule {again.name} blocks their labels where documents are sent.",
            fix="Combine the label match with the paths that take no documents (AndStatement with NotStatement).",
            path=again.path,
        )
    if again is not None and isinstance(spared, Open):
        why = f"whether the rule {again.name} blocks the labels of documents: {spared.why}"
        return acl.resource.undecided(sub, why, path=again.path, fix=_FIX)
    unclear = (each for each in acl.rules if each.blocks and (each.open or may_block_any_label(each)))
    doubtful = next((each.name for each in unclear if each is not rule), "")
    if doubtful or acl.unread:
        why = acl.unread or f"which labels the rule {doubtful} blocks, or when it runs, is not known"
        return acl.resource.undecided(sub, why, path=rule.path, fix=_FIX)
    return acl.resource.passes(sub, f"{group.name} does not block what bodies hold.", path=rule.path)


def _blocked_again(acl: Acl, group: ManagedGroup, blocked: list[_Blocked]) -> tuple[AclRule | None, Answer]:
    """The rule that blocks the labels of a group's body rules, and whether it spares documents; the one that does not
    before one of which that is open."""
    namespace = f"awswaf:managed:aws:{LABELS[group.name]}:"
    found: tuple[AclRule | None, Answer] = None, YES
    for rule, label, besides in blocked:
        whole_namespace = label.endswith(":") and namespace.startswith(label)
        its_body = label.startswith(namespace) and label.endswith("_body")
        if rule.priority > group.rule.priority and (whole_namespace or its_body):
            spared = either((acl.spares_documents_of(besides), acl.lets_documents_in_before(rule)))
            if spared is NO:
                return rule, NO
            found = (rule, spared) if isinstance(spared, Open) else found
    return found


RULE = Rule(
    id="P9",
    looked_for="web ACL in front of a load balancer or an API (AWS::WAFv2::WebACLAssociation)",
    check=check,
)
