"""What a change does to all that excuses or leaves out, against where it left the branch: as the gate sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from checker.collect.config.excusing_files import WAIVER_FILES
from checker.collect.config.register import load_register
from checker.collect.config.settings_file import project_settings
from checker.review.since_base import excuses_since_base
from tests.repositories import commit, git, repository
from tests.review.test_excuses import WAIVER

SETTINGS = 'repository = "o/r"\nprotected_refs = ["refs/heads/main"]\nrules = ["checks"]\n'
RULE = "RULES = ()\n"
BASE = {
    "checker.toml": SETTINGS,
    "policies/waivers.yaml": WAIVER,
    "checks/own.py": RULE,
    "src/app.py": "print(1)\n",
    "package.json": "{}\n",
}


def said(project: Path, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    settings, known = project_settings(project), load_register().requirements
    return excuses_since_base(project, settings, WAIVER_FILES, known, environment or {})


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(project: Path) -> None:
        path = project / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return apply


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a waiver that lasts longer": (
        edit("policies/waivers.yaml", "2027-05-20", "2027-11-01"),
        ["waiver changed: S10 on *Logs* in staging: expires-on 2027-05-20 -> 2027-11-01"],
    ),
    "a wider setting": (
        edit("checker.toml", "heads/main", "heads/*"),
        ["setting protected_refs: refs/heads/main -> refs/heads/*"],
    ),
    "settings that are gone": (
        lambda project: (project / "checker.toml").unlink(),
        [
            "setting repository: o/r -> not set",
            "setting protected_refs: refs/heads/main -> refs/heads/main, refs/tags/v*",
            "setting rules: checks -> not set",
        ],
    ),
    "an exclusion": (
        edit("checker.toml", 'rules = ["checks"]\n', 'rules = ["checks"]\n[exclude]\n"ops" = "generated"\n'),
        ["exclusion ops: not set -> generated"],
    ),
    "waivers in the other place": (
        lambda project: (project / "policies/waivers.yaml").rename(project / "checker-waivers.yaml"),
        [],  # the same waivers: what counts is what they excuse
    ),
    "a rule of the project's own": (edit("checks/own.py", "()", "[]"), ["own rule changed: checks/own.py"]),
    "a decision about drift": (
        lambda project: (project / "policies/drift.yaml").write_text(
            "drift:\n- environment: production\n  resource: Db\n  path: Tags\n  ignored: true\n"
            "  owner: platform\n  reason: Another team owns these tags.\n  expires-on: 2027-01-31\n"
        ),
        [
            (
                "drift record added: Db Tags in production: ignored, until 2027-01-31, by platform: "
                "Another team owns these tags."
            )
        ],
    ),
    "a baseline that nobody can read": (
        lambda project: (project / "known.json").write_text('{"schema": "checker-run/1"}'),
        ["baseline known.json was changed, and cannot be read: known.json: verdicts is not a list"],
    ),
    "code": (edit("src/app.py", "1", "2"), []),
    "a JSON file that is no run": (edit("package.json", "{}", '{"a": 1}'), []),
    "comments alone": (edit("checker.toml", 'repository = "o/r"', '# ours\nrepository = "o/r"'), []),
}


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_told_committed_or_not(tmp_path: Path, name: str, committed: bool) -> None:
    change, expected = CHANGES[name]
    repository(tmp_path, BASE)
    git(tmp_path, "checkout", "-q", "-b", "change")
    change(tmp_path)
    if committed:
        commit(tmp_path, {})

    assert list(said(tmp_path)) == expected


def test_what_the_branch_itself_did_since_is_not_the_changes(tmp_path: Path) -> None:
    repository(tmp_path, BASE)
    git(tmp_path, "checkout", "-q", "-b", "change")
    commit(tmp_path, {"src/app.py": "print(2)\n"})
    git(tmp_path, "checkout", "-q", "main")
    commit(tmp_path, {"checker.toml": SETTINGS.replace("o/r", "o/other")})
    git(tmp_path, "checkout", "-q", "change")

    assert said(tmp_path) == ()


def test_the_base_of_a_request_is_the_branch_that_it_goes_into(tmp_path: Path) -> None:
    repository(tmp_path, BASE)
    git(tmp_path, "checkout", "-q", "-b", "release")
    commit(tmp_path, {"checker.toml": SETTINGS.replace("o/r", "o/other")})
    git(tmp_path, "checkout", "-q", "-b", "change")

    assert said(tmp_path) == ("setting repository: o/r -> o/other",)
    assert said(tmp_path, {"GITHUB_BASE_REF": "release"}) == ()


def test_a_change_cannot_name_the_branch_that_it_is_measured_against(tmp_path: Path) -> None:
    repository(tmp_path, BASE)
    git(tmp_path, "checkout", "-q", "-b", "change")
    commit(tmp_path, {"checker.toml": SETTINGS + 'default_branch = "change"\n'})

    assert said(tmp_path) == ("setting default_branch: main -> change",)


def test_a_history_that_was_not_fetched_is_said_of_a_request_alone(tmp_path: Path) -> None:
    repository(tmp_path, BASE)
    git(tmp_path, "checkout", "-q", "-b", "change")
    git(tmp_path, "branch", "-q", "-D", "main")

    assert said(tmp_path) == ()
    (line,) = said(tmp_path, {"GITHUB_BASE_REF": "main"})
    assert "is not known" in line
    assert "fetch-depth: 0" in line


@pytest.mark.parametrize("branch", ["--upload-pack=x", "a..b", "a b", "main^{/x}"])
def test_a_name_that_is_no_branch_is_not_given_to_git(tmp_path: Path, branch: str) -> None:
    repository(tmp_path, BASE)

    assert said(tmp_path, {"GITHUB_BASE_REF": branch}) == ()


def test_a_folder_without_history_has_no_change(tmp_path: Path) -> None:
    for name, content in BASE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    assert said(tmp_path) == ()


def test_a_branch_that_is_here_without_the_history_it_shares_is_said(tmp_path: Path) -> None:
    repository(tmp_path, BASE)
    git(tmp_path, "checkout", "-q", "--orphan", "change")
    commit(tmp_path, {"src/app.py": "print(2)\n"})

    (line,) = said(tmp_path)
    assert "is not known" in line
