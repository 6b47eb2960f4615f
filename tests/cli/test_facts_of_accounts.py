"""Runs on live accounts carry what reports show beside the verdicts: a preflight's, and one of many accounts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.cli import run
from checker.errors import ExitCode
from checker.model.settings import Settings
from checker.model.shown.facts import Facts, Framework, TokenRow
from checker.run.request import Request
from checker.together import together
from tests.reports import planted
from tests.reports.sample import EMPTY, RUN


def test_a_preflight_says_what_its_verdicts_support(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snapshot = planted.snapshot()
    snapshot["stacks"][0]["status"] = "UPDATE_ROLLBACK_FAILED"
    Path("snapshot.json").write_text(json.dumps(snapshot))
    assert run(["preflight", "--snapshot", "snapshot.json"]) == ExitCode.FAILED  # whoever's stack it is
    Path("checker.toml").write_text('[stacks]\ntemplate = "production"\n')
    run(["preflight", "--snapshot", "snapshot.json", "--format", "json=run.json"])
    document = json.loads(Path("run.json").read_text())
    assert [each["outcome"] for each in document["verdicts"] if each["finding"] == "W17"].count("fail") == 1
    assert "W17" in document["facts"]["pages"]
    assert document["facts"]["frameworks"]


def test_many_accounts_are_one_matrix_with_each_role_s_place(tmp_path: Path) -> None:
    row = TokenRow("deploy", "api", "push", "repo:o/r:ref:refs/heads/main", "*", admitted=("Deploy",))
    (excerpt,) = RUN.facts.excerpts
    facts = Facts(("Deploy",), (row,), (), (excerpt,), (Framework("soc2", "SOC 2"),), {"C1": "page"})
    one = replace(EMPTY, facts=facts)
    other = replace(EMPTY, facts=replace(facts, tokens=(replace(row, admitted=(), perhaps=("Deploy",)),), pages={}))
    request = Request(project=tmp_path, settings=Settings())
    whole = together("audit", [("1/us-west-2", one), ("2/us-west-2", other)], [], request).facts
    assert whole.roles == ("Deploy@1/us-west-2", "Deploy@2/us-west-2")
    assert whole.tokens == (replace(row, admitted=("Deploy@1/us-west-2",), perhaps=("Deploy@2/us-west-2",)),)
    assert (whole.excerpts, whole.frameworks, whole.pages) == ((excerpt,), facts.frameworks, {"C1": "page"})


def test_accounts_without_facts_have_none(tmp_path: Path) -> None:
    assert together("audit", [("1", EMPTY)], [], Request(project=tmp_path, settings=Settings())).facts.empty
