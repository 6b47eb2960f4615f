"""The web ACL in front of production's load balancer.

On a load balancer AWS WAF inspects the first 8 KB of a body (AWS WAF Developer Guide, body inspection size limits).

**Documents.** Users of this system write documents and code, which look like attacks to the rules that read bodies:
scripts, file paths, metadata addresses, SQL, `${jndi:…}`; and name their files `settings.ini` and `build.log`, which
rules that read paths refuse. **Addresses.** Native OAuth clients, those of mcp among them, are called back at
`http://127.0.0.1:PORT/…` (RFC 8252, 7.3), which looks like a request forgery wherever it stands: in the query when
consent is asked for, in the body of a registration and of a request for a token.

So those rules count instead of blocking, and label what they match; rules of our own then block by label everywhere
except on the paths that take documents or addresses. What was counted or blocked is logged, with credentials redacted.
Rules and labels: AWS WAF Developer Guide, "Baseline rule groups" and "Use-case specific rule groups".

**Our own calls.** The frontend calls the public address of the api from behind the NAT gateways, so all its users share
their few addresses. The rate limit leaves these out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra import naming
from infra.constructs.network import log_retention
from infra.environments import EnvironmentConfig

REQUESTS_PER_FIVE_MINUTES: Final = 2000
DOCUMENT_PATHS: Final = ("/api/", "/mcp")
ADDRESS_PATHS: Final = (*DOCUMENT_PATHS, "/oauth/")
_REDACTED_HEADERS: Final = ("authorization", "cookie", "x-api-key")
_PARTS: Final = {"_BODY": "_Body", "_QUERYARGUMENTS": "_QueryArguments", "_URIPATH": "_URIPath"}


@dataclass(frozen=True, slots=True)
class ManagedGroup:
    """A rule group of AWS, and which of its rules only count: `sizes` for good, the others on some paths.

    `namespace` is what the group's labels start with.
    """

    name: str
    namespace: str = ""
    sizes: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[str, ...]:
        return (*self.sizes, *self.documents, *self.addresses)

    def label(self, rule: str) -> str:
        """A rule's label: its name, with what it reads in another spelling."""
        kind, underscore, part = rule.rpartition("_")
        return f"awswaf:managed:aws:{self.namespace}:{kind}{_PARTS[underscore + part]}"


MANAGED_GROUPS: Final = (
    ManagedGroup("AWSManagedRulesAmazonIpReputationList"),
    ManagedGroup(
        "AWSManagedRulesCommonRuleSet",
        "core-rule-set",
        sizes=("SizeRestrictions_BODY",),
        documents=(
            "CrossSiteScripting_BODY",
            "GenericLFI_BODY",
            "RestrictedExtensions_URIPATH",
            "RestrictedExtensions_QUERYARGUMENTS",
        ),
        addresses=(
            "GenericRFI_BODY",
            "GenericRFI_QUERYARGUMENTS",
            "EC2MetaDataSSRF_BODY",
            "EC2MetaDataSSRF_QUERYARGUMENTS",
        ),
    ),
    ManagedGroup(
        "AWSManagedRulesKnownBadInputsRuleSet",
        "known-bad-inputs",
        documents=("Log4JRCE_BODY", "JavaDeserializationRCE_BODY", "ReactJSRCE_BODY"),
    ),
    ManagedGroup(
        "AWSManagedRulesSQLiRuleSet",
        "sql-database",
        documents=("SQLi_BODY", "SQLiExtendedPatterns_BODY"),
    ),
    ManagedGroup("AWSManagedRulesLinuxRuleSet"),
)


class WebAcl(Construct):
    """The ACL, its association with a load balancer, and its log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        load_balancer: elbv2.IApplicationLoadBalancer,
        own_addresses: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        ours = wafv2.CfnIPSet(
            self,
            "OwnAddresses",
            description=f"What {config.name} itself calls from: its NAT gateways",
            scope="REGIONAL",
            ip_address_version="IPV4",
            addresses=[f"{address}/32" for address in own_addresses],
        )
        rules = [_rate_limit(ours, priority=0)]
        rules += [_managed(group, priority=priority) for priority, group in enumerate(MANAGED_GROUPS, start=1)]
        documents = [group.label(rule) for group in MANAGED_GROUPS for rule in group.documents]
        addresses = [group.label(rule) for group in MANAGED_GROUPS for rule in group.addresses]
        rules.append(_block("DocumentsElsewhere", documents, DOCUMENT_PATHS, priority=len(rules)))
        rules.append(_block("AddressesElsewhere", addresses, ADDRESS_PATHS, priority=len(rules)))
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            description=f"Guards the {config.name} load balancer",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility("doc-platform"),
            rules=rules,
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=load_balancer.load_balancer_arn, web_acl_arn=acl.attr_arn
        )
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=naming.waf_log_group(config.name),
            retention=log_retention(config.access_log_days),
            removal_policy=cdk.RemovalPolicy.RETAIN if config.retain else cdk.RemovalPolicy.DESTROY,
        )
        logging = wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            # AWS WAF wants the ARN without the `:*` that a log group's own attribute ends with.
            log_destination_configs=[
                cdk.Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=naming.waf_log_group(config.name),
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in _REDACTED_HEADERS
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [
                            {"ActionCondition": {"Action": action}}
                            for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
                        ],
                    }
                ],
            },
        )
        logging.node.add_dependency(log_group)


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, sampled_requests_enabled=True, metric_name=name
    )


def _rate_limit(ours: wafv2.CfnIPSet, *, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RateLimit",
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        visibility_config=_visibility("RateLimit"),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP",
                limit=REQUESTS_PER_FIVE_MINUTES,
                evaluation_window_sec=300,
                scope_down_statement=_not(
                    wafv2.CfnWebACL.StatementProperty(ip_set_reference_statement={"arn": ours.attr_arn})
                ),
            )
        ),
    )


def _managed(group: ManagedGroup, *, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=group.name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_visibility(group.name),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=group.name,
                rule_action_overrides=[
                    wafv2.CfnWebACL.RuleActionOverrideProperty(
                        name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                    )
                    for rule in group.counted
                ]
                or None,
            )
        ),
    )


def _block(
    name: str, labels: Sequence[str], except_on: Sequence[str], *, priority: int
) -> wafv2.CfnWebACL.RuleProperty:
    """Block what has one of the labels, except on paths that start so. After the groups that give the labels."""
    labelled = [
        wafv2.CfnWebACL.StatementProperty(
            label_match_statement=wafv2.CfnWebACL.LabelMatchStatementProperty(scope="LABEL", key=label)
        )
        for label in labels
    ]
    excepted = [
        wafv2.CfnWebACL.StatementProperty(
            byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
                field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
                positional_constraint="STARTS_WITH",
                search_string=path,
                text_transformations=[wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
            )
        )
        for path in except_on
    ]
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        visibility_config=_visibility(name),
        statement=wafv2.CfnWebACL.StatementProperty(
            and_statement=wafv2.CfnWebACL.AndStatementProperty(statements=[_any(labelled), _not(_any(excepted))])
        ),
    )


def _any(statements: Sequence[wafv2.CfnWebACL.StatementProperty]) -> wafv2.CfnWebACL.StatementProperty:
    return wafv2.CfnWebACL.StatementProperty(
        or_statement=wafv2.CfnWebACL.OrStatementProperty(statements=list(statements))
    )


def _not(statement: wafv2.CfnWebACL.StatementProperty) -> wafv2.CfnWebACL.StatementProperty:
    return wafv2.CfnWebACL.StatementProperty(not_statement=wafv2.CfnWebACL.NotStatementProperty(statement=statement))
