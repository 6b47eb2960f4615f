"""Three releases of a new production, each with updates of its stack: one fails, one is taken back, one succeeds.

What was released stays in service.

The stack's updates are those of the emulator's CloudFormation, which rolls updates back. It hands ECS only what
changed; AWS's handler hands over all properties, and so sets a changed service to the newest revision of its family.
`Stage.begin_update` does that in its place, once the services are updated and before the update fails: what a roll-back
then deregisters is in service, which is the worst that is left to the commands.
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra import naming
from infra.build import add_stacks, new_app
from infra.release.account import Account
from tests.infra.lab import for_the_lab, running_lab
from tests.infra.release.conftest import Policy
from tests.infra.release.stage import ACCOUNT, Crew, HandClock, Stage
from tests.infra.support import Template

pytestmark = pytest.mark.xdist_group("account with production")
STACK = naming.PRODUCTION_STACK
PRODUCTION = ("--environment", "production")
SERVICES = naming.SERVICES


@pytest.fixture(scope="module")
def bootstrapped(
    tmp_path_factory: pytest.TempPathFactory,
    templates: Mapping[str, Template],
    deploy_policies: Mapping[str, Policy],
) -> Iterator[tuple[Stage, Mapping[str, str]]]:
    """A production that was bootstrapped, and the shared stack's outputs."""
    app = new_app(outdir=str(tmp_path_factory.mktemp("bootstrap")), context={"env": "production", "bootstrap": "true"})
    add_stacks(app)
    app.synth()
    first = Template.read(Path(app.outdir), STACK)
    with running_lab(tmp_path_factory.mktemp("lab"), ACCOUNT, enforce=True) as lab:
        shared = lab.deploy(naming.SHARED_STACK, for_the_lab(templates[naming.SHARED_STACK].body, {}))
        outputs = {o["OutputKey"]: o["OutputValue"] for o in shared.get("Outputs", [])}
        made = lab.deploy(STACK, for_the_lab(first.body, outputs))
        assert made["StackStatus"] == "CREATE_COMPLETE", made.get("StackStatusReason")
        yield Stage(lab, deploy_policies), outputs


class Release:
    """One release of production, as prod-deploy.yml runs it: what `running` gave is carried along."""

    def __init__(self, stage: Stage, sha: str, template: str, outputs: Path) -> None:
        self.stage, self.sha, self.template = stage, sha, template
        account, _ = stage.as_role(f"release-{sha[-4:]}-{time.monotonic_ns()}", stage.policy)
        outputs.unlink(missing_ok=True)
        environ = {"GITHUB_OUTPUT": str(outputs), "GITHUB_RUN_ID": "1"}
        self.crew = Crew(account, stage.clock, environ)
        self.run("verify-images", "--sha", sha)
        self.run("preflight", *PRODUCTION, "--sha", sha)
        self.run("running", *PRODUCTION)
        self.began = dict(line.partition("=")[::2] for line in outputs.read_text().splitlines())

    def run(self, *argv: str) -> None:
        assert self.crew(*argv) == 0, argv

    def put_back(self) -> None:
        self.run("settle", *PRODUCTION)
        self.run(
            *("restore", *PRODUCTION, "--sha", self.sha, "--running", self.began["sha"]),
            *("--places", self.began["places"]),
        )

    def finish(self) -> None:
        self.run("running", *PRODUCTION, "--expect", self.began["sha"])
        assert self.stage.update_stack(STACK, self.of_release()) == "UPDATE_COMPLETE"
        self.run("migrate", *PRODUCTION, "--sha", self.sha, "--running", self.began["sha"])
        self.run("roll", *PRODUCTION, "--sha", self.sha, "--running", self.began["sha"])

    def of_release(self, **more: Mapping[str, Any]) -> dict[str, Any]:
        """The template as `cdk synth` makes it now: with the commit that runs, or that is released if none does."""
        text = self.template.replace(f':{naming.BOOTSTRAP_TAG}"', f':{self.began["sha"] or self.sha}"')
        template: dict[str, Any] = json.loads(text)
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::ECS::TaskDefinition":
                # Each release tells its containers something new.
                (container,) = resource["Properties"]["ContainerDefinitions"]
                container["Environment"].append({"Name": "TOLD_BY", "Value": self.sha})
        template["Resources"].update(more)
        return template

    def of_broken_release(self, *, seconds: int) -> dict[str, Any]:
        """One that also changes every service, and then waits for something that never comes."""
        template = self.of_release()
        services = [n for n, r in template["Resources"].items() if r["Type"] == "AWS::ECS::Service"]
        for name in services:
            template["Resources"][name]["Properties"]["EnableExecuteCommand"] = True
        template["Resources"]["Never"] = {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": services,
            "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": f"PT{seconds}S"}},
        }
        template["Resources"]["After"] = {
            "Type": "AWS::SNS::Topic",
            "DependsOn": ["Never"],
            "Properties": {"TopicName": "after"},
        }
        return template


def in_service(stage: Stage) -> dict[str, tuple[str, int]]:
    """The image tag that each service is set to, and how many tasks of it run."""
    ecs = stage.root("ecs")
    found = ecs.describe_services(cluster=naming.cluster("production"), services=list(SERVICES))["services"]
    tags = {}
    for service in found:
        shown = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        tag = shown["containerDefinitions"][0]["image"].rpartition(":")[2]
        tags[service["serviceName"]] = (tag, service["desiredCount"])
    return tags


@pytest.fixture
def production(
    bootstrapped: tuple[Stage, Mapping[str, str]], templates: Mapping[str, Template], monkeypatch: pytest.MonkeyPatch
) -> tuple[Stage, str]:
    stage, outputs = bootstrapped
    monkeypatch.setenv("AWS_ENDPOINT_URL", stage.lab.endpoint)
    stage.clock = HandClock()
    stage.clock.meanwhile = stage.finish_tasks
    return stage, for_the_lab(templates[STACK].body, outputs)


def commit(number: int) -> str:
    return f"{0xC0DE00 + number:040x}"


def test_stacks_that_fail_or_are_taken_back_leave_what_was_released(
    production: tuple[Stage, str], tmp_path: Path
) -> None:
    stage, template = production
    outputs = tmp_path / "outputs"
    expected = (naming.BOOTSTRAP_TAG, 0)
    for number in (1, 2, 3):
        sha = commit(number)
        stage.push(sha)
        before = in_service(stage)
        assert set(before.values()) == {expected}

        failing = Release(stage, sha, template, outputs)
        ended = stage.update_stack(STACK, failing.of_broken_release(seconds=2), at="Never")
        assert ended == "UPDATE_ROLLBACK_COMPLETE"
        failing.put_back()
        assert in_service(stage) == before or number == 1
        assert {count for _, count in in_service(stage).values()} == {expected[1]}

        taken_back = Release(stage, sha, template, outputs)
        stage.begin_update(STACK, taken_back.of_broken_release(seconds=600), at="Never")
        stage.clock.meanwhile = stage.signal_once(STACK, "Never")
        taken_back.run("settle", *PRODUCTION, "--cancel", STACK)
        stage.clock.meanwhile = stage.finish_tasks
        taken_back.put_back()
        assert in_service(stage) == before or number == 1
        assert {count for _, count in in_service(stage).values()} == {expected[1]}
        assert stage.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"

        Release(stage, sha, template, outputs).finish()
        expected = (sha, 2)
        assert set(in_service(stage).values()) == {expected}
        assert stage.running() == dict.fromkeys(SERVICES, sha)


@pytest.fixture
def released(production: tuple[Stage, str], tmp_path: Path) -> tuple[Stage, str]:
    """A production to which something was released."""
    stage, template = production
    if set(in_service(stage).values()) != {(commit(8), 2)}:
        stage.push(commit(8))
        Release(stage, commit(8), template, tmp_path / "outputs").finish()
    return production


def lagging(account: Account) -> list[str]:
    """Lets the first read of a service after each change of it answer what was there before; says which, so far."""
    before: dict[str, Any] = {}
    changed: set[str] = set()
    lagged: list[str] = []

    def change(params: Mapping[str, Any], **_: object) -> None:
        changed.add(params["service"])

    def answer(parsed: dict[str, Any], **_: object) -> None:
        for index, service in enumerate(parsed["services"]):
            name = service["serviceName"]
            if name in changed:
                changed.remove(name)
                lagged.append(name)
                parsed["services"][index] = before[name]
            else:
                before[name] = service

    account.ecs.meta.events.register("provide-client-params.ecs.UpdateService", change)
    account.ecs.meta.events.register("after-call.ecs.DescribeServices", answer)
    return lagged


def test_a_release_and_its_way_back_where_reads_are_old(released: tuple[Stage, str], tmp_path: Path) -> None:
    """As the ECS API is: a read soon after a change may not show it."""
    stage, template = released
    sha, before = commit(11), in_service(stage)
    stage.push(sha)
    release = Release(stage, sha, template, tmp_path / "outputs")
    lagged = lagging(release.crew.account)
    release.finish()
    assert lagged == list(SERVICES)
    assert set(in_service(stage).values()) == {(sha, 2)}
    release.put_back()
    assert lagged == [*SERVICES, *reversed(SERVICES)]
    assert in_service(stage) == before


def test_a_smoke_test_that_fails_brings_the_release_before_back(released: tuple[Stage, str], tmp_path: Path) -> None:
    stage, template = released
    sha, before = commit(9), in_service(stage)
    stage.push(sha)
    release = Release(stage, sha, template, tmp_path / "outputs")
    release.finish()
    assert set(in_service(stage).values()) == {(sha, 2)}
    assert release.crew("smoke", *PRODUCTION, "--url", "http://127.0.0.1:9", "--deadline", "5") == 1
    release.put_back()
    assert in_service(stage) == before
    for service in SERVICES:
        newest = stage.root("ecs").describe_task_definition(taskDefinition=stage.newest(service))
        image = newest["taskDefinition"]["containerDefinitions"][0]["image"]
        assert image.rpartition(":")[2] == commit(8)


def test_a_stack_whose_services_name_its_own_revision_and_a_count_changes_what_runs(
    released: tuple[Stage, str], tmp_path: Path
) -> None:
    """The rehearsal is able to see it: not so in our stacks, and put back all the same."""
    stage, template = released
    sha, running = commit(10), in_service(stage)
    stage.push(sha)
    release = Release(stage, sha, template, tmp_path / "outputs")
    old_kind = release.of_broken_release(seconds=2)
    by_family = {
        resource["Properties"]["Family"]: name
        for name, resource in old_kind["Resources"].items()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    }
    for resource in old_kind["Resources"].values():
        if resource["Type"] == "AWS::ECS::Service":
            resource["Properties"]["TaskDefinition"] = {"Ref": by_family[resource["Properties"]["TaskDefinition"]]}
            resource["Properties"]["DesiredCount"] = 1
    assert stage.update_stack(STACK, old_kind) == "UPDATE_ROLLBACK_COMPLETE"
    assert in_service(stage) != running
    release.put_back()
    assert in_service(stage) == running
