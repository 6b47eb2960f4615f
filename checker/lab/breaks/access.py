"""Roles and their policies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from checker.lab.breaks.account import Account


def admit_pull_requests(account: Account) -> str:
    def add(key: str, subjects: list[str], condition: dict[str, Any]) -> None:
        repository = ":".join(subjects[0].split(":")[:2])
        condition["StringEquals"][key] = [*subjects, f"{repository}:pull_request"]

    return f"role {_trusting(account, add)} admits the tokens of pull requests"


def admit_another_environment(account: Account) -> str:
    def add(key: str, subjects: list[str], condition: dict[str, Any]) -> None:
        repository = ":".join(subjects[0].split(":")[:2])
        others = [f"{repository}:environment:{name}" for name in ("staging", "production")]
        condition["StringEquals"][key] = sorted({*subjects, *others})

    return f"role {_trusting(account, add)} admits the tokens of a further environment"


def _trusting(account: Account, change: Callable[[str, list[str], dict[str, Any]], None]) -> str:
    """Change the condition on the subject in the deploy role's trust policy; the role's name."""
    role, _, _ = account.deploy_role()
    iam = account.clients("iam")
    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    for statement in document["Statement"]:
        condition = statement.get("Condition", {})
        for key, values in list(condition.get("StringEquals", {}).items()):
            if key.endswith(":sub"):
                change(key, values if isinstance(values, list) else [values], condition)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))
    return role


def pass_any_role(account: Account) -> str:
    return _granted(account, "PassAnything", {"Action": "iam:PassRole", "Resource": "*"})


def grant_too_much(account: Account) -> str:
    return _granted(account, "DeleteDatabases", {"Action": "rds:DeleteDBInstance", "Resource": "*"})


def _granted(account: Account, name: str, grant: dict[str, str]) -> str:
    role, _, _ = account.deploy_role()
    document = {"Version": "2012-10-17", "Statement": [{"Sid": name, "Effect": "Allow", **grant}]}
    account.clients("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    return f"role {role} has a further policy {name}: {grant['Action']} on {grant['Resource']}"


def forget_stacks(account: Account) -> str:
    return _revoked(account, "cloudformation:DescribeStacks")


def forget_services(account: Account) -> str:
    return _revoked(account, "ecs:UpdateService")


def _revoked(account: Account, action: str) -> str:
    role, name, document = account.deploy_role()
    kept = []
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        rest = [each for each in actions if each != action]
        if rest:
            kept.append({**statement, "Action": rest})
    text = json.dumps({**document, "Statement": kept})
    account.clients("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)
    return f"policy {name} of role {role} no longer allows {action}"


def shorten_sessions(account: Account) -> str:
    role, _, _ = account.deploy_role()
    account.clients("iam").update_role(RoleName=role, MaxSessionDuration=3600)
    return f"sessions of role {role} last an hour at most"
