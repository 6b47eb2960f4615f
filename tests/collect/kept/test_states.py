"""Files are told from what they were by what the file system says of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.collect.kept import states
from checker.collect.kept.states import changed_at, code_state, state_of, tree_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("top/a.txt", "top/b/c.txt", "top/.git/index", "top/b/__pycache__/c.pyc", "outside/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "top"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda _: None, False),
        (lambda root: (root / "a.txt").read_text(), False),
        (lambda root: (root / ".git/index").write_text("other"), False),
        (lambda root: (root / "b/__pycache__/e.pyc").write_text("new"), False),
        (lambda root: (root / "b/c.txt").write_text("other"), True),
        (lambda root: (root / "b/e.txt").write_text("new"), True),
        (lambda root: (root / "e.txt").symlink_to("../outside/d.txt"), True),
        (lambda root: (root / "e.txt").symlink_to("nothing"), True),
        (lambda root: os.mkfifo(root / "e"), True),
    ],
)
def test_what_changes_a_tree(change: Callable[[Path], object], seen: bool, root: Path) -> None:
    before = tree_of(root)
    change(root)
    after = tree_of(root)
    assert before is not None
    assert after is not None
    assert (after.digest != before.digest) is seen


def test_a_file_behind_a_link_and_one_that_is_missing_count(root: Path) -> None:
    (root / "link").symlink_to("../outside/d.txt")
    (root / "later").symlink_to("../outside/later.txt")
    digests = [tree_of(root)]
    (root.parent / "outside/d.txt").write_text("longer than it was")
    digests.append(tree_of(root))
    (root.parent / "outside/later.txt").write_text("")
    digests.append(tree_of(root))
    assert len({each.digest for each in digests if each is not None}) == 3


def test_the_newest_is_that_of_the_last_change_whatever_time_a_file_is_given(root: Path) -> None:
    os.utime(root / "a.txt", (0, 0))
    tree = tree_of(root)
    assert tree is not None
    assert tree.newest == (root / "a.txt").stat().st_ctime_ns


@pytest.mark.parametrize("link", ["../outside", ".git", "/"])
def test_a_folder_that_is_not_looked_at_leaves_it_open(link: str, root: Path) -> None:
    (root / "link").symlink_to(link)
    assert tree_of(root) is None


def test_a_ring_of_links_ends(root: Path) -> None:
    (root / "b/ring").symlink_to("..")
    (root / "own").symlink_to("own")
    assert tree_of(root) is not None


def test_no_tree_of_what_is_no_folder_or_too_large(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tree_of(root / "a.txt") is None
    assert tree_of(root / "nowhere") is None
    monkeypatch.setattr(states, "MOST_ENTRIES", 2)
    assert tree_of(root) is None


def test_what_is_not_there_has_a_state_of_its_own(root: Path) -> None:
    missing = state_of(str(root / "e.txt"))
    (root / "e.txt").write_text("")
    assert state_of(str(root / "e.txt")) != missing
    assert state_of(str(root / "a.txt/below")) != state_of(str(root / "a.txt"))


def test_code_is_told_by_its_files_and_not_by_what_is_compiled_of_them(root: Path) -> None:
    before = code_state(root, ["b", "a.txt"])
    (root / "b/__pycache__/c.pyc").write_text("compiled anew")
    assert code_state(root, ["b", "a.txt"]) == before
    (root / "b/c.txt").write_text("other code")
    assert code_state(root, ["b", "a.txt"]) != before
    assert code_state(root, ["a.txt"]) == code_state(root, ["a.txt"])


def test_what_is_gone_was_changed_when_its_folder_was(root: Path) -> None:
    file = root / "b/c.txt"
    assert changed_at(str(file)) == max(file.stat().st_mtime_ns, file.stat().st_ctime_ns)
    file.unlink()
    assert changed_at(str(file)) == changed_at(str(file / "deeper")) == (root / "b").stat().st_ctime_ns
    assert changed_at("nowhere/at/all") == 0
