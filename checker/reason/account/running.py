"""What runs: each service's tasks, the images that they run, and the commits that those are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environments import Project
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.values import Unknown
from checker.reason.account.facts import Entry, entries, resources_by_id, texts

SERVICE: Final = "AWS::ECS::Service"
COMMIT: Final = lazy_re.compile(r"[0-9a-f]{40}")
_ECR: Final = lazy_re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<repository>[^:@]+)"
)
_MIGRATES: Final = lazy_re.compile(r"migrat", re.IGNORECASE)
# Amazon ECS Developer Guide, "Task lifecycle": the states in which a task does not run any more.
_ENDED: Final = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"})


class Image(Struct, frozen=True):
    """The image of one container of one task. ``digest`` is what ECS resolved the reference to, where it says so."""

    container: str
    reference: str
    digest: str = ""

    @property
    def repository(self) -> str:
        """The repository's name in this account's kind of registry; empty for an image from elsewhere."""
        match = _ECR.match(self.reference)
        return match["repository"] if match else ""

    @property
    def tag(self) -> str:
        """The tag; ``latest`` where none is written, empty where a digest is."""
        if "@" in self.reference:
            return ""
        _, colon, tag = self.reference.rpartition("/")[2].partition(":")
        return tag if colon else "latest"

    @property
    def pinned(self) -> bool:
        """Whether it is named by a digest or by a commit, so that it cannot come to mean another image."""
        return "@sha256:" in self.reference or bool(COMMIT.fullmatch(self.tag))


class Task(Struct, frozen=True):
    """A task that runs or is about to. ``service`` is the service that keeps it, empty for one that runs by itself."""

    cluster: str
    definition: str
    service: str
    images: tuple[Image, ...]
    command: str = ""

    @property
    def family(self) -> str:
        return self.definition.rpartition("/")[2].partition(":")[0]

    @property
    def migrates(self) -> bool:
        """Whether its family or its command speaks of migrations."""
        return not self.service and bool(_MIGRATES.search(self.family) or _MIGRATES.search(self.command))


def _commits(image: Image, held: object) -> frozenset[str]:
    if COMMIT.fullmatch(image.tag):
        return frozenset({image.tag})
    digests = {image.digest, image.reference.partition("@")[2]} - {""}
    entries = [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []
    tags = (tag for each in entries if each.get("digest") in digests for tag in texts(each.get("tags")))
    return frozenset(tag for tag in tags if COMMIT.fullmatch(tag))


def running_tasks(account: Account) -> list[Task] | Unknown:
    """All tasks that run; :class:`Unknown` where they could not all be read."""
    found = entries(account, "tasks")
    return found if isinstance(found, Unknown) else [_task(each) for each in found if _runs(each)]


def _runs(task: Entry) -> bool:
    return task.get("lastStatus") not in _ENDED and task.get("desiredStatus") != "STOPPED"


def _task(task: Entry) -> Task:
    group = str(task.get("group") or "")
    containers = task.get("containers")
    commands = task.get("commands")
    words = [word for each in commands.values() for word in each] if isinstance(commands, dict) else []
    return Task(
        cluster=str(task.get("clusterArn") or ""),
        definition=str(task.get("taskDefinitionArn") or ""),
        service=group.removeprefix("service:") if group.startswith("service:") else "",
        images=tuple(
            Image(str(each.get("name") or ""), str(each["image"]), str(each.get("imageDigest") or ""))
            for each in (containers if isinstance(containers, list) else ())
            if isinstance(each, dict) and each.get("image")
        ),
        command=" ".join(map(str, words)),
    )


class Service(Struct, frozen=True):
    """A service of the project, what ECS says of its deployments, and the tasks that it runs.

    Without a ``state`` it is there, and nothing was told of what it does.
    """

    resource: Resource
    state: Entry
    tasks: tuple[Task, ...]

    @property
    def told(self) -> bool:
        return bool(self.state)

    @property
    def deployments(self) -> list[Entry]:
        found = self.state.get("deployments")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def commits(self, own: frozenset[str], held: Mapping[str, object]) -> set[frozenset[str]]:
        """Of each image that its tasks run from the repositories ``own`` the commits that it may be of.

        That is its tag; of one that is named by its digest, or by a tag that moves, the tags that the registry holds
        it under (``held``, by repository), which may be several.
        """
        images = {image for task in self.tasks for image in task.images if image.repository in own}
        found = {_commits(image, held.get(image.repository)) for image in images}
        return {each for each in found if each}


def services(account: Account, project: Project) -> list[Service] | Unknown:
    """The project's services as they run; :class:`Unknown` where deployments or tasks could not be read."""
    states, tasks = entries(account, "deployments"), running_tasks(account)
    if isinstance(states, Unknown):
        return states
    if isinstance(tasks, Unknown):
        return tasks
    by_arn = {str(each.get("serviceArn")): each for each in states}
    by_service: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        by_service.setdefault((task.cluster, task.service), []).append(task)
    found = []
    for resource in project.resources(SERVICE):
        arn = resource.physical_id or ""
        state = by_arn.get(arn, {})
        # The ARN ends in the service's name.
        key = str(state.get("clusterArn") or ""), str(state.get("serviceName") or arn.rpartition("/")[2])
        found.append(Service(resource, state, tuple(by_service.get(key, ()))))
    return found


def services_gone(account: Account, project: Project) -> list[Resource]:
    """The services that a stack of the project has, and that are not in the account any more."""
    names = {each.name for each in project.environments}
    return [each for each in account.gone if each.type == SERVICE and each.environment_name in names]


def own_repositories(project: Project) -> frozenset[str]:
    """The names of the project's image repositories."""
    return frozenset(each.physical_id for each in project.resources("AWS::ECR::Repository") if each.physical_id)


def task_places(tasks: list[Task], project: Project) -> Iterator[tuple[Task, Resource]]:
    """Each task with the resource that stands for it: its service, the definition that it runs, or its cluster."""
    by_name: dict[tuple[str, str], Resource] = {}  # cluster and service, both by name
    for resource in project.resources(SERVICE):
        parts = (resource.physical_id or "").split("/")
        if len(parts) == 3:
            by_name[parts[1], parts[2]] = resource
    definitions = resources_by_id(project, "AWS::ECS::TaskDefinition")
    clusters = {each.physical_id: each for each in project.resources("AWS::ECS::Cluster") if each.physical_id}
    families = {(each.physical_id or "").rpartition("/")[2].partition(":")[0]: each for each in definitions.values()}
    for task in tasks:
        place = by_name.get((task.cluster.rpartition("/")[2], task.service)) if task.service else None
        place = place or definitions.get(task.definition) or families.get(task.family)
        # A person may run what no stack defines: it is the cluster's all the same.
        place = place or clusters.get(task.cluster.rpartition("/")[2]) or clusters.get(task.cluster)
        if place is not None:
            yield task, place
