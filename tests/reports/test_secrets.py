"""Fifty secrets are planted where people leave them, and no byte of any report holds one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from checker.cli import run
from checker.model.shown.secret_text import NOT_SHOWN, shown_lines, without_secrets
from checker.reports import FORMATS
from tests.reports import planted

OTHERS: Final = tuple(name for name in FORMATS if name != "console")


def test_there_are_fifty_of_them() -> None:
    assert len(planted.SECRETS) == len(set(planted.SECRETS.values())) >= 50


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("planted")
    for name, content in planted.files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    everything = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*") if path.is_file())
    lost = [kind for kind, secret in planted.SECRETS.items() if secret.splitlines()[-1] not in everything]
    assert lost == []
    return root


def found_in(text: str) -> list[str]:
    """The kinds of secrets of which a telling part stands in a text."""
    return [kind for kind, secret in planted.SECRETS.items() if any(part in text for part in planted.parts(secret))]


def test_the_gate_s_reports_hold_none(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = [f"--format={name}={tmp_path / name}" for name in FORMATS]
    template = str(project / "template.yaml")
    run(["gate", "--project", str(project), "--assembly", f"production={template}", "--format=console", *asked])
    printed = capsys.readouterr()
    assert found_in(printed.out + printed.err) == []
    for name in FORMATS:
        assert found_in((tmp_path / name).read_text(encoding="utf-8")) == [], name
    document = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert document["totals"]["fail"] > 10  # the places of the secrets are what it speaks of
    lines = [line for each in document["facts"]["excerpts"] for line in each["lines"]]
    assert lines.count(None) > 10
    assert sum(line is not None for line in lines) > 100  # it does not hide everything


def test_an_audit_s_reports_hold_none(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = [f"--format={name}={tmp_path / name}" for name in FORMATS]
    run(["audit", "--project", str(project), "--snapshot", str(project / "snapshot.json"), "--format=console", *asked])
    printed = capsys.readouterr()
    assert found_in(printed.out + printed.err) == []
    for name in FORMATS:
        assert found_in((tmp_path / name).read_text(encoding="utf-8")) == [], name


def test_drift_s_reports_hold_none(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kinds = ("console", "json", "markdown", "html")
    asked = [f"--format={name}={tmp_path / name}" for name in kinds]
    template = str(project / "template.yaml")
    snapshot = str(project / "snapshot.json")
    run(["drift", "--project", str(project), "--assembly", f"production={template}", "--snapshot", snapshot, *asked])
    printed = capsys.readouterr()
    assert found_in(printed.out + printed.err) == []
    for name in kinds:
        assert found_in((tmp_path / name).read_text(encoding="utf-8")) == [], name
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))["drift"]


@pytest.mark.parametrize("kind", planted.SECRETS)
def test_a_message_that_quotes_one_loses_it(kind: str) -> None:
    quoted = planted.QUOTED.get(kind, planted.SECRETS[kind])
    shown = without_secrets(f"The step runs {quoted} and goes on.")
    assert found_in(shown) == []
    assert NOT_SHOWN in shown
    assert shown.startswith("The step runs ")
    assert without_secrets(shown) == shown


@pytest.mark.parametrize(
    "line",
    [
        "    password = secret.secret_value_from_json('password')",
        "      DB_PASSWORD: ${{ secrets.DB_PASSWORD }}",
        '  "PasswordParam": {"Ref": "DatabasePassword"},',
        "token_ttl: 3600",
        "uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "image: 111111111111.dkr.ecr.us-west-2.amazonaws.com/api@sha256:" + "0f" * 32,
        "role-to-assume: arn:aws:iam::111111111111:role/DeployRole",
        'self.cluster = ecs.Cluster(self, "Cluster", vpc=network.vpc, container_insights_v2=insights)',
        "ALTER TABLE users ADD COLUMN password_hash text;",
        "SslPolicy: ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "Ref: NetworkPublicSubnet2RouteTable3DefaultRoute14FAACB7",
        "export PGPASSWORD=$(aws secretsmanager get-secret-value --secret-id db)",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert shown_lines([line], 0, 0) == (line,)
    assert without_secrets(line) == line
