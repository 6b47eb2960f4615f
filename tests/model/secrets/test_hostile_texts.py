"""Numbers that no service counts to, digits of other scripts, and texts made to take a pattern long."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.cli import run
from checker.collect.migrations.migration_code import read_migration_code
from checker.collect.templates.search import looks_like_template
from checker.model.secrets.formats import format_of_secret
from checker.model.shown.secret_text import without_secrets
from checker.model.values import as_count, as_number
from tests.work import HANG_SECONDS

HUGE = "9" * 400
THOUSANDS = "9" * 5000


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (14, 14.0), ("14", 14.0), ("0.5", 0.5), (True, None), ("", None), ("x", None), (None, None), ([], None),
        (int(HUGE), None), (HUGE, None), ("1e999", None), ("inf", None), ("nan", None), (-int(HUGE), None),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_number_is_one_that_can_be_counted_to(value: object, number: float | None) -> None:
    assert as_number(value) == number  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("42", 42),
        ("007", 7),
        ("", None),
        ("-1", None),
        ("²", None),
        ("٣", None),
        (THOUSANDS, None),
        (7, None),
    ],
)
def test_a_count_is_digits_and_not_too_many(text: object, count: int | None) -> None:
    assert as_count(text) == count


@pytest.mark.parametrize("number", [HUGE, f'"{HUGE}"', f"-{HUGE}", '"1e999"', '"²"', '"nan"'], ids=range(6))
def test_no_rule_crashes_on_a_number(number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = {"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan"}}]}
    resources = {
        "Logs": ("AWS::Logs::LogGroup", {"RetentionInDays": 0}),
        "Data": ("AWS::RDS::DBInstance", {"Engine": "postgres", "BackupRetentionPeriod": 0, "Port": 0}),
        "Alarm": ("AWS::CloudWatch::Alarm", {"Threshold": 0, "Period": 0, "EvaluationPeriods": 0}),
        "Group": ("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [{"FromPort": 0, "ToPort": 0}]}),
        "Role": ("AWS::IAM::Role", {"MaxSessionDuration": 0}),
        "Rule": ("AWS::ElasticLoadBalancingV2::ListenerRule", {"Priority": 0}),
        "Task": ("AWS::ECS::TaskDefinition", {"Cpu": 0, "ContainerDefinitions": [{"PortMappings": [{"HostPort": 0}]}]}),
        "Service": ("AWS::ECS::Service", {"DesiredCount": 0, "HealthCheckGracePeriodSeconds": 0}),
        "Images": ("AWS::ECR::Repository", {"LifecyclePolicy": {"LifecyclePolicyText": json.dumps(rules)}}),
    }
    text = json.dumps({"Resources": {name: {"Type": kind, "Properties": p} for name, (kind, p) in resources.items()}})
    (tmp_path / "stack.json").write_text(text.replace(": 0", f": {number}"), encoding="utf-8")
    assert run(["gate", "--project", str(tmp_path), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["totals"]["error"] == 0


SCRIPT = f"""
exit ²
shift ²; shift {THOUSANDS}
a=(1 2); echo "${{a[²]}} ${{a[{THOUSANDS}]}} ${{{THOUSANDS}}} ${{x:{THOUSANDS}:²}}"
seq 1 {THOUSANDS}
exec {THOUSANDS}>x
wait %{THOUSANDS}
curl --retry ² --retry {THOUSANDS} --max-time {THOUSANDS} https://example.com/health
timeout {THOUSANDS} aws ecs update-service --cluster c --service s
exit {THOUSANDS}
"""


def test_no_script_s_number_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = {
        "on": "push",
        "jobs": {
            "deploy": {"runs-on": "x", "environment": "production", "steps": [{"run": SCRIPT}, {"run": "exit ²"}]}
        },
    }
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "cd.yml").write_text(json.dumps(workflow), encoding="utf-8")
    assert run(["gate", "--project", str(tmp_path), "--format", "json"]) in {0, 1, 3}
    assert json.loads(capsys.readouterr().out)["totals"]["error"] == 0


def _modules(text: str, tmp_path: Path) -> None:
    for name in ("main.go", "main.py", "main.ts"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    read_migration_code(tmp_path)


TEXTS = [
    f"://{'a' * 200_000}@",
    f"{'a://' * 50_000}@",
    f"{'a://a:' * 10_000}@",
    f"postgres{chr(10) * 200_000}pg",
    f"Resources AWS:: AWSTemplateFormatVersion{chr(10) * 200_000}",
    f"Resources AWS:: AWSTemplateFormatVersion{chr(13) * 200_000}",
    f"Resources AWS::{' ' * 200_000}!",
    f"migrate pg{' ' * 200_000}!",
    f"{'a:' * 100_000}@tcp(",
    f"{'a:b@c(' * 40_000}",
    f"{'jdbc:oracle:thin:a/' * 20_000}@",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize(
    "read",
    [
        lambda text, _: format_of_secret(text),
        lambda text, _: without_secrets(text),
        lambda text, _: looks_like_template(text.encode()),
        _modules,
    ],
    ids=["format", "shown", "template", "modules"],
)
def test_a_text_made_to_take_long_takes_no_time(read: Callable[[str, Path], object], text: str, tmp_path: Path) -> None:
    began = time.process_time()
    read(text, tmp_path)
    assert time.process_time() - began < HANG_SECONDS
