"""One emulated account for the session: the shared stack, production after a release, staging bootstrapped."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra import naming
from infra.environments import ENVIRONMENTS
from tests.infra.lab import for_the_lab, running_lab
from tests.infra.release.stage import ACCOUNT, HandClock, Stage
from tests.infra.support import Template, statements

Policy = Sequence[Mapping[str, Any]]

FIRST = "a" * 40
"""The commit that runs before anything is rehearsed."""


@pytest.fixture(scope="session")
def templates(own_assembly: Path) -> Mapping[str, Template]:
    return {name: Template.read(own_assembly, name) for name in naming.STACKS}


@pytest.fixture(scope="session")
def deploy_policies(templates: Mapping[str, Template]) -> Mapping[str, Policy]:
    """What each environment's deploy role may do, from the synthesized shared stack."""
    shared = templates[naming.SHARED_STACK]
    return {
        environment: statements(shared, shared.only("AWS::IAM::Role", RoleName=naming.deploy_role(environment)))
        for environment in ENVIRONMENTS
    }


def _as_last_deployed(name: str, text: str) -> str:
    """Production with what the release before left running; staging as a bootstrap leaves it."""
    template = json.loads(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ECS::Service":
            resource["Properties"]["DesiredCount"] = 2 if name == naming.PRODUCTION_STACK else 0
    text = json.dumps(template)
    return text.replace(f':{naming.BOOTSTRAP_TAG}"', f':{FIRST}"') if name == naming.PRODUCTION_STACK else text


@pytest.fixture(scope="session")
def account_with_production(
    tmp_path_factory: pytest.TempPathFactory,
    templates: Mapping[str, Template],
    deploy_policies: Mapping[str, Policy],
) -> Iterator[Stage]:
    with running_lab(tmp_path_factory.mktemp("lab"), ACCOUNT, enforce=True) as lab:
        outputs: Mapping[str, str] = {}
        for name in naming.STACKS:
            text = for_the_lab(templates[name].body, outputs)
            stack = lab.deploy(name, _as_last_deployed(name, text))
            assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
            if name == naming.SHARED_STACK:
                outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        stage = Stage(lab, deploy_policies)
        stage.push(FIRST)
        yield stage


@pytest.fixture(autouse=True)
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is not told otherwise finds nobody, on loopback."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stage(account_with_production: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account_with_production.lab.endpoint)
    account_with_production.clock = HandClock()
    account_with_production.clock.meanwhile = account_with_production.finish_tasks
    return account_with_production
