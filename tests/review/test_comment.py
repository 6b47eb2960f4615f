"""The comment of a pull request, and how it gets there: GitHub on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checker.cli import run as command
from checker.compare import compare
from checker.errors import ExitCode
from checker.model.verdicts import Outcome
from checker.reports import render as render_run
from checker.review.comment import MARKER, MOST_CHARACTERS, render
from tests.loopback import listening
from tests.reports.sample import EMPTY, HOSTILE, RUN

BOT = {"login": "github-actions[bot]", "type": "Bot"}


def text(base: Any = EMPTY, head: Any = RUN, excuses: tuple[str, ...] = ()) -> str:
    return render(compare(base, head), base, head, excuses)


def test_excuses_come_first_then_what_is_new() -> None:
    shown = text(excuses=("waiver added: C7 on *",))
    assert shown.startswith(MARKER)
    failing = [each for each in RUN.verdicts if each.outcome in (Outcome.FAIL, Outcome.ERROR)]
    assert shown.index("waiver added") < shown.index("**New**") < shown.index("undecided, ")
    assert f"### {len(failing)} new failures; 0 fixed" in shown


def test_what_got_worse_says_what_it_was() -> None:
    verdict = next(each for each in RUN.verdicts if each.outcome is Outcome.FAIL)
    base = replace(EMPTY, verdicts=(replace(verdict, actual="7 days", expected="30 days"),))
    head = replace(EMPTY, verdicts=(replace(verdict, actual="1 day", expected="30 days"),))
    shown = text(base, head)
    assert "1 new failure, 1 of them graver than before" in shown
    assert "Before: 7 days." in shown


def test_nothing_new_is_said_in_a_line() -> None:
    assert "### Nothing new fails" in text(RUN, RUN)
    assert "**New**" not in text(RUN, RUN)


def test_scanned_text_has_no_say_in_the_comment() -> None:
    shown = text(excuses=(HOSTILE,))
    assert "<script>" not in shown
    assert "@octocat" not in shown


def test_it_fits_whatever_there_is() -> None:
    verdict = next(each for each in RUN.verdicts if each.outcome is Outcome.FAIL)
    many = tuple(
        replace(verdict, subject=replace(verdict.subject, construct_path=f"Stack/{number}"), violation="x" * 900)
        for number in range(3000)
    )
    shown = text(EMPTY, replace(EMPTY, verdicts=many), tuple("y" * 1900 for _ in range(100)))
    assert len(shown) <= MOST_CHARACTERS
    assert "more" in shown
    assert "### 3000 new failures" in shown


@dataclass(slots=True)
class GitHub:
    comments: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    seen: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            state.seen.append((f"{self.command} {self.path}", body))
            document: Any = state.comments if self.command == "GET" else {"html_url": "https://github.com/o/r/pull/5#1"}
            status = 201 if self.command == "POST" else 200
            if state.status != 200 and self.command != "GET":
                status, document = state.status, {"message": "Resource not accessible by integration"}
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _reply  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            return

    with listening(Handler) as address:
        state.url = f"http://{address}"
        monkeypatch.setenv("GITHUB_API_URL", state.url)
        monkeypatch.setenv("GITHUB_TOKEN", "t")
        monkeypatch.delenv("GH_TOKEN", raising=False)
        yield state


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.json").write_text(render_run(EMPTY, "json"))
    (tmp_path / "head.json").write_text(render_run(RUN, "json"))
    return ["comment", "--base", "base.json", "--head", "head.json", "--repository", "o/r", "--pull-request", "5"]


def test_there_is_one_comment(github: GitHub, runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    visitor = {"login": "somebody", "type": "User"}
    github.comments = [
        {"id": 1, "body": "Nice.", "user": visitor, "author_association": "NONE"},
        {"id": 2, "body": f"{MARKER}\nmine", "user": visitor, "author_association": "NONE"},
    ]
    assert command(runs) == 0
    (call, sent) = github.seen[-1]
    assert call == "POST /repos/o/r/issues/5/comments"
    assert sent["body"].startswith(MARKER)
    github.comments.append({"id": 3, "body": f"{MARKER}\nolder", "user": BOT, "html_url": "x"})
    assert command(runs) == 0
    assert github.seen[-1][0] == "PATCH /repos/o/r/issues/comments/3"
    github.comments[-1]["body"] = sent["body"]
    assert command(runs) == 0
    assert github.seen[-1][0].startswith("GET ")
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["written", "written again", "unchanged"]


def test_a_token_that_may_not_write(github: GitHub, runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    github.status = 403
    assert command(runs) == ExitCode.USAGE
    assert "pull-requests:write" in capsys.readouterr().err


def test_without_a_pull_request_it_is_printed(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(runs[:5]) == 0
    assert capsys.readouterr().out.startswith(MARKER)
    assert command([*runs[:5], "--base-project", "."]) == ExitCode.USAGE
