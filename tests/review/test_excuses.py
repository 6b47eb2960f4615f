"""What a request changes in waivers, settings and exclusions: each change is a line, nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.collect.config.excusing_files import WAIVER_FILES
from checker.collect.config.register import load_register
from checker.model.verdicts import Outcome, Verdict
from checker.reports import render
from checker.review.excuses import excuses
from tests.reports.sample import EMPTY, verdict

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
        (project / "policies").mkdir(parents=True, exist_ok=True)
        (project / "policies/waivers.yaml").write_text(texts[0])
        (project / "checker.toml").write_text(texts[1])
    return excuses(folder / "base", folder / "head", WAIVER_FILES, load_register().requirements)


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
        (
            SETTINGS + '[environments.prod]\nstacks = ["A", "B"]\n[environments.prod.parameters]\nSize = "2"\n',
            [
                "setting stacks: A: not set -> prod",
                "setting stacks: B: not set -> prod",
                "setting environments: prod: not set -> stacks A, B; parameters Size 2",
            ],
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


ABOUT = "Database BackupRetentionPeriod in production"
REVIEWED = "until 2027-01-31, by platform: Raised by hand."
RECORD = """drift:
- {environment: production, resource: Database, path: BackupRetentionPeriod, value: 1, owner: platform,
   reason: Raised by hand., expires-on: 2027-01-31}
"""
TRIAGE = """triage:
- {result: CKV_AWS_18, where: "*Logs*", sorted: noise, reason: It would never end., owner: platform,
   since: 2026-11-20, until: 2027-05-20}
"""


def found(folder: Path, name: str, before: str | None, after: str | None, settings: str = SETTINGS) -> list[str]:
    """The lines about one more file."""
    changed(folder, settings=settings)
    (folder / "base/checker.toml").write_text(settings)
    for side, text in (("base", before), ("head", after)):
        if text is not None:
            (folder / side / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / side / name).write_text(text)
    return excuses(folder / "base", folder / "head", WAIVER_FILES, load_register().requirements)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, "drift: []\n", []),
        (
            None,
            RECORD,
            [f"drift record added: {ABOUT}: a value is recorded, {REVIEWED}"],
        ),
        (
            RECORD,
            RECORD.replace("value: 1", "ignored: true"),
            [
                f"drift record added: {ABOUT}: ignored, {REVIEWED}",
                f"drift record removed: {ABOUT}: a value is recorded, {REVIEWED}",
            ],
        ),
        (RECORD, "# moved down\n" + RECORD, []),
        (
            None,
            "drift: [{resource: Cache, next_deploy: replace}]",
            ["drift record added: Cache in *: the next deploy may replace it, not reviewed yet"],
        ),
    ],
)
def test_decisions_about_drift_are_excuses_too(
    tmp_path: Path, before: str | None, after: str, expected: list[str]
) -> None:
    assert found(tmp_path, "policies/drift.yaml", before, after) == expected


def test_what_scanners_say_is_sorted_in_the_open(tmp_path: Path) -> None:
    (line,) = found(tmp_path, "policies/scanners.yaml", None, TRIAGE)
    assert line.startswith(
        "scanner's result added: CKV_AWS_18 on *Logs* in *, until 2027-05-20, by platform, as policies/"
    )
    assert line.endswith("scanners.yaml:2 says: noise: It would never end.")


def test_a_sort_that_changes_is_said(tmp_path: Path) -> None:
    (line,) = found(tmp_path, "policies/scanners.yaml", TRIAGE, TRIAGE.replace("noise", "real"))
    assert line.startswith(
        "scanner's result changed: CKV_AWS_18 on *Logs* in *: reason noise: It would never end. -> real"
    )


def test_a_triage_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (line,) = found(tmp_path, "policies/scanners.yaml", TRIAGE, "triage: x")
    assert line.startswith("what scanners say, sorted, after the change cannot be read: ")


def stored(*failing: Verdict) -> str:
    return render(replace(EMPTY, verdicts=failing), "json")


CACHE = verdict("C7", Outcome.FAIL, "Cache", 1)
STORE = verdict("C8", Outcome.FAIL, "Store", 2)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (stored(CACHE), stored(CACHE), []),
        (stored(CACHE), stored(CACHE, STORE), ["baseline runs.json excuses now: C8 DocPlatformProd/Data/Store"]),
        (
            stored(CACHE),
            stored(CACHE, replace(STORE, outcome=Outcome.UNKNOWN)),
            ["baseline runs.json excuses now: C8 DocPlatformProd/Data/Store (undecided)"],
        ),
        (
            stored(CACHE, STORE),
            stored(CACHE, replace(STORE, outcome=Outcome.PASS)),
            ["baseline runs.json excuses no longer: 1 that are fixed"],
        ),
        (
            None,
            stored(CACHE),
            ["baseline added: runs.json excuses 1 failures, 0 that cannot be decided and 0 not read"],
        ),
        (stored(CACHE), None, ["baseline removed: runs.json"]),
        (stored(CACHE), '{"x": 1}', ["baseline runs.json was changed, and cannot be read"]),
    ],
    ids=["same", "failure", "undecided", "fixed", "added", "removed", "unreadable"],
)
def test_an_edited_baseline_is_named(
    tmp_path: Path, before: str | None, after: str | None, expected: list[str]
) -> None:
    lines = found(tmp_path, "runs.json", before, after)
    assert len(lines) == len(expected)
    assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True))


def test_a_baseline_that_takes_much_in_is_counted(tmp_path: Path) -> None:
    many = [verdict("C7", Outcome.FAIL, f"R{n}", n) for n in range(30)]
    lines = found(tmp_path, "policies/old.json", stored(), stored(*many))
    assert len(lines) == 11
    assert lines[-1] == "baseline policies/old.json excuses now: 20 more"


@pytest.mark.parametrize(
    ("before", "after", "verb"), [(None, "x = 1", "added"), ("x = 1", "x = 2", "changed"), ("x = 1", None, "removed")]
)
def test_the_project_s_own_rules_are_named(tmp_path: Path, before: str | None, after: str | None, verb: str) -> None:
    settings = SETTINGS.replace("[exclude]", 'rules = ["policies/rules"]\n[exclude]')
    for side in ("base", "head"):
        (tmp_path / side / "policies/rules").mkdir(parents=True)
    lines = found(tmp_path, "policies/rules/x1_tags.py", before, after, settings)
    assert lines == [f"own rule {verb}: policies/rules/x1_tags.py"]
