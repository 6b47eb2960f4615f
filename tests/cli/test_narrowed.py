"""Nothing narrows what is judged in silence: folders that are left out, settings, exclusions."""

from __future__ import annotations

import json

import pytest

from checker.errors import ExitCode
from tests.cli.repositories import DATABASE, Project, failing, manifest

TOPIC = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


def deploying(*lines: str, uses: str = "") -> str:
    run = f"- {uses}" if uses else "- run: |\n" + "\n".join(f"            {line}" for line in lines)
    return f"""
on: {{push: {{branches: [main]}}}}
concurrency: {{group: deploy, cancel-in-progress: false}}
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      {run}
"""


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("tests/stack.yaml", "aws cloudformation deploy --stack-name a --template-file tests/stack.yaml"),
        ("ops/fixtures/stack.json", "aws cloudformation deploy --template-file=ops/fixtures/stack.json --stack-name a"),
        (
            "vendor/net/stack.yaml",
            "cd vendor/net && aws cloudformation deploy --stack-name a --template-file stack.yaml",
        ),
        ("dist/stack.yaml", "aws cloudformation create-stack --stack-name a --template-body file://dist/stack.yaml"),
        (
            "build/stack.yaml",
            "aws cloudformation update-stack --stack-name a --template-body file://./build/stack.yaml",
        ),
        ("node_modules/a/s.yaml", "sam deploy -t node_modules/a/s.yaml --stack-name a"),
        ("infra/stack", "aws cloudformation deploy --stack-name a --template-file infra/stack"),
        ("infra/stack.tpl", "F=infra/stack.tpl; aws cloudformation deploy --stack-name a --template-file $F"),
    ],
)
def test_what_the_pipeline_deploys_is_judged_or_said_not_to_be(project: Project, file: str, line: str) -> None:
    project.write({file: DATABASE, "stack.yaml": TOPIC, ".github/workflows/cd.yml": deploying(line)})
    document = project.gate()
    (unread,) = [each for each in document["coverage"]["unread"] if each["what"] == file]
    assert "cd.yml:" in unread["why"]
    assert "deploys it" in unread["why"]
    assert failing(document, "C8") == set()
    project.write({"checker.toml": f'[exclude]\n"{file}" = "judged elsewhere"\n'})
    assert [each for each in project.gate()["coverage"]["unread"] if each["what"] == file] == []


def test_an_action_and_an_app_s_assembly_deploy_too(project: Project) -> None:
    action = (
        "uses: aws-actions/aws-cloudformation-github-deploy@v1\n        with: {name: a, template: tests/stack.yaml}"
    )
    project.write(
        {
            "tests/stack.yaml": DATABASE,
            "tests/out/manifest.json": '{"version": "48.0.0", "artifacts": {}}',
            "stack.yaml": TOPIC,
            ".github/workflows/cd.yml": deploying(uses=action),
            ".github/workflows/cdk.yml": deploying("npx cdk deploy --app tests/out --all"),
        }
    )
    unread = {each["what"] for each in project.gate()["coverage"]["unread"]}
    assert {"tests/stack.yaml", "tests/out"} <= unread


@pytest.mark.parametrize(
    "line",
    [
        "aws cloudformation deploy --stack-name a --template-file stack.yaml",
        "aws cloudformation deploy --stack-name a --template-file ./stack.yaml",
        (
            "aws cloudformation package --template-file stack.yaml --output-template-file out.yaml"
            " && aws cloudformation deploy --stack-name a --template-file out.yaml"
        ),
        "aws cloudformation deploy --stack-name a --template-file ../elsewhere/stack.yaml",
        "aws cloudformation deploy --stack-name a --template-file $MADE",
        "aws cloudformation create-stack --stack-name a --template-body file:///tmp/stack.yaml",
        "aws cloudformation validate-template --template-body file://tests/stack.yaml",
    ],
)
def test_what_is_judged_or_made_by_the_pipeline_is_no_gap(project: Project, line: str) -> None:
    project.write({"tests/stack.yaml": DATABASE, "stack.yaml": TOPIC, ".github/workflows/cd.yml": deploying(line)})
    assert [each for each in project.gate()["coverage"]["unread"] if "deploys it" in each["why"]] == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[environment_kinds]\nproduction = "staging"\n', "toml:2: production is judged as staging: its name says"),
        ('[environments.prod]\nkind = "shared"\n', "toml:1: prod is judged as shared: its name says production"),
        ('[stacks]\nShopProd = "shared"\n', "toml:2: stack ShopProd is judged in environment shared: its name says"),
        ('[environments.qa]\nstacks = ["ShopProd"]\n', "stack ShopProd is judged in environment qa: its name says"),
        ('protected_refs = ["refs/heads/*"]\n', "protected_refs has refs/heads/*: every branch counts as one"),
        ('protected_refs = ["refs/heads/main", "refs/tags/*"]\n', "protected_refs has refs/tags/*: every tag counts"),
        ('protected_refs = ["refs/heads/**"]\n', "protected_refs has refs/heads/**: every branch counts"),
        ('[stacks]\nShopProd = "production"\n', ""),
        ('[stacks]\nShopProd = "live"\n', ""),
        ('[environment_kinds]\nblue = "staging"\n[stacks]\nShopProd = "production"\n', ""),
        ('protected_refs = ["refs/heads/main", "refs/heads/release/*", "refs/tags/v*"]\n', ""),
    ],
)
def test_a_setting_that_says_otherwise_than_a_name_is_said(project: Project, settings: str, said: str) -> None:
    project.write({"checker.toml": settings, "ShopProd.yaml": TOPIC})
    notes = [each for each in project.gate()["coverage"]["notes"] if " says " in each or "counts as one" in each]
    assert any(said in each for each in notes) if said else notes == []


def test_exclusions_that_leave_nothing_are_no_clean_run(project: Project) -> None:
    project.write(
        {
            "checker.toml": '[exclude]\n"**" = "not now"\n',
            "stack.yaml": DATABASE,
            ".github/workflows/cd.yml": deploying("aws cloudformation deploy --template-file stack.yaml"),
        }
    )
    assert project.gate() == {}
    assert project.code == ExitCode.USAGE
    assert "nothing to judge: checker.toml leaves out **" in project.said


@pytest.mark.parametrize(
    ("script", "by"),
    [
        ("python tools/stack.py > made.yaml", "python tools/stack.py"),
        ("jinja2 stack.j2 -o made.yaml", "jinja2 stack.j2 made.yaml"),
        ("aws cloudformation package --template-file stack.yaml --output-template-file made.yaml", ""),
        ("sed s/a/b/ stack.yaml > made.yaml", ""),
        ("npx cdk synth > made.yaml", ""),
        ("python tools/stack.py > tools/stack.yaml", ""),
    ],
)
def test_a_template_that_a_program_makes_is_named(project: Project, script: str, by: str) -> None:
    line = "aws cloudformation deploy --stack-name a --template-file made.yaml"
    workflow = deploying(f"{script} && {line}")
    project.write({"tools/stack.py": "print('{}')\n", "stack.yaml": TOPIC, ".github/workflows/cd.yml": workflow})
    unread = project.gate()["coverage"]["unread"]
    found = [each["why"] for each in unread if each["what"] == "made.yaml"]
    assert [f"`{by}` makes it" in why for why in found] == ([True] if by else [])


def test_a_python_file_that_is_none_is_named_with_its_line(project: Project) -> None:
    workflow = deploying("python tools/roll.py && aws ecs list-clusters")
    project.write({"tools/roll.py": "import os\nif os\n", "stack.yaml": TOPIC, ".github/workflows/cd.yml": workflow})
    assert "tools/roll.py:2: not valid Python" in str(project.gate()["coverage"]["unread"])


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        (["cfn-lint made.yaml", "npm ci --ignore-scripts", "echo go"], True),
        (["ls infra && pip install cfn-lint"], True),
        (["mkdir -p out", "cp stack.yaml made.yaml"], False),
        (["make template"], False),
        (["./tools/render"], False),
        (["aws s3 cp s3://templates/made.yaml ."], False),
        (["npx cdk synth -o ."], False),
        (["sam build"], False),
    ],
)
def test_a_template_that_nothing_can_have_made_is_named(project: Project, steps: list[str], named: bool) -> None:
    line = "aws cloudformation deploy --stack-name a --template-file made.yaml"
    files = {"stack.yaml": TOPIC, "Makefile": "template:\n\tjsonnet x > made.yaml\n", "tools/render": "#!/bin/perl\n"}
    project.write({**files, ".github/workflows/cd.yml": deploying(*steps, line)})
    unread = project.gate()["coverage"]["unread"]
    said = [
        each["why"] for each in unread if each["what"] == "made.yaml" and "nothing was seen to make it" in each["why"]
    ]
    assert bool(said) is named, unread


def test_a_template_that_an_action_may_have_brought_is_not_named(project: Project) -> None:
    line = "aws cloudformation deploy --stack-name a --template-file infra/made.yaml"
    workflow = deploying(line).replace("- run:", "- uses: actions/download-artifact@v4\n      - run:")
    project.write({"stack.yaml": TOPIC, ".github/workflows/cd.yml": workflow})
    assert project.gate()["coverage"]["unread"] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("python infra/make.py | aws cloudformation deploy --stack-name a --template-file /dev/stdin", "a pipe"),
        ("aws cloudformation deploy --stack-name a --template-file <(jsonnet infra/a.jsonnet)", "a pipe"),
        (
            'aws cloudformation create-stack --stack-name a --template-body "$(jsonnet infra/a.jsonnet)"',
            "the text that",
        ),
        (
            "aws cloudformation update-stack --stack-name a --template-url https://b.example/a.yaml?sig=x",
            "b.example/a.yaml",
        ),
        # Of what is judged it is made, or lies at its address.
        ("sed s/a/b/ stack.yaml | aws cloudformation deploy --stack-name a --template-file /dev/stdin", ""),
        ("aws cloudformation update-stack --stack-name a --template-url https://b.example/stack.yaml", ""),
        ("aws cloudformation create-stack --stack-name a --template-body file://stack.yaml", ""),
        ("aws cloudformation create-stack --stack-name a --template-body '{\"Resources\": {}}'", ""),
    ],
)
def test_a_template_that_is_no_file_is_named_with_its_command(project: Project, line: str, said: str) -> None:
    project.write({"stack.yaml": TOPIC, ".github/workflows/cd.yml": deploying(line)})
    unread = project.gate()["coverage"]["unread"]
    found = [each["why"] for each in unread if "no file of the repository" in each["why"]]
    assert [said in why and "sig=x" not in why for why in found] == ([True] if said else []), unread


def _released(name: str, *steps: str) -> str:
    steps = ('uses: actions/checkout@v4\n        with: {ref: "${{ inputs.tag || github.sha }}"}', *steps)
    listed = "".join(f"      - {each}\n" for each in steps)
    return f"  {name}:\n    runs-on: ubuntu-latest\n    environment: {name}\n    steps:\n{listed}"


@pytest.mark.parametrize("wholly", [True, False])
def test_what_goes_back_in_another_environment_is_not_missed_in_this(project: Project, wholly: bool) -> None:
    """Asked of staging alone, a roll-back of production is not said to lack what its left out jobs do."""
    deploy, migrate = "run: npx cdk deploy Shop-{0}", "run: psql -v ON_ERROR_STOP=1 -f db/migrations/1_a.down.sql"
    by_hand = "on: {workflow_dispatch: {inputs: {tag: {type: string, required: true}, data: {type: boolean}}}}\njobs:\n"
    back = _released("production", deploy.format("production"), f"{migrate}\n        if: inputs.data")
    topic = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    check = "  check: {runs-on: ubuntu-latest, steps: [{run: echo go}]}\n"
    project.write(
        {
            "infra/cdk.out/manifest.json": manifest("Shop-staging", "Shop-production"),
            "infra/cdk.out/Shop-staging.json": topic,
            "infra/cdk.out/Shop-production.json": topic,
            "db/migrations/1_a.up.sql": "CREATE TABLE a (b int);",
            "db/migrations/1_a.down.sql": "DROP TABLE a;",
            ".github/workflows/cd.yml": "on: {push: {branches: [main]}}\njobs:\n"
            + _released("staging", deploy.format("staging"), migrate.replace("down", "up"))
            + _released("production", deploy.format("production"), migrate.replace("down", "up")),
            ".github/workflows/rollback.yml": by_hand + back + ("" if wholly else check),
        }
    )

    def said(*arguments: str) -> set[tuple[str, str]]:
        verdicts = project.gate(*arguments)["verdicts"]
        wanted = [each for each in verdicts if each["sub"] == "workflow" or each["finding"] == "S11"]
        return {(each["finding"], each["outcome"]) for each in wanted}

    assert said() == {("C6", "pass"), ("S11", "pass")}
    assert said("--env", "production") == said()
    assert said("--env", "staging") == {("S11", "not_applicable")}
    assert "what is said of environment production is left out" in project.said


def test_workflows_around_the_folder_that_is_judged_are_named(project: Project) -> None:
    project.write({"infra/stack.yaml": TOPIC, ".github/workflows/cd.yml": deploying("true"), ".git/HEAD": ""})

    def named(*arguments: str) -> list[str]:
        return [each for each in project.gate(*arguments)["coverage"]["notes"] if "around this folder" in each]

    assert named() == []
    (note,) = named("--project", "infra")
    assert "(../.github/workflows)" in note
    project.write({"infra/.github/workflows/cd.yml": deploying("true")})
    assert named("--project", "infra") == []


def named(name: str | None, **more: object) -> dict[str, object]:
    return {"Type": "AWS::SQS::Queue", "Properties": {**({"QueueName": name} if name else {}), **more}}


# Two environments: a name of both, one that only the deployment tells in one of them, one for each.
APART: dict[str, object] = {
    "staging": {"Same": named("jobs"), "Open": named("mail"), "Own": named("staging-work"), "Free": named(None)},
    "production": {
        "Same": named("jobs"),
        "Open": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}},
        "Own": named("production-work"),
        "Free": named(None),
    },
}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_environment_is_judged_as_beside_the_others(project: Project, environment: str) -> None:
    parameters = {"Name": {"Type": "String"}}
    project.write({f"{name}.json": json.dumps({"Parameters": parameters, "Resources": APART[name]}) for name in APART})
    both = [part for name in APART for part in ("--assembly", f"{name}={name}.json")]

    def said(*arguments: str) -> list[tuple[str, str, str, str]]:
        verdicts = project.gate(*both, *arguments)["verdicts"]
        told = ((each["finding"], each["subject"]["name"], each["outcome"], each["violation"]) for each in verdicts)
        return sorted(told for told, each in zip(told, verdicts, strict=True) if each["environment"] == environment)

    whole = said()
    assert {"fail", "pass"} <= {outcome for finding, _, outcome, _ in whole if finding == "C5"}
    assert said("--env", environment) == whole
    (other,) = {*APART} - {environment}
    assert f"what is said of environment {other} is left out, 1 failure in it" in project.said
    assert said("--env", environment, "--env", other) == whole
