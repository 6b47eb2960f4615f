"""What the command line adds to reports: an earlier run, the trend, a time for OSCAL, a browser for PDF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.cli import run
from checker.errors import ExitCode

TEMPLATE = """\
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {Tags: []%s}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("open.yaml").write_text(TEMPLATE % "", encoding="utf-8")
    Path("closed.yaml").write_text(TEMPLATE % ", RetentionInDays: 30", encoding="utf-8")
    return tmp_path


def gate(template: str, *more: str) -> int:
    return run(["gate", "--assembly", f"production={template}", *more])


def test_a_page_against_a_baseline_shows_everything_and_what_is_new(here: Path) -> None:
    gate("closed.yaml", "--format", "json=old.json")
    gate("open.yaml", "--format", "html=new.html", "--format", "json=new.json", "--baseline", "old.json")
    assert "1 new, 0 fixed, 0 still failing" in Path("new.html").read_text(encoding="utf-8")
    assert run(["report", "new.json", "--baseline", "old.json", "--format", "markdown=new.md"]) == ExitCode.CLEAN
    assert "### New" in Path("new.md").read_text(encoding="utf-8")


def test_the_page_shows_the_trend_of_runs_that_were_kept(here: Path) -> None:
    gate("open.yaml", "--format", "html=first.html", "--history=runs.sqlite")
    gate("closed.yaml", "--format", "html=second.html", "--format", "json=second.json", "--history=runs.sqlite")
    assert 'id="trend-picture"' not in Path("first.html").read_text(encoding="utf-8")
    assert "2 runs; in the last one 0 failed" in Path("second.html").read_text(encoding="utf-8")
    run(["report", "second.json", "--history", "runs.sqlite", "--format", "html=third.html"])
    assert "3 runs" in Path("third.html").read_text(encoding="utf-8")


def test_facts_are_worked_out_for_the_formats_that_show_them(here: Path) -> None:
    gate("open.yaml", "--format", "json=run.json")
    facts = json.loads(Path("run.json").read_text(encoding="utf-8"))["facts"]
    (excerpt,) = [each for each in facts["excerpts"] if each["file"] == "open.yaml"]
    assert excerpt["lines"][excerpt["line"] - excerpt["first"]].startswith("  Logs:")
    assert facts["pages"]["P12"].startswith("Every log group has a retention")


def test_oscal_has_the_time_that_was_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")
    gate("open.yaml", "--format", "oscal=one.json")
    gate("open.yaml", "--format", "oscal=two.json")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()
    written = json.loads(Path("one.json").read_text(encoding="utf-8"))["assessment-results"]
    assert written["metadata"]["last-modified"].startswith("2026-11-18T")


def test_a_pdf_needs_a_file_and_a_browser(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("open.yaml", "--format", "pdf") == ExitCode.USAGE
    assert "name a file" in capsys.readouterr().err
    monkeypatch.setenv("CHECKER_BROWSER", "no-such-browser")
    assert gate("open.yaml", "--format", "pdf=run.pdf") == ExitCode.USAGE
    assert "no such program" in capsys.readouterr().err
    assert not Path("run.pdf").exists()


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        (("json=out", "html=./out"), "json=out and html=./out are one file: it would keep one"),
        (("markdown=link", "sarif=out"), "are one file"),
        (("json=out", "yaml"), "no format 'yaml'"),
        (("pdf",), "name a file"),
        (("json=",), "json= names no file"),
    ],
)
@pytest.mark.parametrize("command", ["gate", "report"])
def test_reports_that_cannot_be_written_are_refused_before_anything_is_judged(
    here: Path, formats: tuple[str, ...], said: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "out").touch()
    (here / "link").symlink_to("out")
    words = [word for each in formats for word in ("--format", each)]
    assert run([command, *(["none.json"] if command == "report" else []), *words]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert (here / "out").read_text() == ""


def test_several_reports_may_go_to_one_device(here: Path) -> None:
    assert run(["gate", "--format", "json=/dev/null", "--format", "html=/dev/null"]) in {0, 1, 3}


@pytest.mark.parametrize("short", ["--quiet", "--summary"])
def test_short_output_says_in_a_line_why_a_run_is_incomplete(
    here: Path, short: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "main.tf").touch()
    (here / "Jenkinsfile").touch()
    run(["gate", short])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("not read: ")]
    assert len(told) == 1
    assert told[0].endswith("(and 1 more)")
