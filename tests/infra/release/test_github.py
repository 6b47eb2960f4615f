"""Tags and releases, as GitHub's API shows them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.release import annotate
from infra.release.cli import main
from infra.release.errors import CallError, FailedError, UsageError
from infra.release.github import GitHub
from tests.infra.release.fakes import NEW, OLD, FakeAccount, FakeEcs, HandClock
from tests.infra.release.loopback import REPOSITORY, Answers, FakeGitHub, serving


def quiet(_: str) -> None:
    return


def client(service: Any) -> Any:
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-west-2").client(service)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serving(Answers()) as answers:
        yield FakeGitHub(answers)


def ours(github: FakeGitHub, clock: HandClock | None = None) -> GitHub:
    return GitHub(REPOSITORY, "secret-token", clock or HandClock(), github.answers.url)


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_names_its_commit_in_the_end(github: FakeGitHub, annotated: bool) -> None:
    github.tag("v1.0.0", NEW, annotated=annotated)
    assert ours(github).commit_of_tag("v1.0.0") == NEW
    assert github.answers.headers[0]["Authorization"] == "Bearer secret-token"


def test_a_tag_of_something_else_is_no_release(github: FakeGitHub) -> None:
    tree = {"object": {"type": "tree", "sha": NEW}}
    github.answers.routes[f"GET /repos/{REPOSITORY}/git/ref/tags/v1.0.0"] = (200, tree)
    with pytest.raises(FailedError, match="names a tree"):
        ours(github).commit_of_tag("v1.0.0")


@pytest.mark.parametrize("tag", ["1.0.0", "v1", "v1.0.0/../../x", "v1.0.0;id", "v1.0.0\n", ""])
def test_what_is_no_release_tag_is_not_asked_for(github: FakeGitHub, tag: str) -> None:
    with pytest.raises(UsageError):
        ours(github).commit_of_tag(tag)
    assert github.answers.seen == []


def test_a_tag_that_does_not_exist(github: FakeGitHub) -> None:
    with pytest.raises(FailedError, match=r"there is no tag v9\.9\.9"):
        ours(github).commit_of_tag("v9.9.9")


def resolve(github: FakeGitHub, *options: str) -> int:
    environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": "t", "GITHUB_API_URL": github.answers.url}
    return main(["resolve", *options], environ, clock=HandClock(), account=FakeAccount(FakeEcs()))


@pytest.mark.parametrize(("workflow", "code"), [(NEW, 0), (OLD, 72)])
def test_a_workflow_of_another_commit_than_the_tag_is_refused(
    github: FakeGitHub, workflow: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    github.tag("v1.0.0", NEW, annotated=True)
    assert resolve(github, "--tag", "v1.0.0", "--workflow", workflow) == code
    assert ("--ref v1.0.0" in capsys.readouterr().err) is bool(code)


@pytest.mark.parametrize(
    ("tag", "release", "code"),
    [
        ("v1.0.0-rc.1", None, 72),
        ("v1.0.0", {"prerelease": True}, 72),
        ("v1.0.0", {"prerelease": False}, 0),
        ("v1.0.0", None, 0),  # a bootstrap comes before the first release
    ],
)
def test_a_pre_release_is_released_to_nobody(github: FakeGitHub, tag: str, release: object, code: int) -> None:
    github.tag(tag, NEW, annotated=False)
    if release:
        github.answers.routes[f"GET /repos/{REPOSITORY}/releases/tags/{tag}"] = (200, release)
    assert resolve(github, "--tag", tag) == code


def test_a_release_that_may_not_be_looked_at_is_not_one_that_is_no_pre_release(github: FakeGitHub) -> None:
    github.tag("v1.0.0", NEW, annotated=False)
    github.answers.routes[f"GET /repos/{REPOSITORY}/releases/tags/v1.0.0"] = (403, {"message": "no"})
    assert resolve(github, "--tag", "v1.0.0") == 71


def test_errors_of_the_server_are_tried_again_and_refusals_are_not(github: FakeGitHub) -> None:
    path = f"GET /repos/{REPOSITORY}/git/ref/tags/v1.0.0"
    good = (200, {"object": {"type": "commit", "sha": NEW}})
    github.answers.routes[path] = [(502, {}), (429, {}), good]
    clock = HandClock()
    assert ours(github, clock).commit_of_tag("v1.0.0") == NEW
    assert clock.seconds == 2 + 4
    github.answers.routes[path] = (500, {"message": "down"})
    with pytest.raises(CallError, match="500"):
        ours(github).commit_of_tag("v1.0.0")
    github.answers.seen.clear()
    github.answers.routes[path] = (403, {"message": "Resource not accessible by integration"})
    with pytest.raises(CallError, match=r"403: .*not accessible") as problem:
        ours(github).commit_of_tag("v1.0.0")
    assert len(github.answers.seen) == 1
    assert "secret-token" not in str(problem.value)


def test_the_head_of_a_branch(tmp_path: Path, github: FakeGitHub) -> None:
    head = {"object": {"sha": NEW, "type": "commit"}}
    github.answers.routes[f"GET /repos/{REPOSITORY}/git/ref/heads/main"] = (200, head)
    file = tmp_path / "outputs"
    environ = {
        "GITHUB_OUTPUT": str(file),
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": "t",
        "GITHUB_API_URL": github.answers.url,
    }
    assert main(["resolve", "--branch", "main", "--expect", OLD], environ, account=FakeAccount(FakeEcs())) == 0
    values = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert (values["sha"], values["newest"]) == (NEW, "false")
    assert datetime.fromisoformat(values["started"]).tzinfo


def deployed(**changes: str) -> annotate.Deployment:
    values = {
        "environment": "production",
        "kind": "deploy",
        "sha": NEW,
        "by": "a-person",
        "at": "2026-03-01T12:00:00+00:00",
        "run_id": "7",
        "run_url": "https://github.com/o/r/actions/runs/7",
    }
    return annotate.Deployment(**{**values, **changes})


def test_a_release_is_annotated_once_for_each_run() -> None:
    once = annotate.annotated("Notes.\n", deployed())
    assert once.startswith("Notes.\n\n<!-- deployment production deploy run 7 -->\n")
    assert annotate.annotated(once, deployed(at="2026-03-01T13:00:00+00:00")) == once
    twice = annotate.annotated(once, deployed(run_id="8"))
    assert twice.startswith(once.rstrip())
    assert twice.count("**Deployed to production**") == 2


def test_a_name_cannot_write_into_the_release() -> None:
    assert "<script>" not in annotate.annotated("", deployed(by="<script>"))
    assert "\\[bot]" in annotate.annotated("", deployed(by="release[bot]"))
