"""What the registry would let go, with the images that it really holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from checker.model.environments import Project
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.values import Known, Unknown
from checker.reason.account.facts import Entry, table, texts, when
from checker.reason.account.running import Image as Running
from checker.reason.account.running import Task, running_tasks
from checker.reason.images.lifecycle import Image, LifecycleRule, Refused, parse_policy, taken

REPOSITORY: Final = "AWS::ECR::Repository"
# How far "next in line" looks: one more release of each kind, and a week.
_PUSHES: Final = 2
_DAYS: Final = 7
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Loss:
    """An image that a running task uses and that the lifecycle policy takes, now or as the next in line."""

    repository: Resource
    image: Image
    task: Task
    rule: LifecycleRule
    now: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """An image that a running task uses and that the registry does not hold any more: no restart would find it."""

    repository: Resource
    running: Running
    task: Task


def losses(account: Account, project: Project) -> Iterator[tuple[Resource, list[Loss | Gone] | Unknown]]:
    """For each repository of the project, the images in use that are gone or would go."""
    tasks, images, now = running_tasks(account), table(account, "images"), when(account.taken_at)
    for repository in project.resources(REPOSITORY):
        if isinstance(tasks, Unknown):
            yield repository, tasks
        elif isinstance(images, Unknown):
            yield repository, images
        elif now is None:
            yield repository, Unknown("when the account was read")
        else:
            yield repository, _of(repository, images.get(repository.physical_id or ""), tasks, now)


def _of(repository: Resource, held: Any, tasks: Sequence[Task], now: datetime) -> list[Loss | Gone] | Unknown:
    if not isinstance(held, list):
        return Unknown("which images it holds")
    entries = [each for each in held if isinstance(each, dict)]
    policy = repository.get("LifecyclePolicy.LifecyclePolicyText")
    try:
        rules = parse_policy(policy.value if isinstance(policy, Known) else policy)
    except Refused:
        return []  # a policy that ECR refuses is not in force
    if isinstance(rules, Unknown):
        return rules
    by_name: dict[str, Image] = {}
    stored = []
    for each in entries:
        image = _image(each, now)
        if image is None:
            return Unknown("when its images were pushed")
        stored.append(image)
        by_name.update(dict.fromkeys((image.name, *image.tags), image))
    today = taken(rules, stored, 0.0)
    later = taken(rules, [*stored, *_next(stored)], float(_DAYS))
    found: list[Loss | Gone] = []
    for task, running in _using(repository, tasks):
        used = by_name.get(running.digest) or by_name.get(running.tag) or by_name.get(_digest(running.reference))
        if used is None:
            found.append(Gone(repository, running, task))
        elif used in today or used in later:
            found.append(Loss(repository, used, task, today.get(used) or later[used], used in today))
    return found


def _using(repository: Resource, tasks: Sequence[Task]) -> Iterator[tuple[Task, Running]]:
    seen = set()
    for task in tasks:
        for image in task.images:
            if image.repository == repository.physical_id and image.reference not in seen:
                seen.add(image.reference)
                yield task, image


def _digest(reference: str) -> str:
    return reference.partition("@")[2]


def _image(entry: Entry, now: datetime) -> Image | None:
    pushed = when(entry.get("pushed_at"))
    if pushed is None:
        return None
    name = str(entry.get("digest") or "")
    return Image(name, tuple(texts(entry.get("tags"))), (pushed - now) / _DAY)


def _next(stored: Sequence[Image]) -> Iterator[Image]:
    """The pushes of the coming week, tagged as the newest image of each kind of tag is."""
    newest = max(stored, key=lambda each: each.pushed, default=None)
    if newest is not None:
        yield from (Image(f"next {number}", newest.tags, float(number + 1)) for number in range(_PUSHES))
