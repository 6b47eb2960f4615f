"""What is judged when somebody points the checker at a repository and says nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from checker.errors import ExitCode
from tests.cli.repositories import DATABASE, Project, failing, manifest

WORKFLOW = """
on: {push: {branches: [main]}}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    permissions: {id-token: write, contents: read}
    steps:
      - uses: actions/checkout@v4
      - run: aws ecs update-service --cluster one --service web --force-new-deployment
"""


def test_an_assembly_below_the_root_is_judged_with_the_pipeline_at_it(project: Project) -> None:
    project.write(
        {
            "infra/cdk.json": '{"app": "node app.js"}',
            "infra/cdk.out/manifest.json": manifest("Shop"),
            "infra/cdk.out/Shop.json": DATABASE,
            ".github/workflows/deploy.yml": WORKFLOW,
        }
    )
    document = project.gate()
    assert failing(document, "C8") == {"infra/cdk.out/Shop.json"}
    assert failing(document, "W4") == {".github/workflows/deploy.yml"}
    assert "took infra/cdk.out for a CDK app's assembly" in project.said
    assert document["coverage"]["unread"] == []


def test_an_app_may_write_its_assembly_elsewhere(project: Project) -> None:
    project.write(
        {
            "cdk.json": '{"app": "node app.js", "output": "dist/assembly"}',
            "dist/assembly/manifest.json": manifest("Shop"),
            "dist/assembly/Shop.json": DATABASE,
        }
    )
    assert failing(project.gate(), "C8") == {"dist/assembly/Shop.json"}


def test_templates_in_the_tree_are_told_by_what_is_in_them(project: Project) -> None:
    project.write(
        {
            "orders/template.yaml": DATABASE,
            "search/template.yaml": "AWSTemplateFormatVersion: 2010-09-09\nTransform: AWS::Serverless-2016-10-31\n"
            "Resources:\n  Api: {Type: AWS::Serverless::Api, Properties: {StageName: v1}}\n",
            "values.yaml": "Resources:\n  cpu: 100m\n",
            "tsconfig.json": '{"compilerOptions": {}}',
        }
    )
    document = project.gate()
    assert failing(document, "C8") == {"orders/template.yaml"}
    assert "took orders/template.yaml for a CloudFormation template" in project.said
    assert "took search/template.yaml for a SAM template" in project.said
    assert "values.yaml" not in project.said
    stacks = {each["subject"]["stack"] for each in document["verdicts"]}
    assert {"orders-template", "search-template"} <= stacks


def test_a_template_that_another_one_nests_is_judged_once(project: Project) -> None:
    project.write(
        {
            "main.yaml": "Resources: {Data: {Type: AWS::CloudFormation::Stack, "
            "Properties: {TemplateURL: parts/data.json}}}",
            "parts/data.json": DATABASE,
        }
    )
    document = project.gate()
    failed = [each for each in document["verdicts"] if each["finding"] == "C8" and each["outcome"] == "fail"]
    assert [each["subject"]["stack"] for each in failed] == ["main/Data"]


@pytest.mark.parametrize("location", ["parts/data.json", "{ApplicationId: other, SemanticVersion: 1.0.0}"])
def test_an_application_of_sam_is_a_nested_stack(project: Project, location: str) -> None:
    project.write(
        {
            "sam.yaml": "Transform: AWS::Serverless-2016-10-31\nResources: {Data: {Type: AWS::Serverless::Application, "
            f"Properties: {{Location: {location}}}}}}}",
            "parts/data.json": DATABASE,
        }
    )
    document = project.gate("--assembly", "production=sam.yaml")
    unread = [each["what"] for each in document["coverage"]["unread"]]
    inside = failing(document, "C8") == {"parts/data.json"}
    assert inside or "sam.yaml: nested stack Data" in unread
    assert inside is location.startswith("parts")


def test_what_is_generated_vendored_or_a_tests_own_is_left_out_by_name(project: Project) -> None:
    project.write(
        {
            "stack.yaml": "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n",
            "tests/fixtures/broken.json": DATABASE,
            "vendor/theirs/template.json": DATABASE,
            ".aws-sam/build/template.json": DATABASE,
            "node_modules/library/template.json": DATABASE,
        }
    )
    document = project.gate()
    assert failing(document, "C8") == set()
    for name in ("tests/fixtures/broken.json", "vendor", ".aws-sam"):
        assert any(name in note for note in document["coverage"]["notes"]), name


def test_exclusions_have_a_reason_and_are_said(project: Project) -> None:
    project.write(
        {
            "checker.toml": '[exclude]\n"examples/*.json" = "shown in the manual"\n',
            "examples/broken.json": DATABASE,
            "stack.yaml": "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n",
        }
    )
    document = project.gate()
    assert project.code == ExitCode.CLEAN
    assert failing(document, "C8") == set()
    assert "left out by checker.toml: examples/*.json (shown in the manual)" in document["coverage"]["notes"]


def test_an_exclusion_of_what_is_not_there_is_said(project: Project) -> None:
    settings = '[exclude]\n"exmaples" = "shown in the manual"\n'
    project.write({"checker.toml": settings, "stack.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    assert "checker.toml:2: exclude: there is no exmaples" in project.gate()["coverage"]["notes"]


def test_an_app_that_is_not_synthesized_is_a_gap(project: Project) -> None:
    project.write({"cdk/cdk.json": '{"app": "node app.js"}', "stack.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    document = project.gate()
    assert project.code == ExitCode.INCOMPLETE
    assert any("cdk/cdk.json" in each["what"] for each in document["coverage"]["unread"])


def test_alone_it_is_nothing_to_judge_and_says_what_to_do(project: Project) -> None:
    project.write({"cdk.json": '{"app": "node app.js"}'}).gate()
    assert project.code == ExitCode.USAGE
    assert "nothing to judge: cdk.json" in project.said
    assert "cdk synth" in project.said


@pytest.mark.parametrize(
    ("file", "tool"),
    [
        ("network/main.tf", "Terraform"),
        ("copilot/api/manifest.yml", "AWS Copilot"),
        ("charts/shop/Chart.yaml", "Helm"),
        (".gitlab-ci.yml", "GitLab CI"),
        ("Jenkinsfile", "Jenkins"),
        (".circleci/config.yml", "CircleCI"),
    ],
)
def test_what_is_there_and_not_read_is_named_once(project: Project, file: str, tool: str) -> None:
    project.write({file: "", "stack.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    document = project.gate()
    said = [each for each in document["coverage"]["unread"] if tool in each["what"]]
    assert len(said) == 1
    assert file in said[0]["what"]
    assert project.code == ExitCode.INCOMPLETE


def test_a_task_definition_is_judged_as_a_resource_is(project: Project) -> None:
    secret = [{"name": "DATABASE_URL", "value": "postgres://app:hunter2hunter2@db.internal/app"}]
    task = {"family": "web", "containerDefinitions": [{"name": "web", "image": "web:latest", "environment": secret}]}
    project.write({"deploy/task.json": json.dumps(task, indent=1)})
    document = project.gate()
    assert failing(document, "S4") == {"deploy/task.json"}
    assert failing(document, "C3") == set()
    assert "hunter2hunter2" not in project.said


def test_a_bare_template_keeps_the_pipeline_around_it(project: Project) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}", ".github/workflows/deploy.yml": WORKFLOW})
    assert failing(project.gate("--assembly", "production=topic.yaml"), "W4") == {".github/workflows/deploy.yml"}


def test_empty_and_odd_stacks_are_passed_over_and_the_others_judged(project: Project) -> None:
    project.write(
        {
            "cdk.out/manifest.json": manifest("Shop", "Empty", "Broken", "Odd"),
            "cdk.out/Shop.json": DATABASE,
            "cdk.out/Empty.json": '{"Parameters": {}}',
            "cdk.out/Broken.json": '{"Resources": ',
            "cdk.out/Odd.json": '{"Resources": {"A": {"Properties": {}}, "T": {"Type": "AWS::SNS::Topic"}}}',
        }
    )
    document = project.gate()
    assert failing(document, "C8") == {"cdk.out/Shop.json"}
    unread = [f"{each['what']}: {each['why']}" for each in document["coverage"]["unread"]]
    assert any("cdk.out/Broken.json:1" in each for each in unread)
    assert any("resource A: it has no Type" in each for each in unread)
    assert any("stack Empty makes nothing" in note for note in document["coverage"]["notes"])


def test_a_stale_assembly_is_said_to_be_one(project: Project) -> None:
    project.write(
        {"cdk.json": '{"app": "node app.js"}', "cdk.out/manifest.json": manifest("Shop"), "cdk.out/Shop.json": DATABASE}
    )
    project.gate()
    assert "stale" not in project.said
    project.write({"lib/app.ts": "new Shop();"})
    later = (project.root / "cdk.out/manifest.json").stat().st_mtime + 60
    os.utime(project.root / "lib/app.ts", (later, later))
    project.gate()
    assert "stale: lib/app.ts is newer than cdk.out" in " ".join(project.said.split())


def made_at(line: int) -> str:
    """A manifest that says where in the code the database was made, as a machine far away had it."""
    trace = [{"type": "aws:cdk:creationStack", "data": [f"new Shop (/home/dev/shop/lib/app.ts:{line}:5)"]}]
    document = json.loads(manifest("Shop"))
    document["artifacts"]["Shop"]["metadata"] = {
        "/Shop/Orders": [{"type": "aws:cdk:logicalId", "data": "Orders"}, *trace]
    }
    return json.dumps(document)


@pytest.mark.parametrize(("line", "is_stale"), [(2, False), (3, True)])
def test_an_assembly_that_names_code_which_is_not_there_is_stale_whatever_the_times_say(
    project: Project, line: int, is_stale: bool
) -> None:
    template = DATABASE.replace('"Properties"', '"Metadata": {"aws:cdk:path": "Shop/Orders"}, "Properties"')
    project.write({"cdk.json": '{"app": "node app.js"}', "lib/app.ts": "//\nnew Shop();"})
    project.write({"cdk.out/manifest.json": made_at(line), "cdk.out/Shop.json": template})
    notes = " ".join(project.gate()["coverage"]["notes"])
    assert (f"stale: cdk.out/Shop.json was made by lib/app.ts:{line}, and there is no such line" in notes) is is_stale


def test_of_a_committed_assembly_it_is_said_that_it_was_not_compared(project: Project) -> None:
    project.write(
        {"cdk.json": '{"app": "node app.js"}', "cdk.out/manifest.json": manifest("Shop"), "cdk.out/Shop.json": DATABASE}
    )
    project.write({"lib/app.ts": "new Shop();", ".git/HEAD": "ref: refs/heads/main\n"})
    later = (project.root / "cdk.out/manifest.json").stat().st_mtime + 60
    os.utime(project.root / "lib/app.ts", (later, later))
    (project.root / ".git/index").write_bytes(b"DIRC\0\0\0\2\0\0\0\1" + b"\0" * 62 + b"cdk.out/manifest.json\0\0")
    notes = " ".join(project.gate()["coverage"]["notes"])
    assert "cdk.out is committed: it was not compared with the code of cdk.json" in notes
    assert "stale" not in notes


SYNTHESIS = """
import json, os, pathlib
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
assert "env" not in context and "gate" not in context, context
out = pathlib.Path(os.environ["CDK_OUTDIR"])
(out / "Shop.json").write_text(json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue",
    "Properties": {"QueueName": context["shop"] + context["kept"] + context["said"]}}}}))
(out / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": {"Shop": {
    "type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.json", "stackName": "Shop"}}}}))
"""


def test_a_synthesis_command_gets_the_projects_own_context(project: Project) -> None:
    project.write(
        {
            "checker.toml": 'synthesis_command = ["python", "app.py"]\n[synthesis_context]\nsaid = "-c"\n',
            "cdk.json": '{"app": "python app.py", "context": {"shop": "a"}}',
            "cdk.context.json": '{"kept": "-b"}',
            "app.py": SYNTHESIS,
        }
    )
    document = project.gate()
    (name,) = {each["actual"] for each in document["verdicts"] if each["finding"] == "C5" and each["outcome"] == "fail"}
    assert name == "a-b-c"


@pytest.mark.parametrize(
    "program",
    [
        "import sys\nsys.exit('Error: no certificate\\n    at main (/app/app.ts:1:2)\\n    at run (/app/x.js:3:4)')",
        "raise ValueError('no certificate')",
        "import sys\nsys.exit('TSError: Unable to compile:\\nno certificate\\n    at main (/app/app.ts:1:2)')",
        "import sys\nsys.exit('Exception in thread main a.b.RuntimeException: no certificate\\n\\tat a.B(C.java:1)')",
        "import sys\nprint('no certificate')\nsys.exit(1)",
        "import sys\nprint('[Error at /Shop] no certificate')\nsys.exit('npm notice New version available')",
        "import sys\nprint('Error: no certificate')\nsys.exit('(node:7) DeprecationWarning: x')",
        "import sys\nprint('Error: is only tried again')\nsys.exit('Error: no certificate')",
        (
            "print('[ERROR] Exception in thread main a.b.Failure: no certificate\\n[ERROR] \\tat a.B(C.java:1)')\n"
            "raise SystemExit(print('[INFO] BUILD FAILURE\\n[ERROR] -> [Help 1]') or 1)"
        ),
    ],
)
def test_a_failed_synthesis_says_why(project: Project, program: str) -> None:
    project.write({"checker.toml": 'synthesis_command = ["python", "app.py"]\n', "app.py": program}).gate()
    assert project.code == ExitCode.USAGE
    assert "no certificate" in project.said.splitlines()[0]


def test_what_may_be_a_template_and_cannot_be_read_is_said(project: Project) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}", "Prod.YAML": DATABASE})
    (project.root / "wide.json").write_bytes(DATABASE.encode("utf-16"))
    (project.root / "huge.json").write_text(DATABASE[:-1] + " " * 4_000_001 + "}")
    document = project.gate()
    assert failing(document, "C8") == {"Prod.YAML", "huge.json"}
    assert {each["what"] for each in document["coverage"]["unread"]} == {"wide.json"}


def test_what_the_baseline_did_not_read_either_is_not_new(project: Project) -> None:
    project.write({"api.yaml": "Transform: AWS::Serverless-2016-10-31\nResources: {T: {Type: AWS::SNS::Topic}}\n"})
    project.gate()
    assert project.code == ExitCode.INCOMPLETE
    baseline = project.root.parent / "baseline.json"
    (project.root.parent / "run.json").rename(baseline)
    project.gate("--baseline", str(baseline))
    assert project.code == ExitCode.CLEAN


def test_a_device_is_written_to_and_stays_one(project: Project) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    fifo = project.root.parent / "pipe"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        project.gate("--format", f"markdown={fifo}")
        assert os.read(reader, 10)
    finally:
        os.close(reader)
    assert fifo.is_fifo()


def test_what_a_parameter_s_default_leaves_out_is_said(project: Project) -> None:
    template = """
        Parameters: {Stage: {Type: String, Default: dev}, Open: {Type: String}}
        Conditions:
          IsProd: !Equals [!Ref Stage, prod]
          Big: !And [!Condition IsProd, !Equals [a, a]]
          Never: !Equals [a, b]
          Asked: !Equals [!Ref Open, x]
        Resources:
          Topic: {Type: "AWS::SNS::Topic"}
          Db: {Type: "AWS::RDS::DBInstance", Condition: Big, Properties: {StorageEncrypted: false}}
          Off: {Type: "AWS::SNS::Topic", Condition: Never}
          Maybe: {Type: "AWS::SNS::Topic", Condition: Asked}
    """
    project.write({"t.yaml": template})
    notes = [each for each in project.gate()["coverage"]["notes"] if "not judged" in each]
    assert len(notes) == 1
    assert notes[0].startswith("not judged: Db of t.yaml, which Big leaves out (Stage: ")
    project.write({"checker.toml": '[parameters.t]\nStage = "prod"\n'})
    document = project.gate()
    assert not any("not judged" in each for each in document["coverage"]["notes"])


def test_what_one_deployment_leaves_out_and_another_makes_is_judged(project: Project) -> None:
    template = """
        Parameters: {Stage: {Type: String}}
        Conditions: {IsProd: !Equals [!Ref Stage, prod], IsLoad: !Equals [!Ref Stage, load]}
        Resources:
          Topic: {Type: "AWS::SNS::Topic"}
          Db: {Type: "AWS::RDS::DBInstance", Condition: IsProd, Properties: {StorageEncrypted: false}}
          Load: {Type: "AWS::SNS::Topic", Condition: IsLoad}
    """
    deploy = "aws cloudformation deploy --template-file t.yaml --stack-name app-{0} --parameter-overrides Stage={0}"
    steps = "".join(f"      - run: {deploy.format(stage)}\n" for stage in ("dev", "test", "prod"))
    workflow = f"on: push\njobs:\n  ship:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
    document = project.write({"t.yaml": template, ".github/workflows/ship.yml": workflow}).gate()
    notes = [each for each in document["coverage"]["notes"] if "not judged" in each]
    assert [each.split(",")[0] for each in notes] == ["not judged: Load of t.yaml"]
    assert failing(document, "C8") == {"t.yaml"}
    assert failing(document, "C8") == {"t.yaml"}


def test_an_assembly_without_its_manifest_is_said(project: Project) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}", "cdk.out/A.template.json": DATABASE})
    for text in (None, "{"):
        if text:
            project.write({"cdk.out/manifest.json": text})
        unread = [each["what"] for each in project.gate()["coverage"]["unread"]]
        assert unread == ["cdk.out"]
        assert project.code == ExitCode.INCOMPLETE


def test_a_folder_that_cannot_be_read_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}", "closed/db.json": DATABASE})
    scandir = os.scandir

    def refusing(folder: Any) -> Any:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("checker.collect.folders.os.scandir", refusing)
    unread = {each["what"] for each in project.gate()["coverage"]["unread"]}
    assert unread == {"closed"}
    assert project.code == ExitCode.INCOMPLETE


@pytest.mark.parametrize("name", ["checker.toml", "policies/waivers.yaml"])
def test_settings_or_waivers_that_are_no_file_are_an_error(project: Project, name: str) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    (project.root / name).mkdir(parents=True)
    project.gate()
    assert project.code == ExitCode.USAGE
    assert name in project.said
    (project.root / name).rmdir()
    (project.root / name).symlink_to("nowhere")
    project.gate()
    assert project.code == ExitCode.USAGE


def test_what_was_not_followed_is_settled_by_waivers_of_all_that_it_leaves_open(project: Project) -> None:
    """What `terraform` does is for nobody here to say. Whoever answers for it elsewhere says so: the gate is clean."""
    apply = """
        on: {push: {branches: [main]}}
        concurrency: one
        jobs:
          apply:
            runs-on: ubuntu-latest
            timeout-minutes: 30
            environment: production
            permissions: {id-token: write, contents: read}
            steps:
              - uses: actions/checkout@v4
              - uses: aws-actions/configure-aws-credentials@v4
                with: {role-to-assume: "${{ vars.ROLE }}", aws-region: eu-west-1, role-duration-seconds: 7200}
              - run: |
                  terraform init
                  terraform apply -auto-approve
        """
    project.write({".github/workflows/apply.yml": apply})
    document = project.gate()
    assert project.code == ExitCode.INCOMPLETE
    undecided = sorted({each["finding"] for each in document["verdicts"] if each["outcome"] == "unknown"})
    waiver = (
        "- {{finding: {}, environments: ['*'], resource: '*', reason: told elsewhere, owner: team, "
        "approved-on: 2026-11-01, expires-on: 2027-05-01, outcome: unknown}}\n"
    )
    entries = [waiver.format(finding) for finding in undecided]
    project.write({"checker-waivers.yaml": "waivers:\n" + "".join(entries)})
    document = project.gate()
    assert (project.code, document["coverage"]["unread"]) == (ExitCode.CLEAN, [])
    assert any("not read, and all that it leaves open is waived" in note for note in document["coverage"]["notes"])
    project.write({"checker-waivers.yaml": "waivers:\n" + "".join(each for each in entries if "C3" not in each)})
    document = project.gate()
    assert (project.code, bool(document["coverage"]["unread"])) == (ExitCode.INCOMPLETE, True)
