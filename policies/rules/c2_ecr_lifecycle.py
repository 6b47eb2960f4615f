"""Image expiry spares every image that is in use, released or young.

What the review found
    The repositories keep the three newest images. A few pushes to staging, and the image that production runs is gone:
    the next task that starts there cannot pull it.
What is checked
    The lifecycle policy is run, as ECR would, on four repositories: one with 40 pushes in a day, one that has been that
    busy for two months, one with a push now and then, and one that nobody has pushed to for two years. In none of them
    may it expire (or archive, which makes an image as unpullable) a release-tagged image, the bootstrap image, an image
    that a task definition runs, or a commit's image that is younger than 30 days and among the newest 20. On the busy
    days, untagged images must be gone when they are a week old. The same holds for repository creation templates.
When it does not apply
    No ECR repository in the environment. A creation template for pull-through caches alone: what they hold can be
    pulled again.
What cannot be decided
    A policy whose rules depend on a value that is known only at deployment. Tags of releases are those of
    ``release_tag_patterns`` in ``checker.toml``; that a release does get its tag is for the release workflow to do.
Fix
    Give release tags and the bootstrap tag rules of their own, first and with a count that is never reached; expire
    untagged images after a few days; keep the rest by count, not by age, in a last rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, ResourceKey, Text, Unknown
from checker.reason.account.registry import Gone, losses
from checker.reason.images.lifecycle import Image, LifecycleRule, Refused, parse_policy, taken, wildcard
from checker.reason.images.references import SHA, image_references, parse_image, repositories, repository_of

PUSHES_A_DAY: Final = 40
BUSY_DAYS: Final = 60
PRODUCTION_DAYS: Final = 45
COMMIT_DAYS: Final = 30
COMMITS: Final = 20
UNTAGGED_DAYS: Final = 7
RELEASES: Final = 26  # half a year of weekly ones
BOOTSTRAP_DAYS: Final = 400
QUIET_DAYS: Final = 800
_TODAY: Final = 0.0

_FIX_POLICY: Final = "Write a policy that ECR accepts (Amazon ECR User Guide, lifecycle policy parameters)."
_FIX: Final = {
    "release": "Claim release tags in a first rule, with a count that is never reached; patterns in a rule are ANDed.",
    "bootstrap": "Claim the bootstrap tag in a rule of its own, by count, before the rules that expire tagged images.",
    "commit": f"Keep tagged images by count ({COMMITS} and more, untagged ones not counted), in the last rule.",
    "in-use": "Keep tagged images by count, not by age: a quiet repository still runs its newest image.",
    "untagged": f"Add a rule for tagStatus untagged that expires them sinceImagePushed at most {UNTAGGED_DAYS} days.",
}
_HOLDS: Final = {
    "release": "No release-tagged image is ever expired.",
    "bootstrap": "The bootstrap image is never expired.",
    "commit": f"Commits' images younger than {COMMIT_DAYS} days among the newest {COMMITS} are never expired.",
    "in-use": "No image that runs is expired.",
    "untagged": f"Untagged images are gone within {UNTAGGED_DAYS} days.",
}


def check(environment: Environment) -> Iterator[Judgement]:
    project = environment.project
    running = _tags_in_use(project) if "AWS::ECR::Repository" in environment.types else {}
    for repository in environment.resources("AWS::ECR::Repository"):
        tags = tuple(sorted(running.get(repository.key, ())))
        yield from _judged(repository, "LifecyclePolicy.LifecyclePolicyText", project, tags)
    for template in environment.resources("AWS::ECR::RepositoryCreationTemplate"):
        applied = template.get("AppliedFor")
        if isinstance(applied, Known) and applied.value == ["PULL_THROUGH_CACHE"]:
            yield template.not_applicable(None, "It makes pull-through caches only, and those can be filled again.")
        else:
            yield from _judged(template, "LifecyclePolicy", project, ())


def _judged(repository: Resource, path: str, project: Project, running: tuple[str, ...]) -> Iterator[Judgement]:
    value = repository.get(path)
    try:
        rules = parse_policy(value.value if isinstance(value, Known) else value)
    except Refused as refusal:
        yield repository.fails("policy", f"ECR refuses the lifecycle policy: {refusal}.", fix=_FIX_POLICY, path=path)
        return
    if isinstance(rules, Unknown):
        yield repository.undecided("policy", rules.why, path=path, fix="Write the lifecycle policy as a literal.")
        return
    settings = project.settings
    losses = faults(rules, tuple(settings.release_tag_patterns), tuple(settings.bootstrap_tags), running)
    for sub, holds in _HOLDS.items():
        if sub not in losses:
            yield repository.passes(sub, holds, path=path)
        elif isinstance(value, Absent):
            why = "Untagged images are kept for ever: there is no lifecycle policy."
            yield repository.fails(sub, why, fix=_FIX[sub], path=path, actual="not set")
        else:
            yield repository.fails(sub, losses[sub], fix=_FIX[sub], path=path)


def _tags_in_use(project: Project) -> dict[ResourceKey, set[str]]:
    """Per repository of the project, the tags that task definitions and functions run and nothing else protects.

    Release tags, the bootstrap tag and commit SHAs are in every simulation, and ``latest`` is the newest image.
    """
    by_name = repositories(project)
    settings = project.settings
    known = [wildcard(pattern) for pattern in (*settings.release_tag_patterns, *settings.bootstrap_tags, "latest")]
    found: dict[ResourceKey, set[str]] = {}
    for environment in project.environments:
        for reference in image_references(environment):
            if not isinstance(reference.value, str | Text):
                continue
            image = parse_image(reference.value, project)
            repository = repository_of(image, by_name, project)
            if repository is None or image.by_digest or isinstance(image.tag, Unknown):
                continue
            if not SHA.fullmatch(image.tag) and not any(each.fullmatch(image.tag) for each in known):
                found.setdefault(repository.key, set()).add(image.tag)
    return found


# -- the repositories that the policy is run on --------------------------------------------------


@dataclass(slots=True)
class Repository:
    """One imagined repository on one day. ``protected`` says of an image why it must stay, and what it is."""

    when: str
    busy: bool
    images: list[Image] = field(default_factory=list)
    protected: dict[Image, tuple[str, str]] = field(default_factory=dict)

    def add(self, age: float, *tags: str, why: str = "", what: str = "") -> None:
        """One image, pushed ``age`` days ago and, if it was ever deployed, pulled then for the last time."""
        image = Image(f"{len(self.images)}", tags, _TODAY - age, _TODAY - age if why else None)
        self.images.append(image)
        if why:
            self.protected[image] = (why, f"{what}, {age:.0f} days old" if age >= 1 else f"{what}, pushed today")


@lru_cache(maxsize=256)
def faults(
    rules: tuple[LifecycleRule, ...], releases: tuple[str, ...], bootstrap: tuple[str, ...], running: tuple[str, ...]
) -> Mapping[str, str]:
    """What the rules do that they must not, or leave undone: sub-id -> the first instance of it, as a sentence."""
    found: dict[str, str] = {}
    for repository in _repositories(releases, bootstrap, running):
        gone = taken(rules, repository.images, _TODAY)
        for image, (sub, what) in repository.protected.items():
            rule = gone.get(image)
            if rule is not None:
                verb = "expires" if rule.expires else "archives"
                found.setdefault(sub, f"{repository.when}, rule {rule.priority} {verb} {what}.")
        for image in repository.images if repository.busy else ():
            rule = gone.get(image)
            if not image.tags and _TODAY - image.pushed > UNTAGGED_DAYS and not (rule and rule.expires):
                age = f"{_TODAY - image.pushed:.0f}"
                found.setdefault("untagged", f"{repository.when}, an untagged image is still there after {age} days.")
    return found


@lru_cache(maxsize=64)
def _repositories(
    releases: tuple[str, ...], bootstrap: tuple[str, ...], running: tuple[str, ...]
) -> tuple[Repository, ...]:
    burst = Repository(f"On a day with {PUSHES_A_DAY} pushes", busy=True)
    _pushes(burst, [(number + 0.5) / PUSHES_A_DAY for number in range(PUSHES_A_DAY)])
    _pushes(burst, range(2, PRODUCTION_DAYS), newest=PUSHES_A_DAY)
    for age in (3.0, 7.5, 9.0, 20.0, 40.0):
        burst.add(age)
    calm = Repository(f"With {COMMITS} pushes in {COMMIT_DAYS} days", busy=False)
    _pushes(calm, [0.1 + number * (COMMIT_DAYS - 0.4) / (COMMITS - 1) for number in range(COMMITS)])
    busy = Repository(f"After {BUSY_DAYS} days of {PUSHES_A_DAY} pushes a day", busy=True)
    _pushes(busy, [(number + 0.5) / PUSHES_A_DAY for number in range(PUSHES_A_DAY * BUSY_DAYS)])
    quiet = Repository(f"In a repository without a push for {QUIET_DAYS} days", busy=False)
    _pushes(quiet, [QUIET_DAYS + number * 1.5 for number in range(COMMITS)])
    every = (burst, calm, busy, quiet)
    for repository in every:
        _standing(repository, QUIET_DAYS if repository is quiet else 0, releases, bootstrap, running)
        _protect_commits(repository)
    return every


def _pushes(repository: Repository, ages: Iterable[float], newest: int = 0) -> None:
    """Commits' images from the newest, which staging runs. Every second push leaves an untagged image behind it."""
    for number, age in enumerate(ages, start=newest):
        if number == 0:
            repository.add(age, _sha(number), why="in-use", what="the newest commit's image, which staging runs")
        else:
            repository.add(age, _sha(number))
        if number % 2 and age < 2 * UNTAGGED_DAYS:
            repository.add(age)


def _protect_commits(repository: Repository) -> None:
    """The newest images with a commit's tag stay while they are young, those of releases counted among them."""
    commits = sorted((image for image in repository.images if _is_commit(image)), key=lambda image: -image.pushed)
    for number, image in enumerate(commits[:COMMITS], start=1):
        age = _TODAY - image.pushed
        if age < COMMIT_DAYS and image not in repository.protected:
            what = f"commit {number} from the newest, {age:.1f} days old"
            repository.protected[image] = ("commit", what)


def _is_commit(image: Image) -> bool:
    return any(map(SHA.fullmatch, image.tags))


def _standing(
    repository: Repository, quiet: int, releases: Iterable[str], bootstrap: Iterable[str], running: Iterable[str]
) -> None:
    """What is there whatever the pushes: releases, the bootstrap image, and images that run by a tag of their own."""
    for pattern in releases:
        for number, (age, version) in enumerate(_releases() if "*" in pattern else [(PRODUCTION_DAYS, "")]):
            tag = pattern.replace("*", version, 1).replace("*", "")
            what = f"production's image {tag}" if number == 0 else f"the image of release {tag}"
            repository.add(age + quiet, tag, _sha(-1 - number), why="release", what=what)
    for tag in bootstrap:
        repository.add(BOOTSTRAP_DAYS + quiet, tag, why="bootstrap", what=f"the bootstrap image {tag}")
    for tag in running:
        age = PRODUCTION_DAYS + quiet
        repository.add(age, tag, _sha(-100), why="in-use", what=f"the image {tag}, which a task definition runs")


def _releases() -> Iterator[tuple[int, str]]:
    """Age and version of each release: what production runs, the next one that is being tried, and those before."""
    yield PRODUCTION_DAYS, "1.2.3"
    yield 10, "2.0.0"
    for number in range(2, RELEASES):
        yield PRODUCTION_DAYS + 7 * (number - 1), f"{1 if number < RELEASES // 2 else 0}.{RELEASES - number}.7"


def _sha(number: int) -> str:
    """A commit SHA; neighbours start with different digits, so that a rule by first digit shows itself."""
    return f"{number % 16:x}" + hashlib.sha256(str(number).encode()).hexdigest()[:39]


def check_account(account: Account, project: Project) -> Iterator[Judgement]:
    """Live: no image that a task runs is gone, or next in line to go."""
    for repository, found in losses(account, project):
        if isinstance(found, Unknown):
            yield repository.undecided("running", f"whether images in use are kept: {found.why}", fix=_FIX_RUNNING)
            continue
        for each in found:
            if isinstance(each, Gone):
                why = f"Task {each.task.family} runs {each.running.reference}, which the repository no longer holds."
            else:
                name = next(iter(each.image.tags), each.image.name)
                when = "expires at the next run of" if each.now else "is next in line to be expired by"
                why = f"Image {name}, which {each.task.family} runs, {when} rule {each.rule.priority}."
            yield repository.fails("running", why, fix=_FIX_RUNNING, path="LifecyclePolicy")
        if not found:
            yield repository.passes("running", "Every image that runs is held, and none is next in line to go.")


_FIX_RUNNING: Final = "Give what runs a tag that a keeping rule of higher priority protects, and push it again if gone."


RULE = Rule(
    id="C2",
    looked_for="image repository (AWS::ECR::Repository, AWS::ECR::RepositoryCreationTemplate)",
    check=check,
    check_account=check_account,
)
