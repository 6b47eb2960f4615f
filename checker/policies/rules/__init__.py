"""The rules: one module per finding, each with a docstring that is its page, one ``RULE`` and its check.

:data:`MODULES` is the one table of them. Modules are imported when their rule is wanted, not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Final

from checker.model.rules import Rule

MODULES: Final[Mapping[str, str]] = {
    "C1": "c1_oidc_trust",
    "C2": "c2_ecr_lifecycle",
    "C3": "c3_latest_race",
    "C4": "c4_cross_stack_references",
    "C5": "c5_physical_names",
    "C6": "c6_migration_rollback",
    "C7": "c7_redis_encryption",
    "C8": "c8_rds_encryption",
    "W1": "w1_pass_role",
    "W2": "w2_describe_stacks",
    "W3": "w3_hardcoded_names",
    "W4": "w4_image_pinning",
    "W5": "w5_role_duration",
    "W6": "w6_deploy_role_per_environment",
    "W7": "w7_ecr_scanning",
    "W8": "w8_open_egress",
    "W9": "w9_load_balancer_logs",
    "W10": "w10_production_data_retained",
    "W11": "w11_hosted_zone",
    "W12": "w12_certificate",
    "W13": "w13_bucket_names",
    "W14": "w14_alarm_false_positives",
    "W15": "w15_smoke_test",
    "W16": "w16_concurrent_migrations",
    "W17": "w17_partial_deploy",
    "W18": "w18_one_at_a_time",
    "S1": "s1_waf",
    "S2": "s2_alarm_notifications",
    "S3": "s3_s3_endpoint",
    "S4": "s4_environment_literals",
    "S5": "s5_tls13",
    "S6": "s6_flow_logs",
    "S7": "s7_deploy_metrics",
    "S8": "s8_migration_timeout",
    "S9": "s9_monolithic_stack",
    "S10": "s10_bucket_kms",
    "S11": "s11_rollback_cdk",
    "S12": "s12_service_order",
    "P1": "p1_calls_allowed",
    "P2": "p2_unused_grants",
    "P3": "p3_swallowed_failures",
    "P4": "p4_token_permission",
    "P5": "p5_ci_owns_itself",
    "P6": "p6_placeholder_image",
    "P7": "p7_concurrency",
    "P8": "p8_custom_resource_permissions",
    "P9": "p9_waf_body_rules",
    "P10": "p10_tag_code",
    "P11": "p11_reachability",
    "P12": "p12_log_retention",
    "P13": "p13_stack_updates",
    "P14": "p14_callers_allowed",
    "P15": "p15_repeatable_creation",
    "P16": "p16_waf_lets_own_traffic",
    "P17": "p17_annotated_tags",
    "P18": "p18_github_calls",
    "P19": "p19_prereleases",
    "P20": "p20_long_lived_keys",
    "P21": "p21_pasted_text",
}


# Rules that look at nothing but the pipeline. Templates alone are judged without importing them, and what they read.
PIPELINE_ONLY: Final = frozenset(
    "C6 W3 W4 W15 W16 W17 W18 S7 S8 S11 S12 P1 P2 P3 P4 P5 P6 P7 P10 P17 P18 P19 P20 P21".split()  # noqa: SIM905 - a table
)


def load(ids: Iterable[str] | None = None, *, with_pipeline: bool = True) -> list[Rule]:
    """The rules of these findings, in the table's order; all of them where none is named."""
    wanted = set(MODULES if ids is None else ids)
    if not with_pipeline:
        wanted -= PIPELINE_ONLY
    rules = []
    for finding, module in MODULES.items():
        if finding not in wanted:
            continue
        rule = import_module(f"checker.policies.rules.{module}").RULE
        if not isinstance(rule, Rule) or rule.id != finding:
            raise TypeError(f"checker/policies/rules/{module}.py must define RULE with the id {finding}")
        rules.append(rule)
    return rules


def page_of(identifier: str) -> str | None:
    """The rule's docstring, which is its page; ``None`` where no rule judges the finding."""
    module = MODULES.get(identifier)
    if module is None:
        return None
    text = import_module(f"checker.policies.rules.{module}").__doc__
    return cleandoc(text).replace("``", "`") + "\n" if text else None
