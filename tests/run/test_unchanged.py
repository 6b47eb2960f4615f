"""A run is said again where nothing is another that it was made from: then, and only then."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.cli import run as command
from checker.collect.config.settings_file import project_settings
from checker.collect.kept import states
from checker.collect.kept.user_cache import user_cache
from checker.collect.pipeline.earlier_runs import EarlierRuns
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Run
from checker.reports.safe import safe_to_show
from checker.run import unchanged
from checker.run.judging import gate
from checker.run.request import Request
from tests.pipelines import repository

WORKFLOW = """
on: {push: {branches: [main]}}
permissions: {id-token: write, contents: read}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    environment: production
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "arn:aws:iam::111111111111:role/deploy", aws-region: eu-west-1}
      - run: bash tools/deploy.sh
      - run: node_modules/.bin/deploy
"""
FILES = {
    ".github/workflows/cd.yml": WORKFLOW,
    "tools/deploy.sh": "aws ecs update-service --cluster main --service api\n",
    "template.json": json.dumps({"Resources": {"Data": {"Type": "AWS::RDS::DBInstance", "Properties": {}}}}),
    "notes.txt": "Nothing reads this.\n",
    "links/to": "",
    "node_modules/.bin/deploy": "#!/bin/sh\naws ecs update-service --cluster main --service web\n",
    "node_modules/other/index.js": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = repository(tmp_path / "repository", FILES)
    (made / "links/to").unlink()
    (made / "links/to").symlink_to("../notes.txt")
    (tmp_path / "elsewhere.txt").write_text("outside")
    (tmp_path / "folder").mkdir()
    git(made, "init", "--quiet", "--initial-branch=main")
    git(made, "add", "--all", ":!node_modules")
    commit(made)
    return made


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def commit(root: Path) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    git(root, *who, "commit", "--quiet", "--allow-empty", "--message=a change")


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[[Request], Run]:
    """The gate, which counts how often it was asked. Files of tests are a moment old, and count as old."""
    monkeypatch.setattr(unchanged, "_TICK", 0)

    def counting(request: Request) -> Run:
        counting.times += 1  # type: ignore[attr-defined]
        return gate(request)

    counting.times = 0  # type: ignore[attr-defined]
    return counting


def request(root: Path, **more: object) -> Request:
    return replace(
        Request(project=root, settings=Settings(), earlier=EarlierRuns(), today=date(2026, 12, 1)),
        **more,
    )


def judged(asked: Request, judge: Callable[[Request], Run]) -> Run:
    return unchanged.judged(asked, judge, safe_to_show)


def times(judge: Callable[[Request], Run]) -> int:
    return judge.times  # type: ignore[attr-defined, no-any-return]


def settled() -> None:
    """What was just written is older than what comes next, by a clock that ticks every few milliseconds."""
    time.sleep(0.02)


def test_what_has_not_changed_is_not_judged_again(root: Path, judge: Callable[[Request], Run]) -> None:
    settled()
    first = judged(request(root), judge)
    assert any(verdict.outcome is Outcome.FAIL for verdict in first.verdicts)
    again = judged(request(root), judge)
    assert again == first
    assert list(again.findings) == list(first.findings)
    assert times(judge) == 1


def _same_size_and_times(root: Path) -> None:
    file = root / "tools/deploy.sh"
    before = file.stat()
    file.write_text(FILES["tools/deploy.sh"].replace("api", "web"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _put_in_place(root: Path) -> None:
    (root / "other").write_text(FILES["tools/deploy.sh"].replace("api", "web"))
    (root / "other").replace(root / "tools/deploy.sh")


def _led_elsewhere(root: Path) -> None:
    (root / "links/to").unlink()
    (root / "links/to").symlink_to("../template.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "template.json").write_text('{"Resources": {}}'),
        _same_size_and_times,
        _put_in_place,
        _led_elsewhere,
        lambda root: (root / "notes.txt").write_text("A link leads here."),
        lambda root: (root / "tools/deploy.sh").unlink(),
        lambda root: (root / "tools/deploy.sh").chmod(0o700),
        lambda root: (root / "empty").mkdir(),
        lambda root: (root / "tools").rename(root / "tool"),
        lambda root: (root / "checker.toml").write_text(""),
        # Other people's code, of which a job runs this.
        lambda root: (root / "node_modules/.bin/deploy").write_text("exit 0\n"),
        lambda root: (root / "node_modules/.bin/deploy").unlink(),
        commit,
        lambda root: git(root, "remote", "add", "origin", "https://github.com/acme/shop.git"),
        lambda root: git(root, "rm", "--cached", "notes.txt"),
    ],
    ids=[
        *("content", "the same size and times", "put in its place", "a link", "behind a link", "gone", "mode"),
        *("a folder", "renamed", "settings", "a package's program", "no package's program", "commit", "origin"),
        "index",
    ],
)
def test_what_has_changed_is_judged(
    change: Callable[[Path], object], root: Path, judge: Callable[[Request], Run]
) -> None:
    settled()
    judged(request(root), judge)
    change(root)
    settled()
    assert judged(request(root), judge) == gate(request(root))
    assert times(judge) == 2


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (
            {"cdk.json": '{"app": "python app.py", "output": ".cache/cdk.out"}', "app.py": ""},
            ".cache/cdk.out/manifest.json",
        ),
        ({"checker.toml": 'migration_folders = [".cache/sql"]\n'}, ".cache/sql/1_first.sql"),
        ({"checker.toml": 'exclude = {".cache/old.sh" = "nobody runs it"}\n'}, ".cache/old.sh"),
        ({"coverage/some.txt": ""}, "coverage/deploy.yaml"),
    ],
    ids=["an assembly", "migrations", "an exclusion", "reports of tests"],
)
def test_what_was_not_there_and_is_made_is_judged(
    given: dict[str, str], made: str, root: Path, judge: Callable[[Request], Run]
) -> None:
    """Also below folders whose files are not told apart, where somebody has asked for it."""
    for name, content in given.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)
    settled()
    asked = request(root, settings=project_settings(root))
    judged(asked, judge)
    judged(asked, judge)
    assert times(judge) == 1
    (root / made).parent.mkdir(parents=True, exist_ok=True)
    (root / made).write_text("{}")
    settled()
    assert judged(asked, judge) == gate(asked)
    assert times(judge) == 2


def test_what_nobody_asked_for_of_other_peoples_code_changes_nothing(
    root: Path, judge: Callable[[Request], Run]
) -> None:
    settled()
    judged(request(root), judge)
    (root / "node_modules/other/index.js").write_text("changed")
    judged(request(root), judge)
    assert times(judge) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"today": date(2026, 12, 2)},
        {"settings": Settings(default_branch="trunk")},
        {"own_rules_allowed": True},
        {"with_facts": True},
        {"earlier": None},
        {"project": Path("..", "repository")},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_asked_otherwise_is_judged(
    more: dict[str, object], root: Path, judge: Callable[[Request], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    settled()
    judged(request(root), judge)
    judged(request(root, **more), judge)
    assert times(judge) == 2


def test_by_another_checker_or_for_another_user_it_is_judged(
    root: Path, judge: Callable[[Request], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled()
    judged(request(root), judge)
    with monkeypatch.context() as other:
        other.setattr(unchanged, "code_state", lambda *_: "other code")
        judged(request(root), judge)
    with monkeypatch.context() as other:
        other.setattr("os.geteuid", lambda: 1234, raising=False)
        judged(request(root), judge)
    assert times(judge) == 3
    judged(request(root), judge)
    assert times(judge) == 3


@pytest.mark.parametrize(
    "prepare",
    [
        lambda root, _: (root / "out").symlink_to(root.parent / "folder"),
        lambda root, _: (root / "out").symlink_to("node_modules"),
        lambda _, monkeypatch: monkeypatch.setattr(unchanged, "_TICK", 60 * 10**9),
        lambda _, monkeypatch: monkeypatch.setattr(states, "MOST_ENTRIES", 3),
        lambda _, monkeypatch: monkeypatch.setattr(unchanged, "_MOST_BYTES", 10),
    ],
    ids=["a link to a folder elsewhere", "a link to others' code", "changed just now", "too much", "too large"],
)
def test_what_cannot_be_told_is_not_kept(
    prepare: Callable[[Path, pytest.MonkeyPatch], object],
    root: Path,
    judge: Callable[[Request], Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(root, monkeypatch)
    settled()
    judged(request(root), judge)
    judged(request(root), judge)
    assert times(judge) == 2


@pytest.mark.parametrize(
    "end",
    [
        lambda root, run: (root / "notes.txt").write_text("changed meanwhile") and run,
        lambda root, run: (root / "node_modules/.bin/deploy").write_text("exit 0\n") and run,
        lambda root, run: (root / "node_modules/.bin/deploy").unlink() or run,
        lambda _, run: replace(run, verdicts=(replace(run.verdicts[0], outcome=Outcome.ERROR), *run.verdicts[1:])),
    ],
    ids=["changed meanwhile", "a package's program changed", "a package's program gone", "a rule crashed"],
)
def test_a_run_that_would_come_out_otherwise_is_not_kept(
    end: Callable[[Path, Run], Run], root: Path, judge: Callable[[Request], Run]
) -> None:
    settled()
    judged(request(root), lambda asked: end(root, judge(asked)))
    settled()
    judged(request(root), judge)
    assert times(judge) == 2


def test_a_run_in_which_a_rule_may_have_been_stopped_is_not_kept(root: Path, judge: Callable[[Request], Run]) -> None:
    settled()
    short = request(root, settings=Settings(rule_seconds=0.0001))
    judged(short, judge)
    judged(short, judge)
    assert times(judge) == 2


def test_an_assembly_elsewhere_and_own_rules_are_judged_each_time(root: Path, judge: Callable[[Request], Run]) -> None:
    elsewhere = root.parent / "elsewhere.json"
    elsewhere.write_text('{"Resources": {}}')
    (root / "rules").mkdir()
    settled()
    for asked in (
        request(root, assemblies=[("production", elsewhere)]),
        request(root, settings=Settings(rules=("rules",)), own_rules_allowed=True),
    ):
        before = times(judge)
        judged(asked, judge)
        judged(asked, judge)
        assert times(judge) == before + 2
    inside = request(root, assemblies=[("production", root / "template.json")])
    before = times(judge)
    judged(inside, judge)
    judged(inside, judge)
    assert times(judge) == before + 1


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda _: b"", lambda content: b"0" * 64 + content])
def test_what_is_not_whole_counts_for_nothing(
    spoil: Callable[[bytes], bytes], root: Path, judge: Callable[[Request], Run]
) -> None:
    settled()
    first = judged(request(root), judge)
    (kept,) = user_cache("runs").iterdir()
    kept.write_bytes(spoil(kept.read_bytes()))
    assert judged(request(root), judge) == first
    assert times(judge) == 2


def test_no_document_differs(root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(unchanged, "_TICK", 0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    settled()
    documents = []
    for more in ((), (), ("--no-cache",)):
        command(["gate", "--project", str(root), "--format", "json", *more])
        documents.append(capfd.readouterr().out)
    assert len(list(user_cache("runs").iterdir())) == 1
    assert documents[0] == documents[1] == documents[2] != ""
