"""What ECS does before a task's containers run, in the execution role's name: pull, fetch secrets and files, open logs.

Sources: Amazon ECS Developer Guide, "Amazon ECS task execution IAM role" (secrets and parameters of containers and of
log drivers, private registries, environment files); Amazon ECR User Guide, "Using Amazon ECR images with Amazon ECS".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Hole, Known, Pseudo, Resolved, Text, as_bool, as_list, pieces, text
from checker.reason.names.arns import account_of, expand

_PULL: Final = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
_REPOSITORY: Final = lazy_re.compile(r"(\d{12}|\*)\.dkr[.-]ecr\.([a-z0-9-]+|\*)\.[^/]+/([^:@]+)")
_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_PARAMETER: Final = lazy_re.compile(r"/?[A-Za-z0-9_.\-]+(?:/[A-Za-z0-9_.\-]+)*")


class Need(Struct, frozen=True):
    """One call that the execution role must be allowed to make. ``what`` ends the sentence "it cannot ..."."""

    action: str
    resource: str | Text
    what: str
    path: str


def needs_of(task: Resource, project: Project) -> tuple[Need, ...]:
    """All that is done in the execution role's name before a task runs, as far as the task definition tells."""
    return project.once_for((needs_of, task.key), lambda: tuple(_needs(task, project)))


def _needs(task: Resource, project: Project) -> Iterator[Need]:
    containers = task.get("ContainerDefinitions")
    listed = containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else []
    for index, container in enumerate(listed):
        if isinstance(container, dict):
            here = f"ContainerDefinitions.{index}"
            yield from _of_image(container.get("Image"), task, f"{here}.Image")
            yield from _of_secrets(container.get("Secrets"), task, f"{here}.Secrets", project)
            yield from _of_registry(container.get("RepositoryCredentials"), f"{here}.RepositoryCredentials", project)
            yield from _of_files(container.get("EnvironmentFiles"), f"{here}.EnvironmentFiles", project)
            logging, path = container.get("LogConfiguration"), f"{here}.LogConfiguration"
            yield from _of_logs(logging, task, path, project)
            options = logging.get("SecretOptions") if isinstance(logging, dict) else None
            yield from _of_secrets(options, task, f"{path}.SecretOptions", project)


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


def _of_secrets(secrets: Resolved, task: Resource, path: str, project: Project) -> Iterator[Need]:
    for index, entry in enumerate(secrets if isinstance(secrets, list) else ()):
        source = entry.get("ValueFrom") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(source, str | Text):
            continue
        written, what = expand(source, project), f"fetch the secret {entry.get('Name')}"
        secret, parameter = _secret_arn(written), _parameter_arn(written, task)
        if secret is not None:
            yield Need("secretsmanager:GetSecretValue", secret, what, f"{path}.{index}")
        elif parameter is not None:
            yield Need("ssm:GetParameters", parameter, what, f"{path}.{index}")


def _of_registry(credentials: Resolved, path: str, project: Project) -> Iterator[Need]:
    named = credentials.get("CredentialsParameter") if isinstance(credentials, dict) else None
    secret = _secret_arn(expand(named, project)) if isinstance(named, str | Text) else None
    if secret is not None:
        yield Need("secretsmanager:GetSecretValue", secret, "fetch what it logs in to its registry with", path)


def _of_files(files: Resolved, path: str, project: Project) -> Iterator[Need]:
    for index, entry in enumerate(as_list(files)):
        named = entry.get("Value") if isinstance(entry, dict) else None
        written = expand(named, project) if isinstance(named, str | Text) else ""
        if str(written).startswith("arn:"):
            yield Need("s3:GetObject", written, "read its file of variables", f"{path}.{index}")


def _parameter_arn(source: str | Text, task: Resource) -> str | Text | None:
    """The ARN of a parameter that is named by it, or by its name where it is in the task's own region."""
    first = pieces(source)[0]
    if isinstance(first, str) and ":ssm:" in first:
        return source
    if not isinstance(source, str) or not _PARAMETER.fullmatch(source):
        return None
    region = task.stack.region or Pseudo("AWS::Region")
    name = source.removeprefix("/")
    return text([f"arn:{task.stack.partition}:ssm:", region, ":", *account_of(task.stack), f":parameter/{name}"])


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
