"""One made-up Run that holds every outcome, every waiver state and text that tries to break out of every format."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from checker.model.live.drift import NextDeploy, PropertyDrift, PropertyState, ResourceDrift, ResourceState
from checker.model.shown.facts import Excerpt, Facts, Fate, Framework, ImagesOfAge, Retention, TokenRow
from checker.model.verdicts import (
    Coverage,
    Finding,
    Location,
    Outcome,
    ProjectSummary,
    Run,
    Severity,
    Subject,
    SubjectKind,
    Surface,
    Unread,
    Verdict,
    WaiverNote,
    WaiverState,
    WaiverStatus,
)

C, W, S = Severity
FINDINGS = {
    finding.id: finding
    for finding in (
        Finding(
            "C7",
            "Redis is encrypted in transit and at rest, and asks who is calling",
            C,
            controls=(
                ("soc2-2017", ("CC6.1", "CC6.7")),
                ("nist-800-53r5", ("SC-8", "SC-28(1)")),
                ("aws-fsbp", ("ElastiCache.4",)),
            ),
        ),
        Finding("C8", "Every database is encrypted at rest, with its replicas and snapshots", C),
        Finding("W6", "Each environment has its own deploy role", W),
        Finding("W15", "Every deploy is smoke-tested before it counts as done", W),
        Finding("W18", "Services are rolled one at a time, and the first failure stops the roll-out", W),
        Finding("S2", "Every alarm reaches someone", S),
        Finding("S6", "Every VPC logs the traffic it rejects", S),
        Finding("P12", "Every log group has a retention", W, reviewed=False),
    )
}
HOSTILE = '</li><script>alert(1)</script> ]]> [click](https://evil.example) `x` |cell| @octocat "quoted" & {0}'
NOTE = WaiverNote(
    "W6", "One role with protected environments is enough.", "platform-team", "2026-11-20", "2026-12-12", 11
)


def verdict(finding: str, outcome: Outcome, name: str, line: int | None, **more: Any) -> Verdict:
    environment = more.pop("environment", "production")
    stack = {"production": "DocPlatformProd", "staging": "DocPlatformStack"}.get(environment, "DocPlatformShared")
    subject = more.pop("subject", None) or Subject(
        SubjectKind.RESOURCE,
        name,
        more.pop("type", "AWS::ElastiCache::ReplicationGroup"),
        stack,
        name,
        None,
        f"{stack}/Data/{name}",
    )
    location = Location(more.pop("file", "infra/constructs/data.py"), line, more.pop("path", f"Resources/{name}"))
    return Verdict(
        finding,
        more.pop("severity", None) or FINDINGS[finding].severity,
        outcome,
        more.pop("surface", Surface.TEMPLATE),
        environment,
        subject,
        location,
        **more,
    )


def status(finding: str, state: WaiverState, days_left: int, detail: str, line: int) -> WaiverStatus:
    return WaiverStatus(
        finding=finding,
        environments=("staging", "production"),
        resource="*",
        reason="Looked at, and enough for now.",
        owner="platform-team",
        expires_on={-3: "2026-11-28", 11: "2026-12-12", 170: "2027-05-20"}[days_left],
        days_left=days_left,
        state=state,
        detail=detail,
        location=Location("policies/waivers.yaml", line),
    )


_AT_REST: dict[str, Any] = {
    "sub": "at-rest",
    "violation": "The replication group keeps its data unencrypted.",
    "fix": "Set AtRestEncryptionEnabled to true; the group is replaced.",
    "expected": "true",
    "actual": "false",
}
_JOB = Subject(SubjectKind.WORKFLOW_JOB, "prod-deploy/smoke")
_ENVIRONMENT = Subject(SubjectKind.ENVIRONMENT, "shared")

VERDICTS = (
    verdict("C7", Outcome.FAIL, "Cache", 41, **_AT_REST),
    verdict("C7", Outcome.FAIL, "Cache", 41, environment="staging", **_AT_REST),
    verdict("C7", Outcome.PASS, "Cache", 44, sub="in-transit", violation="TransitEncryptionEnabled is true."),
    verdict(
        "C7",
        Outcome.NOT_APPLICABLE,
        "",
        None,
        subject=_ENVIRONMENT,
        environment="shared",
        file="cdk.out",
        violation="There is no Redis or Valkey cluster.",
    ),
    verdict(
        "C8",
        Outcome.UNKNOWN,
        "Database",
        77,
        type="AWS::RDS::DBInstance",
        path="Resources/Database/Properties/StorageEncrypted",
        violation="Cannot be decided: parameter Encrypt has no default.",
        fix="Give it a default, or say it in checker.toml.",
    ),
    verdict(
        "W6",
        Outcome.WAIVED,
        "DeployRole",
        12,
        environment="shared",
        file="infra/constructs/access.py",
        type="AWS::IAM::Role",
        violation="One role deploys staging and production.",
        fix="Make a role per environment.",
        waiver=NOTE,
    ),
    verdict(
        "W15",
        Outcome.ERROR,
        "",
        9,
        subject=_JOB,
        surface=Surface.WORKFLOW,
        file=".github/workflows/prod-deploy.yml",
        path="jobs/smoke",
        violation="The rule crashed at w15_smoke.py:41: KeyError: 'steps'",
        fix="Report it with the workflow: a rule must not crash.",
    ),
    verdict(
        "S2",
        Outcome.FAIL,
        "Alarm",
        8,
        sub=f"topic={HOSTILE}",
        type="AWS::CloudWatch::Alarm",
        file="infra/a b/<alarms>.py",
        violation=f"The alarm is called {HOSTILE}.",
        fix=f"Subscribe {HOSTILE}.",
        related=(Location("infra/stacks/shared.py", 3),),
    ),
    *(
        verdict(
            "P12",
            Outcome.FAIL,
            f"Logs{n}",
            100 + n,
            type="AWS::Logs::LogGroup",
            file="infra/constructs/services.py",
            violation="The log group keeps everything for ever.",
            fix="Set RetentionInDays.",
        )
        for n in range(12)
    ),
    verdict(
        "S6", Outcome.PASS, "Vpc", 5, type="AWS::EC2::VPC", violation="A flow log keeps rejected traffic for 30 days."
    ),
    verdict(
        "E3012",
        Outcome.FAIL,
        "Cache",
        1,
        severity=W,
        file="/tmp/elsewhere/template.json",
        violation="Value is no boolean.",
        fix="Write true or false.",
    ),
    verdict(
        "C8",
        Outcome.FAIL,
        "db-1",
        None,
        surface=Surface.ACCOUNT,
        type="AWS::RDS::DBInstance",
        path=None,
        file="arn:aws:rds:us-west-2:111111111111:db:db-1",
        violation="The instance is not encrypted.",
        fix="Restore an encrypted copy.",
    ),
)

RUN = Run(
    command="gate",
    project=ProjectSummary(
        "kcjonson/doc-platform",
        "2030b0110f0f4a5c6b7d8e9f00112233445566aa",
        {"staging": "sha256:" + "1a" * 32, "production": "sha256:" + "2b" * 32},
    ),
    environments=("shared", "staging", "production"),
    verdicts=VERDICTS,
    coverage=Coverage(
        judged=("C7", "C8", "W6", "W15", "S2", "S6", "P12"),
        not_judged=("W18",),
        surfaces={"template": "3 templates, 412 resources", "workflow": "2 workflows, 9 jobs"},
        unread=(Unread("rds instances in us-west-2", "access denied", "rds:DescribeDBInstances"),),
        notes=("took stack DocPlatformStack for environment staging (its name speaks of no environment)",),
    ),
    findings=FINDINGS,
    waivers=(
        status("W18", WaiverState.ACTIVE, 170, "excuses 1 failure", 3),
        status(
            "W6",
            WaiverState.CONDITION_UNVERIFIED,
            11,
            "excuses 1 failure, as long as W6[protection] passes",
            11,
        ),
        status("S6", WaiverState.PASSING, 170, "what it excuses passes: delete it", 19),
        status("S7", WaiverState.UNMATCHED, 170, "S7 was not judged in this run", 27),
        status("S2[topic=old]", WaiverState.UNMATCHED, 170, "no subject is called it: delete it", 31),
        status("S9", WaiverState.NOT_YET, 170, "it excuses nothing before 2027-01-01", 35),
        status("C7[at-rest]", WaiverState.EXPIRED, -3, "2 failures are no longer excused", 43),
        status("W8", WaiverState.CONDITION_BROKEN, 170, "S6 must pass, and fails at infra/x.py:3", 51),
    ),
)

FACTS = Facts(
    roles=("DeployRole", "AuditRole"),
    tokens=(
        TokenRow(
            "cd", "deploy", "push", "repo:o/r:environment:production", "DeployRole", ("DeployRole",), ("AuditRole",)
        ),
        TokenRow("ci", HOSTILE, "pull_request", "repo:o/r:pull_request", "DeployRole"),
    ),
    retention=(
        Retention(
            ("Api", HOSTILE),
            "On a day with 40 pushes",
            (
                ImagesOfAge("releases", 45, 1, Fate.EXPIRED, "stay"),
                ImagesOfAge("young commits", 0, 20, Fate.KEPT, "stay"),
                ImagesOfAge("untagged", 9, 3, Fate.KEPT, "go"),
                ImagesOfAge("untagged", 20, 2, Fate.ARCHIVED),
            ),
        ),
    ),
    excerpts=(
        Excerpt("infra/constructs/data.py", 41, 40, ("cache = Group(", f"    at_rest=False,  # {HOSTILE}", None)),
    ),
    pages={"C7": f"Redis is encrypted.\n\nFix\n    {HOSTILE}\n"},
    frameworks=(
        Framework("soc2-2017", "SOC 2, common criteria", (("CC6", "Logical and physical access"), ("CC7", HOSTILE))),
        Framework("aws-fsbp", "AWS Foundational Security Best Practices"),
    ),
)
EXCUSES = (f"exclusion {HOSTILE}: not set -> generated", "setting default_branch: main -> trunk")
RUN = replace(RUN, facts=FACTS, excuse_changes=EXCUSES)

DRIFT = (
    ResourceDrift(
        environment="production",
        stack="DocPlatformProd",
        type="AWS::RDS::DBInstance",
        logical_id="Database",
        physical_id="db-1",
        state=ResourceState.CHANGED,
        next_deploy=NextDeploy.REPLACE,
        properties=(PropertyDrift("BackupRetentionPeriod", PropertyState.CHANGED_IN_ACCOUNT, 14, 14, HOSTILE),),
        stateful=True,
    ),
    ResourceDrift("production", None, "AWS::SQS::Queue", None, HOSTILE, ResourceState.UNMANAGED),
)

EMPTY = Run("gate", ProjectSummary(), (), (), Coverage(), FINDINGS)
