"""What a request changes in waivers, settings and exclusions: each change is a line, nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.config.register import load_register
from checker.review.excuses import excuses
from checker.run.request import WAIVER_FILES

WAIVER = """waivers:
- finding: S10
  environments: [staging]
  resource: "*Logs*"
  reason: Not possible there.
  owner: platform
  approved-on: 2026-11-20
  expires-on: 2027-05-20
"""
SETTINGS = """repository = "o/r"
script_folders = ["ops"]
[exclude]
"docs/a.yaml" = "a picture"
"""


def changed(folder: Path, waivers: str = WAIVER, settings: str = SETTINGS) -> list[str]:
    for name, texts in {"base": (WAIVER, SETTINGS), "head": (waivers, settings)}.items():
        project = folder / name
        (project / "policies").mkdir(parents=True)
        (project / "policies/waivers.yaml").write_text(texts[0])
        (project / "checker.toml").write_text(texts[1])
    return excuses(folder / "base", folder / "head", WAIVER_FILES, load_register().findings)


def test_nothing_is_said_of_what_says_the_same(tmp_path: Path) -> None:
    assert changed(tmp_path, f"# a comment\n{WAIVER}", SETTINGS.replace('= "o/r"', '="o/r" # ours')) == []


@pytest.mark.parametrize(
    ("waivers", "expected"),
    [
        ("", ["waiver removed: S10 on *Logs* in staging"]),
        (
            WAIVER.replace("2027-05-20", "2027-11-20"),
            ["waiver changed: S10 on *Logs* in staging: expires-on 2027-05-20 -> 2027-11-20"],
        ),
        (
            WAIVER.replace("[staging]", '["*"]'),
            [
                (
                    "waiver added: S10 on *Logs* in *, until 2027-05-20, by platform, as policies/waivers.yaml:2 says: "
                    "Not possible there."
                ),
                "waiver removed: S10 on *Logs* in staging",
            ],
        ),
        (
            WAIVER + WAIVER.partition("\n")[2].replace("Not possible there.", "Twice."),
            [
                (
                    "waiver added: S10 on *Logs* in staging #2, until 2027-05-20, by platform, as "
                    "policies/waivers.yaml:9 says: Twice."
                )
            ],
        ),
    ],
)
def test_waivers(tmp_path: Path, waivers: str, expected: list[str]) -> None:
    assert changed(tmp_path, waivers) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (SETTINGS + '"infra/**" = "slow"\n', ["exclusion infra/**: not set -> slow"]),
        (SETTINGS.replace('["ops"]', "[]"), ["setting script_folders: ops -> not set"]),
        ("max_waiver_days = 300\n" + SETTINGS, ["setting max_waiver_days: 365 -> 300"]),
        (
            SETTINGS + '[stacks]\nProd = "staging"\n',
            ["setting stacks: Prod: not set -> staging"],
        ),
    ],
)
def test_settings(tmp_path: Path, settings: str, expected: list[str]) -> None:
    assert changed(tmp_path, settings=settings) == expected


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    found = changed(tmp_path, "waivers: [x", "nonsense = 1\n")
    assert len(found) == 2
    assert found[0].startswith("the waivers after the change cannot be read: ")
    assert found[1].startswith("checker.toml after the change cannot be read: checker.toml:1: no key 'nonsense'")


def test_decisions_about_drift_are_excuses_too(tmp_path: Path) -> None:
    changed(tmp_path)
    (tmp_path / "head/policies/drift.yaml").write_text("drift: []\n")
    found = excuses(tmp_path / "base", tmp_path / "head", WAIVER_FILES, load_register().findings)
    assert found == ["policies/drift.yaml was changed"]
