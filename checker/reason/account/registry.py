"""What the registry would let go, with the images that it really holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from checker.model.environments import Project
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.values import Known, Unknown, as_list
from checker.reason.account.facts import Entry, resources_by_id, table, texts, when
from checker.reason.account.running import COMMIT, running_tasks, services
from checker.reason.account.running import Image as Running
from checker.reason.images.lifecycle import Image, LifecycleRule, Refused, parse_policy, taken

REPOSITORY: Final = "AWS::ECR::Repository"
# How far "next in line" looks: one more release of each kind, and a week.
_PUSHES: Final = 2
_DAYS: Final = 7
_DAY: Final = timedelta(days=1)


class Loss(Struct, frozen=True):
    """An image that is needed and that the lifecycle policy takes, now or as the next in line.

    ``who`` needs it. ``returns``: to go back to it, not to run it.
    """

    repository: Resource
    image: Image
    who: str
    rule: LifecycleRule
    now: bool
    returns: bool = False


class Gone(Struct, frozen=True):
    """An image that something runs and that the registry does not hold any more: no restart would find it."""

    repository: Resource
    running: Running
    who: str
    returns: bool = False


class _Use(Struct, frozen=True):
    """Who needs an image, and whether only to go back to it."""

    image: Running
    who: str
    returns: bool = False


class Losses(Struct, frozen=True):
    """The images of a repository that are needed and are gone or would go. ``doubt``: why there may be more."""

    found: tuple[Loss | Gone, ...]
    doubt: str = ""


def losses(account: Account, project: Project) -> Iterator[tuple[Resource, Losses | Unknown]]:
    """For each repository of the project what of it is lost."""
    tasks, images, now = running_tasks(account), table(account, "images"), when(account.taken_at)
    kept = _kept(account, project)
    for repository in project.resources(REPOSITORY):
        if isinstance(tasks, Unknown):
            yield repository, tasks
        elif isinstance(images, Unknown):
            yield repository, images
        elif now is None:
            yield repository, Unknown("when the account was read")
        else:
            uses = [_Use(image, f"task {task.family}") for task in tasks for image in task.images]
            more = [] if isinstance(kept, Unknown) else kept
            found = _of(repository, images.get(repository.physical_id or ""), [*uses, *more], now)
            doubt = kept.why if isinstance(kept, Unknown) else ""
            yield repository, found if isinstance(found, Unknown) else Losses(tuple(found), doubt)


def _kept(account: Account, project: Project) -> list[_Use] | Unknown:
    """What services start a task with when one stops, and what an unfinished roll-out goes back to."""
    found = services(account, project)
    if isinstance(found, Unknown):
        return found
    uses: list[_Use] = []
    definitions = resources_by_id(project, "AWS::ECS::TaskDefinition")
    for service in found:
        if not service.told:
            return Unknown(f"what the deployments of {service.resource.logical_id} are was not read")
        name = str(service.state.get("serviceName"))
        for each in service.deployments:
            definition = definitions.get(str(each.get("taskDefinition")))
            if definition is not None and each.get("status") in {"PRIMARY", "ACTIVE"}:
                returns = each["status"] == "ACTIVE"
                uses += [_Use(image, f"service {name}", returns) for image in _defined(definition)]
    return uses


def _defined(definition: Resource) -> Iterator[Running]:
    containers = definition.get("ContainerDefinitions")
    for at in range(len(as_list(containers.value)) if isinstance(containers, Known) else 0):
        image = definition.get(f"ContainerDefinitions.{at}.Image")
        if isinstance(image, Known):
            yield Running(str(at), str(image.value))


def _of(repository: Resource, held: Any, uses: Sequence[_Use], now: datetime) -> list[Loss | Gone] | Unknown:
    if not isinstance(held, list):
        return Unknown("which images it holds")
    entries = [each for each in held if isinstance(each, dict)]
    policy = repository.get("LifecyclePolicy.LifecyclePolicyText")
    try:
        rules = parse_policy(policy.value if isinstance(policy, Known) else policy)
    except Refused:
        rules = ()  # a policy that ECR refuses is not in force
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
    needed: dict[Image, _Use] = {}
    for use in _using(repository, uses):
        image = by_name.get(use.image.digest) or by_name.get(use.image.tag) or by_name.get(_digest(use.image.reference))
        if image is None:
            found.append(Gone(repository, use.image, use.who, use.returns))
        elif image not in needed or needed[image].returns:
            needed[image] = use
    before = _before([image for image, use in needed.items() if not use.returns], stored)
    if before is not None:
        needed.setdefault(before, _Use(Running("", ""), "a roll-back", returns=True))
    found += [
        Loss(repository, image, use.who, today.get(image) or later[image], image in today, use.returns)
        for image, use in needed.items()
        if image in today or image in later
    ]
    return found


def _using(repository: Resource, uses: Sequence[_Use]) -> Iterator[_Use]:
    """Each image of the repository that is needed, once; what runs before what is only gone back to."""
    seen = set()
    for use in sorted(uses, key=lambda each: each.returns):
        if use.image.repository == repository.physical_id and use.image.reference not in seen:
            seen.add(use.image.reference)
            yield use


def _before(running: Sequence[Image], stored: Sequence[Image]) -> Image | None:
    """The release before the one that runs: the newest older image that is tagged like it, by a commit alone or not."""
    first = min(running, key=lambda each: each.pushed, default=None)
    if first is None or not first.tags:
        return None
    named = _is_named(first)
    older = [each for each in stored if each.tags and each.pushed < first.pushed and _is_named(each) == named]
    commits = [each for each in older if any(map(COMMIT.fullmatch, each.tags))]
    return max(commits, key=lambda each: each.pushed, default=None)


def _is_named(image: Image) -> bool:
    """Whether it has another tag than its commit's: that of a release."""
    return not all(map(COMMIT.fullmatch, image.tags))


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
