"""Fifty secrets are planted where people leave them, and no byte of any report holds one."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Final

import pytest

from checker.cli import run
from checker.collect.browser import find_browser
from checker.model.shown.secret_text import NOT_SHOWN, lines_of_keys, shown_lines, without_secrets
from checker.reports import FORMATS
from checker.run import unchanged
from checker.scanners import running
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


def bytes_without(path: Path) -> None:
    """No file below ``path`` holds a secret: zips are looked into, as are the streams of a PDF.

    A PDF's streams show links, titles and names; its letters are numbers of glyphs, and those of the HTML report, which
    is searched too.
    """
    files = [each for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file()]
    assert files
    for file in files:
        content = file.read_bytes()
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    assert found_in(name + archive.read(name).decode("utf-8", "replace")) == [], f"{file.name}: {name}"
        if content.startswith(b"%PDF"):
            streams = [
                zlib.decompressobj().decompress(each)
                for each in re.findall(rb"stream\r?\n(\x78.+?)endstream", content, re.DOTALL)
            ]
            assert len(streams) > 5
            content += b"".join(streams)
        assert found_in(content.decode("utf-8", "replace")) == [], file.name


def test_what_is_kept_and_handed_on_holds_none(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store of earlier runs, a baseline, the comment of a pull request, and a release's evidence."""
    template, gate = f"production={project / 'template.yaml'}", tmp_path / "gate.json"
    run(
        [
            "gate",
            "--project",
            str(project),
            "--assembly",
            template,
            f"--format=json={gate}",
            f"--history={tmp_path / 'h'}",
        ]
    )
    audit = tmp_path / "audit.json"
    snapshot = str(project / "snapshot.json")
    run(["audit", "--project", str(project), "--snapshot", snapshot, f"--format=json={audit}"])
    empty = tmp_path / "empty.json"
    (tmp_path / "bare.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")
    run(["gate", "--project", str(tmp_path), "--assembly", str(tmp_path / "bare.yaml"), f"--format=json={empty}"])
    (tmp_path / "bare.yaml").unlink()
    capsys.readouterr()
    assert (
        run(
            [
                "comment",
                "--base",
                str(empty),
                "--head",
                str(gate),
                "--base-project",
                str(tmp_path),
                "--head-project",
                str(project),
            ]
        )
        == 0
    )
    assert run(["trend", "--store", str(tmp_path / "h")]) == 0
    assert run(["diff", str(empty), str(gate)]) in {0, 1}
    assert run(["evidence", str(gate), str(audit), "--out", str(tmp_path / "pack")]) == 0
    assert run(["evidence", "verify", str(tmp_path / "pack.zip")]) == 0
    printed = capsys.readouterr()
    assert "New" in printed.out
    assert found_in(printed.out + printed.err) == []
    bytes_without(tmp_path)


def test_first_settings_and_a_baseline_hold_none(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    assert run(["init", "--project", str(copy)]) == 0
    printed = capsys.readouterr()
    assert found_in(printed.out + printed.err) == []
    for name in ("checker.toml", "checker-baseline.json"):
        bytes_without(copy / name)


@pytest.mark.skipif(find_browser(os.environ) is None, reason="no Chromium is on this machine")
def test_the_printed_page_holds_none(project: Path, tmp_path: Path) -> None:
    template = f"production={project / 'template.yaml'}"
    run(["gate", "--project", str(project), "--assembly", template, f"--format=pdf={tmp_path / 'page.pdf'}"])
    bytes_without(tmp_path / "page.pdf")


def test_what_an_outside_scanner_says_holds_none(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages quote what it read."""
    quoted = [planted.QUOTED.get(kind, secret) for kind, secret in planted.SECRETS.items()]
    results = [
        {
            "Rule": {"Id": "E3012", "ShortDescription": each},
            "Level": "Error",
            "Message": f"value {each} is wrong",
            "Filename": str(project / "template.yaml"),
            "Location": {"Path": ["Resources", "Database"], "Start": {"LineNumber": 3}},
        }
        for each in quoted
    ]
    program = tmp_path / "scanner"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(results)!r})\n")
    program.chmod(0o755)
    monkeypatch.setattr(running, "_program", lambda _: str(program))
    monkeypatch.setattr(unchanged, "_TICK", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = [f"--format={name}={tmp_path / 'out' / name}" for name in FORMATS]
    (tmp_path / "out").mkdir()
    template = f"production={project / 'template.yaml'}"
    run(["gate", "--project", str(project), "--assembly", template, "--with", "cfn-lint", *asked])
    document = json.loads((tmp_path / "out/json").read_text(encoding="utf-8"))
    assert sum(each["finding"] == "CFN:E3012" for each in document["verdicts"]) == len(quoted)
    bytes_without(tmp_path / "out")
    bytes_without(tmp_path / "cache")


def test_what_is_kept_for_the_next_run_holds_none(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is said of it again is what was said."""
    monkeypatch.setattr(unchanged, "_TICK", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    template = f"production={project / 'template.yaml'}"
    for told in ("first", "again"):
        (tmp_path / told).mkdir()
        asked = [f"--format={name}={tmp_path / told / name}" for name in FORMATS]
        run(["gate", "--project", str(project), "--assembly", template, *asked])
    assert len(list((tmp_path / "cache").rglob("runs/*"))) == 1
    bytes_without(tmp_path / "cache")
    for name in FORMATS:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_every_byte_is_looked_at(tmp_path: Path) -> None:
    """The search itself: plain, in a zip's file and in a zip's name."""
    secret = planted.SECRETS["Stripe key"]
    (tmp_path / "plain.sqlite").write_bytes(b"\x00" + secret.encode() + b"\x00")
    for name, held, content in (("one.zip", "a.txt", secret), ("two.zip", secret, "x")):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(held, content)
    for file in tmp_path.iterdir():
        with pytest.raises(AssertionError):
            bytes_without(file)


def test_a_finding_s_page_and_matrix_hold_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["explain", "C1", "--project", str(project)])
    printed = capsys.readouterr()
    assert "Who gets in here" in printed.out or "No job here assumes" in printed.out
    assert found_in(printed.out + printed.err) == []


def test_what_stands_where_a_secret_belongs_is_never_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A literal token of a cache, which passes, and a login in front of a registry's host: nothing else gives them
    away."""
    cache = {"AuthToken": "snapsh0tPw27", "TransitEncryptionEnabled": True}
    bare = {"TransitEncryptionEnabled": True}
    task = {"ContainerDefinitions": [{"Name": "a", "Image": "deploy:snapsh0tPw27@registry.example.com/api:latest"}]}
    resources = {
        "Cache": {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": cache},
        "Bare": {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": bare},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
    }
    (tmp_path / "stack.json").write_text(json.dumps({"Resources": resources}), encoding="utf-8")
    for name in FORMATS:
        run(["gate", "--project", str(tmp_path), "--format", name])
        printed = capsys.readouterr().out
        assert "snapsh0tPw27" not in printed, name
        assert name != "json" or '"actual": "not set"' in printed  # what is not there is no secret


@pytest.mark.parametrize(
    "lines",
    [
        ('"Name": "REDIS_AUTH",', '"Value": "k7horse27staple"'),
        ("- Name: COOKIE_SALT", "  Value: k7horse27staple"),
        ('"Name": "AUTH_HEADER",', '"Value": "Basic dXNlcjpob3JzZTI3c3RhcGxl"'),
        ('"Name": "SETTINGS",', '"Value": "{\\"smtp\\": {\\"password\\": \\"horse27\\"}}"'),
        ("", "INSERT INTO settings VALUES ('smtp_password', 'horse27');"),
        ("", "UPDATE settings SET value = 'horse27' WHERE name = 'smtp_password';"),
        ("", 'os.environ.setdefault("DB_PASSWORD", "horse27")'),
        ("", "curl -H 'Authorization: token k7horse27staple' https://api.example.com"),
        ("", 'curl -H "Authorization: Bearer k7horse27staple" https://api.example.com'),
        ("", "docker push ci:k7horse27staple@registry:5000/web"),
    ],
)
def test_a_line_that_holds_one_is_not_shown(lines: tuple[str, str]) -> None:
    assert shown_lines(lines, 1, 1, lines_of_keys(lines)) == (None,)


@pytest.mark.parametrize(
    "lines",
    [
        ('"Name": "AUTH_MODE",', '"Value": "iam"'),
        ("- Name: TOKEN_LIFETIME", "  Value: '3600'"),
        ("", "INSERT INTO settings VALUES ('password_reset_minutes', '30');"),
        ("", 'curl -H "Authorization: Bearer $TOKEN" https://api.example.com'),
        ("", "# The header is Authorization: Bearer, as RFC 6750 has it"),
        ("", "image: web@sha256:" + "0f" * 32),
        ("", "UPDATE users SET state = 'active' WHERE name = 'ann';"),
    ],
)
def test_a_line_that_only_speaks_of_one_is_shown(lines: tuple[str, str]) -> None:
    assert shown_lines(lines, 1, 1, lines_of_keys(lines)) == (lines[1],)


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
        "DB_PASSWORD=$(aws ssm describe-parameters --query x || echo batterystaple)",
        "VALUE=$(aws secretsmanager get-secret-value --secret-id db --output text || printf '%s' batterystaple)",
        "export X=`aws ssm get-parameter --name db --with-decryption || echo 'batterystaple'`",
    ],
)
def test_what_stands_in_for_a_secret_is_one(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown_lines([line], 0, 0, lines_of_keys([line])) == (None,)
    workflow = tmp_path / ".github" / "workflows" / "cd.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "on: {push: {branches: [main]}}\npermissions: {id-token: write}\njobs:\n  d:\n    runs-on: ubuntu-latest\n"
        "    steps:\n      - uses: aws-actions/configure-aws-credentials@v5\n"
        '        with: {role-to-assume: "arn:aws:iam::111111111111:role/x", aws-region: us-east-1}\n'
        f"      - run: |\n          {line}\n          aws ecs update-service --cluster c --service s\n",
        encoding="utf-8",
    )
    for name in FORMATS:
        run(["gate", "--project", str(tmp_path), "--format", name])
        assert "batterystaple" not in capsys.readouterr().out, name


@pytest.mark.parametrize(
    "line",
    [
        "TASK=$(aws ecs list-tasks --cluster c || echo none)",
        'DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id db || echo "$OLD")',
        "    password = secret.secret_value_from_json('password')",
        "      DB_PASSWORD: ${{ secrets.DB_PASSWORD }}",
        '  "PasswordParam": {"Ref": "DatabasePassword"},',
        "token_ttl: 3600",
        "FROM registry.example.com/api:v1@sha256:" + "0f" * 32,
        "image: api:latest@sha256:" + "0f" * 32 + " of registry.example.com/api",
        "deploy: npm:left-pad@1.3.0/dist, and ask ops:team@example.com about it",
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
    assert shown_lines([line], 0, 0, lines_of_keys([line])) == (line,)
    assert without_secrets(line) == line
