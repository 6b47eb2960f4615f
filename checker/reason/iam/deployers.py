"""The roles that CI deploys with: which they are, and which environments each of them serves."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Final

from msgspec import Struct

from checker.model.answers import NO, YES, Answer
from checker.model.environment_words import UNNAMED, environment_of, kind_of
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.overlap import Pattern, overlap
from checker.model.resources import Resource, Stack
from checker.model.settings import RELEASES
from checker.model.values import Text
from checker.reason.iam.evaluation import Policies, grants, outlined, policies_of
from checker.reason.oidc.overmatch import Own, named_environments, own_of
from checker.reason.oidc.trust import (
    Repository,
    Token,
    Trust,
    all_admitted,
    environment_token,
    pull_request_token,
    ref_token,
    trust_of,
)
from checker.reason.text.patterns import example, glob

# A role that may do one of these changes what runs.
_DEPLOYING: Final = (
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:UpdateService",
    "ecs:CreateService",
    "iam:PassRole",
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "lambda:UpdateFunctionCode",
)
# CDK's bootstrap: who may become the deploy role, or the role that CloudFormation executes with, deploys.
_CDK_ROLES: Final = glob("arn:*:iam::*:role/cdk-*-deploy-role-*"), glob("arn:*:iam::*:role/cdk-*-cfn-exec-role-*")
# What discovery calls the environment of stacks whose names speak of none.
NO_NAME: Final = UNNAMED

# Stands for a part of a repository's name that neither the policy nor anybody else says.
_NOBODY_SAID: Final = "REPOSITORY"

DESCRIBE_STACKS: Final = "cloudformation:DescribeStacks"


class Deployer(Struct, frozen=True, dict=True):
    """A role that trusts GitHub. ``deploys`` is false for one that only reads or builds."""

    role: Resource
    trust: Trust
    policies: Policies
    deploys: bool

    def may(self, *actions: str) -> bool:
        """Whether the role may do one of ``actions`` on anything, as far as its statements say."""
        return any(grants(self.policies, action) for action in actions)


class Deployment:
    """All that is known of how a project deploys, from its templates."""

    def __init__(self, project: Project) -> None:
        self.project = project
        found: list[Deployer] = []
        for role in project.resources("AWS::IAM::Role"):
            trust = trust_of(role, project)
            if trust is not None:
                policies = policies_of(role, project)
                found.append(Deployer(role, trust, policies, _deploys(policies)))
        self.github_roles = tuple(found)

    @cached_property
    def deployers(self) -> tuple[Deployer, ...]:
        """The roles that deploy. Where none is seen to, those stand for them whose permissions are not all at hand."""
        trusting = [each for each in self.github_roles if each.trust.allows]
        deploying = tuple(each for each in trusting if each.deploys)
        return deploying or tuple(each for each in trusting if each.policies.empty or _may_deploy(each.policies))

    @cached_property
    def perhaps(self) -> tuple[Deployer, ...]:
        """The roles that deploy if what could not be read of them says so: whom they let in, or what they may do."""
        others = (each for each in self.github_roles if each not in self.deployers)
        return tuple(
            each
            for each in others
            if (each.trust.allows or each.trust.unread) and (each.deploys or _may_deploy(each.policies))
        )

    @cached_property
    def own(self) -> Own:
        deployed = tuple(each.name for each in self.environments)
        return own_of(self.project.settings, [each.trust for each in self.github_roles], deployed)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """The environments that releases and pushes are deployed to: all but the shared ones."""
        return tuple(each for each in self.project.environments if each.kind is not EnvironmentKind.SHARED)

    # -- which tokens get in -----------------------------------------------------------------------

    def environment_names(self, trust: Trust) -> tuple[str, ...]:
        """GitHub environments that a trust policy may speak of: the project's, the settings', and those it names."""
        names = dict.fromkeys(each.name for each in self.environments if each.name != NO_NAME)
        names.update(dict.fromkeys(self.project.settings.github_environments))
        names.update(dict.fromkeys(named_environments(trust)))
        return tuple(names)

    def is_for_releases(self, name: str) -> bool:
        """Whether a GitHub environment of this name is what releases deploy to: not a staging or shared one."""
        return kind_of(name) not in (EnvironmentKind.STAGING, EnvironmentKind.SHARED)

    def environment_token(self, trust: Trust, name: str) -> Token:
        ref = "refs/tags/v1.2.3" if kind_of(name) is EnvironmentKind.PRODUCTION else None
        return environment_token(self.repository(trust), name, ref=ref)

    def release_ways(self, trust: Trust) -> list[list[Token]]:
        """The ways in for a release: the token of a production environment, or those of release tags."""
        names = [name for name in self.environment_names(trust) if self.is_for_releases(name)]
        ways = [[self.environment_token(trust, name)] for name in names or ["production"]]
        return [*ways, list(self.release_tokens(trust))]

    def is_for_staging(self, deployer: Deployer, kinds: Collection[EnvironmentKind]) -> bool:
        """Whether a role that deploys to environments of these kinds lets in staging's jobs alone, where another role
        lets in releases: with no production among the kinds, nothing says that releases come to it."""
        named = {kind_of(name) for name in named_environments(deployer.trust)}
        if EnvironmentKind.PRODUCTION in kinds or named != {EnvironmentKind.STAGING}:
            return False
        others = (each.trust for each in self.deployers if each is not deployer)
        return any(YES in [all_admitted(trust, way) for way in self.release_ways(trust)] for trust in others)

    def branch_token(self, trust: Trust) -> Token:
        """The token of a job on the default branch."""
        return ref_token(self.repository(trust), f"refs/heads/{self.project.settings.default_branch}")

    def ref_token(self, trust: Trust, ref: str | Text) -> Token:
        """The token of a job without an environment that runs on ``ref``; of a pull request's merge, that event's."""
        if str(ref).startswith("refs/pull/"):
            return pull_request_token(self.repository(trust))
        return ref_token(self.repository(trust), ref)

    def admits_environment(self, trust: Trust, name: str) -> Answer:
        return all_admitted(trust, [self.environment_token(trust, name)])

    def admits_releases(self, trust: Trust) -> Answer:
        """Whether the tokens of jobs that a release's tag starts get in."""
        return all_admitted(trust, self.release_tokens(trust))

    def release_tokens(self, trust: Trust) -> Iterator[Token]:
        for pattern in self.project.settings.release_tag_patterns:
            head = pattern.partition("*")[0]
            for release in RELEASES:
                yield ref_token(self.repository(trust), f"refs/tags/{head}{release if '*' in pattern else ''}")

    def admits_default_branch(self, trust: Trust) -> Answer:
        return all_admitted(trust, [self.branch_token(trust)])

    def repository(self, trust: Trust) -> Repository:
        """The project's own; where only the policy could say and it leaves it open, one that it lets in."""
        if self.own.repositories:
            return self.own.repository
        for pattern in subject_patterns(trust):
            written = str(example(pattern, _NOBODY_SAID)).split(":")
            if written[0] == "repo" and len(written) > 1:
                owner, slash, name = written[1].partition("/")
                if not slash and owner != _NOBODY_SAID:
                    name = _NOBODY_SAID
                return Repository(f"{'OWNER' if owner == _NOBODY_SAID else owner}/{name or _NOBODY_SAID}")
        return self.own.repository

    # -- who serves what ---------------------------------------------------------------------------

    @cached_property
    def _claimed(self) -> dict[Deployer, frozenset[str]]:
        """The environments whose own tokens each role admits: by GitHub environment, or production by release tags."""
        claims = {each: frozenset(self._claims(each)) for each in self.deployers}
        names = {each.name for each in self.environments}
        elsewhere = frozenset[str]().union(*claims.values()) - names
        if NO_NAME in names and len(elsewhere) == 1:
            # The one name that tokens speak of and the one environment without a name are the same.
            claims = {
                each: found - elsewhere | {NO_NAME} if found & elsewhere else found for each, found in claims.items()
            }
        return claims

    def _claims(self, deployer: Deployer) -> Iterator[str]:
        for name in self.environment_names(deployer.trust):
            if self.admits_environment(deployer.trust, name) is YES:
                yield next((each.name for each in self.environments if same_environment(each.name, name)), name)
        if self.admits_releases(deployer.trust) is YES:
            yield from (each.name for each in self.environments if each.kind is EnvironmentKind.PRODUCTION)

    def served(self, deployer: Deployer) -> frozenset[str]:
        """The environments that a role deploys to: all of them, unless something tells.

        A role in every environment's own stacks: each serves its own. Otherwise those whose tokens it admits. The
        environments that no role's tokens speak of are served by whoever lets in the default branch, or names GitHub
        environments that no stack at hand is called by, or is alone.
        """
        names = frozenset(each.name for each in self.environments)
        homes = {each.role.stack.environment for each in self.deployers}
        if len(names) > 1 and names <= homes and deployer.role.stack.environment in names:
            return frozenset({deployer.role.stack.environment})
        claimed = self._claimed.get(deployer, frozenset())
        rest = names.difference(*self._claimed.values())
        if len(self.deployers) == 1 or claimed - names or self.admits_default_branch(deployer.trust) is not NO:
            claimed |= rest
        return claimed or names


def _deploys(policies: Policies) -> bool:
    if any(grants(policies, action) for action in _DEPLOYING):
        return True
    for grant in grants(policies, "sts:AssumeRole"):
        if grant.resources is None or any(_is_cdk_deployer(pattern) for pattern in grant.resources):
            return True
    return False


def _may_deploy(policies: Policies) -> bool:
    """Whether something that is not known, or known in outline only, may let a role deploy."""
    return bool(policies.unread) or any(outlined(policies, action) for action in _DEPLOYING)


def _is_cdk_deployer(pattern: Pattern | None) -> bool:
    return pattern is None or any(overlap(pattern, each) for each in _CDK_ROLES)


def subject_patterns(trust: Trust) -> Iterator[Pattern]:
    """The subjects that a trust policy lets in, as it writes them."""
    for statement in trust.entrances:
        for condition in statement.conditions:
            if condition.key == trust.key("sub") and not condition.negated:
                yield from (pattern for pattern in condition.patterns if pattern is not None)


def same_account(one: Stack, other: Stack) -> bool:
    """Whether two stacks may be of one account: they are not known to be of two."""
    return not one.account or not other.account or one.account == other.account


def same_environment(one: str, other: str) -> bool:
    """Whether two names speak of the same environment: ``prod`` and ``production``, ``dev`` and ``development``."""
    return one.lower() == other.lower() or _spoken(one) == _spoken(other)


def _spoken(name: str) -> str:
    found = (environment_of(name) or name).lower()
    return _SAME.get(found, found)


_SAME: Final = {"live": "production", "development": "dev", "develop": "dev", "testing": "test"}


def deployment_of(project: Project) -> Deployment:
    """The project's :class:`Deployment`, worked out once."""
    return project.once(Deployment)


def stacks_to_read(deployment: Deployment, deployer: Deployer) -> Iterator[Stack]:
    """The stacks whose outputs a deploy role needs: the shared ones, and those of the environments that it serves."""
    served = deployment.served(deployer)
    for environment in deployment.project.environments:
        if environment.kind is EnvironmentKind.SHARED or environment.name in served:
            for stack in environment.stacks:
                if stack.parent is None and same_account(stack, deployer.role.stack):
                    yield stack
