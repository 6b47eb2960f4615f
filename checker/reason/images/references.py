"""Which images the templates run, and whether such a reference can come to mean another image.

A reference moves when its tag is put on another image: then the same template starts other code, at a moment that
nobody chose (a task that restarts, a deployment of something else).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment, Project
from checker.model.resources import Resource
from checker.model.values import Absent, Attribute, Hole, Known, Resolved, ResourceKey, Text, Unknown
from checker.reason.images.given_tags import is_hash
from checker.reason.images.lifecycle import expires
from checker.reason.images.named_so import named_so

# Where a resource names the image that it runs; `*` stands for every element of a list.
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ECS::TaskDefinition": ("ContainerDefinitions.*.Image",),
    "AWS::ECS::ExpressGatewayService": ("PrimaryContainer.Image",),
    "AWS::Lambda::Function": ("Code.ImageUri",),
    "AWS::Serverless::Function": ("ImageUri",),
    "AWS::AppRunner::Service": ("SourceConfiguration.ImageRepository.ImageIdentifier",),
    "AWS::Batch::JobDefinition": (
        "ContainerProperties.Image",
        "EcsProperties.TaskProperties.*.Containers.*.Image",
        "NodeProperties.NodeRangeProperties.*.Container.Image",
        "EksProperties.PodProperties.Containers.*.Image",
        "EksProperties.PodProperties.InitContainers.*.Image",
    ),
    "AWS::BedrockAgentCore::Runtime": ("AgentRuntimeArtifact.ContainerConfiguration.ContainerUri",),
    "AWS::Lightsail::Container": ("ContainerServiceDeployment.Containers.*.Image",),
    "AWS::SageMaker::InferenceComponent": ("Specification.Container.Image",),
    "AWS::SageMaker::Model": ("PrimaryContainer.Image", "Containers.*.Image"),
}
SHA: Final = lazy_re.compile(r"[0-9a-f]{40}")
# Tags of CDK's image assets: a hash of the content.
_CONTENT_HASH: Final = lazy_re.compile(r"[0-9a-f]{64}")
_DYNAMIC: Final = lazy_re.compile(r"\{\{resolve:[^}]*\}\}")
# A version of at least two numbers (1.27, v3.3.7-alpine), a date or a build number.
_RELEASE: Final = lazy_re.compile(r"\d+\.\d+|\d{6}|\d{4}-\d{2}-\d{2}")
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_NAME: Final = lazy_re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = lazy_re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_HEX: Final = frozenset("0123456789abcdef")
_FIRST_MARK: Final = 0xE000  # private use: stands for hole 0, the next one for hole 1, ...


class ImageReference(Struct, frozen=True):
    """One place that names an image: ``value`` is resolved, ``path`` is where it stands in ``owner``."""

    owner: Resource
    path: str
    value: Resolved


class Registry(StrEnum):
    """Whose registry an image comes from, as far as its name tells."""

    ECR = "ecr"  # a private registry of ECR: tags there are ours to move
    FOREIGN = "foreign"
    OPEN = "open"


class ParsedImage(Struct, frozen=True):
    """An image reference in its parts.

    ``tag`` is ``latest`` where none is given, and unknown where an open value holds or may hold it. ``repository`` is
    the name below an ECR registry's host; ``target`` the resource that the name comes from, if it is a reference.
    """

    registry: Registry
    repository: str
    tag: str | Unknown
    by_digest: bool = False
    target: ResourceKey | None = None
    hashed: bool = False  # its parameter takes nothing but a commit SHA or a hash


def image_references(environment: Environment) -> Iterator[ImageReference]:
    """Every image that the environment's resources run, with unknown values where a place could not be resolved."""
    for kind, places in _PLACES.items():
        for owner in environment.resources(kind):
            for place in places:
                yield from _at(owner, place)
    for owner, path, value in named_so(environment, _PLACES):
        yield ImageReference(owner, path, value)


def build_references(environment: Environment) -> Iterator[ImageReference]:
    """The images that builds run in or start from, other than those that AWS keeps for CodeBuild."""
    for owner in environment.resources("AWS::CodeBuild::Project"):
        for each in _at(owner, "Environment.Image"):
            if not str(each.value).startswith("aws/codebuild/"):
                yield each
    for owner in environment.resources("AWS::ImageBuilder::ContainerRecipe"):
        for each in _at(owner, "ParentImage"):
            if not str(each.value).startswith("arn:"):
                yield each


def _at(owner: Resource, place: str) -> Iterator[ImageReference]:
    head, _, rest = place.partition(".*.")
    value = owner.get(head)
    if isinstance(value, Absent) or (isinstance(value, Unknown) and not _may_run_image(owner, head)):
        return
    for path, found in _below(value if isinstance(value, Unknown) else value.value, rest, head):
        yield ImageReference(owner, path, found)


def _may_run_image(owner: Resource, place: str) -> bool:
    """Whether a place that cannot be resolved may name an image: not below a text, nor in a function made of a zip."""
    above, _, _ = place.rpartition(".")
    parent = owner.get(above) if above else None
    if isinstance(parent, Known) and isinstance(parent.value, str):
        return False
    package = owner.get("PackageType") if owner.type == "AWS::Lambda::Function" else None
    return package is None or (
        not isinstance(package, Absent) and not (isinstance(package, Known) and package.value == "Zip")
    )


def _below(value: Resolved, place: str, path: str) -> Iterator[tuple[str, Resolved]]:
    if isinstance(value, Unknown | Text) or not place:
        yield path, value
        return
    head, _, rest = place.partition(".*.")
    for index, element in enumerate(value if isinstance(value, list) else []):
        inner, here = element, f"{path}.{index}"
        for step in head.split("."):
            if isinstance(inner, Unknown | Text):
                break
            inner = inner.get(step) if isinstance(inner, dict) else None
            here = f"{here}.{step}"
        if inner is not None:
            yield from _below(inner, rest, here)


def parse_image(value: str | Text, project: Project) -> ParsedImage:
    """Take an image reference apart, holes and dynamic references included."""
    marked, holes = _marked(value)
    login, _, rest = marked.partition("@")
    if "/" in rest and "/" not in login:
        marked = rest  # a login in front of the registry's host, which is no part of the name
    name, at, digest = marked.partition("@")
    colon = name.rfind(":")
    tag: str | Unknown = "latest"
    if colon > name.rfind("/") and colon != -1:
        name, written = name[:colon], name[colon + 1 :]
        tag = Unknown(f"the tag of {value} is not known before deployment") if _marks(written) else written
    elif not at and _may_hold_tag(name.rpartition("/")[2], holes, project):
        tag = Unknown(f"{value} may hold any tag")
    target = next(filter(None, (_repository(hole, project) for hole in _holes_in(name, holes))), None)
    host, slash, below = name.partition("/")
    registry = _registry(host if slash else "", name, target)
    hashed = isinstance(tag, Unknown) and is_hash(value, project)
    return ParsedImage(registry, below if slash else name, tag, bool(at) and _is_digest(digest), target, hashed)


def _marked(value: str | Text) -> tuple[str, list[Hole | None]]:
    """The reference as one string with a mark for each open part, and what the marks stand for."""
    holes: list[Hole | None] = []

    def mark(hole: Hole | None) -> str:
        holes.append(hole)
        return chr(_FIRST_MARK + len(holes) - 1)

    written = ""
    for part in value.parts if isinstance(value, Text) else (value,):
        if isinstance(part, str):
            plain = "".join(" " if ord(each) >= _FIRST_MARK else each for each in part)
            written += _DYNAMIC.sub(lambda _: mark(None), plain)
        else:
            written += mark(part)
    return written, holes


def _marks(text: str) -> bool:
    return any(ord(each) >= _FIRST_MARK for each in text)


def _holes_in(text: str, holes: Sequence[Hole | None]) -> Iterator[Hole]:
    for each in text:
        hole = holes[ord(each) - _FIRST_MARK] if ord(each) >= _FIRST_MARK else None
        if hole is not None:
            yield hole


def _may_hold_tag(last: str, holes: Sequence[Hole | None], project: Project) -> bool:
    """Whether an open part of the last segment could bring a tag: a repository's own name or address cannot."""
    return any(
        ord(each) >= _FIRST_MARK and _repository(holes[ord(each) - _FIRST_MARK], project) is None for each in last
    )


def _repository(hole: Hole | None, project: Project) -> ResourceKey | None:
    """The repository whose name or address a hole is; ``None`` where it is none's."""
    if not isinstance(hole, Attribute) or hole.name not in {"", "RepositoryUri"}:
        return None
    resource = project.resource(hole.target)
    return hole.target if resource is not None and resource.type == "AWS::ECR::Repository" else None


def _registry(host: str, name: str, target: ResourceKey | None) -> Registry:
    if target is not None or re.search(r"\.dkr[.-]ecr", host):
        return Registry.ECR
    return Registry.OPEN if _marks(host or name) else Registry.FOREIGN


def _is_digest(text: str) -> bool:
    return text.startswith("sha256:") or _marks(text[:1])


# -- can it move ---------------------------------------------------------------------------------


class Movement(StrEnum):
    """Whether a reference can come to mean another image."""

    FIXED = "fixed"
    MOVES = "moves"
    OPEN = "open"


def movement(image: ParsedImage, repository: Resource | None, bootstrap_tags: Sequence[str]) -> tuple[Movement, str]:
    """Whether the reference can move, and why. ``repository`` is the project's own resource of the image, if it has it.

    In an ECR registry, a commit SHA, a content hash and the bootstrap tag are fixed by what they mean; any other tag is
    as fixed as its repository keeps it. A foreign publisher's release is fixed, a line of releases (``20``, ``stable``)
    moves with each of them.
    """
    if image.by_digest:
        return Movement.FIXED, "a digest"
    if image.hashed:
        return Movement.FIXED, "a commit SHA or a hash, as the pattern of its parameter asks"
    tag = image.tag
    if isinstance(tag, Unknown):
        return Movement.OPEN, tag.why
    if _is_placeholder(image.repository, tag):
        return Movement.OPEN, "no registry takes this name: which image is put in its place is not known"
    if tag == "latest":
        return Movement.MOVES, "latest is the tag of whatever was pushed last"
    if SHA.fullmatch(tag) or _CONTENT_HASH.fullmatch(tag):
        return Movement.FIXED, "a commit SHA or a content hash"
    if image.registry is Registry.FOREIGN:
        if _RELEASE.search(tag) and _is_line(image.repository, tag):
            return Movement.MOVES, f"{tag!r} is a line of releases, and its publisher moves it with each of them"
        if _RELEASE.search(tag):
            return Movement.FIXED, "a release of another publisher's"
        return Movement.MOVES, f"its publisher moves {tag!r} with every release"
    if tag in bootstrap_tags:
        return Movement.FIXED, "the bootstrap tag"
    if repository is None:
        if _RELEASE.search(tag):
            return (
                Movement.OPEN,
                f"whether the tag {tag!r} can move is for its repository to say, which no template declares",
            )
        return Movement.MOVES, f"{tag!r} is no commit SHA, and checker.toml does not name it as a bootstrap tag"
    frozen = is_frozen(repository, tag)
    if isinstance(frozen, Open):
        return Movement.OPEN, f"whether the tag {tag!r} can move {frozen.why}"
    expired = expires(repository, tag) if frozen is YES and not _RELEASE.search(tag) else NO
    if expired is YES:
        return (
            Movement.MOVES,
            f"its repository refuses to move {tag!r}, but expires it, and then it can be pushed again",
        )
    if isinstance(expired, Open):
        return Movement.OPEN, f"whether its repository expires {tag!r}, which can be pushed again then: {expired.why}"
    if frozen is YES:
        return Movement.FIXED, "its repository refuses to move it"
    return Movement.MOVES, f"the tag {tag!r} may be pushed again: its repository lets tags move"


# Whose releases have two numbers: 16.4 is one of PostgreSQL's (https://www.postgresql.org/support/versioning/).
_OF_TWO_NUMBERS: Final = frozenset({"postgres", "postgresql", "postgis", "timescaledb-ha", "aws-for-fluent-bit"})
_TWO_NUMBERS: Final = lazy_re.compile(r"v?\d{1,4}\.\d{1,3}(?:-[a-z][a-z0-9-]*)?")


def _is_line(repository: str, tag: str) -> bool:
    """Whether a version of two numbers stands for the releases of three that begin with them: nginx's 1.27."""
    return _TWO_NUMBERS.fullmatch(tag) is not None and repository.rpartition("/")[2] not in _OF_TWO_NUMBERS


def _is_placeholder(repository: str, tag: str) -> bool:
    """Whether a name breaks the grammar of image references (https://github.com/distribution/reference)."""
    return _TAG.fullmatch(tag) is None or not (_marks(repository) or _NAME.fullmatch(repository))


def is_frozen(repository: Resource, tag: str) -> Answer:
    """Whether the repository refuses to put this tag on another image."""
    mutability = repository.get("ImageTagMutability")
    if isinstance(mutability, Absent):
        return NO
    setting = mutability.value if isinstance(mutability, Known) else None
    if setting in ("IMMUTABLE", "MUTABLE"):
        return yes_if(setting == "IMMUTABLE")
    filters = exclusions(repository)
    if setting not in ("IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION") or isinstance(filters, Unknown):
        return Open("depends on an open value of its repository")
    excluded = any(meets(each, literal(tag)) for each in filters)
    return yes_if(excluded is (setting == "MUTABLE_WITH_EXCLUSION"))


def exclusions(repository: Resource) -> list[str] | Unknown:
    """The wildcards of the tags that are exempt from the repository's mutability setting."""
    value = repository.get("ImageTagMutabilityExclusionFilters")
    if isinstance(value, Absent):
        return []
    if isinstance(value, Unknown):
        return value
    filters: list[str] = []
    for entry in value.value if isinstance(value.value, list) else [value.value]:
        pattern = entry.get("ImageTagMutabilityExclusionFilterValue") if isinstance(entry, dict) else None
        if not isinstance(pattern, str):
            return Unknown("ImageTagMutabilityExclusionFilters: a filter is not known before deployment")
        filters.append(pattern)
    return filters


# A tag, or all tags of a form: per character those that may stand there, ``None`` for any characters, also none.
Form = Sequence[frozenset[str] | None]
ANY_SHA: Final[Form] = (_HEX,) * 40


def literal(tag: str) -> Form:
    """The form of one tag."""
    return [frozenset(each) for each in tag]


def of_pattern(pattern: str) -> Form:
    """The form of all tags that a wildcard pattern matches."""
    return [None if each == "*" else frozenset(each) for each in pattern]


def meets(pattern: str, form: Form) -> bool:
    """Whether some tag of the form matches the wildcard pattern. Takes at most ``len(pattern) * len(form)`` steps."""
    pending, seen = [(0, 0)], {(0, 0)}
    while pending:
        at, where = pending.pop()
        if at == len(pattern) and where == len(form):
            return True
        steps: list[tuple[int, int]] = []
        star = at < len(pattern) and pattern[at] == "*"
        if star:
            steps.append((at + 1, where))
        if where < len(form):
            allowed = form[where]
            if star:
                steps.append((at, where + 1))
            if allowed is None:
                steps.append((at, where + 1))
                if at < len(pattern):
                    steps.append((at + 1, where))
            elif at < len(pattern) and pattern[at] in allowed:
                steps.append((at + 1, where + 1))
        for step in steps:
            if step not in seen:
                seen.add(step)
                pending.append(step)
    return False


def repositories(project: Project) -> Mapping[str, Resource]:
    """The project's ECR repositories by literal name."""
    found: dict[str, Resource] = {}
    for repository in project.resources("AWS::ECR::Repository"):
        name = repository.get("RepositoryName")
        if isinstance(name, Known) and isinstance(name.value, str):
            found.setdefault(name.value, repository)
    return found


def repository_of(image: ParsedImage, by_name: Mapping[str, Resource], project: Project) -> Resource | None:
    """The project's repository that an ECR image comes from."""
    if image.target is not None:
        return project.resource(image.target)
    return by_name.get(image.repository) if image.registry is Registry.ECR else None
