"""Which stack belongs to which environment, what is said of it in checker.toml, and names there that fit nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run
from checker.errors import ExitCode
from tests.cli.repositories import manifest

QUEUE = {"Resources": {"Jobs": {"Type": "AWS::SQS::Queue"}}}
NETWORK = {
    "Resources": {"Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}},
    "Outputs": {"Net": {"Value": {"Ref": "Net"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-net"}}}},
}
GROUP = {
    "Resources": {
        "Room": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "room", "VpcId": {"Fn::ImportValue": "Network-net"}},
        }
    }
}


def gate(root: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    document = root.parent / "run.json"
    code = run(["gate", "--project", str(root), *arguments, "--format", f"json={document}"])
    return code, dict(json.loads(document.read_text()))


def repository(tmp_path: Path, settings: str = "", **stacks: object) -> Path:
    root = tmp_path / "repository"
    (root / "cdk.out").mkdir(parents=True)
    (root / "cdk.out/manifest.json").write_text(manifest(*stacks))
    for name, template in stacks.items():
        (root / f"cdk.out/{name}.json").write_text(json.dumps(template))
    if settings:
        (root / "checker.toml").write_text(settings)
    return root


def notes(document: dict[str, Any]) -> str:
    return "\n".join(document["coverage"]["notes"])


def test_a_lone_stack_is_of_an_unnamed_environment(tmp_path: Path) -> None:
    code, document = gate(repository(tmp_path, Shop=QUEUE))
    assert code == ExitCode.CLEAN
    assert document["environments"] == ["unnamed"]
    assert "took stack Shop for environment unnamed (nothing names an environment)" in notes(document)


def test_a_stack_that_others_import_from_is_shared(tmp_path: Path) -> None:
    _, document = gate(repository(tmp_path, Network=NETWORK, ShopProd=GROUP))
    assert "took stack Network for environment shared (production imports from it)" in notes(document)
    assert document["environments"] == ["shared", "production"]


@pytest.mark.parametrize("written", [{"StackName": "Network", "OutputName": "Net"}, ["Network", "Net"]])
def test_a_stack_whose_outputs_others_read_is_shared(tmp_path: Path, written: object) -> None:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Fn::GetStackOutput": written}}}
    _, document = gate(repository(tmp_path, Network=NETWORK, ShopProd={"Resources": {"Room": group}}))
    assert document["environments"] == ["shared", "production"]


def test_a_stack_whose_outputs_nobody_reads_is_not_shared(tmp_path: Path) -> None:
    read = {"Fn::GetStackOutput": {"StackName": "Elsewhere", "OutputName": "Net"}}
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": read}}
    _, document = gate(repository(tmp_path, Network=NETWORK, ShopProd={"Resources": {"Room": group}}))
    assert document["environments"] == ["unnamed", "production"]


def _called(*names: str) -> dict[str, Any]:
    queues = {
        f"Q{index}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}} for index, name in enumerate(names)
    }
    return {"Resources": queues}


@pytest.mark.parametrize(
    ("names", "environments"),
    [
        (("shop-canary-orders", "shop-canary-mail", "CanaryJobs"), ["canary"]),
        (("shop-canary-orders", "shop-canary-mail", "shop-jobs"), ["unnamed"]),
        (("shop-canary-orders", "shop-canary-mail", "shop-stable-canary"), ["unnamed"]),
        (("canaryisland-a", "canaryisland-b", "canaryisland-c"), ["unnamed"]),
        (("shop-blue-orders", "shop-blue-mail", "shop-blue-jobs"), ["unnamed"]),
    ],
    ids=["called so", "hardly", "of two", "inside a word", "of no job"],
)
def test_what_is_called_after_an_environment_of_the_jobs_is_of_it(
    tmp_path: Path, names: tuple[str, ...], environments: list[str]
) -> None:
    root = repository(tmp_path, Shop=_called(*names))
    workflow = root / ".github/workflows/deploy.yml"
    workflow.parent.mkdir(parents=True)
    jobs = "".join(
        f"  {name}: {{runs-on: ubuntu-latest, environment: {name}, steps: [{{run: echo}}]}}\n"
        for name in ("canary", "stable")
    )
    workflow.write_text(f"on: push\njobs:\n{jobs}")
    _, document = gate(root)
    assert document["environments"] == environments


def test_what_is_before_production_is_another_environment(tmp_path: Path) -> None:
    stacks: dict[str, Any] = {"shop-pre-prod": QUEUE, "ShopNonProd": QUEUE, "shop-prod": QUEUE}
    _, document = gate(repository(tmp_path, **stacks))
    assert document["environments"] == ["preprod", "nonprod", "production"]


@pytest.mark.parametrize(
    "association_in", ["AppProd", "Network"], ids=["declared with the app", "declared with the network"]
)
def test_what_completes_a_resource_is_found_in_whichever_stack(tmp_path: Path, association_in: str) -> None:
    network: dict[str, Any] = json.loads(json.dumps(NETWORK))
    app: dict[str, Any] = json.loads(json.dumps(GROUP))
    here = {"Ref": "Net"} if association_in == "Network" else {"Fn::ImportValue": "Network-net"}
    log = {
        "Type": "AWS::EC2::FlowLog",
        "Properties": {"ResourceId": here, "ResourceType": "VPC", "TrafficType": "REJECT", "LogGroupName": "flow"},
    }
    {"AppProd": app, "Network": network}[association_in]["Resources"]["Log"] = log
    _, document = gate(repository(tmp_path, Network=network, AppProd=app))
    outcomes = {each["outcome"] for each in document["verdicts"] if (each["finding"], each["sub"]) == ("S6", "traffic")}
    assert outcomes == {"pass"}


TWO = """
[environments.staging]
stacks = ["service"]
account = "111111111111"
[environments.staging.parameters]
Stage = "staging"
[environments.production]
stacks = ["service"]
account = "222222222222"
[environments.production.parameters]
Stage = "production"
"""
SERVICE = """
Parameters: {Stage: {Type: String}}
Conditions: {Live: !Equals [!Ref Stage, production]}
Resources:
  Data: {Type: AWS::RDS::DBCluster, DeletionPolicy: Snapshot, UpdateReplacePolicy: Snapshot,
    Properties: {Engine: aurora-postgresql, StorageEncrypted: !If [Live, true, false]}}
"""


def test_one_template_for_two_environments_takes_each_ones_parameters(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/checker.toml").write_text(TWO)
    (tmp_path / "one/service.yaml").write_text(SERVICE)
    _, document = gate(tmp_path / "one")
    found = {each["environment"]: each["outcome"] for each in document["verdicts"] if each["finding"] == "C8"}
    assert found == {"staging": "fail", "production": "pass"}


@pytest.mark.parametrize(
    "settings",
    ['account = "222222222222"', '[parameters.service]\n"AWS::AccountId" = "222222222222"'],
)
def test_an_account_that_is_said_is_used(tmp_path: Path, settings: str) -> None:
    root = tmp_path / "one"
    root.mkdir()
    (root / "checker.toml").write_text(settings)
    (root / "service.yaml").write_text(SERVICE.replace("!Ref Stage, production", "!Ref AWS::AccountId, '222222222222'"))
    _, document = gate(root)
    assert {each["outcome"] for each in document["verdicts"] if each["finding"] == "C8"} == {"pass"}


@pytest.mark.parametrize(
    ("settings", "line", "said", "near"),
    [
        ('[stacks]\nShpo = "production"', 2, "there is no stack Shpo", "Shop"),
        ('[environments.production]\nstacks = ["Shpo"]', 1, "there is no stack Shpo", "Shop"),
        ('[environment_kinds]\nunamed = "production"', 2, "there is no environment unamed", "unnamed"),
        ('[parameters.Shop]\nSzie = "1"', 2, "there is no parameter Szie in the template", "Size"),
        ('[environments.production.parameters]\nSzie = "1"', 2, "there is no parameter Szie in any template", "Size"),
        ('script_folders = ["opss"]', 1, "there is no folder opss", ""),
    ],
)
def test_a_name_that_fits_nothing_is_a_fault_with_the_nearest(
    tmp_path: Path, settings: str, line: int, said: str, near: str
) -> None:
    root = repository(tmp_path, settings, Shop={"Parameters": {"Size": {"Type": "String", "Default": "1"}}, **QUEUE})
    code, document = gate(root)
    assert code == ExitCode.USAGE
    (fault,) = [each for each in document["coverage"]["unread"] if each["why"] == said]
    assert fault["what"].startswith(f"checker.toml:{line}: ")
    assert (fault["needs"] or "") == near


ALLOWED = {
    "Stage": {"Type": "String", "AllowedValues": ["prod", "test"]},
    "Two": {"Type": "String", "AllowedValues": [True, 7]},
    "Zones": {"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "AllowedValues": ["x"]},
    "Free": {"Type": "String"},
}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('[parameters.Shop]\nStage = "prodd"', "the template does not allow prodd for Stage"),
        (
            '[environments.production]\nstacks = ["Shop"]\n[environments.production.parameters]\nStage = "Prod"',
            "Prod for Stage",
        ),
        ("[parameters.Shop]\nTwo = false", "false for Two"),
        ('[parameters.Shop]\nZones = "a, c"', "a, c for Zones"),
        ('[parameters.Shop]\nStage = "prod"\nTwo = true\nZones = "b,a"\nStored = "/y"\nFree = "z"', ""),
        ("[parameters.Shop]\nTwo = 7", ""),
    ],
)
def test_a_value_that_the_template_refuses_is_a_fault(tmp_path: Path, said: str, why: str) -> None:
    code, document = gate(repository(tmp_path, said, Shop={"Parameters": ALLOWED, **QUEUE}))
    faults = [each["why"] for each in document["coverage"]["unread"]]
    assert [why in each for each in faults] == ([True] if why else [])
    assert (code == ExitCode.USAGE) == bool(why)


def test_a_named_assembly_does_not_make_the_others_names_wrong(tmp_path: Path) -> None:
    root = repository(tmp_path, '[stacks]\nOther = "production"\n', Shop=QUEUE)
    code, document = gate(root, "--assembly", str(root / "cdk.out"))
    assert code == ExitCode.CLEAN
    assert "checker.toml:2: stacks: there is no stack Other among what is judged here" in notes(document)


def test_a_project_has_packages_of_any_name_and_none_of_them_runs(tmp_path: Path) -> None:
    root = repository(tmp_path, Shop=QUEUE)
    for name in ("policies", "reports", "click", "yaml"):
        (root / name).mkdir()
        (root / name / "__init__.py").write_text("raise SystemExit('the project ran')")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("checker")), "gate"],
        cwd=root, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.CLEAN, done.stderr


def test_a_fault_of_the_checker_itself_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("nobody knows")

    monkeypatch.setattr("checker.run.judging.judge_stacks", broken)
    assert run(["gate", "--project", str(repository(tmp_path, Shop=QUEUE))]) == ExitCode.USAGE
    assert "the checker itself failed: LookupError" in capsys.readouterr().err


def test_a_finding_that_does_not_exist_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = repository(tmp_path, Shop=QUEUE)
    assert run(["gate", "--project", str(root), "--finding", "C88"]) == ExitCode.USAGE
    assert "--finding C88" in capsys.readouterr().err


def test_anchors_may_be_defined_again_and_aliases_may_not_multiply(tmp_path: Path) -> None:
    from checker.collect.documents import parse_yaml
    from checker.errors import InputError

    document = parse_yaml("a: &x {n: 1}\nb: &x {n: 2}\nc: *x\n", "again.yaml")
    assert document.data["c"] == {"n": 2}
    assert document.line_of(("b", "n")) == 2
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    with pytest.raises(InputError, match="aliases expand to too many nodes"):
        parse_yaml("\n".join(lines), "bomb.yaml")


NAMED = {
    "Parameters": {"Suffix": {"Type": "String", "Default": "one"}},
    "Resources": {
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": written}}}
        for name, written in (("Own", "jobs-${AWS::StackName}"), ("Told", "jobs-${Suffix}"), ("Fixed", "jobs"))
    },
}


@pytest.mark.parametrize(
    ("settings", "outcomes"),
    [
        ("", {"Own": "pass", "Told": "unknown", "Fixed": "fail"}),
        ("[environments.production.parameters]\nSuffix = 'two'\n", {"Own": "pass", "Told": "pass", "Fixed": "fail"}),
        (
            "[environments.staging.parameters]\nSuffix = 'two'\n[environments.production.parameters]\nSuffix = 'two'\n",
            {"Own": "pass", "Told": "unknown", "Fixed": "fail"},  # in which account each is, nobody says
        ),
    ],
)
def test_names_of_one_template_that_is_deployed_twice(settings: str, outcomes: dict[str, str], tmp_path: Path) -> None:
    both = "".join(f"[environments.{name}]\nstacks = ['Shop']\n" for name in ("staging", "production"))
    _, document = gate(repository(tmp_path, both + settings, Shop=NAMED))
    judged = [each for each in document["verdicts"] if each["finding"] == "C5"]
    found = {each["subject"]["logical_id"]: each["outcome"] for each in judged}
    assert len(judged) == 2 * len(found)
    assert found == outcomes


@pytest.mark.parametrize("command", ["audit", "drift", "preflight"])
def test_an_environment_that_the_settings_do_not_know_is_refused_before_an_account_is_asked(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("the account was asked")

    monkeypatch.setattr("checker.collect.account.Reader", asked)
    settings = '[stacks]\nNet = "shared"\nShopProd = "production"\n'
    root = repository(tmp_path, settings, Net=QUEUE, ShopProd=QUEUE)
    assert run([command, "--project", str(root), "--env", "prodction"]) == ExitCode.USAGE
    assert "prodction" in capsys.readouterr().err
