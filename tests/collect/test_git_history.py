"""What git kept of a project's files: read from a repository that is made here, none of its programs run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from checker.collect import git_history
from tests.repositories import commit, git, repository


def test_where_the_checkout_left_the_branch(tmp_path: Path) -> None:
    base = repository(tmp_path, {"a.txt": "1"})
    git(tmp_path, "checkout", "-q", "-b", "change")
    commit(tmp_path, {"b.txt": "2"})

    assert git_history.merge_base(tmp_path, "main") == base
    assert git_history.merge_base(tmp_path, "nowhere") is None


def test_origin_counts_before_a_branch_of_the_same_name_that_is_here(tmp_path: Path) -> None:
    base = repository(tmp_path / "origin", {"a.txt": "1"})
    git(tmp_path, "clone", "-q", str(tmp_path / "origin"), "here")
    commit(tmp_path / "here", {"b.txt": "2"})  # on the local main, which nobody has reviewed

    assert git_history.merge_base(tmp_path / "here", "main") == base


def test_a_history_that_was_not_fetched_has_no_base(tmp_path: Path) -> None:
    repository(tmp_path / "origin", {"a.txt": "1"})
    git(tmp_path / "origin", "checkout", "-q", "-b", "change")
    commit(tmp_path / "origin", {"b.txt": "2"})
    url = (tmp_path / "origin").as_uri()
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "change", url, "here")

    assert git_history.merge_base(tmp_path / "here", "main") is None


@pytest.mark.parametrize("folder", [".", "nested"])
def test_what_is_no_repository_has_no_history(tmp_path: Path, folder: str) -> None:
    (tmp_path / "nested").mkdir()

    assert git_history.merge_base(tmp_path / folder, "main") is None
    assert git_history.files_at(tmp_path / folder, "0" * 40, []) is None


def test_files_of_the_folder_itself_and_below_the_named_ones(tmp_path: Path) -> None:
    files = {"a.json": "1", "deep/b.json": "2", "policies/x/c.yaml": "3", "ü.toml": "4"}
    base = repository(tmp_path, files)

    found = git_history.files_at(tmp_path, base, ["policies"])

    assert found is not None
    assert sorted(each.name for each in found) == ["a.json", "policies/x/c.yaml", "ü.toml"]
    assert git_history.contents(tmp_path, found) == {"a.json": b"1", "policies/x/c.yaml": b"3", "ü.toml": b"4"}


def test_a_project_in_a_folder_of_its_repository_is_told_by_its_own_names(tmp_path: Path) -> None:
    base = repository(tmp_path, {"checker.toml": "outer", "service/checker.toml": "inner"})

    found = git_history.files_at(tmp_path / "service", base, [])

    assert found is not None
    assert git_history.contents(tmp_path / "service", found) == {"checker.toml": b"inner"}


def test_a_file_is_as_before_by_its_content(tmp_path: Path) -> None:
    base = repository(tmp_path, {"a.txt": "1", "b.txt": "2", "c.txt": "3", "d.txt": "4"})
    (tmp_path / "b.txt").write_text("other")
    (tmp_path / "c.txt").unlink()
    (tmp_path / "d.txt").unlink()
    (tmp_path / "d.txt").symlink_to("a.txt")

    found = git_history.files_at(tmp_path, base, [])

    assert found is not None
    assert {each.name: git_history.is_as_before(tmp_path, each) for each in found} == {
        "a.txt": True,
        "b.txt": False,
        "c.txt": False,
        "d.txt": False,
    }


def test_links_and_folders_are_no_files(tmp_path: Path) -> None:
    repository(tmp_path, {"a.txt": "1"})
    (tmp_path / "link.txt").symlink_to("/etc/hosts")
    base = commit(tmp_path, {"folder/b.txt": "2"})

    found = git_history.files_at(tmp_path, base, [])

    assert [each.name for each in found or ()] == ["a.txt"]


def test_no_program_that_the_repository_names_is_run(tmp_path: Path) -> None:
    base = repository(tmp_path, {"a.txt": "1", ".gitattributes": "* filter=own diff=own\n"})
    trap, mark = tmp_path / "trap", tmp_path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.own.smudge", "diff.own.textconv"):
        git(tmp_path, "config", key, str(trap))
    git(tmp_path, "config", "core.hooksPath", str(tmp_path))

    assert git_history.merge_base(tmp_path, "main") == base
    found = git_history.files_at(tmp_path, base, [])
    assert git_history.contents(tmp_path, found or ()) is not None
    assert not mark.exists()


def test_a_git_that_lies_in_the_project_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path, {"a.txt": "1"})
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))

    assert git_history.merge_base(tmp_path, "main") is None
    assert not (tmp_path / "ran").exists()
