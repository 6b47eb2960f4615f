"""Repositories, images and the tasks that run them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from checker.errors import UsageError
from checker.lab import release
from checker.lab.breaks.account import Account

OTHER_COMMIT: Final = "2cd0" * 10
HOTFIX: Final = "v1-hotfix"
"""No commit, and called as releases are: the registry keeps it."""


def keep_three_images(account: Account) -> str:
    repository = account.first("AWS::ECR::Repository").id
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3}
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    text = json.dumps({"rules": [rule]})
    account.clients("ecr").put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=text)
    return f"repository {repository} keeps its last three images"


def let_tags_move(account: Account) -> str:
    repository = account.first("AWS::ECR::Repository").id
    account.clients("ecr").put_image_tag_mutability(repositoryName=repository, imageTagMutability="MUTABLE")
    return f"tags of repository {repository} can be moved"


def stop_scanning(account: Account) -> str:
    repository = account.first("AWS::ECR::Repository").id
    setting = {"scanOnPush": False}
    account.clients("ecr").put_image_scanning_configuration(
        repositoryName=repository, imageScanningConfiguration=setting
    )
    return f"repository {repository} does not scan what is pushed"


def run_a_hotfix(account: Account) -> str:
    cluster, service = _service(account)
    revision = _revised(account, service["taskDefinition"], HOTFIX)
    _run(account, cluster, service, revision, count=1)
    return f"a task outside any service runs {revision} with the image tag {HOTFIX}"


def roll_one_service(account: Account) -> str:
    cluster, service = _service(account)
    revision = _revised(account, service["taskDefinition"], OTHER_COMMIT)
    account.clients("ecs").update_service(cluster=cluster, service=service["serviceName"], taskDefinition=revision)
    return f"service {service['serviceName']} runs commit {OTHER_COMMIT}, the others do not"


def migrate_twice(account: Account) -> str:
    cluster, service = _service(account)
    served = {each["taskDefinition"].rpartition(":")[0] for _, each in release.services(account.clients)}
    for target in account.all("AWS::ECS::TaskDefinition"):
        if target.id.rpartition(":")[0] not in served:
            _run(account, cluster, service, target.id, count=2)
            return f"two tasks of {target.id.rpartition('/')[2]} run at once"
    raise UsageError("nothing to break: every task definition is a service's", "Deploy one that migrates.")


def _service(account: Account) -> tuple[str, Mapping[str, Any]]:
    target = account.first("AWS::ECS::Service")
    for cluster, service in release.services(account.clients):
        if service["serviceArn"] == target.id:
            return cluster, service
    raise UsageError(f"nothing to break: service {target.id} is gone", "Start anew: checker lab up.")


def _revised(account: Account, definition: str, tag: str) -> str:
    """A further revision of a task definition with another image tag, and the image under it."""
    ecs = account.clients("ecs")
    found = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    members = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    # What is empty was not set, and what the input does not know is the service's own.
    revised = {name: value for name, value in found.items() if name in members and value not in ("", [], None)}
    for container in revised["containerDefinitions"]:
        container["image"] = f"{container['image'].rpartition(':')[0]}:{tag}"
        release.push(account.clients, container["image"].partition("/")[2].rpartition(":")[0], tag)
    return str(ecs.register_task_definition(**revised)["taskDefinition"]["taskDefinitionArn"])


def _run(account: Account, cluster: str, service: Mapping[str, Any], definition: str, *, count: int) -> None:
    account.clients("ecs").run_task(
        cluster=cluster,
        taskDefinition=definition,
        count=count,
        launchType="FARGATE",
        networkConfiguration=service["networkConfiguration"],
        startedBy="a-person",
    )
