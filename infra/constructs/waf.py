"""The web ACL in front of production's load balancer.

On a load balancer AWS WAF inspects the first 8 KB of a body (AWS WAF Developer Guide, body inspection size limits).
Users of this system write documents and code, which look like attacks to the rules that read bodies: scripts, file
paths, metadata addresses, SQL, `${jndi:…}`. So those rules count instead of blocking, and label what they match; a rule
of our own then blocks by label everywhere except on the paths that take documents. What was counted or blocked is
logged, with credentials redacted.
"""

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
_REDACTED_HEADERS: Final = ("authorization", "cookie", "x-api-key")


@dataclass(frozen=True, slots=True)
class ManagedGroup:
    """A rule group of AWS, the rules in it that only count, and the labels of those that block outside documents."""

    name: str
    counted: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


MANAGED_GROUPS: Final = (
    ManagedGroup("AWSManagedRulesAmazonIpReputationList"),
    ManagedGroup(
        "AWSManagedRulesCommonRuleSet",
        counted=(
            "SizeRestrictions_BODY",
            "CrossSiteScripting_BODY",
            "GenericLFI_BODY",
            "GenericRFI_BODY",
            "EC2MetaDataSSRF_BODY",
        ),
        labels=tuple(
            f"awswaf:managed:aws:core-rule-set:{rule}"
            for rule in ("CrossSiteScripting_Body", "GenericLFI_Body", "GenericRFI_Body", "EC2MetaDataSSRF_Body")
        ),
    ),
    ManagedGroup(
        "AWSManagedRulesKnownBadInputsRuleSet",
        counted=("Log4JRCE_BODY", "JavaDeserializationRCE_BODY"),
        labels=tuple(
            f"awswaf:managed:aws:known-bad-inputs:{rule}" for rule in ("Log4JRCE_Body", "JavaDeserializationRCE_Body")
        ),
    ),
    ManagedGroup(
        "AWSManagedRulesSQLiRuleSet",
        counted=("SQLi_BODY", "SQLiExtendedPatterns_BODY"),
        labels=tuple(f"awswaf:managed:aws:sql-database:{rule}" for rule in ("SQLi_Body", "SQLiExtendedPatterns_Body")),
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
    ) -> None:
        super().__init__(scope, construct_id)
        rules = [_rate_limit(priority=0)]
        rules += [_managed(group, priority=priority) for priority, group in enumerate(MANAGED_GROUPS, start=1)]
        rules.append(_block_bodies_outside_documents(priority=len(rules)))
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


def _rate_limit(*, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RateLimit",
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        visibility_config=_visibility("RateLimit"),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=REQUESTS_PER_FIVE_MINUTES, evaluation_window_sec=300
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


def _block_bodies_outside_documents(*, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    """Last, since labels exist only after the groups that give them."""
    labelled = [
        wafv2.CfnWebACL.StatementProperty(
            label_match_statement=wafv2.CfnWebACL.LabelMatchStatementProperty(scope="LABEL", key=label)
        )
        for group in MANAGED_GROUPS
        for label in group.labels
    ]
    takes_documents = [
        wafv2.CfnWebACL.StatementProperty(
            byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
                field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
                positional_constraint="STARTS_WITH",
                search_string=path,
                text_transformations=[wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
            )
        )
        for path in DOCUMENT_PATHS
    ]
    return wafv2.CfnWebACL.RuleProperty(
        name="BodiesOutsideDocuments",
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        visibility_config=_visibility("BodiesOutsideDocuments"),
        statement=wafv2.CfnWebACL.StatementProperty(
            and_statement=wafv2.CfnWebACL.AndStatementProperty(
                statements=[
                    wafv2.CfnWebACL.StatementProperty(
                        or_statement=wafv2.CfnWebACL.OrStatementProperty(statements=labelled)
                    ),
                    wafv2.CfnWebACL.StatementProperty(
                        not_statement=wafv2.CfnWebACL.NotStatementProperty(
                            statement=wafv2.CfnWebACL.StatementProperty(
                                or_statement=wafv2.CfnWebACL.OrStatementProperty(statements=takes_documents)
                            )
                        )
                    ),
                ]
            )
        ),
    )
