"""Web ACLs: which rules of one really block.

Sources: AWS WAF Developer Guide, "Baseline rule groups", "Use-case specific rule groups", "IP reputation rule groups"
(names of the rules in each managed group), "Overriding rule group actions", "Rate-based rule statement" and "Body
inspection size limits".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, Answer, Open, either
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved, Unknown, as_list, as_number, first_unknown
from checker.reason.network.waf.bodies import leaves_documents_out, reads_bodies, surely_left_out
from checker.reason.network.waf.matching import Share, share_of

# What the rules of AWS's groups are called. Those whose name ends in _BODY read the request's body.
MANAGED_RULES: Final = {
    "AWSManagedRulesCommonRuleSet": (
        "NoUserAgent_HEADER UserAgent_BadBots_HEADER SizeRestrictions_QUERYSTRING SizeRestrictions_Cookie_HEADER "
        "SizeRestrictions_BODY SizeRestrictions_URIPATH EC2MetaDataSSRF_BODY EC2MetaDataSSRF_COOKIE "
        "EC2MetaDataSSRF_URIPATH EC2MetaDataSSRF_QUERYARGUMENTS GenericLFI_QUERYARGUMENTS GenericLFI_URIPATH "
        "GenericLFI_BODY RestrictedExtensions_URIPATH RestrictedExtensions_QUERYARGUMENTS GenericRFI_QUERYARGUMENTS "
        "GenericRFI_BODY GenericRFI_URIPATH CrossSiteScripting_COOKIE CrossSiteScripting_QUERYARGUMENTS "
        "CrossSiteScripting_BODY CrossSiteScripting_URIPATH"
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        "JavaDeserializationRCE_HEADER JavaDeserializationRCE_BODY JavaDeserializationRCE_URIPATH "
        "JavaDeserializationRCE_QUERYSTRING Host_localhost_HEADER PROPFIND_METHOD ExploitablePaths_URIPATH "
        "Log4JRCE_HEADER Log4JRCE_QUERYSTRING Log4JRCE_BODY Log4JRCE_URIPATH ReactJSRCE_BODY"
    ),
    "AWSManagedRulesSQLiRuleSet": (
        "SQLi_QUERYARGUMENTS SQLiExtendedPatterns_QUERYARGUMENTS SQLi_BODY SQLiExtendedPatterns_BODY SQLi_COOKIE"
    ),
    "AWSManagedRulesLinuxRuleSet": "LFI_URIPATH LFI_QUERYSTRING LFI_HEADER",
    "AWSManagedRulesUnixRuleSet": (
        "UNIXShellCommandsVariables_QUERYSTRING UNIXShellCommandsVariables_BODY UNIXShellCommandsVariables_HEADER"
    ),
    "AWSManagedRulesWindowsRuleSet": (
        "WindowsShellCommands_COOKIE WindowsShellCommands_QUERYARGUMENTS WindowsShellCommands_BODY "
        "PowerShellCommands_COOKIE PowerShellCommands_QUERYARGUMENTS PowerShellCommands_BODY"
    ),
    "AWSManagedRulesPHPRuleSet": (
        "PHPHighRiskMethodsVariables_HEADER PHPHighRiskMethodsVariables_QUERYSTRING PHPHighRiskMethodsVariables_BODY"
    ),
    # The DDoS list only counts, whatever the ACL says: it blocks nothing that an override could take away.
    "AWSManagedRulesAnonymousIpList": "AnonymousIPList HostingProviderIPList",
    # Those of its rules that block by default whoever is no browser; the others go by kinds of bots.
    "AWSManagedRulesBotControlRuleSet": "CategoryHttpLibrary SignalNonBrowserUserAgent",
    "AWSManagedRulesAmazonIpReputationList": "AWSManagedIPReputationList AWSManagedReconnaissanceList",
}
# The name that a group's labels begin with, after ``awswaf:managed:aws:``.
LABELS: Final = {
    "AWSManagedRulesCommonRuleSet": "core-rule-set",
    "AWSManagedRulesKnownBadInputsRuleSet": "known-bad-inputs",
    "AWSManagedRulesSQLiRuleSet": "sql-database",
    "AWSManagedRulesUnixRuleSet": "posix-os",
    "AWSManagedRulesWindowsRuleSet": "windows-os",
    "AWSManagedRulesPHPRuleSet": "php-app",
}
BLOCKING: Final = frozenset({"Block", "Captcha", "Challenge"})


class Scope(StrEnum):
    """How much of the traffic a statement with a scope-down statement sees."""

    ALL = "all"
    EXCEPT = "all but what it excludes"
    ONLY = "only what it selects"
    NOTHING = "nothing"


class AclRule(Struct, frozen=True):
    """One rule of a web ACL (or of a rule group of one's own that it uses). ``path`` is where it stands.

    ``action`` is what a match does, empty for groups; ``counts`` whether everything in it only counts; ``open`` whether
    a part of it is not known, so that it may match other requests, or run earlier, than it says.
    """

    place: Resource
    path: str
    name: str
    priority: float
    statement: dict[str, Resolved]
    action: str
    counts: bool
    open: bool = False
    labels: tuple[str, ...] = ()  # that a match gets
    reads_bodies: Answer = NO

    @property
    def blocks(self) -> bool:
        return self.action in BLOCKING and not self.counts


class ManagedGroup(Struct, frozen=True):
    """A managed rule group as an ACL uses it. ``neutral`` are the rules in it that do not block there."""

    rule: AclRule
    name: str
    neutral: frozenset[str]
    scope: Scope
    why: str = ""

    @property
    def blocking(self) -> list[str]:
        """The rules that still block, as far as the group's rules are known."""
        if self.rule.counts:
            return []
        return [each for each in MANAGED_RULES.get(self.name, "").split() if each not in self.neutral]


class Acl(Struct, frozen=True):
    """The rules of one web ACL in the order they run; ``why`` says what of it could not be read.

    ``unread`` is the part of ``why`` that is about rules which stand in the ACL: any of them may allow or block all.
    """

    resource: Resource
    rules: tuple[AclRule, ...]
    why: str
    unread: str
    environment: Environment

    def groups(self) -> Iterator[ManagedGroup]:
        """AWS's own managed groups."""
        for rule in self.rules:
            managed = rule.statement.get("ManagedRuleGroupStatement")
            if isinstance(managed, dict) and managed.get("VendorName", "AWS") == "AWS":
                yield _group(rule, managed, self.environment)

    def others(self) -> Iterator[tuple[AclRule, str]]:
        """Managed groups of somebody else that may block, each with its name."""
        for rule in self.rules:
            managed = rule.statement.get("ManagedRuleGroupStatement")
            if isinstance(managed, dict) and managed.get("VendorName", "AWS") != "AWS" and not rule.counts:
                yield rule, f"{managed.get('VendorName')}'s {managed.get('Name')}"

    def unread_groups(self) -> Iterator[AclRule]:
        """Rule groups of one's own that may block, and that no stack declares."""
        for rule in self.rules:
            reference = rule.statement.get("RuleGroupReferenceStatement")
            if isinstance(reference, dict) and not rule.counts and not _own_group(reference, self.environment):
                yield rule

    def spares_documents(self, group: ManagedGroup) -> Answer:
        """Whether a group does not look at requests with documents, by its scope-down statement. Of one that selects
        requests by something else than their method, nothing tells."""
        managed = group.rule.statement.get("ManagedRuleGroupStatement")
        narrowed = managed.get("ScopeDownStatement") if isinstance(managed, dict) else None
        if group.scope is Scope.ONLY and isinstance(surely_left_out(narrowed, self.environment), Open):
            return Open("whether the group's scope-down statement selects requests with documents is not known")
        return leaves_documents_out(narrowed, self.environment)

    def spares_documents_of(self, besides: Iterable[Resolved]) -> Answer:
        """Whether what has to hold as well leaves requests with documents out."""
        return either(leaves_documents_out(each, self.environment) for each in besides)

    def lets_documents_in_before(self, rule: AclRule) -> Answer:
        """Whether an earlier rule lets requests with documents through, so that this one does not see them."""
        return either(self._lets_documents_in(each, rule) for each in self.rules if each.action == "Allow")

    def _lets_documents_in(self, earlier: AclRule, rule: AclRule) -> Answer:
        if earlier.priority >= rule.priority and not earlier.open and earlier.place is rule.place:
            return NO
        if "LabelMatchStatement" in earlier.statement:
            return Open(f"which requests {earlier.name} lets through before")
        taken = leaves_documents_out({"NotStatement": {"Statement": earlier.statement}}, self.environment)
        # A priority orders the rules of one place alone.
        sure = not earlier.open and earlier.place is rule.place
        return taken if taken is NO or sure else Open(f"which requests {earlier.name} lets through before")

    def share(self, rule: AclRule) -> Share:
        """How much of ordinary traffic a rule of it matches."""
        return share_of(rule.statement, self.environment)


def read_acl(environment: Environment, acl: Resource) -> Acl:
    """The rules of ``acl``, those of its own rule groups among them."""
    rules: list[AclRule] = []
    unread: list[str] = []
    why = _read(environment, acl, rules, unread, None, counts=False)
    ordered = tuple(sorted(rules, key=lambda rule: rule.priority))
    return Acl(acl, ordered, why, unread[0] if unread else "", environment)


def _read(
    environment: Environment,
    place: Resource,
    rules: list[AclRule],
    unread: list[str],
    overridden: dict[str, str] | None,
    *,
    counts: bool,
) -> str:
    """``overridden``: what the ACL lets rules of a group do by their names; ``None`` for the ACL's own."""
    value = place.get("Rules")
    if isinstance(value, Unknown):
        unread.append(value.why)
        return value.why
    if isinstance(value, Known) and not isinstance(value.value, list):
        unread.append("which rules it has is not known before deployment")
        return unread[-1]
    items = value.value if isinstance(value, Known) and isinstance(value.value, list) else []
    why = ""
    for index, item in enumerate(items):
        statement = item.get("Statement") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(statement, dict):
            written = isinstance(item, str) or isinstance(statement, str)
            why = "a rule is a word, and no rule" if written else "a rule is not known before deployment"
            unread.append(why)
            continue
        override = item.get("OverrideAction")
        counted = counts or (isinstance(override, dict) and "Count" in override)
        if isinstance(override, Unknown) or isinstance(item.get("Action"), Unknown):
            why = "a rule's action is not known before deployment"
            unread.append(why)
        priority = as_number(item.get("Priority"))
        name = str(item.get("Name", index))
        rules.append(
            AclRule(
                place,
                f"Rules.{index}",
                name,
                priority or 0.0,
                statement,
                (overridden or {}).get(name) or _action(item.get("Action")),
                counted,
                open=(priority is None and "Priority" in item) or first_unknown(statement) is not None,
                labels=tuple(_own_labels(item.get("RuleLabels"))),
                reads_bodies=reads_bodies(statement, environment),
            )
        )
        reference = statement.get("RuleGroupReferenceStatement")
        if isinstance(reference, dict) and overridden is None:
            group = _own_group(reference, environment)
            if group is None:
                why = why or "a rule group of one's own is not part of this project"
            else:
                actions, doubt = _overrides(reference)
                unread += [doubt] if doubt else []
                why = _read(environment, group, rules, unread, actions, counts=counted) or doubt or why
    return why


def _own_group(reference: dict[str, Resolved], environment: Environment) -> Resource | None:
    """The rule group of the project that a rule uses."""
    group = environment.referred(reference.get("Arn"))
    return group if group is not None and group.type == "AWS::WAFv2::RuleGroup" else None


def _own_labels(value: Resolved) -> Iterator[str]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict) and isinstance(each.get("Name"), str):
            yield str(each["Name"])


def _action(value: Resolved) -> str:
    return next(iter(value), "") if isinstance(value, dict) else ""


def _overrides(statement: dict[str, Resolved]) -> tuple[dict[str, str], str]:
    """What the rules of a group do where an ACL uses it, by their names, and why that is not all."""
    actions: dict[str, str] = {}
    why = ""
    for key in ("ExcludedRules", "RuleActionOverrides"):
        entries = statement.get(key)
        if isinstance(entries, Unknown):
            why = entries.why
        for entry in entries if isinstance(entries, list) else []:
            name = entry.get("Name") if isinstance(entry, dict) else None
            action = entry.get("ActionToUse") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(name, str) or isinstance(action, Unknown):
                why = f"an entry of {key} is not known before deployment"
            else:
                actions[name] = "Count" if key == "ExcludedRules" else _action(action)
    return actions, why


def _group(rule: AclRule, managed: dict[str, Resolved], environment: Environment) -> ManagedGroup:
    actions, why = _overrides(managed)
    neutral = {each for each, action in actions.items() if action in {"Count", "Allow"}}
    name = managed.get("Name")
    return ManagedGroup(
        rule,
        name if isinstance(name, str) else "",
        frozenset(neutral),
        scope_of(managed, environment),
        why or ("" if isinstance(name, str) else "its name is not known before deployment"),
    )


def scope_of(statement: dict[str, Resolved], environment: Environment) -> Scope:
    """Which requests a statement looks at, by its scope-down statement."""
    narrowed = statement.get("ScopeDownStatement")
    share = Share.ALL if narrowed is None else share_of(narrowed, environment)
    if share is Share.ALL:
        return Scope.ALL
    if share is Share.NONE:
        return Scope.NOTHING
    return Scope.EXCEPT if share is Share.MOST else Scope.ONLY


def may_let_everything_pass(acl: Acl, before: float) -> str:
    """Why a rule that runs before this priority may, for all that is known, allow every request; else empty."""
    for rule in acl.rules:
        early = rule.open or rule.priority < before
        if rule.action == "Allow" and early and (rule.open or acl.share(rule) is Share.OPEN):
            return f"how many requests the rule {rule.name} allows before others look is not known"
    return acl.unread


def lets_everything_pass(acl: Acl, rule: AclRule) -> bool:
    """Whether a rule allows each ordinary request, or one method's or one family of browsers', so that no later rule
    runs: by its path, host, address or agent."""
    return rule.action == "Allow" and acl.share(rule) >= Share.PART


def labels_blocked(rule: AclRule) -> Iterator[tuple[str, tuple[Resolved, ...]]]:
    """The labels that this rule blocks, each with what else has to hold: nothing, where it does so on every path."""
    if rule.blocks:
        yield from (each for each in _labels(rule.statement) if each[0])


def may_block_any_label(rule: AclRule) -> bool:
    """Whether only the deployment tells a label that this rule blocks on whatever path it is found."""
    return rule.blocks and ("", ()) in _labels(rule.statement)


def _labels(statement: Resolved) -> Iterator[tuple[str, tuple[Resolved, ...]]]:
    """The labels that a statement looks for, with the statements that have to hold as well; an empty one for what is
    not known."""
    if not isinstance(statement, dict):
        return
    match = statement.get("LabelMatchStatement")
    if isinstance(match, dict):
        yield (str(match["Key"]) if isinstance(match.get("Key"), str) else ""), ()
    for name in ("OrStatement", "AndStatement"):
        inner = statement.get(name)
        parts = as_list(inner.get("Statements")) if isinstance(inner, dict) else []
        for index, each in enumerate(parts):
            others = (*parts[:index], *parts[index + 1 :]) if name == "AndStatement" else ()
            yield from ((label, (*besides, *others)) for label, besides in _labels(each))
