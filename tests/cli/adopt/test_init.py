"""``checker init`` on projects that it has never seen: it writes what holds, says what it found, and runs nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from checker.cli import run as command
from checker.cli.adopt.first_settings import Discovered, text
from checker.collect.config.settings_file import load_settings
from checker.errors import ExitCode

BUCKET = "Resources:\n  Files:\n    Type: AWS::S3::Bucket\n    Properties: {BucketName: shop-files}\n"
WORKFLOW = """on: {push: {branches: [trunk]}}
permissions: {id-token: write}
jobs:
  deploy: {runs-on: ubuntu-24.04, environment: production, steps: [{run: aws s3 ls}]}
  other: {runs-on: ubuntu-24.04, environment: playground, steps: [{run: "true"}]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in {
        "stacks/production/files.yaml": BUCKET,
        "stacks/somewhere.yaml": BUCKET.replace("shop", "other"),
        ".github/workflows/deploy.yml": WORKFLOW,
        ".git/config": '[remote "origin"]\n\turl = https://github.com/acme/shop.git\n',
        ".git/HEAD": "ref: refs/heads/topic\n",
        ".git/refs/remotes/origin/HEAD": "ref: refs/remotes/origin/trunk\n",
        "cdk.json": json.dumps({"app": "touch executed"}),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_a_project_begins(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["init", "--project", str(project)]) == 0
    said = capsys.readouterr().out
    settings = load_settings(project / "checker.toml")
    assert settings.repository == "acme/shop"
    assert settings.default_branch == "trunk"
    assert settings.github_environments == ("production",)
    assert settings.stacks == {"files": "production"}
    assert '# "somewhere" = ' in (project / "checker.toml").read_text()
    assert "a CDK app without an assembly" in said
    assert not (project / "executed").exists()
    baseline = str(project / "checker-baseline.json")
    assert command(["gate", "--project", str(project)]) == ExitCode.FAILED
    assert command(["gate", "--project", str(project), "--baseline", baseline, "--unknown", "report"]) == 0
    (project / "stacks/production/more.yaml").write_text(BUCKET.replace("Files", "More").replace("shop-files", "m"))
    assert command(["gate", "--project", str(project), "--baseline", baseline]) == ExitCode.FAILED


@pytest.mark.parametrize(
    ("refs", "branch"),
    [
        ((".git/refs/remotes/origin/master", ".git/refs/heads/main"), "master"),
        ((".git/refs/heads/main",), "main"),
        (("packed",), "master"),
        ((), "main"),
    ],
)
def test_a_default_branch_that_no_clone_kept_is_called_a_guess(
    project: Path, refs: tuple[str, ...], branch: str
) -> None:
    (project / ".git/refs/remotes/origin/HEAD").unlink()
    for ref in refs:
        path = project / (".git/packed-refs" if ref == "packed" else ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{'a' * 40} refs/remotes/origin/master\n{'b' * 40} refs/heads/main\n")
    assert command(["init", "--project", str(project)]) == 0
    text = (project / "checker.toml").read_text()
    assert load_settings(project / "checker.toml").default_branch == branch
    assert ("# A guess: this clone does not tell" in text) is bool(refs)
    assert ('# default_branch = "main"' in text) is not bool(refs)


def test_what_is_there_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "checker.toml").write_text("# mine\n")
    assert command(["init", "--project", str(project)]) == ExitCode.USAGE
    assert "is there already" in capsys.readouterr().err
    assert (project / "checker.toml").read_text() == "# mine\n"
    (project / "checker-baseline.json").write_text("{}")
    assert command(["init", "--project", str(project)]) == ExitCode.USAGE
    assert "checker.toml and checker-baseline.json are there already" in capsys.readouterr().err
    assert command(["init", "--project", str(project), "--force"]) == 0


def test_a_folder_with_nothing_to_judge_gets_no_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["init", "--project", str(tmp_path)]) == 0
    assert "no baseline" in capsys.readouterr().out
    assert not (tmp_path / "checker-baseline.json").exists()
    load_settings(tmp_path / "checker.toml")


def test_names_of_a_project_cannot_write_into_its_settings() -> None:
    hostile = 'x"]\nrule_seconds = 600\n#'
    found = text(Discovered(repository=hostile, stacks={hostile: hostile}, unnamed=[hostile], app=hostile))
    parsed = tomllib.loads(found)
    assert parsed["repository"] == hostile
    assert parsed["stacks"] == {hostile: hostile}
    assert "rule_seconds" not in parsed
