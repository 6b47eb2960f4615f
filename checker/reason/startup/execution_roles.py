"""What ECS does before a task's containers run, in the execution role's name: pull, fetch secrets, open logs.

Source: Amazon ECS Developer Guide, "Amazon ECS task execution IAM role"; Amazon ECR User Guide, "Using Amazon ECR
images with Amazon ECS".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Absent, Hole, Known, Resolved, Text, as_bool, pieces, text
from checker.reason.iam.evaluation import Request, decide, policies_of
from checker.reason.iam.passing import TASKS
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import account_of, expand
from checker.reason.text.patterns import exact

_PULL: Final = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
_REPOSITORY: Final = lazy_re.compile(r"(\d{12}|\*)\.dkr[.-]ecr\.([a-z0-9-]+|\*)\.[^/]+/([^:@]+)")
_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


class Need(Struct, frozen=True):
    """One call that the execution role must be allowed to make. ``what`` ends the sentence "it cannot ..."."""

    action: str
    resource: str | Text
    what: str
    path: str


def refused(task: Resource, role: Resource, project: Project) -> Need | None:
    """The first call of those that start the task which its execution role surely may not make.

    A role without any policy may do nothing, unless somebody outside these stacks attaches one by its name.
    """
    policies = policies_of(role, project)
    if policies.empty and not isinstance(role.get("RoleName"), Absent):
        return None
    for need in _needs(task, project):
        if decide(policies, Request(need.action, exact(need.resource))).denied:
            return need
    return None


def admits(role: Resource, project: Project, service: str = TASKS) -> bool:
    """Whether the role lets a service assume it, or may: a trust policy that cannot be read whole may."""
    trust = role.get("AssumeRolePolicyDocument")
    if not isinstance(trust, Known):
        return True
    document = read_document(trust.value, role, "AssumeRolePolicyDocument", project)
    allowing = [each for each in document.statements if each.allows]
    named = [who for each in allowing for who in each.principals or (("", None),)]
    if not allowing or document.unread:
        return True
    return any(who is None or isinstance(who, Text) or who in (service, "*") for _, who in named)


def needs_one(task: Resource, project: Project) -> bool:
    """Whether something is to be done in an execution role's name before the task runs."""
    return any(True for _ in _needs(task, project))


def _needs(task: Resource, project: Project) -> Iterator[Need]:
    containers = task.get("ContainerDefinitions")
    listed = containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else []
    for index, container in enumerate(listed):
        if isinstance(container, dict):
            here = f"ContainerDefinitions.{index}"
            yield from _of_image(container.get("Image"), task, f"{here}.Image")
            yield from _of_secrets(container.get("Secrets"), f"{here}.Secrets", project)
            yield from _of_logs(container.get("LogConfiguration"), task, f"{here}.LogConfiguration", project)


def _of_image(image: Resolved, task: Resource, path: str) -> Iterator[Need]:
    found = _REPOSITORY.match(_plain(image)) if isinstance(image, str | Text) else None
    if found is None:
        return
    yield Need("ecr:GetAuthorizationToken", "*", "log in to its image's registry", path)
    account = task.stack.account if found[1] == "*" else found[1]
    region = task.stack.region if found[2] == "*" else found[2]
    arn = f"arn:{task.stack.partition}:ecr:{region}:{account}:repository/{found[3]}"
    for action in _PULL if "*" not in found[3] and account and region else ():
        yield Need(action, arn, f"pull its image from {found[3]}", path)


def _plain(image: str | Text) -> str:
    """The reference as one text; a star for each open part, of which the address's ending is one."""
    return "".join(part if isinstance(part, str) else "*" for part in pieces(image))


def _of_secrets(secrets: Resolved, path: str, project: Project) -> Iterator[Need]:
    for index, entry in enumerate(secrets if isinstance(secrets, list) else ()):
        source = entry.get("ValueFrom") if isinstance(entry, dict) else None
        if not isinstance(source, str | Text):
            continue
        secret = _secret_arn(expand(source, project))
        if secret is not None:
            what = f"fetch the secret {entry.get('Name')}" if isinstance(entry, dict) else "fetch a secret"
            yield Need("secretsmanager:GetSecretValue", secret, what, f"{path}.{index}")


def _secret_arn(source: str | Text) -> str | Text | None:
    """The ARN of the secret in ``ARN:key:stage:version``, which ECS takes apart."""
    written = pieces(source)
    first = written[0] if written else ""
    if not (isinstance(first, str) and ":secretsmanager:" in first) and ":secretsmanager:" not in str(source):
        return None
    kept: list[str | Hole] = []
    colons = 0
    for part in written:
        if isinstance(part, Hole):
            kept.append(part)
            continue
        for character in part:
            colons += character == ":"
            if colons > _LAST_COLON:
                return text(kept)
            kept.append(character)
    return text(kept)


_LAST_COLON: Final = 6  # arn:partition:secretsmanager:region:account:secret:name


def _of_logs(logging: Resolved, task: Resource, path: str, project: Project) -> Iterator[Need]:
    options = logging.get("Options") if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs" else None
    group = options.get("awslogs-group") if isinstance(options, dict) else None
    region = options.get("awslogs-region") if isinstance(options, dict) else None
    if not isinstance(options, dict) or not isinstance(group, str | Text) or not isinstance(region, str):
        return
    if as_bool(options.get("awslogs-create-group")):
        return  # whose group that is, is asked where groups are asked for
    name = expand(group, project)
    if isinstance(name, Text) and name.only_hole is not None:
        return
    arn = text(
        [
            f"arn:{task.stack.partition}:logs:{region}:",
            *account_of(task.stack),
            ":log-group:",
            *pieces(name),
            ":log-stream:x",
        ]
    )
    for action in _LOGS:
        yield Need(action, arn, f"write its log to {name}", path)
