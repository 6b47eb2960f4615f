"""Which queries and filters let through what tells the version of a service."""

from __future__ import annotations

import pytest

from checker.reason.deploys.failures.picked_parts import tells_version

TELLING = [
    "services[].taskDefinition",
    "services[].[serviceName,taskDefinition]",
    "services[*].{name:serviceName,td:taskDefinition}",
    "services[0]",
    "services",
    "services[].deployments",
    "services[].deployments[]",
    "services[].deployments[0].taskDefinition",
    "services[].events[0:5].message",
    ".",
    ".services",
    ".services[]",
    ".services[] | {serviceName, taskDefinition}",
    ".services[]|.taskDefinition",
    '.services[] | "\\(.serviceName): \\(.taskDefinition)"',
    '.services | map(.taskDefinition) | join("\n")',
    "[.services[] | [.serviceName, .taskDefinition]] | .[] | @tsv",
    '.services[] | select(.status=="ACTIVE") | .taskDefinition',
    "services[?status==`ACTIVE`].taskDefinition",
    ".services[].deployments[] | {status, taskDefinition}",
    ".services[].deployments[].id",
    "services[].taskSets[].id",
    "@",
    "join(`\n`, services[].taskDefinition)",
    "services[].[serviceName, deployments[0].taskDefinition]",
    ".services[]?.taskDefinition",
    "sort_by(services,&serviceName)[].taskDefinition",
    "services[].taskDefinition | [0]",
    '.services[0]["taskDefinition"]',
    'services[]."taskDefinition"',
]
NOT_TELLING = [
    "services[].serviceName",
    "services[].[serviceName,runningCount]",
    "services[*].[serviceName,status]",
    "length(services)",
    "services[].status",
    "services[].deployments[].rolloutState",
    "services[0].deployments[0].rolloutState",
    ".services | length",
    ".services[].status",
    ".services[] | {serviceName, runningCount}",
    '.services[] | "\\(.serviceName) \\(.status)"',
    "[.services[].runningCount] | add",
    "services[*].{name:serviceName,n:runningCount}",
    ".services[] | select(.taskDefinition != null) | .serviceName",
    "services[?taskDefinition!=`x`].serviceName",
    ".services | map(.status) | unique",
    ".services[] | [.serviceName, .desiredCount] | @csv",
    "keys",
    "services[].deployments | length(@)",
    "services[].serviceArn",
]


@pytest.mark.parametrize("query", TELLING)
def test_tells(query: str) -> None:
    assert tells_version(query)


@pytest.mark.parametrize("query", NOT_TELLING)
def test_does_not_tell(query: str) -> None:
    assert not tells_version(query)
