"""What a pipeline leaves in an account beyond the stacks: images under their commit, running tasks, quiet alarms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from checker.lab.clients import Clients

COMMIT: Final = "1ab0" * 10
"""The commit that runs in the lab: full length, and no project's."""
_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"


def release(clients: Clients) -> None:
    """Push what the task definitions name, start services that stand at 0, and quieten alarms that saw no data."""
    for image in sorted(set(_images(clients))):
        push(clients, *image)
    for cluster, service in services(clients):
        if service["desiredCount"] == 0:
            clients("ecs").update_service(cluster=cluster, service=service["serviceName"], desiredCount=1)
    for alarm in clients.pages("cloudwatch", "describe_alarms", "MetricAlarms"):
        if alarm["StateValue"] != "OK":
            quiet(clients, alarm["AlarmName"])


def quiet(clients: Clients, alarm: str) -> None:
    clients("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="The lab is quiet.")


def services(clients: Clients) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every ECS service with its cluster."""
    for cluster in clients.pages("ecs", "list_clusters", "clusterArns"):
        arns = clients.pages("ecs", "list_services", "serviceArns", cluster=cluster)
        for start in range(0, len(arns), 10):  # DescribeServices takes ten at most
            for service in clients("ecs").describe_services(cluster=cluster, services=arns[start : start + 10])[
                "services"
            ]:
                yield cluster, service


def _images(clients: Clients) -> Iterable[tuple[str, str]]:
    """Repository and tag of each image of an active task definition that lies in the account's own registry."""
    registry = f"{clients.lab.account}.dkr.ecr."
    for arn in clients.pages("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        definition = clients("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for container in definition["containerDefinitions"]:
            place, _, path = container["image"].partition("/")
            repository, colon, tag = path.rpartition(":")
            if place.startswith(registry) and colon and "@" not in path:
                yield repository, tag


def push(clients: Clients, repository: str, tag: str) -> None:
    """An image of no layers under a tag, unless the tag is there."""
    ecr = clients("ecr")
    if any(image.get("imageTag") == tag for image in ecr.list_images(repositoryName=repository)["imageIds"]):
        return
    config = {"mediaType": _CONFIG, "size": 2, "digest": f"sha256:{tag.encode().hex():0>64.64}"}
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": []}
    named = {**manifest, "annotations": {"name": repository}}
    ecr.put_image(
        repositoryName=repository, imageManifest=json.dumps(named), imageManifestMediaType=_MANIFEST, imageTag=tag
    )
