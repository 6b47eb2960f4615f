"""What scanners say that our own findings say already: one thing to do is reported once.

An entry holds where ours fails in the same place: on the same resource of a template, in the same step of a workflow,
in the same migration. It then says no less than the scanner does. Sources: the titles that the tools give their own
rules (`checkov --list`, `cfn-lint --list-rules`, `listRules()` of @aws/cloudformation-validate, RULES.md of cdk-nag,
docs.zizmor.sh/audits, squawkhq.com/docs/rules). A test runs the tools on a project that has every one of these defects,
so that no entry outlives its scanner's rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_R5, _R4, _HIPAA, _PCI = "NIST.800.53.R5", "NIST.800.53.R4", "HIPAA.Security", "PCI.DSS.321"
# cdk-nag's rules that its packs share, by the name that follows the pack's; and the packs that have them.
_IN_PACKS: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "ALBWAFEnabled": ("S1[attached]", (_R5, _R4, _PCI)),
    "CloudWatchAlarmAction": ("S2", (_R5, _R4, _HIPAA)),
    "CloudWatchLogGroupRetentionPeriod": ("P12", (_R5, _R4, _HIPAA, _PCI)),
    "ELBLoggingEnabled": ("W9[enabled]", (_R5, _R4, _HIPAA, _PCI)),
    "RDSStorageEncrypted": ("C8[storage]", (_R5, _R4, _HIPAA, _PCI)),
    "S3DefaultEncryptionKMS": ("S10", (_R5, _HIPAA, _PCI)),
    "VPCFlowLogsEnabled": ("S6", (_R5, _R4, _HIPAA, _PCI)),
}
# The destructive half of a migration, which C6 wants marked and released later.
_CONTRACT: Final = ("C6[contract]",)

# Result id -> our findings, or requirements of them.
SAME: Final[Mapping[str, Sequence[str]]] = {
    "CKV_AWS_16": ("C8[storage]",),
    "CKV_AWS_29": ("C7[at-rest]",),
    "CKV_AWS_30": ("C7[in-transit]",),
    "CKV_AWS_31": ("C7[auth]", "C7[in-transit]"),
    "CKV_AWS_51": ("C3[mutability]",),
    "CKV_AWS_66": ("P12",),
    "CKV_AWS_91": ("W9[enabled]",),
    "CKV_AWS_96": ("C8[storage]",),
    "CKV_AWS_103": ("S5",),
    "CKV_AWS_163": ("W7",),
    "CFN:E3019": ("C5",),
    "CDK:E3019": ("C5",),
    "CDK:W9008": ("C8[storage]",),
    "NAG:AwsSolutions-AEC3": ("C7[at-rest]", "C7[in-transit]"),
    "NAG:AwsSolutions-AEC6": ("C7[auth]",),
    "NAG:AwsSolutions-ELB2": ("W9[enabled]",),
    "NAG:AwsSolutions-RDS2": ("C8[storage]",),
    "NAG:AwsSolutions-VPC7": ("S6",),
    **{f"NAG:{pack}-{rule}": (ours,) for rule, (ours, packs) in _IN_PACKS.items() for pack in packs},
    "ZIZMOR:template-injection": ("P21",),
    "SQUAWK:adding-not-nullable-field": _CONTRACT,
    "SQUAWK:adding-required-field": _CONTRACT,
    "SQUAWK:ban-drop-column": _CONTRACT,
    "SQUAWK:ban-drop-table": _CONTRACT,
    "SQUAWK:changing-column-type": _CONTRACT,
    "SQUAWK:renaming-column": _CONTRACT,
    "SQUAWK:renaming-table": _CONTRACT,
}


def alike(result: str) -> Sequence[str]:
    """Ids by which another scanner says the same. CDK's validation takes over cfn-lint's rules under their own ids,
    and calls those of the schema fatal: ``F3002`` is ``E3002``."""
    name = result.removeprefix("CDK:")
    return (f"CFN:{name}", f"CFN:E{name[1:]}") if name != result else ()
