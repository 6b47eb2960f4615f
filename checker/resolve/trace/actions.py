"""AWS calls that well-known actions make. Source: each action's README, "Permissions"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, Handling, How, Reached
from checker.model.possible import Possible, options, truth
from checker.model.values import Hole, Text, pieces, text
from checker.resolve.trace.images_pushed import calls

# action -> (service, operation, argument of the call -> input of the action)
_CALLS: Final[Mapping[str, tuple[tuple[str, str, Mapping[str, str]], ...]]] = {
    "aws-actions/amazon-ecr-login": (("ecr", "GetAuthorizationToken", {}),),
    "aws-actions/amazon-ecs-deploy-task-definition": (
        ("ecs", "RegisterTaskDefinition", {"family": "task-definition-family"}),
        ("ecs", "DescribeServices", {"cluster": "cluster", "services": "service"}),
        ("ecs", "UpdateService", {"cluster": "cluster", "service": "service"}),
    ),
    "aws-actions/aws-cloudformation-github-deploy": (
        ("cloudformation", "DescribeStacks", {"stackname": "name"}),
        ("cloudformation", "CreateChangeSet", {"stackname": "name"}),
        ("cloudformation", "DescribeChangeSet", {"stackname": "name"}),
        ("cloudformation", "ExecuteChangeSet", {"stackname": "name"}),
    ),
    "aws-actions/aws-secretsmanager-get-secrets": (("secretsmanager", "GetSecretValue", {"secretid": "secret-ids"}),),
    "aws-actions/aws-codebuild-run-build": (
        ("codebuild", "StartBuild", {"projectname": "project-name"}),
        ("codebuild", "BatchGetBuilds", {}),
    ),
}


def calls_of_action(step: EffectiveStep, reached: Reached, logged_in: bool) -> Iterator[AwsCall]:
    """The calls that a step's action makes, in order; none for an action that is not known to make any."""
    action = step.step.action.lower()
    given = {name.lower(): value for name, value in step.with_.items()}
    handling = Handling(errexit=truth(step.continue_on_error) is False)
    for service, operation, names in _CALLS.get(action, ()):
        arguments: dict[str, Possible] = {
            argument: given[name] for argument, name in names.items() if given.get(name) not in (None, "")
        }
        complete = all(name in given for name in names.values())
        yield AwsCall(
            service, operation, How.SDK, arguments, reached, handling, f"uses: {step.uses}", complete=complete
        )
    if action == "docker/build-push-action" and truth(given.get("push", False)) is not False:
        tags = given.get("tags", "")
        for tag in dict.fromkeys(entry for option in options(tags) or (tags,) for entry in _listed(option)):
            yield from calls(tag, "docker-push", reached, handling, f"uses: {step.uses}", logged_in)


def _listed(value: Possible) -> Iterator[Possible]:
    """The entries of an input that is a list with a line or a comma between them."""
    if not isinstance(value, str | Text):
        yield value
        return
    entry: list[str | Hole] = []
    for part in pieces(value):
        first, *more = re.split(r"[\n,]", part) if isinstance(part, str) else (part,)
        entry.append(first.strip() if isinstance(first, str) else first)
        for each in more:
            if any(entry):
                yield text(entry)
            entry = [each.strip()]
    if any(entry):
        yield text(entry)
