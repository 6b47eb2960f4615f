"""Each break in a fresh lab: the audit and the comparison find it, and report nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checker.audit import audit
from checker.collect.account import DRIFT, Target, read
from checker.collect.config.settings_file import project_settings
from checker.drift_run import drift
from checker.lab import assembly, breaks, server, up
from checker.lab.breaks.account import Account
from checker.lab.clients import KEY, Clients
from checker.model.live.drift import PropertyState, ResourceState
from checker.model.verdicts import Outcome, Run
from checker.reports import shape
from checker.run.pipeline import pipeline_of
from checker.run.request import Request, request_for

ROOT = Path(__file__).parents[3]
_NOT_CHANGES = {PropertyState.NOT_RETURNED, PropertyState.NOT_RESOLVED}
# What AWS itself does not tell.
_UNTOLD = {"AWS Cloud Map does not tell the VPC of a namespace"}
# Calls that the emulator does not know. AWS does.
_LACKING = {"cloudcontrol:GetResource: not supported here (UnsupportedActionException)"}


@dataclass(frozen=True, slots=True)
class Found:
    """``audit``: what fails or cannot be decided, one entry per cause. ``drift``: what is not in sync, by type."""

    audit: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


_ROLE = "AWS::IAM::Role changed: AssumeRolePolicyDocument changed_in_account"
_INLINE = "AWS::IAM::Role changed: Policies added_in_account"
_POLICY = "AWS::IAM::Policy changed: PolicyDocument changed_in_account"
_ACL = "AWS::WAFv2::WebACL changed: Rules changed_in_account"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener changed: "
_REPOSITORY = "AWS::ECR::Repository changed: "
_LOGS = "AWS::Logs::LogGroup "
_SECRET = "AWS::SecretsManager::Secret pending, update: "
_LIFECYCLE = f"{_REPOSITORY}LifecyclePolicy.LifecyclePolicyText.rules changed_in_account"
_ATTRIBUTES = "AWS::ElasticLoadBalancingV2::LoadBalancer changed: LoadBalancerAttributes changed_in_account"

EXPECTED: Mapping[str, Found] = {
    "": Found(),
    "C1": Found(("C1[over-match]",), (_ROLE,)),
    "C2": Found(("C2[bootstrap]",), (_LIFECYCLE,)),
    "C3": Found(("C3[mutability]",), (f"{_REPOSITORY}ImageTagMutability changed_in_account",)),
    "C4": Found(("C4[importers]",)),
    # Beside staging, which has no such queue, nothing collides; an account that is read for one environment says C5.
    "C5": Found((), ("AWS::SQS::Queue pending, delete: ",)),
    "C7": Found(("C7[auth]",), ("AWS::ElastiCache::ReplicationGroup changed: AuthToken changed_in_account",)),
    "C8": Found(("C8[storage]",), ("AWS::RDS::DBInstance unmanaged",)),
    "W1": Found(("W1[scope]",), (_INLINE,)),
    "W2": Found(("W2",), (_POLICY,)),
    # What runs belongs to a release: a further revision, and a task of no service.
    "W4": Found(("W4[running]",)),
    "W5": Found(("W5[allowed]", "W5[maximum]"), ("AWS::IAM::Role changed: MaxSessionDuration changed_in_account",)),
    # The role lets staging's jobs in, and may neither pass staging's roles nor read its stack.
    "W6": Found(("W1[missing]", "W2", "W6[trust]"), (_ROLE,)),
    "W7": Found(("W7",), (f"{_REPOSITORY}ImageScanningConfiguration.ScanOnPush changed_in_account",)),
    "W8": Found(("W8",), ("AWS::EC2::SecurityGroup changed: SecurityGroupEgress added_in_account",)),
    "W9": Found(("W9[enabled]",), (_ATTRIBUTES,)),
    "W10": Found(("W10[deletion]", "W10[replacement]"), (_SECRET,)),
    # Once for its stack, once for a replacement.
    "W11": Found(("W11[retained]", "W11[retained]"), ("AWS::Route53::HostedZone pending, update: ",)),
    "W12": Found(
        ("W12[covers]",),
        (f"{_LISTENER}Certificates changed_in_account", "AWS::CertificateManager::Certificate unmanaged"),
    ),
    "W13": Found(("W13",), ("AWS::S3::Bucket pending, delete: ",)),
    "W14": Found(
        ("W14[missing-data]", "W14[periods]"),
        ("AWS::CloudWatch::Alarm changed: EvaluationPeriods changed_in_account, TreatMissingData changed_in_account",),
    ),
    "W16": Found(("W16[running]",)),
    "W17": Found(("W17[one-version]",)),
    "S1": Found(("S1[attached]",), ("AWS::WAFv2::WebACLAssociation missing",)),
    "S2": Found(("S2[subscriber]",), ("AWS::SNS::Subscription missing",)),
    "S3": Found(("S3",), ("AWS::EC2::VPCEndpoint missing",)),
    "S4": Found(
        ("S4[other-environment]",),
        ("AWS::Lambda::Function changed: Environment.Variables.DB_HOST changed_in_account",),
    ),
    "S5": Found(("S5",), (f"{_LISTENER}SslPolicy changed_in_account",)),
    "S6": Found(("S6[traffic]",), ("AWS::EC2::FlowLog missing",)),
    "S10": Found(
        ("S10",), ("AWS::S3::Bucket changed: BucketEncryption.ServerSideEncryptionConfiguration changed_in_account",)
    ),
    "P1": Found(("P1",), (_POLICY,)),
    "P2": Found(("P2",), (_INLINE,)),
    "P9": Found(("P9[common]",), (_ACL,)),
    "P12": Found(("P12[retention]",), (f"{_LOGS}changed: RetentionInDays changed_in_account",)),
    # That nobody hears of alarms (S2) follows from it, and stands below it.
    "P14": Found(("P14[cloudwatch]",), ("AWS::SNS::TopicPolicy changed: PolicyDocument changed_in_account",)),
    "P16": Found(("P16[oauth]", "P16[rate-limit]"), (_ACL,)),
    "drift-changed": Found((), ("AWS::RDS::DBInstance changed: BackupRetentionPeriod changed_in_account",)),
    "drift-added": Found((), (_INLINE,)),
    "drift-added-rule": Found((), ("AWS::EC2::SecurityGroup changed: SecurityGroupIngress added_in_account",)),
    "drift-missing": Found((), ("AWS::CloudWatch::Alarm missing",)),
    "drift-unmanaged": Found((), ("AWS::SQS::Queue unmanaged",)),
    "drift-pending": Found((), (f"{_LOGS}pending, update: RetentionInDays changed_in_code",)),
    "drift-both": Found((), (f"{_LOGS}changed, update: RetentionInDays changed_in_both",)),
    "drift-replace": Found((), ("AWS::RDS::DBInstance pending, replace: DBName changed_in_code",)),
    "drift-template": Found((), (f"{_LOGS}pending, update: RetentionInDays changed_in_code",)),
}


@pytest.fixture(autouse=True)
def _cached_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline is the same for every lab: it is analysed once."""
    monkeypatch.setattr(
        "checker.run.pipeline.pipeline_of", lambda project, settings, kinds, _earlier: _pipeline(project, kinds)
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@cache
def _pipeline(project: Path, kinds: tuple[str, ...]) -> object:
    return _PIPELINE_OF(project, project_settings(project), kinds)


_PIPELINE_OF = pipeline_of


def once(analyse: Callable[..., Any]) -> Callable[..., Any]:
    """The pipeline is the same for every account: it is analysed once."""
    known: dict[tuple[Path, tuple[str, ...]], Any] = {}

    def pipeline_of(project: Path, settings: object, kinds: Mapping[str, object], _earlier: object) -> Any:
        place = (project, tuple(kinds))
        if place not in known:
            known[place] = analyse(project, settings, kinds)
        return known[place]

    return pipeline_of


@contextmanager
def fresh_lab(own_assembly: Path, folder: Path) -> Iterator[Account]:
    path = assembly.copied(own_assembly, folder / "assembly")
    lab = server.start(folder / "lab", account="111111111111", region="us-west-2")
    try:
        clients, settings = Clients(lab), project_settings(ROOT)
        up.fill(clients, path, settings, lambda _: None)
        yield Account.of(clients, path, settings)
    finally:
        server.stop(lab)


def judged(account: Account) -> tuple[Run, Run]:
    """The audit and the comparison of what was read once."""
    snapshot = read(Target(region="us-west-2", endpoint_url=account.clients.lab.endpoint), DRIFT)
    request: Request = request_for(
        ROOT, assemblies=[("", account.assembly)], environments=["production"], say=lambda _: None
    )
    return audit(request, snapshot), drift(request, lambda _: snapshot)[0]


def found(audited: Run, compared: Run) -> Found:
    entries = [
        defect.id
        for outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)
        for defect in shape.defects(audited, outcome)
    ]
    said: dict[str, None] = {}
    for each in compared.drift:
        if each.state is not ResourceState.IN_SYNC:
            deploy = "" if each.next_deploy.value == "none" else f", {each.next_deploy.value}"
            changed = [f"{one.path} {one.state}" for one in each.properties if one.state not in _NOT_CHANGES]
            told = f": {', '.join(changed)}" if changed or deploy else ""
            said[f"{each.type} {each.state}{deploy}{told}"] = None
    return Found(tuple(entries), tuple(said))


def test_every_break_has_an_expectation() -> None:
    assert list(EXPECTED) == ["", *breaks.BREAKS]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_break_is_found_and_nothing_else(own_assembly: Path, tmp_path: Path, name: str) -> None:
    with fresh_lab(own_assembly, tmp_path) as account:
        if name:
            breaks.apply(account, name)
        audited, compared = judged(account)
    assert found(audited, compared) == EXPECTED[name]
    for run in (audited, compared):
        assert {each.why for each in run.coverage.unread} <= (_UNTOLD | _LACKING if name == "C4" else _UNTOLD)
