"""C1's matrix: a row for each job, event and subject, and a page that is there also without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.cli import run

_TEMPLATE = """
Resources:
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Action: sts:AssumeRoleWithWebIdentity
            Principal: {Federated: arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com}
            Condition:
              StringEquals:
                token.actions.githubusercontent.com:aud: sts.amazonaws.com
                token.actions.githubusercontent.com:sub: repo:acme/shop:environment:production
      Policies:
        - {PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: ecs:UpdateService, Resource: "*"}]}}
"""
_WORKFLOW = """
on: {release: {types: [published]}, push: {branches: [main]}}
permissions: {id-token: write}
jobs:
  deploy:
    if: github.event_name == 'release'
    environment: production
    runs-on: ubuntu-latest
    steps: &steps
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "${{ secrets.ROLE }}", aws-region: us-west-2}
  build:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    steps: *steps
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ship.yml").write_text(_WORKFLOW, encoding="utf-8")
    (tmp_path / "checker.toml").write_text('repository = "acme/shop"\n', encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(_TEMPLATE, encoding="utf-8")
    return tmp_path


def test_each_job_and_event_has_a_row(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "C1", "--project", str(project), "--assembly", str(project / "shop.yaml")]) == 0
    said = capsys.readouterr().out
    table = [line.split() for line in said[said.index("Who gets in here") :].splitlines()[3:]]
    assert table == [
        ["ship", "deploy", "release", "repo:acme/shop:environment:production", "Deploy", "Deploy"],
        ["ship", "build", "push", "repo:acme/shop:ref:refs/heads/main", "Deploy", "-"],
    ]


def test_the_page_is_there_without_templates(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "C1", "--project", str(project)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("C1 · critical")
    assert "Who gets in here" in said


def test_the_page_is_all_there_is_without_workflows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "C1", "--project", str(tmp_path)]) == 0
    assert "Who gets in here" not in capsys.readouterr().out
