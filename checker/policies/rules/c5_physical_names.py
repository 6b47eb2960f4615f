"""No two resources claim the same physical name.

What the review found
    Some 27 names (load balancer, cluster, secrets, log groups, function, queue, topic, alarms, role) are fixed in code,
    so a second environment cannot be made in the same account.
What is checked
    Every resource whose name is fixed, of every type that has a name in the CloudFormation registry, the records of
    record-set groups, the host names of distributions, and what custom resources make. With two or more environments,
    their names are compared with each other, within each, and with the shared stacks'. With one alone, its names must
    carry the environment, or the next one made from the same code would collide.
When it does not apply
    No resource of a type that has a unique name. Names that are unique within a parent (a service in its cluster, a
    record in its zone, a namespace in its network) do not collide where the parents differ.
What cannot be decided
    Names taken from parameters without a value, where the rest of the name fits another; names that only a guess says
    are made by a custom resource.
Fix
    Leave the name out, so that CloudFormation generates one, or put the environment into it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from checker.model.answers import NO, Open
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.rules import Rule
from checker.model.verdicts import Surface
from checker.reason.names.collisions import Candidate, Clash, candidates, clashes
from checker.reason.names.naming import naming_of
from checker.reason.names.next_environment import admits_several, carries_environment, untold

_PROVIDER: Final = "AWS::IAM::OIDCProvider"  # its address is its name, and an account has one of each
_FIX_ONCE: Final = "Make it in a stack that is deployed once for all environments: an account has one for each address."
_FIX = "Leave the name out, so that CloudFormation generates one, or put the environment into it."


def check_project(project: Project) -> Iterator[Judgement]:
    names = candidates(project)
    found = clashes(names)
    alone = only_environment(project)
    named: set[str] = set()
    for name in names:
        environment = project.environment(name.resource.environment_name)
        if environment is not None:
            named.add(environment.name)
            yield _judge(name, found.get(name), environment, alone=environment is alone)
    for environment in project.environments:
        if environment.name not in named and any(naming_of(kind) for kind in environment.types):
            yield environment.passes(None, "CloudFormation generates every name.")


def only_environment(project: Project) -> Environment | None:
    """The environment that stands for all others made from the same code, where it is the only one at hand."""
    own = [each for each in project.environments if each.kind is not EnvironmentKind.SHARED and each.types]
    return own[0] if len(own) == 1 else None


def _judge(name: Candidate, clash: Clash | None, environment: Environment, *, alone: bool) -> Judgement:
    resource, path = name.resource, name.name.path
    others = [each for each in clash.certain if not untold(name, each)] if clash is not None else []
    if others:
        return resource.fails(
            None,
            f"The name {name.text} collides with {_listed(others)}.",
            fix=_FIX,
            path=path,
            expected="a name that nothing else has",
            actual=str(name.text),
            related=tuple(each.resource for each in others),
        )
    if alone:
        carries = carries_environment(name, environment)
        if carries is NO and resource.type == _PROVIDER and admits_several(resource.stack):
            why = "It is made once: its stack's roles admit the jobs of production and of other environments."
            return resource.passes(None, why, path=path, actual=str(name.text))
        if carries is NO:
            return _would_collide(name)
        # In an account every name is there already: what is open of it is no question of the next deployment.
        if isinstance(carries, Open) and resource.surface is not Surface.ACCOUNT:
            return resource.undecided(None, carries.why, path=path, fix=_FIX)
    if name.text is None:
        why = f"{path}, or what it is a name in, is decided at deployment"
        return resource.undecided(None, why, path=path, fix=_FIX)
    parameter = (
        next((told for each in clash.certain if (told := untold(name, each)) in _parameters(name)), "") if clash else ""
    )
    if parameter:
        why = f"two deployments of its template are named {name.text} unless they give {parameter} other values"
        fix = f"Say what each is deployed with: {parameter} under [environments.NAME.parameters] of checker.toml."
        return resource.undecided(None, why, path=path, fix=fix)
    if clash is not None and clash.possible:
        why = f"{name.text} may be the same name as that of {_listed(clash.possible)}"
        return resource.undecided(None, why, path=path, fix=_FIX)
    return resource.passes(None, "Nothing else has this name.", path=path, actual=str(name.text))


def _parameters(name: Candidate) -> Collection[str]:
    declared = name.resource.stack.template.get("Parameters")
    return declared if isinstance(declared, dict) else ()


def _would_collide(name: Candidate) -> Judgement:
    resource, path = name.resource, name.name.path
    if not name.name.naming.certain:
        why = f"whether {resource.type} makes something under the name {name.text}, which carries no environment"
        return resource.undecided(None, why, path=path, fix=_FIX)
    return resource.fails(
        None,
        f"The name {name.text} carries no environment: it collides with that of the next environment.",
        fix=_FIX_ONCE if resource.type == _PROVIDER else _FIX,
        path=path,
        expected="a name that carries the environment, or none",
        actual=str(name.text),
    )


def _listed(names: list[Candidate]) -> str:
    shown = [f"{each.resource.stack.name}/{each.resource.logical_id}" for each in names[:3]]
    return ", ".join(shown) + (" and others" if len(names) > 3 else "")


RULE = Rule(
    id="C5",
    looked_for="resource with a name that has to be unique",
    check_project=check_project,
)
