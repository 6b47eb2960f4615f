"""What a task needs before it starts, and which a policy of the thing itself denies to its execution role.

Sources: Amazon ECR User Guide, "Private repository policies in Amazon ECR"; AWS Secrets Manager User Guide,
"Resource-based policies"; Amazon ECS Developer Guide, "Amazon ECS task execution IAM role".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer, Open, either, every
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Text
from checker.reason.iam.resource_policies import denied_by
from checker.reason.images.references import Registry, parse_image
from checker.reason.startup.keys import ATTACHED, STORED, named_secrets

_REPOSITORY: Final = "AWS::ECR::Repository"
_OF_SECRETS: Final = "AWS::SecretsManager::ResourcePolicy"
_WHOSE: Final = Open("whose policy it is, a parameter says")
_PULL: Final = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class ShutOff(Struct, frozen=True):
    """A repository or a secret that its own policy keeps from the role, surely or perhaps. ``what`` ends the sentence
    "it cannot ..."; ``path`` is where the task names it."""

    what: str
    path: str
    by: Resource
    denied: Answer


def shut_off(environment: Environment, task: Resource, role: Resource) -> Iterator[ShutOff]:
    project = environment.project
    for index, image in enumerate(_images(task)):
        repository = _repository(environment, image) if image is not None else None
        if repository is not None and not isinstance(repository.get("RepositoryPolicyText"), Absent):
            denied = either(
                denied_by(repository, "RepositoryPolicyText", repository, role, action, project) for action in _PULL
            )
            if denied is not NO:
                path = f"ContainerDefinitions.{index}.Image"
                yield ShutOff("pull its image", path, repository, denied)
    policies = list(environment.resources(_OF_SECRETS))
    for source, path in named_secrets(task) if policies else ():
        secret = environment.referred(source)
        if secret is not None and secret.type == ATTACHED:
            secret = environment.referred(secret.get("SecretId"))
        if secret is None or secret.type != STORED:
            continue
        strays = frozenset(environment.strays(secret, _OF_SECRETS))
        for policy in policies:
            if policy in strays or environment.referred(policy.get("SecretId")) is secret:
                action = "secretsmanager:GetSecretValue"
                denied = denied_by(policy, "ResourcePolicy", secret, role, action, project)
                if policy in strays:
                    denied = every((denied, _WHOSE))
                if denied is not NO:
                    yield ShutOff(f"fetch {secret.logical_id}", path, policy, denied)


def surest(found: Iterator[ShutOff]) -> ShutOff | None:
    """The first that is surely kept from the role, or else the first that may be."""
    each = list(found)
    return next((one for one in each if one.denied is YES), next(iter(each), None))


def _images(task: Resource) -> Iterator[str | Text | None]:
    """Each container's image, ``None`` where it is not known."""
    value = task.get("ContainerDefinitions")
    for container in value.value if isinstance(value, Known) and isinstance(value.value, list) else ():
        image = container.get("Image") if isinstance(container, dict) else None
        yield image if isinstance(image, str | Text) else None


def _repository(environment: Environment, image: str | Text) -> Resource | None:
    """The project's repository that an image lies in, by a reference or by its name."""
    parsed = parse_image(image, environment.project)
    if parsed.target is not None:
        found = environment.project.resource(parsed.target)
        return found if found is not None and found.type == _REPOSITORY else None
    if parsed.registry is not Registry.ECR:
        return None
    named = Known(parsed.repository)
    every_one = environment.project.resources(_REPOSITORY)
    return next((each for each in every_one if each.get("RepositoryName") == named), None)
