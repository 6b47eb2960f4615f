"""The stack of the deploy hook: what CloudFormation would be told."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match, Template

from infra import hook
from infra.stacks.hook import DeployHook


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    (folder / "checker").mkdir()
    (folder / "checker/__init__.py").write_text("")
    return folder


def built(package: Path, context: Mapping[str, str] = MappingProxyType({})) -> DeployHook:
    return hook.build(cdk.App(context={"account": "111111111111", "package": str(package), **context}))


def test_the_hook_fails_closed_answers_in_time_and_lets_its_own_stack_past(package: Path) -> None:
    template = Template.from_stack(built(package))
    template.has_resource_properties(
        "AWS::CloudFormation::LambdaHook",
        {
            "FailureMode": "FAIL",
            "TargetOperations": ["STACK"],
            "StackFilters": {"StackNames": {"Exclude": ["DocPlatformHook"]}},
        },
    )
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "checker.hook.handler.handler",
            "Timeout": 28,
            "Environment": {"Variables": Match.object_like({"CHECKER_HOOK_FAILS": "closed"})},
        },
    )


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"fails": "maybe"}, "fails is closed or open"),
        ({"mode": "fail"}, "mode is FAIL or WARN"),
        ({"package": "/nowhere"}, "run make hook first"),
    ],
)
def test_contexts_that_do_not_fit_are_refused(package: Path, context: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        built(package, context)
