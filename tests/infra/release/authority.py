"""The deploy role's own policy, enforced where calls leave the process.

The emulator enforces policies as well, but it authorizes every ECS call on the cluster and knows neither `iam:PassRole`
nor `ecs:cluster`. So each call is judged twice: by the emulator, against the policy's actions, and here, against the
whole policy, on the resources and with the condition keys that the Service Authorization Reference gives each action.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.infra.support import listed

PREFIX = {
    "CloudFormation": "cloudformation",
    "CloudWatch": "cloudwatch",
    "CloudWatch Logs": "logs",
    "ECR": "ecr",
    "ECS": "ecs",
    "Lambda": "lambda",
    "Secrets Manager": "secretsmanager",
}


_TAKEN_FOR = {"lambda:GetAlias": "lambda:ListAliases"}


@dataclass(frozen=True, slots=True)
class Request:
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Authority:
    """Refuses calls that the statements do not allow, and remembers which actions were asked for."""

    statements: Sequence[Mapping[str, Any]]
    region: str
    account: str
    roles_of: Callable[[str], Sequence[str]]
    """The roles that running a task definition passes on."""
    asked: set[str] = field(default_factory=set)

    def guard(self, session: boto3.Session) -> None:
        session.events.register("provide-client-params", self._judge)

    def _judge(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        for request in self._requests(f"{PREFIX[model.service_model.service_id]}:{model.name}", params):
            self.asked.add(request.action)
            if not any(allows(statement, request) for statement in self.statements):
                message = f"not authorized to perform: {request.action} on resource: {request.resource}"
                raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, model.name)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def _requests(self, action: str, params: Mapping[str, Any]) -> Iterator[Request]:
        """What one call is authorized on (Service Authorization Reference, of each service)."""
        in_cluster = {"ecs:cluster": self._arn("ecs", f"cluster/{params.get('cluster')}")}
        match action:
            case "cloudformation:DescribeStacks" | "cloudformation:CancelUpdateStack":
                yield Request(action, self._arn("cloudformation", f"stack/{params['StackName']}/0b5c"))
            case "ecr:DescribeImages" | "ecr:BatchGetImage" | "ecr:PutImage":
                yield Request(action, self._arn("ecr", f"repository/{params['repositoryName']}"))
            case "ecs:DescribeServices" | "ecs:UpdateService":
                for service in params.get("services") or [params["service"]]:
                    yield Request(action, self._arn("ecs", f"service/{params['cluster']}/{service}"), in_cluster)
            case "ecs:RegisterTaskDefinition":
                yield Request(action, self._arn("ecs", f"task-definition/{params['family']}:*"))
                for role in (params["taskRoleArn"], params["executionRoleArn"]):
                    yield Request("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
            case "ecs:RunTask":
                definition = params["taskDefinition"].rpartition("/")[2]
                yield Request(action, self._arn("ecs", f"task-definition/{definition}"), in_cluster)
                for role in self.roles_of(params["taskDefinition"]):
                    yield Request("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
            case "ecs:DescribeTasks" | "ecs:StopTask":
                for task in params.get("tasks") or [params["task"]]:
                    yield Request(action, task, in_cluster)
            case "ecs:ListTasks":
                yield Request(action, self._arn("ecs", f"container-instance/{params['cluster']}/*"), in_cluster)
            case "logs:CreateLogStream" | "logs:GetLogEvents" | "logs:PutLogEvents":
                stream = f"log-group:{params['logGroupName']}:log-stream:{params['logStreamName']}"
                yield Request(action, self._arn("logs", stream))
            case "lambda:CreateAlias" | "lambda:GetAlias" | "lambda:PublishVersion" | "lambda:UpdateAlias":
                yield Request(action, self._arn("lambda", f"function:{params['FunctionName']}"))
            case "cloudwatch:DescribeAlarms" | "ecs:DeregisterTaskDefinition" | "ecs:DescribeTaskDefinition":
                yield Request(action, "*")
            case _:
                raise AssertionError(f"{action} is no call of a release")


def allows(statement: Mapping[str, Any], request: Request) -> bool:
    assert statement["Effect"] == "Allow"
    return (
        any(fnmatchcase(request.action, action) for action in listed(statement["Action"]))
        and any(fnmatchcase(request.resource, resource) for resource in listed(statement["Resource"]))
        and all(
            request.context.get(key) in listed(wanted)
            for operator, pairs in statement.get("Condition", {}).items()
            # Neither value nor key of these policies has a wildcard, so both compare as they are.
            if operator in {"ArnEquals", "StringEquals"} or _unknown(operator)
            for key, wanted in pairs.items()
        )
    )


def _unknown(operator: str) -> bool:
    raise AssertionError(f"condition operator {operator} is not known here")


def without_action(statements: Sequence[Mapping[str, Any]], removed: str) -> list[dict[str, Any]]:
    """The policy less one action; a statement that had no other goes with it."""
    kept = [{**s, "Action": [a for a in listed(s["Action"]) if a != removed]} for s in statements]
    return [s for s in kept if s["Action"]]


def actions_only(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The policy as far as the emulator judges it truly: actions, on everything. It takes one for another."""
    granted = {action for s in statements for action in listed(s["Action"])}
    actions = sorted(granted | {_TAKEN_FOR[action] for action in granted & _TAKEN_FOR.keys()})
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
