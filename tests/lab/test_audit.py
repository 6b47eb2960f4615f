"""``checker audit`` of the lab and of a GitHub on loopback: account and settings in one run, and in one snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run
from checker.collect.config.register import load_register
from checker.lab import up
from checker.lab.clients import Clients
from tests.collect.github.server import GitHub, protected, serving

pytestmark = pytest.mark.xdist_group("lab")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def github(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    for name in (*up.UNSET, "GH_TOKEN", "GITHUB_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in up.variables(clients.lab).items():
        monkeypatch.setenv(name, value)
    with serving(protected(GitHub())) as running:
        monkeypatch.setenv("GITHUB_API_URL", running.url)
        yield running


def audit(deployed: Path, folder: Path, *more: str) -> dict[str, Any]:
    """The run document of an audit of production."""
    arguments = ["audit", "--project", str(ROOT), "--env", "production", "--assembly", str(deployed), "--quiet"]
    run([*arguments, "--format", f"json={folder / 'run.json'}", *more])
    document: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return document


def settings_verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {
        each["finding"] + f"[{each['sub']}]": each["outcome"]
        for each in document["verdicts"]
        if each["surface"] == "setting"
    }


def unread(document: dict[str, Any]) -> list[str]:
    return [each["what"] for each in document["coverage"]["unread"] if each["what"].startswith("kcjonson/")]


def test_settings_are_judged_beside_the_account(
    github: GitHub, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    document = audit(deployed, tmp_path, "--save-snapshot", str(tmp_path / "snapshot.json"))
    expected = {
        "C1[protected-ref=refs/heads/main]": "pass",
        "C1[subject-form]": "pass",
        "W6[environment-protection]": "pass",
        "W6[environment-refs]": "pass",
    }
    assert settings_verdicts(document) == expected
    assert unread(document) == []
    assert "setting" in document["coverage"]["surfaces"]
    asked = len(github.seen)
    stored = audit(deployed, tmp_path, "--snapshot", str(tmp_path / "snapshot.json"))
    assert settings_verdicts(stored) == expected
    assert len(github.seen) == asked
    assert "a-token" not in (tmp_path / "snapshot.json").read_text()


def test_what_a_workflows_token_may_not_read_is_no_gap_where_all_is_decided(
    github: GitHub, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a token never has the right to administer; a ruleset protects the branch."""
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    refused = "Resource not accessible by integration"
    github.says("", {"default_branch": "main", "permissions": {"admin": False}})
    github.refuses("/branches/main/protection", 403, refused)
    github.refuses("/immutable-releases", 403, refused)
    document = audit(deployed, tmp_path)
    assert set(settings_verdicts(document).values()) == {"pass"}
    assert unread(document) == []
    assert any("branch protection, immutable releases" in note for note in document["coverage"]["notes"])
    github.refuses("/environments", 403, refused)
    document = audit(deployed, tmp_path)
    assert "unknown" in settings_verdicts(document).values()
    assert len(unread(document)) == 2


def test_without_a_token_they_are_unknown_and_the_run_says_so(github: GitHub, deployed: Path, tmp_path: Path) -> None:
    document = audit(deployed, tmp_path)
    assert set(settings_verdicts(document).values()) == {"unknown"}
    assert len(unread(document)) == 1
    assert github.seen == []


def test_a_snapshot_without_them_is_judged_without_them(
    github: GitHub, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "snapshot.json"
    audit(deployed, tmp_path, "--save-snapshot", str(snapshot))
    kept = json.loads(snapshot.read_text())
    del kept["facts"]["github"]
    snapshot.write_text(json.dumps(kept))
    document = audit(deployed, tmp_path, "--snapshot", str(snapshot))
    assert settings_verdicts(document) == {}
    assert any("settings are not in this snapshot" in note for note in document["coverage"]["notes"])


@pytest.mark.parametrize("command", ["audit", "preflight"])
def test_another_region_than_that_of_the_stacks_is_refused(
    github: GitHub, deployed: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    words = [command, "--project", str(ROOT), "--env", "production", "--assembly", str(deployed)]
    assert run([*words, "--region", "us-east-1"]) == 2
    told = capsys.readouterr().err
    assert "DocPlatformProd: not in account" in told
    assert "--region us-west-2" in told


def _no_reviewers(github: GitHub) -> None:
    answer: Any = github.routes["/environments"].document
    production, *others = answer["environments"]
    rules = [each for each in production["protection_rules"] if each["type"] != "required_reviewers"]
    github.says("/environments", {"environments": [{**production, "protection_rules": rules}, *others]})


def _any_branch(github: GitHub) -> None:
    path = "/environments/production/deployment-branch-policies"
    github.says(path, {"branch_policies": [{"name": "*", "type": "branch"}, {"name": "v*", "type": "tag"}]})


def _no_ruleset(github: GitHub) -> None:
    ruleset: Any = github.routes["/rulesets/7"].document
    github.says("/rulesets/7", {**ruleset, "enforcement": "disabled"})


def _immutable_subjects(github: GitHub) -> None:
    told = {"use_default": True, "use_immutable_subject": True, "sub_claim_prefix": "repo:kcjonson@1/doc-platform@2"}
    github.says("/actions/oidc/customization/sub", told)


# What an administrator of the repository changes, by the one requirement that it breaks.
SETTINGS = {
    "C1[protected-ref=refs/heads/main]": _no_ruleset,
    "C1[subject-form]": _immutable_subjects,
    "W6[environment-protection]": _no_reviewers,
    "W6[environment-refs]": _any_branch,
}


@pytest.mark.parametrize("broken", SETTINGS)
def test_a_changed_setting_is_found_and_nothing_else(
    github: GitHub, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    SETTINGS[broken](github)
    assert settings_verdicts(audit(deployed, tmp_path)) == {
        each: "fail" if each == broken else "pass" for each in SETTINGS
    }


def test_every_finding_of_the_repositorys_settings_can_be_broken() -> None:
    judged = {entry.id for entry in load_register().entries.values() if "G" in entry.surfaces.split()}
    assert {each.partition("[")[0] for each in SETTINGS} == judged
