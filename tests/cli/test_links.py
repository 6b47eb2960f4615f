"""Links in a repository: what stays inside is judged, what leads out is named, and nothing behind it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.errors import ExitCode
from tests.cli.repositories import DATABASE, Project, failing, manifest

WAIVERS = """
waivers:
  - finding: C8
    environments: ["*"]
    resource: "*"
    reason: a test
    owner: team
    approved-on: 2026-11-01
    expires-on: 2027-05-01
"""
WORKFLOW = """
on: {push: {branches: [main]}}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    permissions: {id-token: write, contents: read}
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "arn:aws:iam::111111111111:role/deploy", aws-region: eu-west-1}
      - run: aws ecs update-service --cluster one --service web --force-new-deployment
"""
ASSEMBLY = {"manifest.json": manifest("Shop"), "Shop.json": DATABASE}


def link(project: Project, name: str, target: str | Path) -> None:
    path = project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def unread(document: dict[str, object]) -> set[str]:
    return {each["what"].removesuffix(":1") for each in document["coverage"]["unread"]}  # type: ignore[index]


@pytest.mark.parametrize(
    ("kept", "name", "target"),
    [
        ("shared/database.base", "stacks/database.yaml", "../shared/database.base"),
        ("build/out/database.yaml", "stacks", "build/out"),
        ("vendor/acme/database.json", "database.json", "vendor/acme/database.json"),
    ],
)
def test_a_template_behind_a_link_is_judged(project: Project, kept: str, name: str, target: str) -> None:
    project.write({kept: DATABASE})
    link(project, name, target)
    document = project.gate()
    judged = name if name.endswith((".yaml", ".json")) else f"{name}/database.yaml"
    assert failing(document, "C8") == {judged}


def test_what_has_two_names_is_judged_once(project: Project) -> None:
    project.write({"real/database.json": DATABASE})
    for name, target in (("again", "real"), ("a/database.json", "../real/database.json"), ("real/up", "..")):
        link(project, name, target)
    link(project, "ring", "ring")
    document = project.gate()
    assert failing(document, "C8") == {"real/database.json"}
    assert sum(each["finding"] == "C8" and each["outcome"] == "fail" for each in document["verdicts"]) == 1
    assert unread(document) == set()


@pytest.mark.parametrize("app", [{}, {"cdk.json": '{"app": "node app.js"}'}])
def test_an_assembly_behind_a_link_is_judged_once(project: Project, app: dict[str, str]) -> None:
    project.write({**app, **{f"out/made/{name}": text for name, text in ASSEMBLY.items()}})
    link(project, "cdk.out", "out/made")
    document = project.gate()
    assert sum(each["finding"] == "C8" and each["outcome"] == "fail" for each in document["verdicts"]) == 1
    assert unread(document) == set()


def test_workflows_behind_a_link_are_judged(project: Project) -> None:
    project.write({"ci/deploy.yml": WORKFLOW, "ci/workflows/other.yml": WORKFLOW})
    link(project, ".github/workflows/deploy.yml", "../../ci/deploy.yml")
    assert ".github/workflows/deploy.yml" in failing(project.gate(), "W4")
    (project.root / ".github/workflows/deploy.yml").unlink()
    (project.root / ".github/workflows").rmdir()
    link(project, ".github/workflows", "../ci/workflows")
    assert failing(project.gate(), "W4") == {".github/workflows/other.yml"}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("database.json", "../outside/database.json"),
        ("stacks", "../outside"),
        ("cdk.out", "../outside"),
        (".github", "../outside"),
        (".github/workflows", "../../outside"),
        (".github/workflows/deploy.yml", "../../../outside/database.json"),
        ("migrations/V1__first.sql", "/dev/zero"),
        ("endless.yaml", "/dev/zero"),
        ("database.template", "/proc/self/environ"),
        ("gone.yaml", "nowhere"),
    ],
)
def test_what_leads_out_or_nowhere_is_named_and_not_judged(project: Project, name: str, target: str) -> None:
    outside = project.root.parent / "outside"
    outside.mkdir()
    for each, text in {**ASSEMBLY, "database.json": DATABASE, "deploy.yml": WORKFLOW}.items():
        (outside / each).write_text(text)
    (outside / "workflows").mkdir()
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    link(project, name, target)
    document = project.gate()
    assert any(name.startswith(each) for each in unread(document)), document["coverage"]
    assert failing(document, "C8") == set()
    assert project.code in {ExitCode.FAILED, ExitCode.INCOMPLETE}
    assert "a link" in project.said


def test_folders_of_tools_may_lead_anywhere(project: Project) -> None:
    project.write({"topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    for name in ("node_modules", ".venv", "bazel-out"):
        link(project, name, project.root.parent)
    link(project, "notes.txt", "/etc/hosts")
    assert unread(project.gate()) == set()


@pytest.mark.parametrize("name", ["policies/waivers.yaml", "checker-waivers.yaml", "checker.toml"])
def test_what_excuses_is_not_taken_from_outside(project: Project, name: str) -> None:
    outside = project.root.parent / "elsewhere"
    outside.write_text(WAIVERS)
    project.write({"database.json": DATABASE})
    link(project, name, outside)
    project.gate()
    assert project.code == ExitCode.USAGE
    assert f"{name}: a link that leads out of the repository" in project.said


def test_what_excuses_may_be_a_link_inside_the_repository(project: Project) -> None:
    (project.root / ".git").mkdir()
    project.write({"shared/waivers.yaml": WAIVERS, "services/shop/database.json": DATABASE})
    link(project, "services/shop/policies/waivers.yaml", "../../../shared/waivers.yaml")
    document = project.gate("--project", "services/shop")
    assert {each["outcome"] for each in document["verdicts"] if each["finding"] == "C8"} == {"waived"}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("policies/waivers.yml", ""),
        ("waivers.yaml", ""),
        ("checker-waivers.json", ""),
        ("policies/Waivers.yaml", ""),
        ("checker-waivers.yaml", "policies/waivers.yaml"),
    ],
)
def test_a_file_that_looks_like_the_waivers_and_is_not_read_is_named(project: Project, name: str, read: str) -> None:
    project.write({"database.json": DATABASE, name: WAIVERS, **({read: "waivers: []"} if read else {})})
    document = project.gate()
    assert failing(document, "C8") == {"database.json"}
    from_where = read or "policies/waivers.yaml or checker-waivers.yaml"
    assert f"{name} excuses nothing: waivers are read from {from_where}" in document["coverage"]["notes"]


@pytest.mark.parametrize("pattern", ["cdk.out/Shop.json", "cdk.out/*.json", "ops/deploy.sh"])
def test_an_exclusion_that_leaves_nothing_out_is_named(project: Project, pattern: str) -> None:
    files = {f"cdk.out/{name}": text for name, text in ASSEMBLY.items()}
    project.write({**files, "ops/deploy.sh": "echo deploy"})
    project.write({"checker.toml": f"[exclude]\n'{pattern}' = 'an example'\n'cdk.in' = 'gone'"})
    notes = project.gate()["coverage"]["notes"]
    assert f"checker.toml:2: exclude: {pattern} leaves nothing out" in notes
    assert "checker.toml:3: exclude: there is no cdk.in" in notes


def test_an_exclusion_that_leaves_something_out_is_said_once(project: Project) -> None:
    project.write({"database.json": DATABASE, "main.tf": "", "topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    project.write({"checker.toml": "[exclude]\n'database.json' = 'an example'\n'*.tf' = 'judged elsewhere'"})
    notes = project.gate()["coverage"]["notes"]
    assert not [note for note in notes if "leaves nothing out" in note]


def test_workflows_and_migrations_are_left_out_too(project: Project) -> None:
    files = {".github/workflows/demo.yml": WORKFLOW, "demo/migrations/V1__drop.sql": "DROP TABLE a;"}
    project.write({**files, "topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    assert (failing(project.gate(), "W4"), failing(project.gate(), "C6")) != (set(), set())
    project.write({"checker.toml": "[exclude]\n'.github/workflows/demo.yml' = 'a demo'\n'demo' = 'a demo too'"})
    document = project.gate()
    assert (failing(document, "W4"), failing(document, "C6")) == (set(), set())
    notes = document["coverage"]["notes"]
    assert "left out by checker.toml: .github/workflows/demo.yml (a demo)" in notes
    assert "left out by checker.toml: demo (a demo too)" in notes


def test_what_is_left_out_is_said_where_the_templates_are_named_by_hand(project: Project) -> None:
    project.write({".github/workflows/demo.yml": WORKFLOW, "topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}"})
    excluded = "'.github/workflows/demo.yml' = 'a demo'\n'.github/workflows/dmeo.yml' = 'misspelled'\n'old/*' = 'old'"
    project.write({"checker.toml": f"[exclude]\n{excluded}"})
    notes = project.gate("--assembly", str(project.root / "topic.yaml"))["coverage"]["notes"]
    assert "left out by checker.toml: .github/workflows/demo.yml (a demo)" in notes
    assert "checker.toml:3: exclude: there is no .github/workflows/dmeo.yml" in notes
    assert not [note for note in notes if "old/*" in note]  # it may be meant for templates that are not looked for


def test_a_template_that_is_deployed_by_a_link_s_name_is_the_one_that_is_judged(project: Project) -> None:
    deploy = "aws cloudformation deploy --stack-name a --template-file stacks/topic.yaml"
    project.write(
        {
            "shared/topic.yaml": "Resources: {T: {Type: AWS::SNS::Topic}}",
            ".github/workflows/deploy.yml": f"on: push\njobs: {{a: {{runs-on: x, steps: [{{run: {deploy}}}]}}}}\n",
        }
    )
    link(project, "stacks", "shared")
    assert [each for each in unread(project.gate()) if "topic" in each] == []
