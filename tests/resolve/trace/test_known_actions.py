"""Actions that deploy and push: their calls, from the table that `checker list --actions` prints."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from checker.cli import run
from checker.data.actions import KNOWN
from checker.data.harmless import action_is_harmless
from checker.model.settings import Settings
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository

STEPS = """
on: {{push: {{branches: [main]}}}}
permissions: {{id-token: write, contents: read}}
jobs:
  ship:
    runs-on: ubuntu-24.04
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {{role-to-assume: "arn:aws:iam::111111111111:role/ship", aws-region: eu-west-1}}
      - uses: {uses}
        with: {given}
"""
REGISTRY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"


def calls(uses: str, given: str) -> list[tuple[str, dict[str, object]]]:
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder), {".github/workflows/ship.yml": STEPS.format(uses=uses, given=given)})
        pipeline = pipeline_of(root, Settings(), ())
    assert pipeline is not None
    return [(call.operation, dict(call.arguments)) for call in pipeline.aws_calls()]


@pytest.mark.parametrize("push", ["true", "false"])
def test_a_build_elsewhere_pushes_as_one_here_does(push: str) -> None:
    given = f"{{push: {push}, tags: '{REGISTRY}/shop:latest'}}"
    wanted = [("docker-push", {"repositoryname": "shop", "imagetag": "latest"})] if push == "true" else []
    assert calls("depot/build-push-action@v1", given) == wanted
    assert calls("docker/build-push-action@v6", given) == wanted


def test_an_image_that_was_built_before_is_pushed_under_each_tag() -> None:
    given = f"{{image: shop, tags: 'latest v1', registry: '{REGISTRY}/web'}}"
    tags = [arguments["imagetag"] for _, arguments in calls("redhat-actions/push-to-registry@v2", given)]
    assert tags == ["latest", "v1"]
    assert calls("redhat-actions/push-to-registry@v2", f"{{image: shop, registry: {REGISTRY}}}") == [
        ("docker-push", {"repositoryname": "shop", "imagetag": "latest"})
    ]


def test_a_function_s_code_is_changed_unless_it_is_a_dry_run() -> None:
    changed = calls("aws-actions/aws-lambda-deploy@v1", f"{{function-name: thumbs, image-uri: '{REGISTRY}/t:1'}}")
    assert [operation for operation, _ in changed] == [
        "GetFunctionConfiguration", "UpdateFunctionConfiguration", "UpdateFunctionCode",
    ]  # fmt: skip
    assert changed[-1][1]["imageuri"] == f"{REGISTRY}/t:1"
    dry = calls("aws-actions/aws-lambda-deploy@v1", "{function-name: thumbs, dry-run: true}")
    assert [operation for operation, _ in dry] == ["GetFunctionConfiguration"]


def test_what_is_followed_is_not_named_as_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--actions"]) == 0
    printed = capsys.readouterr().out
    for action in KNOWN:
        assert action_is_harmless(action.name), action.name
        assert action.name in printed
        assert all(name in printed for name in action.inputs)
