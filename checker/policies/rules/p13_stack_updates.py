"""A stack update that fails puts nothing older into service.

What the review found
    Nothing: found since. Where the pipeline sets the images and a service in the template names the template's own
    revision, each update of the stack rolls that revision, and an update that fails rolls back to the template before:
    images of two releases ago, or the bootstrap's. A count that the template owns is put back in the same way.
What is checked
    Every ECS service whose images the pipeline sets (it registers revisions and names them in ``UpdateService``, or the
    template has a bootstrap image): its ``TaskDefinition`` is the family's name, which stands for the newest active
    revision, and no revision. And every service whose count something else sets (application scaling, or the pipeline):
    the template has no ``DesiredCount``.
When it does not apply
    No ECS service of the kind: images and counts come from the template alone, CodeDeploy or a controller outside of
    CloudFormation deploys it.
What cannot be decided
    A task definition or a count that a parameter gives; a roll-out of a service that is not named.
    A service that names its own revision, beside a program that was not followed and may give it another.
Fix
    Name the family (CDK: ``task_definition_revision=TaskDefinitionRevision.LATEST``), keep old revisions on
    replacement, and leave ``DesiredCount`` out once the service exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.overlap import could_be_equal
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Attribute, Known, Reference, Text, Unknown, Unstated, pieces, text
from checker.model.verdicts import Outcome
from checker.reason.images.references import image_references, parse_image
from checker.reason.names.physical import is_open, settled

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_SERVICE: Final = "AWS::ECS::Service"
_FIX_FAMILY: Final = "Name the family (CDK: task_definition_revision=TaskDefinitionRevision.LATEST)."
_FIX_COUNT: Final = "Leave DesiredCount out of the template once the service exists."
_REVISION: Final = lazy_re.compile(r":\d+$")


def check(environment: Environment) -> Iterator[Judgement]:
    """What the templates alone show: bootstrap images, which the pipeline replaces, and scaling."""
    scaled = _scaled(environment)
    untold = [each for each in _scalers(environment) if each not in scaled.values()]
    bootstrapping = _bootstrapping(environment)
    for service in environment.resources(_SERVICE):
        if _deployed_otherwise(service):
            continue
        if _definition(service, environment) in bootstrapping:
            yield _family(service, "its template has a bootstrap image, which a release replaces")
        target = scaled.get(service)
        if target is not None:
            yield _count(service, f"{target.logical_id} scales it", target)
        elif perhaps := next((each for each in untold if _may_scale(each, service, environment.project)), None):
            yield _perhaps_scaled(service, perhaps)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.workloads.set_by_pipeline import counts_set, images_set

    given: set[Resource] = set()
    for service, call in images_set(pipeline, project):
        given.add(service)
        if not _deployed_otherwise(service):
            yield _family(service, f"{call.spot} gives it a revision of its own")
    for service, call in counts_set(pipeline, project):
        if not _deployed_otherwise(service):
            yield _count(service, f"{call.spot} sets it", None)
    gap = next((each.problem for each in pipeline.unfollowed), None)
    for service in project.resources(_SERVICE) if gap is not None else ():
        if service in given or _deployed_otherwise(service) or _family(service, "").outcome is not Outcome.FAIL:
            continue
        why = f"whether the pipeline gives it a revision of its own: {gap}"
        yield service.undecided("family", why, path="TaskDefinition", fix=_FIX_FAMILY)


def _deployed_otherwise(service: Resource) -> bool:
    kind = service.get("DeploymentController.Type")
    return isinstance(kind, Known) and kind.value in ("CODE_DEPLOY", "EXTERNAL")


def _definition(service: Resource, environment: Environment) -> Resource | None:
    """The task definition of the project that a service names, in whichever revision."""
    value = service.get("TaskDefinition")
    named = value.value if isinstance(value, Known) else None
    if not isinstance(named, str | Text):
        return environment.referred(value)
    *before, last = pieces(named)
    return environment.referred(text([*before, _REVISION.sub("", last) if isinstance(last, str) else last]))


def _bootstrapping(environment: Environment) -> Set[Resource | None]:
    """What runs a bootstrap image: task definitions among it."""
    tags, found = environment.project.settings.bootstrap_tags, set[Resource | None]()
    for reference in image_references(environment) if tags else ():
        if isinstance(reference.value, str | Text):
            image = parse_image(reference.value, environment.project)
            if not image.by_digest and image.tag in tags:
                found.add(reference.owner)
    return found


def _scaled(environment: Environment) -> dict[Resource, Resource]:
    """Services that application scaling sets the count of."""
    found: dict[Resource, Resource] = {}
    services = {str(_name(each)): each for each in environment.resources(_SERVICE)}
    for target in _scalers(environment):
        value = target.get("ResourceId")
        for each in environment.project.all_referred(value):
            if each.type == _SERVICE:
                found[each] = target
        last = str(value.value).rpartition("/")[2] if isinstance(value, Known) else ""
        if last in services:
            found.setdefault(services[last], target)
    return found


def _scalers(environment: Environment) -> Iterator[Resource]:
    for target in environment.resources("AWS::ApplicationAutoScaling::ScalableTarget"):
        dimension = target.get("ScalableDimension")
        if not isinstance(dimension, Known) or dimension.value == "ecs:service:DesiredCount":
            yield target


def _may_scale(target: Resource, service: Resource, project: Project) -> bool:
    """Whether only the deployment tells that a target of application scaling is a service."""
    value, name = target.get("ResourceId"), service.get("ServiceName")
    if isinstance(value, Absent | Unknown):
        return isinstance(value, Unknown)
    own = settled(value.value, project) if isinstance(value.value, str | Text) else ""
    if not isinstance(own, Text) or not any(is_open(hole) for hole in own.holes):
        return False
    named = name.value if isinstance(name, Known) and isinstance(name.value, str | Text) else None
    called = settled(named, project) if named is not None else Text((Unstated("its name"),))
    return could_be_equal(own, text(["service/", Unstated("its cluster"), "/", *pieces(called)]))


def _perhaps_scaled(service: Resource, target: Resource) -> Judgement:
    if isinstance(service.get("DesiredCount"), Absent):
        return service.passes("count", "The template owns no count.")
    why = f"whether it is what {target.logical_id} scales"
    return service.undecided("count", why, path="DesiredCount", fix=_FIX_COUNT)


def _name(service: Resource) -> object:
    value = service.get("ServiceName")
    return value.value if isinstance(value, Known) else service.logical_id


def _family(service: Resource, why: str) -> Judgement:
    path = "TaskDefinition"
    value = service.get(path)
    if isinstance(value, Absent):
        return service.undecided("family", "it names no task definition", fix=_FIX_FAMILY)
    if isinstance(value, Unknown):
        return service.undecided("family", value.why, path=path, fix=_FIX_FAMILY)
    named = value.value
    revision = isinstance(named, str) and bool(_REVISION.search(named))
    last = pieces(named)[-1] if isinstance(named, Text) else ""
    if isinstance(last, str) and "/" in last:
        revision = bool(_REVISION.search(last))  # an ARN that says all but its account and region
    elif isinstance(named, Text):
        if not any(isinstance(hole, Reference) for hole in named.holes):
            return service.undecided("family", f"whether {named} names a revision", path=path, fix=_FIX_FAMILY)
        revision = any(isinstance(hole, Attribute) and hole.name in ("", "TaskDefinitionArn") for hole in named.holes)
    if not revision:
        return service.passes("family", "It names the family: the newest active revision.", path=path)
    return service.fails(
        "family",
        f"A stack update that fails puts an older image into service: {why}, and the template names its own revision.",
        fix=_FIX_FAMILY,
        path=path,
        expected="the family's name",
        actual="a revision",
    )


def _count(service: Resource, why: str, target: Resource | None) -> Judgement:
    path = "DesiredCount"
    value = service.get(path)
    if isinstance(value, Absent):
        return service.passes("count", "The template owns no count.")
    if isinstance(value, Unknown) or isinstance(value.value, Text):
        shown = value.why if isinstance(value, Unknown) else f"{value.value} may be left out"
        return service.undecided("count", shown, path=path, fix=_FIX_COUNT)
    return service.fails(
        "count",
        f"A stack update that fails puts an older count into service: {why}, and the template owns DesiredCount too.",
        fix=_FIX_COUNT,
        path=path,
        actual=str(value.value)[:20],
        related=(target,) if target is not None else (),
    )


RULE = Rule(
    id="P13",
    looked_for="ECS service whose images or count something else than its template sets",
    check=check,
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="roll-out that gives a service of the templates a revision or a count",
)
