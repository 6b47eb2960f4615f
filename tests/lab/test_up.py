"""``checker lab up``, ``status`` and ``down`` as commands: a process that starts, answers on loopback, and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.cli import run
from checker.errors import ExitCode, UsageError
from checker.lab import server
from checker.lab.clients import Clients
from checker.lab.server import Lab, LabError
from tests.work import HANG_SECONDS

TEMPLATE = """
Parameters:
  BootstrapVersion: {Type: "AWS::SSM::Parameter::Value<String>", Default: /bootstrap/version}
Resources:
  Zone: {Type: AWS::Route53::RecordSet, Properties: {HostedZoneId: Z0, Name: a.example.com, Type: A, TTL: "60",
    ResourceRecords: [192.0.2.1]}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "production.yaml").write_text(TEMPLATE)
    yield tmp_path
    run(["lab", "down"])


def up(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, str]:
    assert run(["lab", "up", "--assembly", "production.yaml", *more]) == ExitCode.CLEAN, capsys.readouterr().err
    lines = capsys.readouterr().out.splitlines()
    exports = [line.removeprefix("export ") for line in lines if line.startswith("export ")]
    return dict(line.split("=", 1) for line in exports)


def test_up_status_down(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variables = up(capsys)
    state = json.loads((project / ".checker/lab.json").read_text())
    assert variables["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{state['port']}"
    assert run(["lab", "status"]) == ExitCode.CLEAN
    assert "CREATE_COMPLETE" in capsys.readouterr().out
    assert run(["lab", "down"]) == ExitCode.CLEAN
    assert not (project / ".checker/lab.json").exists()
    assert not (project / ".checker/lab").exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", state["port"])) != 0
    assert run(["lab", "status"]) == ExitCode.FAILED
    assert "no lab runs" in capsys.readouterr().out


def test_the_printed_variables_point_a_client_at_the_lab(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(project), **up(capsys)}
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "111111111111\n"


def test_the_shells_own_account_has_no_part_in_it(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = project / "config"
    config.write_text("[profile elsewhere]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for profile in ("elsewhere", "not-there"):
        monkeypatch.setenv("AWS_PROFILE", profile)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        assert up(capsys)["AWS_REGION"] == "us-east-1"


def test_nested_stacks_are_deployed_from_the_assemblys_assets(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket, key = "assets-111111111111-us-west-2", "abc.json"
    url = {"Fn::Sub": f"https://s3.us-west-2.${{AWS::URLSuffix}}/{bucket}/{key}"}
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    stack = {"templateFile": "Parent.template.json", "stackName": "Parent"}
    environment = "aws://111111111111/us-west-2"
    artifact = {"type": "aws:cloudformation:stack", "environment": environment, "properties": stack}
    destination = {"bucketName": "assets-${AWS::AccountId}-us-west-2", "objectKey": key}
    asset = {"source": {"path": "Child.nested.template.json"}, "destinations": {"here": destination}}
    documents = {
        "manifest.json": {"version": "48.0.0", "artifacts": {"Parent": artifact}},
        "Parent.template.json": {"Resources": {"Child": child}},
        "Parent.assets.json": {"version": "48.0.0", "files": {"abc": asset}},
        "Child.nested.template.json": {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "nested"}}}
        },
    }
    (project / "cdk.out").mkdir()
    for name, document in documents.items():
        (project / "cdk.out" / name).write_text(json.dumps(document))
    assert run(["lab", "up", "--assembly", "cdk.out"]) == ExitCode.CLEAN, capsys.readouterr().err
    clients = Clients(server.running(project))
    assert [each["TopicArn"].rpartition(":")[2] for each in clients("sns").list_topics()["Topics"]] == ["nested"]
    assert {each["StackStatus"] for each in clients("cloudformation").describe_stacks()["Stacks"]} == {
        "CREATE_COMPLETE"
    }


def test_a_second_up_replaces_the_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    up(capsys)
    first = server.running(project)
    up(capsys)
    assert not server.is_running(first)
    assert server.is_running(server.running(project))


def test_a_given_port_that_is_taken_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = ["lab", "up", "--assembly", "production.yaml", "--port", str(port)]
        assert run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith(f"error: port {port} is taken\n")


def test_a_stack_that_does_not_deploy_leaves_no_process(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "production.yaml").write_text("Resources: {A: {Type: AWS::No::Such}}\n")
    assert run(["lab", "up", "--assembly", "production.yaml"]) == ExitCode.USAGE
    assert "AWS::No::Such" in capsys.readouterr().err
    assert server.remembered(project) is None


def test_a_process_that_ignores_the_signal_is_ended_all_the_same(tmp_path: Path) -> None:
    # The names that the emulator's own command line has: what is ended is recognised by them.
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('ready', flush=True); time.sleep(600)"
    )
    argv = [sys.executable, "-c", code, "checker.lab.emulator", "4599"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        started = time.monotonic()
        assert server.stop(Lab(pid=deaf.pid, port=4599, account="1", region="us-west-2"))
        assert 3 <= time.monotonic() - started < HANG_SECONDS


def test_a_process_id_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        assert not server.stop(Lab(pid=other.pid, port=4599, account="1", region="us-west-2"))
        assert other.poll() is None
        other.send_signal(signal.SIGKILL)


def test_a_lab_that_died_is_not_running(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    up(capsys)
    lab = server.running(project)
    os.kill(lab.pid, signal.SIGKILL)
    os.waitpid(lab.pid, 0)
    with pytest.raises(UsageError, match="no lab runs"):
        server.running(project)
    assert run(["lab", "down"]) == ExitCode.CLEAN
    assert "no lab ran" in capsys.readouterr().err


def test_a_state_file_that_is_no_state_is_said(tmp_path: Path) -> None:
    (tmp_path / ".checker").mkdir()
    (tmp_path / ".checker/lab.json").write_text("[]")
    with pytest.raises(LabError, match=r"lab\.json cannot be read"):
        server.remembered(tmp_path)


def test_without_its_packages_the_extra_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    assert run(["lab", "up", "--assembly", "production.yaml"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert said.startswith("error: the lab needs ministack and boto3, which are not installed\n")
    assert re.search(r"doc-platform-checker\[[\w,]*\blab\b[\w,]*\]", said)
