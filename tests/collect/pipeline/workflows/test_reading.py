"""Workflows and scripts as written: what is read, and what becomes of what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.pipeline import scripts
from checker.collect.pipeline.scripts import ScriptLibrary
from checker.collect.pipeline.workflows import reading
from checker.collect.pipeline.workflows.reading import read_workflows
from checker.model.sources import Spot
from tests.pipelines import repository

RIGHT = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo hello\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("on: push\njobs:\n  a: [\n", 4, "YAML"),
        ("- on: push\n", 1, "not a mapping"),
        ("on: push\njobs:\n  a:\n    steps: *nowhere\n", 4, "undefined alias"),
        ("on: push\non: pull_request\njobs: {}\n", 2, "on"),
    ],
)
def test_a_file_that_is_no_workflow_is_a_located_problem_and_the_others_are_read(
    text: str, line: int, message: str, tmp_path: Path
) -> None:
    read = read_workflows(
        repository(tmp_path, {".github/workflows/a.yml": text, ".github/workflows/b.yaml": RIGHT, "c.yml": RIGHT})
    )
    assert sorted(read.files) == [".github/workflows/a.yml", ".github/workflows/b.yaml"]
    problem = read.files[".github/workflows/a.yml"].problems[0]
    assert (problem.spot.file, problem.spot.line) == (".github/workflows/a.yml", line)
    assert message in problem.message
    assert problem.fix
    assert problem.unread
    good = read.files[".github/workflows/b.yaml"]
    assert good.problems == ()
    assert list(good.jobs) == ["a"]


def test_actions_are_read_where_steps_name_them(tmp_path: Path) -> None:
    """Also in folders that hold what a build makes, elsewhere; none outside of the repository."""
    uses = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: ./ci/build\n      - uses: ./../out\n"
    composite = "runs:\n  using: composite\n  steps:\n    - uses: ./dist/one\n"
    files = {
        ".github/workflows/a.yml": uses,
        "ci/build/action.yml": composite,
        "dist/one/action.yaml": composite.replace("dist/one", "dist/two"),
        "dist/other/action.yml": composite,
    }
    repository(tmp_path, {"out/action.yml": composite})
    read = read_workflows(repository(tmp_path / "in", files))
    assert {folder: each.file for folder, each in read.actions.items()} == {
        "ci/build": "ci/build/action.yml",
        "dist/one": "dist/one/action.yaml",
    }


def test_comments_alone_run_nothing(tmp_path: Path) -> None:
    read = read_workflows(repository(tmp_path, {".github/workflows/a.yml": "# later\n"}))
    assert [each.unread for each in read.files[".github/workflows/a.yml"].problems] == [False]


def test_a_byte_order_mark_and_carriage_returns_change_nothing(tmp_path: Path) -> None:
    text = "\ufeff" + RIGHT.replace("\n", "\r\n")
    read = read_workflows(repository(tmp_path, {".github/workflows/a.yml": text.encode()}))
    found = read.files[".github/workflows/a.yml"]
    assert found.problems == ()
    assert [step.run.text for job in found.jobs.values() for step in job.steps if step.run] == ["echo hello"]
    assert [step.spot.line for job in found.jobs.values() for step in job.steps] == [6]


def test_what_is_too_large_is_not_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 40)
    read = read_workflows(repository(tmp_path, {".github/workflows/a.yml": RIGHT}))
    found = read.files[".github/workflows/a.yml"]
    assert found.jobs == {}
    assert [each.unread for each in found.problems] == [True]


def test_more_workflows_than_anybody_writes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FILES", 1)
    read = read_workflows(repository(tmp_path, {f".github/workflows/{name}.yml": RIGHT for name in "ab"}))
    assert list(read.files) == [".github/workflows/a.yml"]
    assert ["the rest was not read" in each.message for each in read.problems] == [True]


@pytest.mark.parametrize("linked", [".github/workflows/a.yml", ".github/workflows"])
def test_a_link_that_leads_out_is_named_and_not_followed(linked: str, tmp_path: Path) -> None:
    outside = repository(tmp_path / "outside", {"a.yml": RIGHT})
    root = tmp_path / "repository"
    target = root / linked
    target.parent.mkdir(parents=True)
    target.symlink_to(outside / "a.yml" if linked.endswith(".yml") else outside)
    read = read_workflows(root)
    assert not read.files
    assert {each.spot.file for each in read.problems} == {linked}


def test_scripts_are_read_when_they_are_asked_for_and_faults_are_kept(tmp_path: Path) -> None:
    outside = repository(tmp_path / "outside", {"secret.sh": "echo secret\n"})
    files: dict[str, str | bytes] = {
        "a.sh": "echo a\n",
        "b": "#!/usr/bin/env bash\necho b\n",
        "plain": "echo c\n",
        "right.py": "print(1)\n",
        "wrong.py": "x = 1\ndef f(:\n",
        "latin.sh": b"echo \xff\n",
    }
    root = repository(tmp_path / "repository", files)
    (root / "out.sh").symlink_to(outside / "secret.sh")
    library = ScriptLibrary(root)
    assert library.shell("a.sh") is not None
    assert library.shell("b") is not None  # by its first line
    assert library.shell("plain") is None
    assert library.as_shell("plain") is not None  # where a shell is told to run it
    assert library.python("right.py") is not None
    assert library.python("plain") is None
    assert library.python("wrong.py") is None
    fault = library.fault("wrong.py")
    assert fault is not None
    assert fault.spot == Spot("wrong.py", 2)
    assert library.shell("latin.sh") is None
    assert library.fault("latin.sh") is not None
    for path in ("out.sh", "../outside/secret.sh", "missing.sh"):
        assert not library.is_file(path)
        assert library.text(path) is None
        assert library.fault(path) is None  # it is no file of this repository


def test_a_script_that_is_too_large_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "MAX_BYTES", 4)
    library = ScriptLibrary(repository(tmp_path, {"a.sh": "echo a\n", "b.py": "print(1)\n"}))
    assert library.shell("a.sh") is None
    assert library.python("b.py") is None
    assert [library.fault(path) is not None for path in ("a.sh", "b.py", "c.py")] == [True, True, False]


def test_modules_are_found_by_what_an_import_could_mean(tmp_path: Path) -> None:
    files = {"src/shop/deploy.py": "", "src/shop/__init__.py": "", "other/deploy.py": ""}
    library = ScriptLibrary(repository(tmp_path, files))
    assert library.python_below("shop/deploy") == ("src/shop/deploy.py",)
    assert library.python_below("shop") == ("src/shop/__init__.py",)
    assert sorted(library.python_below("deploy")) == ["other/deploy.py", "src/shop/deploy.py"]
    assert library.python_below("nowhere") == ()


def test_text_in_another_file_keeps_that_file_s_lines(tmp_path: Path) -> None:
    library = ScriptLibrary(tmp_path)
    path = library.python_text("import os\nprint(os.environ)\n", "ci.yml", 7)
    assert path is not None
    module = library.python(path)
    assert module is not None
    assert [module.spot(each).line for each in module.tree.body] == [7, 8]
    assert library.python_text("def f(:", "other.yml", 3) is None
    fault = library.fault("other.yml")
    assert fault is not None
    assert fault.spot.line == 3
