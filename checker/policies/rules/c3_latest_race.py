"""No container image reference can move.

What the review found
    All task definitions name ``:latest``. Every deployment of the stack then rolls whatever was pushed last, at the
    same time as the deploy script forces a roll-out of its own.
What is checked
    Every image that a task definition, function, App Runner service, batch job or model runs, that user data, a
    document of Systems Manager, compose or cfn-init pulls or starts, or that a state machine or an SDK call of a custom
    resource registers or starts, or that a workflow registers, from a file too: a digest, a full
    commit SHA (or the content hash of a CDK asset), or the bootstrap tag. Any other tag of a repository in Amazon ECR
    has to be one that the repository refuses to move; another publisher's image has to name a release, not a line of
    them (nginx's 1.27). And every repository refuses to move tags: ``IMMUTABLE``, or with exclusions that admit no
    release tag, no commit
    SHA and no bootstrap tag. And no workflow pushes or sets a tag that is the same in every run, or the branch's
    name: an immutable repository refuses the second one, and in any other the image changes under who names it. Pushes
    of container engines, crane, skopeo, regctl, oras, kaniko, pack and jib (with its build file) are read.
When it does not apply
    No image reference and no ECR repository in the environment. A creation template for pull-through caches alone.
What cannot be decided
    An image or a tag that comes from a parameter without a default, unless its pattern takes nothing but a commit or a
    hash; a version tag in a private repository that is not part of the project.
Fix
    Name the commit SHA that is to run, or the bootstrap tag, and set ``ImageTagMutability`` to ``IMMUTABLE``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import YES, Open
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.possible import options
from checker.model.resources import Resource
from checker.model.rules import Rule, Unseen
from checker.model.settings import Settings
from checker.model.values import Absent, Known, Text, Unknown
from checker.reason.images.references import (
    ANY_SHA,
    ImageReference,
    Movement,
    ParsedImage,
    build_references,
    exclusions,
    image_references,
    literal,
    meets,
    movement,
    of_pattern,
    parse_image,
    repositories,
    repository_of,
)
from checker.reason.images.started import started_references
from checker.reason.names.physical import references

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.scripts import AwsCall

_FIX_IMAGE = "Name a full commit SHA, a digest or the bootstrap tag; for a foreign image, one exact release."
_FIX_MUTABILITY = "Set ImageTagMutability to IMMUTABLE; exclude only tags that no release, commit or bootstrap carries."


_FIX_PUSH = "Push the commit SHA alone; give a release's image its own tag with put-image."
# A variable of the repository, which is the same in every run.
_VARIABLE = lazy_re.compile(r"\$\{\{\s*vars(?:\.[\w-]+|\['[\w-]+'\])\s*\}\}")
# What a tag is called that a release brings with it: a new one for every release.
_RELEASE_TAG = lazy_re.compile(r"tag|version|release", re.IGNORECASE)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.deploys.paths import once, unseen
    from checker.reason.images.build_caches import cached, is_cache

    by_name = dict(repositories(project))
    pushes = [
        call for call in pipeline.aws_calls() if call.service == "ecr" and call.operation in {"docker-push", "PutImage"}
    ]
    images = {name for call in pushes if not is_cache(call) for name in call.texts("repositoryName") or ()}
    yield from once(
        cached(call, by_name, images) if is_cache(call) else _pushed(call, by_name, pipeline, project.settings)
        for call in pushes
    )
    yield from once(each for call in _registering(pipeline) for each in _registered(call, by_name, project))
    if not pushes:
        yield from unseen(pipeline, "push", "whether images are pushed")


def _registering(pipeline: Pipeline) -> list[AwsCall]:
    return [call for call in pipeline.aws_calls() if call.operation == "RegisterTaskDefinition"]


def _registered(call: AwsCall, by_name: dict[str, Resource], project: Project) -> Iterator[Judgement]:
    """The images of a task definition that the pipeline registers. Those that only the run knows are left to whoever
    asks whether they are the release's."""
    from checker.reason.images.registered import registered_images

    fixed: list[str] = []
    for value in (option for image in registered_images(call) for option in options(image) or (None,)):
        if not isinstance(value, str | Text) or not value:
            return
        image = parse_image(value, project)
        answer, why = movement(image, repository_of(image, by_name, project), project.settings.bootstrap_tags)
        if answer is Movement.MOVES:
            yield call.fails(
                "image",
                f"It registers a task with the image {value}, which can come to mean another: {why}.",
                fix=_FIX_IMAGE,
                expected="a commit SHA, a digest or the bootstrap tag",
                actual=str(value),
            )
            return
        fixed += [why] if answer is Movement.FIXED else []
    if fixed:
        yield call.passes("image", f"Its images are fixed: {fixed[0]}.")


def _of_file(owner: Resource, pipeline: Pipeline | None) -> Judgement | None:
    """What is said of a task definition that is a file of its own (CloudFormation takes none without images)."""
    containers = owner.get("ContainerDefinitions")
    written = containers.value if isinstance(containers, Known) and isinstance(containers.value, list) else []
    if not written or any("Image" in each for each in written if isinstance(each, dict)):
        return None
    if pipeline is not None and _registering(pipeline):
        said = "The image in the file stands for the one that is registered, which is judged where that is done."
        return owner.not_applicable("image", said)
    why = "which image is put into this task definition when it is registered: nothing that registers one is found"
    return owner.undecided("image", why, fix=_FIX_IMAGE)


def _is_in_each_run(call: AwsCall) -> bool:
    """Whether every run of the job makes the call."""
    step = call.step
    return step is not None and step.runs is YES and not step.conditions and call.reached.certain


def _pushed(call: AwsCall, by_name: dict[str, Resource], pipeline: Pipeline, settings: Settings) -> Judgement:
    """One push of an image, or one more tag for it."""
    from checker.reason.images.commit_tags import is_commit, of_branch, tags_of

    value, tags = call.text("imageTag"), tags_of(call)
    if tags == ():
        return call.passes("push", "It is pushed by its digest: no tag is put on it.")
    for tag in tags or ():
        if isinstance(tag, str) and not _may_be_pushed(tag, call, by_name, pipeline, settings):
            return call.fails(
                "push",
                f"Every run pushes the tag {tag}: an immutable repository refuses it, any other lets it move.",
                fix=_FIX_PUSH,
                expected="a commit SHA",
                actual=tag,
            )
        if isinstance(tag, Text) and all(_VARIABLE.fullmatch(hole.shown) for hole in tag.holes):
            return call.fails(
                "push",
                f"Every run pushes the tag {tag}, the same until somebody changes that variable: an immutable "
                "repository refuses it, any other lets it move.",
                fix=_FIX_PUSH,
                expected="a commit SHA",
                actual=str(tag),
            )
        if of_branch(tag, call.job, always=_is_in_each_run(call)) is YES:
            return call.fails(
                "push",
                f"Every run on a branch, or for a pull request, pushes the tag {tag}: an immutable repository refuses "
                "it, any other lets it move.",
                fix=_FIX_PUSH,
                expected="a commit SHA",
                actual=str(tag),
            )
    unsure = any(
        isinstance(is_commit(tag), Open) or isinstance(of_branch(tag, call.job), Open) for tag in tags or (None,)
    )
    named = all(isinstance(tag, str) or _RELEASE_TAG.search(str(tag)) for tag in tags or ("",)) and tags is not None
    if not unsure or named:
        return call.passes("push", "Each run pushes a tag of its own.")
    named_so = "its tag" if isinstance(value, Absent) else f"the tag {value}"
    return call.undecided("push", f"whether {named_so} is another one in every run", fix=_FIX_PUSH)


def _may_be_pushed(
    tag: str, call: AwsCall, by_name: dict[str, Resource], pipeline: Pipeline, settings: Settings
) -> bool:
    """Whether pushing a tag that is always the same does no harm: a cache's in a repository that excludes it, or the
    bootstrap tag where something has asked first whether it is there."""
    from checker.reason.images.asked_first import asked_first

    if tag in settings.bootstrap_tags and asked_first(call, pipeline):
        return True
    names = call.texts("repositoryName") or ()
    known = [by_name[name] for name in names if isinstance(name, str) and name in by_name]
    filters = [exclusions(repository) for repository in known]
    return bool(filters) and all(
        not isinstance(each, Unknown) and any(meets(pattern, literal(tag)) for pattern in each) for each in filters
    )


def check(environment: Environment) -> Iterator[Judgement]:
    project = environment.project
    for owner in environment.resources("AWS::ECS::TaskDefinition"):
        if (said := _of_file(owner, project.pipeline)) is not None:
            yield said
    by_name: dict[str, Resource] | None = None
    for reference in (*image_references(environment), *build_references(environment), *started_references(environment)):
        by_name = dict(repositories(project)) if by_name is None else by_name
        yield _image(reference, by_name, project)
    for repository in environment.resources("AWS::ECR::Repository"):
        yield _mutability(repository, project.settings)
    for repository in environment.resources("AWS::ECR::PublicRepository"):
        why = "Tags can be pushed again: Amazon ECR Public has no immutable tags."
        yield repository.fails("mutability", why, fix="Keep what is deployed in a private repository.", path="")
    for template in environment.resources("AWS::ECR::RepositoryCreationTemplate"):
        applied = template.get("AppliedFor")
        if isinstance(applied, Known) and applied.value == ["PULL_THROUGH_CACHE"]:
            yield template.not_applicable(
                "mutability", "It makes pull-through caches only: their tags follow upstream."
            )
        else:
            yield _mutability(template, project.settings)


def _image(reference: ImageReference, by_name: dict[str, Resource], project: Project) -> Judgement:
    owner, path, value = reference.owner, reference.path, reference.value
    if isinstance(value, Unknown):
        return owner.undecided("image", value.why, path=path, fix=_FIX_IMAGE)
    if not isinstance(value, str | Text):
        return owner.undecided("image", f"{path} is not a text", path=path, fix=_FIX_IMAGE)
    image = parse_image(value, project)
    repository = repository_of(image, by_name, project)
    answer, why = movement(image, repository, project.settings.bootstrap_tags)
    if answer is Movement.FIXED and (other := _allowed_instead(owner, path, image, repository, project)):
        said = f"The image can be chosen at every deployment, and {other} is among what its parameter allows."
        return owner.fails("image", said, fix="Leave moving tags out of AllowedValues.", path=path, actual=other)
    if answer is Movement.FIXED:
        return owner.passes("image", f"The image is fixed: {why}.", path=path)
    if answer is Movement.OPEN and isinstance(value, Text) and _is_commit_of_run(value):
        return owner.passes("image", "The image is fixed: the pipeline gives it a commit.", path=path)
    if answer is Movement.OPEN:
        return owner.undecided("image", why, path=path, fix=_FIX_IMAGE)
    related = (repository,) if repository is not None else ()
    return owner.fails(
        "image",
        f"The image {value} can come to mean another: {why}.",
        fix=_FIX_IMAGE,
        path=path,
        expected="a commit SHA, a digest or the bootstrap tag",
        actual=str(value),
        related=related,
    )


def _is_commit_of_run(value: Text) -> bool:
    from checker.reason.images.commit_tags import is_commit_of_run

    return is_commit_of_run(value)


def _allowed_instead(
    owner: Resource, path: str, image: ParsedImage, repository: Resource | None, project: Project
) -> str:
    """A value that a parameter of the image allows, beside its default, and under which the image moves."""
    written = owner.stack.template.get("Parameters")
    declared = written if isinstance(written, dict) else {}
    for name in references(owner.raw_at(path)) if declared else ():
        parameter = declared.get(name)
        allowed = parameter.get("AllowedValues") if isinstance(parameter, dict) else None
        for value in allowed if isinstance(allowed, list) else ():
            chosen = parse_image(value, project) if "/" in str(value) else replace(image, tag=str(value), hashed=False)
            if movement(chosen, repository, project.settings.bootstrap_tags)[0] is Movement.MOVES:
                return str(value)
    return ""


def _mutability(repository: Resource, settings: Settings) -> Judgement:
    setting = repository["ImageTagMutability"]
    if not isinstance(setting.value, Known) or setting.value.value not in (
        "IMMUTABLE_WITH_EXCLUSION",
        "MUTABLE_WITH_EXCLUSION",
    ):
        return setting.must_be(
            "IMMUTABLE",
            sub="mutability",
            violation="Tags can be pushed again: what a tag names today, it need not name tomorrow.",
            fix=_FIX_MUTABILITY,
            default="MUTABLE",
        )
    path = "ImageTagMutabilityExclusionFilters"
    filters = exclusions(repository)
    if isinstance(filters, Unknown):
        return repository.undecided("mutability", filters.why, path=path, fix=_FIX_MUTABILITY)
    if setting.value.value == "MUTABLE_WITH_EXCLUSION":
        # A commit SHA starts with any of 16 digits, and a repository has at most 5 filters: only `*` covers them all.
        if any(set(pattern) == {"*"} for pattern in filters):
            return repository.passes("mutability", "Every tag is excluded from being mutable.", path=path)
        why = "Tags can be pushed again: the exclusions do not cover every commit SHA."
        return repository.fails("mutability", why, fix=_FIX_MUTABILITY, path=path, actual=setting.value.value)
    for pattern in filters:
        admitted = _admitted(pattern, settings)
        if admitted:
            why = f"The exclusion {pattern} lets {admitted} be pushed again."
            return repository.fails("mutability", why, fix=_FIX_MUTABILITY, path=path, actual=pattern)
    return repository.passes("mutability", "No exclusion admits a release, a commit or the bootstrap tag.", path=path)


def _admitted(pattern: str, settings: Settings) -> str | None:
    """What an exclusion lets move that must not, in words; ``None`` where it admits nothing of ours."""
    if any(meets(pattern, of_pattern(release)) for release in settings.release_tag_patterns):
        return "a release tag"
    if meets(pattern, ANY_SHA):
        return "a commit SHA"
    return "the bootstrap tag" if any(meets(pattern, literal(tag)) for tag in settings.bootstrap_tags) else None


RULE = Rule(
    id="C3",
    looked_for="container image reference or image repository",
    check=check,
    check_pipeline=check_pipeline,
    unseen=Unseen("whether images are pushed", "push"),
    looked_for_in_pipeline="push of an image to Amazon ECR",
)
