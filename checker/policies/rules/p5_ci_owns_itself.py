"""No stack that CI deploys owns the role that CI deploys it with.

What the review found
    Nothing by itself: found since. The stack that the workflow deploys holds GitHub's OIDC provider and the deploy
    role: its first deployment needs a role that does not exist, and one bad change locks CI out of the way back.
What is checked
    Every ``cdk deploy`` (``--all`` and patterns included) and every CloudFormation deployment of the pipeline: none of
    the stacks that it names, through reusable workflows and inputs, owns the role that the job assumes for it, or the
    OIDC provider that this role trusts; nor does a stack that the named ones depend on, which the command deploys
    first unless it is told ``--exclusively``. A bootstrap stack that a person deploys may.
When it does not apply
    No job deploys stacks with a role that it assumes by its token.
What cannot be decided
    A stack's name that only a run knows; templates that are not judged. Whether a program that was not followed deploys
    stacks, where no other does and the templates have the provider or its role.
Fix
    Put the provider and the roles into a stack of their own, deploy that by hand, and name the other stacks in CI.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from checker.model.answers import NO, YES, Answer, Open, either, yes_if
from checker.model.environments import EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.overlap import overlap
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.possible import Possible, Scalar, options
from checker.model.resources import Resource, Stack
from checker.model.rules import Rule
from checker.model.values import Absent, Text
from checker.reason.deploys.changes import Change, What, workflows_of
from checker.reason.deploys.paths import unseen
from checker.reason.iam.deployers import Deployer, deployment_of
from checker.reason.iam.policies import principal_of
from checker.reason.oidc.assumed_roles import assumption
from checker.reason.oidc.trust import HOST
from checker.reason.text.patterns import exact, glob
from checker.reason.workloads.cdk_deploys import names_of

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob
    from checker.model.pipeline.pipeline import Pipeline

_PROVIDERS: Final = ("AWS::IAM::OIDCProvider", "Custom::AWSCDKOpenIdConnectProvider")
_FIX: Final = "Move the OIDC provider and the role to a stack that a person deploys, and name the other stacks here."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    by_line: dict[str, list[tuple[EffectiveJob, CdkCommand | AwsCall]]] = {}
    for workflow in workflows_of(pipeline):
        for job, change in workflow.all_changes():
            place = _deployment(change)
            if place is not None and place.credentials is not None and place.credentials.oidc is not NO:
                by_line.setdefault(str(place.spot), []).append((job, place))
    for uses in by_line.values():
        yield _judged(uses, project)
    if not by_line and (deployment_of(project).github_roles or next(_own_providers(project), None) is not None):
        yield from unseen(pipeline, None, "whether stacks are deployed")


def _deployment(change: Change) -> CdkCommand | AwsCall | None:
    if change.what is not What.STACK or not isinstance(change.place, CdkCommand | AwsCall):
        return None
    return change.place


def _judged(uses: list[tuple[EffectiveJob, CdkCommand | AwsCall]], project: Project) -> Judgement:
    doubt: tuple[CdkCommand | AwsCall, str] | None = None
    for job, place in uses:
        if not project.environments:
            return place.undecided(
                None, "the templates of the stacks that it deploys are not among what is judged", fix=_FIX
            )
        needed = list(_needed(job, place, project))
        if doubt is None and (why := _not_at_hand(place, needed, project)):
            doubt = place, why
        for owned in needed:
            answer = _deploys(place, _root(owned.stack), job, project)
            if answer is YES:
                return place.fails(
                    None,
                    f"{job.name} {_does(place)} the stack {_root(owned.stack).name}, which owns {owned.logical_id}: "
                    "what it needs in order to deploy.",
                    fix=_FIX,
                    related=(owned,),
                )
            if isinstance(answer, Open) and doubt is None:
                why = f"whether it deploys {_root(owned.stack).name}, which owns {owned.logical_id}"
                doubt = place, why
    if doubt is not None:
        return doubt[0].undecided(None, doubt[1], fix=_FIX)
    return uses[0][1].passes(None, "It deploys no stack that owns its role or the OIDC provider.")


def _does(place: CdkCommand | AwsCall) -> str:
    """What a command does to a stack, as a message says it."""
    destroys = place.name == "destroy" if isinstance(place, CdkCommand) else place.operation == "DeleteStack"
    rolls_back = place.name == "rollback" if isinstance(place, CdkCommand) else place.operation == "RollbackStack"
    return "destroys" if destroys else "rolls back" if rolls_back else "deploys"


def _needed(job: EffectiveJob, place: CdkCommand | AwsCall, project: Project) -> Iterator[Resource]:
    """The roles that the job can have taken on (where none is told, those that deploy) and their providers."""
    deployment = deployment_of(project)
    assert place.credentials is not None
    roles = assumption(job, place.credentials, project).candidates or deployment.deployers
    for role in roles:
        yield role.role
        yield from _providers(role, project)
    if not roles:
        # The role is elsewhere; the provider through which it is assumed may be here.
        yield from _own_providers(project)


def _own_providers(project: Project) -> Iterator[Resource]:
    """GitHub's identity providers that the templates have."""
    return (each for each in project.resources(*_PROVIDERS) if HOST in str(each.get("Url")).lower())


def _not_at_hand(place: CdkCommand | AwsCall, needed: list[Resource], project: Project) -> str:
    """A stack that it deploys and whose template is not here, unless all that it must not own is found elsewhere."""
    if {each.type == "AWS::IAM::Role" for each in needed} == {True, False}:
        return ""
    stacks = [_root(each) for each in project.stacks]
    selectors = place.stacks if isinstance(place, CdkCommand) else ()
    for selector in selectors:
        if all(_named(selector, stack) is NO for stack in stacks):
            return f"whether {selector}, whose template is not among what is judged, owns its role or the OIDC provider"
    return ""


def _providers(role: Deployer, project: Project) -> Iterator[Resource]:
    for statement in role.trust.entrances:
        referred = project.all_referred(principal_of(statement))
        yield from (each for each in referred if each.type != "AWS::IAM::Role")


def _root(stack: Stack) -> Stack:
    while stack.parent is not None:
        stack = stack.parent
    return stack


def _deploys(place: CdkCommand | AwsCall, stack: Stack, job: EffectiveJob, project: Project) -> Answer:
    """Whether ``place`` deploys ``stack``."""
    if isinstance(place, AwsCall):
        value = place.text("stackname")
        return Open("which stack it names") if isinstance(value, Absent) else _named(value, stack)
    if place.stacks:
        answers = [_named(selector, stack, names_of(stack, place)) for selector in place.stacks]
        unsure = any(isinstance(answer, Open) for answer in answers)
        if unsure and _deploys_alone(stack, job, project) is YES:
            return YES  # whatever it selects: the app has this stack alone
        return either(answers)
    return _deploys_alone(stack, job, project)


def _named(selector: Possible, stack: Stack, brought_by: frozenset[str] = frozenset()) -> Answer:
    """Whether a selector names the stack: its name, its path in the app, or a pattern of one of them; or another that
    brings it along."""
    each = options(selector)
    names = {stack.name, stack.id, stack.id.rpartition("/")[2], *brought_by}
    if each is None:
        return Open(f"whether {selector} is {stack.name}")
    # One of several names: a stack that is deployed in one of the runs is deployed.
    return either(_option(option, stack, names) for option in each)


def _option(option: Scalar, stack: Stack, names: set[str]) -> Answer:
    if not isinstance(option, Text):
        return yes_if(any(fnmatchcase(name, str(option)) for name in names))
    may_be = any(overlap(glob(option), exact(name)) for name in names)
    return Open(f"whether {option} is {stack.name}") if may_be else NO


def _deploys_alone(stack: Stack, job: EffectiveJob, project: Project) -> Answer:
    """Without a selector the app's one stack is deployed; where it has several, the command refuses.

    Which stacks the app has may depend on the environment that it is told to build.
    """
    of_job = [
        each
        for each in project.environments
        if not job.environment_name or each.name == job.environment_name or each.kind is EnvironmentKind.SHARED
    ]
    roots = {id(_root(each)): _root(each) for environment in of_job for each in environment.stacks}
    if id(stack) not in roots:
        return NO
    return YES if len(roots) == 1 else Open("which of several stacks it deploys")


RULE = Rule(
    id="P5",
    looked_for="workflow",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="job that deploys stacks with a role of GitHub's OIDC provider",
)
