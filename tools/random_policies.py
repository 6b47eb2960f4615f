"""Random policies and requests, always the same for a seed: what one evaluator of IAM can be asked, so can another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from random import Random
from typing import Any

# Requests that exist: actions with a resource of their type, and the condition keys of the service that they bring.
_ARN = "arn:aws:{}:us-west-2:111111111111:{}"
_REQUESTS: list[tuple[str, list[str], dict[str, list[str]]]] = [
    (
        "ecs:UpdateService",
        [_ARN.format("ecs", f"service/{name}") for name in ("shop/api", "shop/web", "shop-production/api")],
        {"ecs:cluster": [_ARN.format("ecs", "cluster/shop"), _ARN.format("ecs", "cluster/shop-production")]},
    ),
    (
        "ecs:RunTask",
        [_ARN.format("ecs", f"task-definition/{name}") for name in ("migrate:1", "migrate-down:12", "api:3")],
        {"ecs:cluster": [_ARN.format("ecs", "cluster/shop"), _ARN.format("ecs", "cluster/other")]},
    ),
    (
        "iam:PassRole",
        [f"arn:aws:iam::111111111111:role/{name}" for name in ("api-task", "path/web-task", "admin")],
        {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]},
    ),
    ("s3:GetObject", ["arn:aws:s3:::assets/a/b.txt", "arn:aws:s3:::assets-2/a.txt"], {}),
    ("ecr:PutImage", [_ARN.format("ecr", "repository/shop/api"), _ARN.format("ecr", "repository/shop")], {}),
    ("cloudformation:DescribeStacks", [_ARN.format("cloudformation", "stack/shop/0f1e")], {}),
    ("secretsmanager:GetSecretValue", [_ARN.format("secretsmanager", "secret:shop/db-a1B2c3")], {}),
]
_GLOBAL: dict[str, list[str]] = {
    "aws:RequestedRegion": ["us-west-2", "eu-west-1"],
    "aws:SourceIdentity": ["Ann", "ann", "bob*"],
    "aws:SecureTransport": ["true", "false"],
}
_SEVERAL: dict[str, list[str]] = {"aws:TagKeys": ["team", "stage", "Team"]}
_TEXT = (
    *("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
    *("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
)
_ARNS = ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike")


def scenarios(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """``policies`` and ``boundary`` (or null) of a role, and one request: ``action``, ``resource``, ``context``."""
    random = Random(seed)  # noqa: S311 - the same for a seed; nothing secret
    for _ in range(count):
        action, resources, own = random.choice(_REQUESTS)
        resource = random.choice(resources)
        context: dict[str, Any] = {key: random.choice(values) for key, values in own.items() if random.random() < 0.8}
        context |= {key: random.choice(values) for key, values in _GLOBAL.items() if random.random() < 0.5}
        for key, values in _SEVERAL.items():
            if random.random() < 0.4:
                context[key] = random.sample(values, random.randint(1, 2))
        keys = {**own, **_GLOBAL, **_SEVERAL}
        yield {
            "policies": [_policy(random, action, resource, keys) for _ in range(random.randint(1, 2))],
            "boundary": _policy(random, action, resource, keys) if random.random() < 0.2 else None,
            "action": action,
            "resource": resource,
            "context": context,
        }


def digest(made: list[dict[str, Any]]) -> str:
    """Of the scenarios, so that answers are compared with what they are the answers to."""
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


def _policy(random: Random, action: str, resource: str, keys: dict[str, list[str]]) -> dict[str, Any]:
    statements = [_statement(random, action, resource, keys) for _ in range(random.randint(1, 3))]
    return {"Version": "2012-10-17", "Statement": statements[0] if len(statements) == 1 else statements}


def _statement(random: Random, action: str, resource: str, keys: dict[str, list[str]]) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Allow" if random.random() < 0.75 else "Deny"}
    made["Action" if random.random() < 0.85 else "NotAction"] = _some(random, lambda: _action(random, action))
    made["Resource" if random.random() < 0.85 else "NotResource"] = _some(random, lambda: _resource(random, resource))
    if random.random() < 0.6:
        made["Condition"] = _condition(random, keys)
    return made


def _some(random: Random, make: Any) -> Any:
    made = [make() for _ in range(random.randint(1, 2))]
    return made[0] if len(made) == 1 and random.random() < 0.5 else made


def _action(random: Random, action: str) -> str:
    service, _, name = action.partition(":")
    other = random.choice(_REQUESTS)[0]
    spelled = [action, action, action.lower(), f"{service}:*", f"{service}:{name[:3]}*", "*", other]
    return random.choice([*spelled, f"{service}:{name[:-1]}?", f"{service}:*{name[-4:]}", f"{service}:Other*"])


def _resource(random: Random, resource: str) -> str:
    other = random.choice(random.choice(_REQUESTS)[1])
    cut = random.randint(len("arn:aws:"), len(resource) - 1)
    shapes = [
        resource,
        resource,
        "*",
        other,
        f"{resource[:cut]}*",
        f"{resource[:-1]}?",
        f"{resource}/*",
        f"{resource}?",
    ]
    return random.choice([*shapes, resource.replace("111111111111", "*"), resource.replace("us-west-2", "*")])


def _condition(random: Random, keys: dict[str, list[str]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(random.randint(1, 2)):
        key = random.choice(list(keys))
        operator = _operator(random, key)
        spelled = key if random.random() < 0.9 else key.upper() if operator != "Null" else key
        made.setdefault(operator, {})[spelled] = _some(random, lambda: _value(random, operator, keys[key]))  # noqa: B023
    return made


def _operator(random: Random, key: str) -> str:
    if random.random() < 0.1:
        return "Null"
    if key == "aws:SecureTransport":
        base = "Bool"
    else:
        base = random.choice(_ARNS if key == "ecs:cluster" and random.random() < 0.6 else _TEXT)
    qualifier = random.choice(("ForAnyValue:", "ForAllValues:")) if key in _SEVERAL else ""
    # What `IfExists` makes of a key that is absent under `ForAnyValue` is not documented, and simulators disagree.
    lenient = random.random() < 0.2 and qualifier != "ForAnyValue:"
    return f"{qualifier}{base}{'IfExists' if lenient else ''}"


def _value(random: Random, operator: str, values: list[str]) -> str:
    if operator == "Null":
        return random.choice(("true", "false"))
    value = random.choice(values)
    if "Like" not in operator and "Arn" not in operator:
        return value
    if value.startswith("arn:"):
        return random.choice((value, f"{value[:-2]}*", value.replace("us-west-2", "*"), f"{value}-x"))
    return random.choice((value, f"{value[:2]}*", f"*{value[-3:]}", f"{value[:-1]}?", "*"))
