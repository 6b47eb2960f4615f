"""A whole production release, and its roll-back, in an emulated account, as the deploy role with its own policy."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import naming
from infra.release import preflight
from infra.release.outputs import StackState
from tests.infra.release.authority import without_action
from tests.infra.release.loopback import REPOSITORY, Answers, FakeGitHub, serving
from tests.infra.release.stage import START, Crew, Stage
from tests.infra.support import listed
from tests.work import HANG_SECONDS

pytestmark = pytest.mark.xdist_group("account with production")
"""One worker, and so one emulated account."""
ROOT = Path(__file__).parents[3]
NOTES = "What is new: everything."
UNUSED_BY_A_RELEASE = {
    # The CDK command assumes its bootstrap roles; no command of ours does.
    "sts:AssumeRole",
}


WHEN_IT_FAILS = {"cloudformation:CancelUpdateStack", "ecs:DeregisterTaskDefinition", "ecs:StopTask"}


@pytest.fixture
def health() -> Iterator[Answers]:
    routes: dict[str, Any] = {"GET /api/health": [(503, {}), (200, {})], "GET /health": (200, {})}
    with serving(Answers(routes)) as answers:
        yield answers


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serving(Answers()) as answers:
        yield FakeGitHub(answers)


def environ(github: FakeGitHub, run: int) -> Mapping[str, str]:
    return {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": "token-of-the-run",
        "GITHUB_API_URL": github.answers.url,
        "GITHUB_ACTOR": "a-person",
        "GITHUB_RUN_ID": str(run),
    }


def commit(number: int) -> str:
    return f"{number:040x}"


def release_steps(sha: str, tag: str, health: Answers) -> list[list[str]]:
    """prod-deploy.yml, but for the CDK command."""
    production = ["--environment", "production"]
    return [
        ["resolve", "--tag", tag],
        ["verify-images", "--sha", sha],
        ["preflight", *production, "--sha", sha],
        ["running", *production],
        ["promote", "--sha", sha, "--tag", tag],
        ["outputs", "--environment", "shared", "HostedZoneId", "CertificateArn"],
        ["migrate", *production, "--sha", sha],
        ["roll", *production, "--sha", sha],
        ["smoke", *production, "--url", health.url],
        ["annotate", *production, "--sha", sha, "--tag", tag, "--release-id", "17"],
        ["metrics", *production, "--sha", sha, "--result", "success", "--started", START.isoformat()],
    ]


def rollback_steps(sha: str, tag: str, health: Answers) -> list[list[str]]:
    """prod-rollback.yml without its options."""
    production = ["--environment", "production"]
    ended = ["--kind", "rollback", "--result", "success", "--started", START.isoformat()]
    return [
        ["resolve", "--tag", tag],
        ["verify-images", "--sha", sha],
        ["settle", *production],
        ["roll", *production, "--sha", sha, "--rollback"],
        ["smoke", *production, "--url", health.url],
        ["annotate", *production, "--sha", sha, "--tag", tag, "--kind", "rollback"],
        ["metrics", *production, "--sha", sha, *ended],
    ]


def test_a_release_and_its_roll_back(
    stage: Stage, health: Answers, github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = commit(0x100), commit(0x101)
    account, authority = stage.as_role("rehearsal", stage.policy)
    versions: list[str] = []
    for number, (tag, sha) in enumerate({"v1.0.0": old, "v1.1.0": new}.items()):
        stage.push(sha)
        stage.deploy_function(sha)
        github.tag(tag, sha, annotated=bool(number))
        github.release(17, tag, NOTES)
        crew = Crew(account, stage.clock, environ(github, 1000 + number))
        for step in release_steps(sha, tag, health):
            assert crew(*step) == 0, (step, capsys.readouterr())
        assert stage.running() == dict.fromkeys(naming.SERVICES, sha)
        versions.append(stage.live_version())
    said = capsys.readouterr().out
    assert "  | migrations is done" in said
    assert f"all services run {new}" in said
    assert said.index("storage: set to") < said.index("api: set to") < said.index("mcp: set to")
    assert github.written()[-1].startswith(f"{NOTES}\n\n<!-- deployment production deploy run 1001 -->\n")
    assert f"**Deployed to production** `{new}`" in github.written()[-1]

    github.release(16, "v1.0.0", NOTES)
    crew = Crew(account, stage.clock, environ(github, 1002))
    for step in rollback_steps(old, "v1.0.0", health):
        assert crew(*step) == 0, (step, capsys.readouterr())
    assert stage.running() == dict.fromkeys(naming.SERVICES, old)
    assert stage.live_version() == versions[0] != versions[1]
    said = capsys.readouterr().out
    assert said.index("frontend: set to") < said.index("mcp: set to") < said.index("storage: set to")
    assert f"**Rolled back to in production** `{old}`" in github.written()[-1]

    promoted = stage.root("ecr").describe_images(
        repositoryName=naming.repository(naming.MIGRATIONS), imageIds=[{"imageTag": "v1.1.0"}]
    )["imageDetails"][0]["imageTags"]
    assert set(promoted) == {new, "v1.1.0"}
    told = stage.told()
    assert [(each["Kind"], each["Result"], each["Sha"]) for each in told] == [
        ("deploy", "success", old),
        ("deploy", "success", new),
        ("rollback", "success", old),
    ]
    for each in told:
        (metrics,) = each["_aws"]["CloudWatchMetrics"]
        assert {metric["Name"] for metric in metrics["Metrics"]} <= each.keys()
        # A metric for each commit would be a new one each time.
        assert metrics["Dimensions"] == [["Environment", "Kind", "Result"]]
    granted = {action for statement in stage.policy for action in listed(statement["Action"])}
    assert granted - authority.asked == UNUSED_BY_A_RELEASE | WHEN_IT_FAILS


def test_a_staging_that_was_bootstrapped_gets_its_first_deployment(
    stage: Stage, health: Answers, github: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """cd.yml, but for the CDK command: nothing runs before, so it is seeded, and rolling starts the services."""
    sha, outputs = commit(0x400), tmp_path / "outputs"
    stage.push(sha)
    account, _ = stage.as_role("first", stage.policies["staging"])
    crew = Crew(account, stage.clock, {**environ(github, 1), "GITHUB_OUTPUT": str(outputs)})
    staging = ["--environment", "staging"]
    for step in (
        ["verify-images", "--sha", sha],
        ["preflight", *staging, "--sha", sha],
        ["running", *staging],
        ["migrate", *staging, "--sha", sha],
        ["seed", *staging, "--sha", sha, "--", "node", "dist/seed.js"],
        ["roll", *staging, "--sha", sha, "--together"],
        ["smoke", *staging, "--url", health.url],
        ["running", *staging],
    ):
        assert crew(*step) == 0, (step, capsys.readouterr())
    said = outputs.read_text().splitlines()
    assert [line for line in said if "places" not in line] == ["sha=", "released=false", f"sha={sha}", "released=true"]
    assert stage.running("staging") == dict.fromkeys(naming.SERVICES, sha)
    assert "  | api is done" in capsys.readouterr().out


def test_the_deploy_role_cannot_seed_production(stage: Stage) -> None:
    """Nor can anything else run the api's image there but its service: only migrations are run once."""
    account, _ = stage.as_role("seeds-production", stage.policy)
    newest = account.ecs.describe_task_definition(taskDefinition="doc-platform-production-api")["taskDefinition"]
    with pytest.raises(ClientError, match=r"ecs:RunTask on resource: .*doc-platform-production-api"):
        account.ecs.run_task(cluster="doc-platform-production", taskDefinition=newest["taskDefinitionArn"])


def test_the_commands_run_as_a_process_with_the_credentials_of_its_environment(stage: Stage, tmp_path: Path) -> None:
    keys = stage.credentials("process", stage.policy)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": stage.lab.endpoint,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    argv = [sys.executable, "-m", "infra.release", "outputs", "--environment", "production", "ClusterName"]
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ClusterName=doc-platform-production\n", "")


def test_every_command_of_a_release_may_be_repeated(
    stage: Stage, health: Answers, github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = commit(0x110)
    stage.push(sha)
    github.tag("v1.2.0", sha, annotated=True)
    github.release(17, "v1.2.0", "")
    crew = Crew(stage.as_role("repeats", stage.policy)[0], stage.clock, environ(github, 5))
    for step in release_steps(sha, "v1.2.0", health):
        assert crew(*step) == 0, (step, capsys.readouterr())
    revisions = stage.revisions()
    written = github.written()
    for step in release_steps(sha, "v1.2.0", health):
        if step[0] == "annotate":
            github.release(17, "v1.2.0", written[0])
        assert crew(*step) == 0, (step, capsys.readouterr())
    assert stage.revisions() == revisions
    assert github.written() == written
    assert stage.running() == dict.fromkeys(naming.SERVICES, sha)


NEEDED = {
    "cloudformation:CancelUpdateStack": "CancelUpdateStack",
    "cloudformation:DescribeStacks": "DescribeStacks",
    "cloudwatch:DescribeAlarms": "DescribeAlarms",
    "ecr:BatchGetImage": "BatchGetImage",
    "ecr:DescribeImages": "DescribeImages",
    "ecr:PutImage": "PutImage",
    "ecs:DescribeServices": "DescribeServices",
    "ecs:DescribeTaskDefinition": "DescribeTaskDefinition",
    "ecs:DescribeTasks": "DescribeTasks",
    "ecs:ListTasks": "ListTasks",
    "ecs:RegisterTaskDefinition": "RegisterTaskDefinition",
    "ecs:RunTask": "RunTask",
    "ecs:StopTask": "StopTask",
    "ecs:UpdateService": "UpdateService",
    "iam:PassRole": "RegisterTaskDefinition",
    "lambda:CreateAlias": "CreateAlias",
    "lambda:GetAlias": "GetAlias",
    "lambda:PublishVersion": "PublishVersion",
    "lambda:UpdateAlias": "UpdateAlias",
    "logs:CreateLogStream": "CreateLogStream",
    "logs:GetLogEvents": "GetLogEvents",
    "logs:PutLogEvents": "PutLogEvents",
}
"""Each action that the role is granted, and the call that fails without it."""


def test_these_are_all_actions_that_the_role_has(stage: Stage) -> None:
    granted = {action for statement in stage.policy for action in listed(statement["Action"])}
    assert granted == NEEDED.keys() | UNUSED_BY_A_RELEASE | {"ecs:DeregisterTaskDefinition"}


def test_without_deregistration_a_release_that_failed_says_so(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Needed only on the way back: here the last call of a release is refused, and with it the clearing away."""
    sha = commit(0x180)
    stage.push(sha)
    stage.deploy_function(sha)
    policy = without_action(without_action(stage.policy, "ecs:DeregisterTaskDefinition"), "lambda:UpdateAlias")
    before = stage.running()
    crew = Crew(stage.as_role("lacks-deregistration", policy)[0], stage.clock, {})
    assert crew("roll", "--environment", "production", "--sha", sha) == 74
    problem = capsys.readouterr().err
    assert "AWS refused UpdateAlias" in problem
    assert "and then: AWS refused DeregisterTaskDefinition" in problem
    assert stage.running() == before


@pytest.mark.parametrize("removed", sorted(NEEDED))
def test_without_one_action_the_release_fails_at_its_call(
    stage: Stage,
    health: Answers,
    github: FakeGitHub,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    removed: str,
) -> None:
    number = 0x200 + sorted(NEEDED).index(removed)
    sha, tag = commit(number), f"v2.{number}.0"
    stage.push(sha)
    github.tag(tag, sha, annotated=True)
    github.release(17, tag, NOTES)
    stage.deploy_function(sha)
    account, _ = stage.as_role(f"lacks-{removed.replace(':', '-')}", without_action(stage.policy, removed))
    steps = release_steps(sha, tag, health)
    if removed == "ecs:StopTask":
        # Needed only when a task outlives its deadline.
        stage.clock.meanwhile = lambda: None
        steps = [[*step, "--deadline", "1"] if step[0] == "migrate" else step for step in steps]
    if removed == "cloudformation:CancelUpdateStack":
        # An update of the emulator is over at once, so one in progress is made up.
        hanging = StackState("DocPlatformProd", "UPDATE_IN_PROGRESS", {})
        monkeypatch.setattr(preflight, "read_stack", lambda *_: hanging)
        steps = [["settle", "--environment", "production", "--cancel", "DocPlatformProd"]]
    crew = Crew(account, stage.clock, environ(github, number))
    codes = []
    for step in steps:
        codes.append(crew(*step))
        if codes[-1]:
            break
    stage.finish_tasks()
    problem = capsys.readouterr().err
    assert codes == [0] * (len(codes) - 1) + [71], problem
    assert problem.startswith(f"error: AWS refused {NEEDED[removed]}: AccessDenied"), problem
    assert removed in problem
    if removed not in {"cloudwatch:PutMetricData"}:
        assert len(set(stage.running().values())) == 1


def test_a_task_that_outlives_its_deadline_is_stopped(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    sha = commit(0x300)
    stage.push(sha)
    stage.clock.meanwhile = lambda: None
    crew = Crew(stage.as_role("too-late", stage.policy)[0], stage.clock, {})
    assert crew("migrate", "--environment", "production", "--sha", sha, "--deadline", "20") == 73
    assert "has been told to stop" in capsys.readouterr().err
    assert stage.one_off("production") == {}
