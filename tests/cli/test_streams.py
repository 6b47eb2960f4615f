"""A reader that leaves, or one that never was, changes neither the exit code nor what is said on standard error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checker.reports import FORMATS

TEMPLATE = str(Path(__file__).parent / "small.yaml")
COMMAND = (sys.executable, "-m", "checker")
# Whatever prints: lists, pages, help, and each format of a run.
PRINTING = [
    ("list",),
    ("list", "--actions"),
    ("explain", "C1"),
    ("--help",),
    ("completion", "bash"),
    ("permissions",),
    *(("gate", "--assembly", f"production={TEMPLATE}", "--format", name) for name in FORMATS),
    ("gate", "--assembly", f"production={TEMPLATE}", "--quiet"),
]


Checker = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    """Runs the command in a folder without a project. ``after`` is what the shell is told behind it."""

    def run(*arguments: str, stdout: int = subprocess.PIPE, after: str = "") -> subprocess.CompletedProcess[bytes]:
        words = " ".join(f"'{word}'" for word in (*COMMAND, *arguments))
        line = ["bash", "-c", f"{words} {after}"]
        return subprocess.run(line, cwd=tmp_path, stdout=stdout, stderr=subprocess.PIPE, check=False)

    return run


@pytest.fixture
def left() -> Iterator[int]:
    """The writing end of a pipe that nobody reads any longer."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_reader_that_leaves_or_never_was_changes_nothing_else(
    arguments: tuple[str, ...], checker: Checker, left: int
) -> None:
    read = checker(*arguments)
    gone = checker(*arguments, stdout=left)
    closed = checker(*arguments, after=">&-")

    assert read.stdout != b""
    assert (read.returncode, read.stderr) == (gone.returncode, gone.stderr)
    assert (read.returncode, read.stderr, b"") == (closed.returncode, closed.stderr, closed.stdout)


def test_a_report_is_not_printed_into_a_file_that_got_the_number_of_a_closed_stream(
    tmp_path: Path, checker: Checker
) -> None:
    document = tmp_path / "run.json"
    formats = ("--format", "console", "--format", f"json={document}")
    checker("gate", "--assembly", f"production={TEMPLATE}", *formats, after=">&- 2>&-")

    assert document.read_text().startswith("{")


def test_an_error_that_nobody_reads_keeps_its_exit_code(checker: Checker, left: int) -> None:
    assert checker("explain", "NONE", stdout=left, after="2>&1").returncode == 2


def test_a_report_may_be_written_to_a_pipe_by_its_name(checker: Checker, left: int) -> None:
    arguments = ("gate", "--assembly", f"production={TEMPLATE}", "--format", "json=/dev/stdout")
    read = checker(*arguments)
    gone = checker(*arguments, stdout=left)

    assert read.stdout.startswith(b"{")
    assert (read.returncode, read.stderr) == (gone.returncode, gone.stderr)


def test_a_run_inside_another_process_leaves_its_garbage_collection_on() -> None:
    ran = "import gc; from checker.cli import run; assert run(['--version']) == 0; assert gc.isenabled()"
    subprocess.run([sys.executable, "-c", ran], stdout=subprocess.DEVNULL, check=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_full_disk_is_an_error_and_no_traceback(arguments: tuple[str, ...], checker: Checker) -> None:
    full = checker(*arguments, after="> /dev/full")
    assert full.returncode == 2
    assert full.stderr.decode().splitlines()[-2:] == [
        "error: cannot write or read: No space left on device",
        "  fix: Check the disk, and where the output goes.",
    ]


def test_a_folder_that_is_not_there_any_more_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    words = " ".join(f"'{word}'" for word in (*COMMAND, "list"))
    line = f"mkdir gone && cd gone && rmdir ../gone && {words}"
    ended = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.decode().splitlines() == [
        "error: the folder that the command is called in is not there any more",
        "  fix: Go to one that is.",
    ]


def test_a_report_that_was_closed_to_others_stays_so(tmp_path: Path, checker: Checker) -> None:
    document = tmp_path / "run.json"
    document.touch(mode=0o600)
    checker("gate", "--assembly", f"production={TEMPLATE}", "--format", f"json={document}")
    assert document.read_text().startswith("{")
    assert document.stat().st_mode & 0o777 == 0o600
