"""Each environment has its own deploy role.

What the review found
    One role deploys staging and production; only GitHub's environment protection stands between them.
What is checked
    Every role that CI deploys with admits the tokens of one environment only (``W6[trust]``), itself or through
    other roles that may assume it: named, as part of an account or as everybody, in one step or in several. Where it
    serves one, it may not change another's: pass its task roles, run its tasks, update its services, or assume the
    role that the CDK deploys its stacks with (``W6[reach]``): environments of one account need a bootstrap each.

    The GitHub environment that releases deploy to is there, and somebody has to approve a deployment to it: a person,
    a team, or an app with a rule of its own (``W6[environment-protection]``). What may deploy to it is what only
    reviewed changes reach (``protected_refs`` in ``checker.toml``), release tags among it (``W6[environment-refs]``).
When it does not apply
    No role that deploys trusts GitHub's OIDC provider.
What cannot be decided
    A subject or a policy that is not known before deployment; one bootstrap's name for two environments whose accounts
    are not known. A trusted role of elsewhere that is called by another environment; a way through other roles that a
    condition or a policy which is not known may close. Settings of the repository that the token may not read.
Fix
    Make one role per environment that admits only ``repo:OWNER/REPO:environment:NAME`` and reaches only its resources.
    Until then, waive it for as long as the production environment's protection is verified (``holds_while``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from checker.model.answers import NO, YES, Open
from checker.model.environment_words import kind_of
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.live.repository_settings import (
    AnyRef,
    DeploymentEnvironment,
    EnvironmentSetting,
    NotRead,
    ProtectedBranches,
    RepositorySettings,
)
from checker.model.overlap import overlap
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Text, pieces, text
from checker.reason.iam.conditions import Context
from checker.reason.iam.deployers import (
    NO_NAME,
    Deployer,
    Deployment,
    deployment_of,
    same_account,
    same_environment,
    subject_patterns,
)
from checker.reason.iam.evaluation import Access, Decision, Request, decide
from checker.reason.iam.passing import may_pass, services_of, task_roles
from checker.reason.iam.tags import of_resource
from checker.reason.names.arns import ecs_arn
from checker.reason.names.bootstraps import deploy_role
from checker.reason.oidc.chained import entrances
from checker.reason.oidc.trust import all_admitted
from checker.reason.text.patterns import covers, exact, example, glob, has_hole

# An environment that no project has.
_ANY: Final = "any-environment-at-all"
_FIX: Final = "Make one deploy role per environment that admits only its own environment's tokens."
_FIX_CHAIN: Final = "Let it trust no role that other environments' jobs can assume."
_FIX_REACH: Final = "Confine the role's policy to the resources of its own environment."
_FIX_BOOTSTRAP: Final = (
    "Give each environment a bootstrap of its own: cdk bootstrap --qualifier NAME --toolkit-stack-name."
)
_PAGE: Final = "in the repository's settings, under Environments"


def check(environment: Environment) -> Iterator[Judgement]:
    deployment = deployment_of(environment.project)
    for deployer in deployment.deployers:
        if deployer.role.stack.environment == environment.name:
            admitted, doubtful = _admitted(deployment, deployer)
            yield _trust(deployment, deployer, admitted, doubtful)
            others = [each for each in deployment.environments if each.name not in (*admitted, NO_NAME)]
            if len(admitted) == 1 and others:
                own = next((each for each in deployment.environments if each.name == admitted[0]), None)
                yield _reach(deployer, others, own)
    for other in deployment.perhaps:
        if other.role.stack.environment == environment.name and not other.trust.allows:
            yield other.role.undecided("trust", other.trust.unread[0], path="AssumeRolePolicyDocument", fix=_FIX)


def _admitted(deployment: Deployment, deployer: Deployer) -> tuple[list[str], list[str]]:
    """The environments whose jobs can assume the role, surely and perhaps: by their own tokens, or served otherwise."""
    named = {
        name: deployment.admits_environment(deployer.trust, name)
        for name in deployment.environment_names(deployer.trust)
    }
    own = [each for each, answer in named.items() if answer is YES]
    deploys = any(each is deployer for each in deployment.deployers)
    admitted = dict.fromkeys(_served(deployment, deployer, own) if deploys else ())
    doubtful: list[str] = []
    for name, answer in named.items():
        known = next((each for each in admitted if same_environment(each, name)), None)
        if answer is YES and known is None:
            admitted[name] = None
        elif isinstance(answer, Open):
            doubtful.append(name)
    # Where others have names, the environment without one is among them.
    return [name for name in admitted if name != NO_NAME or len(admitted) == 1], doubtful


def _served(deployment: Deployment, deployer: Deployer, own: list[str]) -> list[str]:
    """The environments that the role deploys to. One that lets in the tokens of environments at hand alone deploys to
    no other, though nothing else does."""
    served = sorted(deployment.served(deployer))
    meant = [name for name in served if any(same_environment(name, each) for each in own)]
    at_hand = all(any(same_environment(name, each) for name in served) for each in own)
    sure = not _leaves_subjects_open(deployer) and not deployer.trust.unread
    return meant if meant and at_hand and sure and not _without_an_environment(deployment, deployer) else served


def _trust(deployment: Deployment, deployer: Deployer, admitted: list[str], doubtful: list[str]) -> Judgement:
    document = "AssumeRolePolicyDocument"
    if len(admitted) > 1:
        return deployer.role.fails(
            "trust",
            f"One role deploys {_listed(admitted)}: a job of one environment can change the other.",
            fix=_FIX,
            path=document,
            expected="one environment",
            actual=_listed(admitted),
        )
    # A claim that only a run knows leaves it open whether a token gets in, but not of which environment it is.
    is_open = any(has_hole(pattern) for pattern in subject_patterns(deployer.trust))
    unknown = _leaves_subjects_open(deployer)
    if deployer.trust.unread or unknown or (doubtful and is_open) or len({*admitted, *doubtful}) > 1:
        others = _listed(doubtful) if doubtful else "another environment"
        why = next(iter(deployer.trust.unread), f"whether tokens of {others} get in")
        return deployer.role.undecided("trust", why, path=document, fix=_FIX)
    alone = len(deployment.environments) == 1
    if alone and admitted == [NO_NAME] and (without := _without_an_environment(deployment, deployer)):
        why = f"whether {without}, whose jobs get in, deploys other environments too"
        return deployer.role.undecided("trust", why, path=document, fix=_FIX)
    if alone and deployment.admits_environment(deployer.trust, _ANY) is YES:
        why = "which environments there are: the tokens of every one get in"
        return deployer.role.undecided("trust", why, path=document, fix=_FIX)
    doubt: Open | None = None
    for path, jobs in _through_roles(deployment, deployer, admitted):
        if not isinstance(jobs, Open):
            violation = f"Jobs of {_listed(jobs)} get in through {_listed([each.logical_id for each in path])}."
            return deployer.role.fails("trust", violation, fix=_FIX_CHAIN, path=document, related=path)
        # A way that is sure counts before one that is not, wherever it is written.
        doubt = doubt if doubt is not None else jobs
    if doubt is not None:
        return deployer.role.undecided("trust", doubt.why, path=document, fix=_FIX_CHAIN)
    return deployer.role.passes("trust", f"Only jobs of {_listed(admitted)} can assume it.", path=document)


def _through_roles(
    deployment: Deployment, deployer: Deployer, admitted: list[str]
) -> Iterator[tuple[tuple[Resource, ...], list[str] | Open]]:
    """The roles by which one comes to this one in its turn, each way with the other environments whose jobs do."""
    for entrance in entrances(deployer.role, deployment.project):
        path, called = entrance.path, entrance.principal
        through = next((each for each in deployment.github_roles if path and each.role is path[0]), None)
        if through is not None:
            jobs, doubtful = _admitted(deployment, through)
            others, perhaps = _besides(admitted, jobs), _besides(admitted, doubtful)
            get_in = f"get in through {_listed([each.logical_id for each in path])}"
            if others:
                why = f"whether jobs of {_listed(others)} {get_in}"
                yield path, others if entrance.answer is YES else Open(why)
            elif perhaps or through.trust.unread:
                yield path, Open(f"whether jobs of {_listed(perhaps) if perhaps else 'another environment'} {get_in}")
        elif not path and not called:
            yield (), Open("whether jobs of another environment get in through whom else it trusts")
        elif _is_of_another(called, admitted):
            yield path, Open(f"whether jobs of another environment get in through {called}, which it trusts")


def _besides(admitted: list[str], names: list[str]) -> list[str]:
    return [each for each in names if not any(same_environment(each, own) for own in admitted)]


def _is_of_another(principal: str, admitted: list[str]) -> bool:
    """Whether a role of elsewhere is called by another environment than those whose jobs get in."""
    kind = kind_of(principal.rpartition(":")[2]) if ":role/" in principal else EnvironmentKind.OTHER
    spoken = {EnvironmentKind.STAGING, EnvironmentKind.PRODUCTION}
    own = {kind_of(each) for each in admitted}
    return kind in spoken and kind not in own and own <= spoken


def _without_an_environment(deployment: Deployment, deployer: Deployer) -> str:
    """Jobs that get in and whose tokens tell of no environment; empty where there are none."""
    trust, branch = deployer.trust, deployment.project.settings.default_branch
    if deployment.admits_default_branch(trust) is YES:
        return branch
    named = [(ref, ref.removeprefix("refs/heads/")) for ref in _refs_named(deployer)]
    for ref, shown in (("refs/pull/1/merge", "a pull request"), ("refs/tags/anything", "a tag"), *named):
        if all_admitted(trust, [deployment.ref_token(trust, ref)]) is YES:
            return "a tag" if ref.startswith("refs/tags/") else shown
    return ""


def _refs_named(deployer: Deployer) -> Iterator[str]:
    """The branches and tags that the trust policy itself names; of a pattern, one that it matches."""
    for pattern in subject_patterns(deployer.trust):
        _, found, ref = str(example(pattern)).partition(":ref:")
        if found:
            yield ref


def _leaves_subjects_open(deployer: Deployer) -> bool:
    """Whether a subject that the trust policy compares with is not known at all: it may be any environment's."""
    subject = deployer.trust.key("sub")
    return any(
        condition.key in ("", subject) and None in condition.patterns
        for statement in deployer.trust.entrances
        for condition in statement.conditions
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "one environment"


def _reach(deployer: Deployer, others: list[Environment], own: Environment | None) -> Judgement:
    doubt = ""
    shared = {deploy_role(stack) for stack in own.stacks} if own is not None else set()
    for environment in others:
        for what, decision in chain(_changes(deployer, environment), _bootstraps(deployer, environment, shared)):
            if decision.allowed:
                return deployer.role.fails(
                    "reach",
                    f"The role is of another environment, and may still {what} of {environment.name}.",
                    fix=_FIX_BOOTSTRAP if what.startswith("assume") else _FIX_REACH,
                    path=decision.statements[0].path if decision.statements[0].source is deployer.role else "",
                )
            if decision.answer is Access.UNKNOWN:
                doubt = doubt or f"whether it may {what} of {environment.name}: {decision.why}"
    if doubt:
        return deployer.role.undecided("reach", doubt, fix=_FIX_REACH)
    return deployer.role.passes("reach", "It cannot change another environment.")


def _changes(deployer: Deployer, environment: Environment) -> Iterator[tuple[str, Decision]]:
    policies, stack = deployer.policies, deployer.role.stack
    for each in task_roles(environment):
        if each.arn is not None and same_account(each.task.stack, stack):
            yield f"pass {each.property} of {each.task.logical_id}", may_pass(policies, each.arn)
    for service, cluster, name in services_of(environment):
        if same_account(service.stack, stack):
            arn = ecs_arn(service.stack, "service", text([*pieces(cluster), "/", *pieces(name)]))
            in_cluster = {"ecs:cluster": (ecs_arn(service.stack, "cluster", cluster),)}
            context = Context(in_cluster | of_resource(service, "ecs"))
            request = Request("ecs:UpdateService", exact(arn), context)
            yield f"update service {service.logical_id}", decide(policies, request)
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        family = task.get("Family")
        if isinstance(family, Known) and isinstance(family.value, str) and same_account(task.stack, stack):
            revision = exact(ecs_arn(task.stack, "task-definition", f"{family.value}:1"))
            request = Request("ecs:RunTask", revision, Context(of_resource(task, "ecs")))
            yield f"run task {task.logical_id}", decide(policies, request)


def _bootstraps(
    deployer: Deployer, environment: Environment, shared: set[str | Text | None]
) -> Iterator[tuple[str, Decision]]:
    """Whether it may become the role that the CDK deploys a stack with; in one account that may be its own one too."""
    for stack in environment.stacks:
        role = deploy_role(stack)
        if role is not None and same_account(stack, deployer.role.stack):
            decision = decide(deployer.policies, Request("sts:AssumeRole", exact(role)))
            if decision.allowed and role in shared and not isinstance(role, str):
                why = "the roles that the CDK deploys both with have one name, and are one where both have one account"
                decision = Decision(Access.UNKNOWN, why)
            yield f"assume {role}, which deploys {stack.name},", decision


def check_settings(settings: RepositorySettings, project: Project) -> Iterator[Judgement]:
    names = _release_environments(settings, project)
    for name, environment in names.items():
        place, found = settings.of_environment(name, environment), settings.environment(name)
        if isinstance(found, NotRead):
            yield _unseen(place, "environment-protection", found)
            yield _unseen(place, "environment-refs", found)
        elif isinstance(found, Absent):
            # A job that names an environment which is not there creates it (GitHub Docs, Using environments for jobs).
            yield place.fails(
                "environment-protection",
                f"GitHub has no environment {name}: the first job that names it creates it, and nobody is asked.",
                fix=f"Create it with required reviewers, {_PAGE}.",
            )
        else:
            yield _protection(place, found)
            yield _refs(place, found, project.settings.protected_refs)
    if not names:
        looked_for = "No GitHub environment that releases deploy to."
        yield settings.not_applicable("environment-protection", looked_for)


def _release_environments(settings: RepositorySettings, project: Project) -> dict[str, str]:
    """GitHub environment -> environment of the project, of those that releases deploy to.

    They are the ones that a deploy role lets in; where no role tells, those that the project's settings name; where
    these name none, those that the repository has.
    """
    deployment = deployment_of(project)
    admitted = [
        name
        for deployer in deployment.deployers
        for name in deployment.environment_names(deployer.trust)
        if deployment.admits_environment(deployer.trust, name) is not NO
    ]
    there = settings.environments if not isinstance(settings.environments, NotRead) else {}
    names = admitted or project.settings.github_environments or there
    ours = [each.name for each in project.environments]
    return {
        name: next((each for each in ours if same_environment(each, name)), name)
        for name in names
        if name != NO_NAME and deployment.is_for_releases(name)
    }


def _unseen(place: EnvironmentSetting, sub: str, why: NotRead) -> Judgement:
    return place.undecided(sub, str(why), fix="Give the audit a token that may read the repository's settings.")


def _protection(place: EnvironmentSetting, found: DeploymentEnvironment) -> Judgement:
    sub = "environment-protection"
    if found.reviewers:
        who = ", ".join(found.reviewers)
        return place.passes(sub, f"A deployment waits for an approval ({who}).")
    if isinstance(found.gates, NotRead):
        return _unseen(place, sub, found.gates)
    if found.gates:
        return place.passes(sub, f"A deployment waits until an app agrees ({', '.join(found.gates)}).")
    waits = f", after {found.wait_minutes} minutes" if found.wait_minutes else ""
    return place.fails(
        sub,
        f"Nobody has to approve a deployment to {place.name}: every job that names it gets its role{waits}.",
        fix=f"Set required reviewers for {place.name}, {_PAGE}.",
        expected="required reviewers",
        actual=f"a wait of {found.wait_minutes} minutes" if found.wait_minutes else "no rule",
    )


def _refs(place: EnvironmentSetting, found: DeploymentEnvironment, protected: tuple[str, ...]) -> Judgement:
    sub = "environment-refs"
    named = ", ".join(protected)
    fix = f"Let only {named} deploy to {place.name}, {_PAGE}."
    tags = [ref for ref in protected if ref.startswith("refs/tags/")]
    match found.deploys_from:
        case NotRead() as why:
            return _unseen(place, sub, why)
        case ProtectedBranches():
            if tags:
                refused = f"Only branches may deploy to {place.name}: GitHub refuses every release's tag ({tags[0]})."
                return place.fails(sub, refused, fix=fix, expected=named, actual="protected branches")
            return place.passes(sub, "Only protected branches may deploy.")
        case AnyRef():
            return place.fails(
                sub,
                f"Code of every branch and tag may deploy to {place.name}, reviewed or not.",
                fix=fix,
                expected=named,
                actual="every branch and tag",
            )
        case patterns:
            refs = [each.ref for each in patterns]
    for ref in refs:
        if not any(covers(glob(each), glob(ref)) for each in protected):
            return place.fails(
                sub,
                f"{ref} may deploy to {place.name}, and not only reviewed changes reach it.",
                fix=f"{fix} Or name it in protected_refs of checker.toml, where it is protected.",
                expected=named,
                actual=", ".join(refs),
            )
    if tags and not any(overlap(glob(tag), glob(ref)) for tag in tags for ref in refs):
        refused = f"No tag may deploy to {place.name}: GitHub refuses every release's ({tags[0]})."
        return place.fails(sub, refused, fix=fix, expected=named, actual=", ".join(refs) or "nothing")
    return place.passes(sub, f"Only {', '.join(refs)} may deploy.")


RULE = Rule(
    id="W6",
    looked_for="deploy role that trusts GitHub's OIDC provider (AWS::IAM::Role)",
    check=check,
    check_settings=check_settings,
)
