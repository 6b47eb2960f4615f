"""What a lifecycle policy does to repositories as they are in practice: four imagined ones, on one day each.

The numbers are the simulation's: how often a busy project pushes, how old what runs in production gets.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.environment_words import environment_of
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.shown.facts import Fate, ImagesOfAge, Retention
from checker.model.values import Known, ResourceKey, Text, Unknown
from checker.reason.images.lifecycle import Image, LifecycleRule, Refused, parse_policy, taken, wildcard
from checker.reason.images.references import (
    SHA,
    ParsedImage,
    image_references,
    parse_image,
    repositories,
    repository_of,
)
from checker.reason.images.witnesses import commit_tags, release_tags

PUSHES_A_DAY: Final = 40
BUSY_DAYS: Final = 60
PRODUCTION_DAYS: Final = 45
COMMIT_DAYS: Final = 30
COMMITS: Final = 20
UNTAGGED_DAYS: Final = 7
RELEASES: Final = 26  # half a year of weekly ones
YEARS: Final = 8  # of weekly releases before those
MOST_RELEASES: Final = 2 * RELEASES * YEARS  # a rule that keeps as many keeps them all
BOOTSTRAP_DAYS: Final = 400
QUIET_DAYS: Final = 800
_TODAY: Final = 0.0


def tags_in_use(project: Project) -> dict[ResourceKey, set[str]]:
    """Per repository of the project, the tags that task definitions and functions run and nothing else protects.

    Release tags, the bootstrap tag and commit SHAs are in every simulation, and ``latest`` is the newest image.
    """
    by_name = repositories(project)
    settings = project.settings
    known = [wildcard(pattern) for pattern in (*settings.release_tag_patterns, *settings.bootstrap_tags, "latest")]
    found: dict[ResourceKey, set[str]] = {}
    for image in _tagged(project):
        repository = repository_of(image, by_name, project)
        if repository is None or not isinstance(image.tag, str):
            continue
        if not SHA.fullmatch(image.tag) and not any(each.fullmatch(image.tag) for each in known):
            found.setdefault(repository.key, set()).add(image.tag)
    return found


def pinned(project: Project) -> dict[ResourceKey, str]:
    """Per repository of the project, an image that something runs by its digest alone: it may have no tag."""
    by_name = repositories(project)
    found: dict[ResourceKey, str] = {}
    for environment in project.environments:
        for reference in image_references(environment):
            if isinstance(reference.value, str | Text) and _NO_TAG.search(str(reference.value)):
                image = parse_image(reference.value, project)
                repository = repository_of(image, by_name, project) if image.by_digest else None
                if repository is not None:
                    found.setdefault(repository.key, f"{reference.owner.logical_id} runs an image by its digest")
    return found


_NO_TAG: Final = lazy_re.compile(r"(?:^|/)[^/:@]+@")


def _tagged(project: Project) -> Iterator[ParsedImage]:
    """The images that the project runs by a tag that is known."""
    for environment in project.environments:
        for reference in image_references(environment):
            if isinstance(reference.value, str | Text):
                image = parse_image(reference.value, project)
                if not image.by_digest and isinstance(image.tag, str):
                    yield image


def bootstrap_tags(project: Project, repository: Resource) -> tuple[str, ...]:
    """The bootstrap tags that there are images of in a repository: the settings say so, or something runs one.

    One that every run of a workflow pushes again is never old, whatever it names.
    """
    there = project.settings.bootstrap_tags
    if not project.settings.has_bootstrap:
        used = project.once(_bootstrap_in_use)
        there = tuple(tag for tag in there if tag in used.get(repository.key, ()) or tag in used.get(None, ()))
    return tuple(tag for tag in there if tag not in project.once(_pushed_again).get(repository.key, ()))


def _bootstrap_in_use(project: Project) -> dict[ResourceKey | None, set[str]]:
    """Per repository; under ``None`` those of images whose repository cannot be told."""
    by_name = repositories(project)
    found: dict[ResourceKey | None, set[str]] = {}
    for image in _tagged(project):
        if image.tag in project.settings.bootstrap_tags and isinstance(image.tag, str):
            repository = repository_of(image, by_name, project)
            found.setdefault(repository.key if repository is not None else None, set()).add(image.tag)
    return found


def _pushed_again(project: Project) -> dict[ResourceKey, set[str]]:
    """Per repository, the tags that a workflow pushes in each of its runs."""
    by_name = repositories(project)
    found: dict[ResourceKey, set[str]] = {}
    if (pipeline := project.pipeline) is None:
        return found
    from checker.reason.images.asked_first import asked_first

    for call in pipeline.aws_calls():
        if call.service != "ecr" or call.operation not in {"docker-push", "PutImage"} or asked_first(call, pipeline):
            continue
        name, tag = call.text("repositoryName"), call.text("imageTag")
        if isinstance(name, str) and isinstance(tag, str) and name in by_name:
            found.setdefault(by_name[name].key, set()).add(tag)
    return found


# -- the repositories that the policy is run on --------------------------------------------------


class Repository(Struct):
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
    imagined = (*_repositories(releases, bootstrap, running), *_about(rules, releases), *_in_sequence(running))
    for repository in imagined:
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
    burst = Repository(f"Simulated, on a day with {PUSHES_A_DAY} pushes", busy=True)
    _pushes(burst, [(number + 0.5) / PUSHES_A_DAY for number in range(PUSHES_A_DAY)])
    _pushes(burst, range(2, PRODUCTION_DAYS), newest=PUSHES_A_DAY)
    for age in (3.0, 7.5, 9.0, 20.0, 40.0):
        burst.add(age)
    calm = Repository(f"Simulated, with {COMMITS} pushes in {COMMIT_DAYS} days", busy=False)
    _pushes(calm, [0.1 + number * (COMMIT_DAYS - 0.4) / (COMMITS - 1) for number in range(COMMITS)])
    busy = Repository(f"Simulated, after {BUSY_DAYS} days of {PUSHES_A_DAY} pushes a day", busy=True)
    _pushes(busy, [(number + 0.5) / PUSHES_A_DAY for number in range(PUSHES_A_DAY * BUSY_DAYS)])
    quiet = Repository(f"Simulated, in a repository without a push for {QUIET_DAYS} days", busy=False)
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
            what = f"a release's image, tagged as {tag} would be"
            repository.add(age + quiet, tag, _sha(-1 - number), why="release", what=what)
    for tag in bootstrap:
        repository.add(BOOTSTRAP_DAYS + quiet, tag, why="bootstrap", what=f"the bootstrap image {tag}")
    for tag in running:
        age = PRODUCTION_DAYS + quiet
        repository.add(age, tag, _sha(-100), why="in-use", what=f"the image {tag}, which a task definition runs")


def _releases() -> Iterator[tuple[int, str]]:
    """Age and version of each release: what production runs, the next one that is being tried, and those before.

    The policy must keep every release for good: those of many years are there, a year's of one age.
    """
    yield PRODUCTION_DAYS, "1.2.3"
    yield 10, "2.0.0"
    for number in range(2, RELEASES):
        yield PRODUCTION_DAYS + 7 * (number - 1), f"{1 if number < RELEASES // 2 else 0}.{RELEASES - number}.7"

    for year in range(1, YEARS):
        for number in range(2 * RELEASES):
            yield PRODUCTION_DAYS + 365 * year, f"0.0.{year * 100 + number}"


def _about(rules: tuple[LifecycleRule, ...], releases: tuple[str, ...]) -> Iterator[Repository]:
    """For each rule with patterns, a repository of what it is about: releases and young commits that it matches."""
    for rule in rules:
        aged = rule.count_type != "imageCountMoreThan"
        if not rule.patterns or (not aged and rule.count >= MOST_RELEASES):
            continue
        repository = Repository(f"Simulated, with tags that rule {rule.priority} matches", busy=False)
        for pattern in releases:
            for number, tag in enumerate(release_tags(rule.patterns, pattern, 1 if aged else rule.count + 1)):
                age = float(rule.count + 1 if aged else PRODUCTION_DAYS + 7 * number)
                repository.add(age, tag, _sha(-1 - number), why="release", what=f"a release's image, tagged {tag}")
        young = aged and rule.count + 1 < COMMIT_DAYS
        most = (1 if young else 0) if aged else min(rule.count + 1, COMMITS)
        for number, tag in enumerate(commit_tags(rule.patterns, most)):
            age = rule.count + 1 if aged else (number + 1) * (COMMIT_DAYS - 1) / COMMITS
            repository.add(age, tag, why="commit", what=f"the image of commit {tag[:7]}…")
        if repository.images:
            yield repository


def _in_sequence(running: Iterable[str]) -> Iterator[Repository]:
    """For each image that runs under a number, ``build-17``, a repository with those that were built after it. Where an
    environment has numbers of its own, what it runs is the newest of them."""
    for tag in running:
        number = _NUMBER.search(tag) if len(tag) <= _LONGEST else None
        if number is None or environment_of(tag) is not None:
            continue
        repository = Repository(f"Simulated, with {COMMITS} images built after it", busy=False)
        repository.add(PRODUCTION_DAYS, tag, why="in-use", what=f"the image {tag}, which a task definition runs")
        for later in range(1, COMMITS + 1):
            counted = str(int(number[0]) + later).zfill(len(number[0]))
            age = PRODUCTION_DAYS * (1 - later / (COMMITS + 1))
            repository.add(age, f"{tag[: number.start()]}{counted}{tag[number.end() :]}")
        yield repository


# The last number of a tag, which the next build counts on.
_LONGEST: Final = 128  # characters of a tag, at most (Docker Registry HTTP API)
_NUMBER: Final = lazy_re.compile(r"\d{1,9}(?!.*\d)")


@lru_cache(maxsize=1 << 13)
def _sha(number: int) -> str:
    """A commit SHA; neighbours start with different digits, so that a rule by first digit shows itself."""
    return f"{number % 16:x}" + hashlib.sha256(str(number).encode()).hexdigest()[:39]


# -- what reports draw of it ---------------------------------------------------------------------


def simulations(project: Project) -> Iterator[Retention]:
    """Each policy of the project that can be run, on each imagined repository; images of one age counted together."""
    running = tags_in_use(project)
    settings = project.settings
    releases = tuple(settings.release_tag_patterns)
    owners: dict[tuple[tuple[LifecycleRule, ...], tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for repository in project.resources("AWS::ECR::Repository"):
        rules = _rules_of(repository)
        if rules is not None:
            tags = tuple(sorted(running.get(repository.key, ())))
            owners.setdefault((rules, tags, bootstrap_tags(project, repository)), []).append(repository.logical_id)
    for (rules, tags, bootstrap), names in owners.items():
        for imagined in _repositories(releases, bootstrap, tags):
            yield Retention(tuple(names), imagined.when, tuple(_by_age(imagined, rules)))


def _rules_of(repository: Resource) -> tuple[LifecycleRule, ...] | None:
    value = repository.get("LifecyclePolicy.LifecyclePolicyText")
    try:
        rules = parse_policy(value.value if isinstance(value, Known) else value)
    except Refused:
        return None
    return None if isinstance(rules, Unknown) else tuple(rules)


_KINDS: Final = {"release": "releases", "bootstrap": "bootstrap", "in-use": "in use", "commit": "young commits"}


def _by_age(repository: Repository, rules: tuple[LifecycleRule, ...]) -> Iterator[ImagesOfAge]:
    gone = taken(rules, repository.images, _TODAY)
    counts: Counter[tuple[str, int, Fate, str]] = Counter()
    for image in repository.images:
        rule = gone.get(image)
        fate = Fate.KEPT if rule is None else Fate.EXPIRED if rule.expires else Fate.ARCHIVED
        age = _TODAY - image.pushed
        if image in repository.protected:
            kind, must = _KINDS[repository.protected[image][0]], "stay"
        elif image.tags:
            kind, must = "other commits", ""
        else:
            kind, must = "untagged", "go" if repository.busy and age > UNTAGGED_DAYS else ""
        counts[kind, int(age), fate, must] += 1
    order = (*_KINDS.values(), "other commits", "untagged")
    for (kind, days, fate, must), count in sorted(counts.items(), key=lambda each: (order.index(each[0][0]), each[0])):
        yield ImagesOfAge(kind, days, count, fate, must)
