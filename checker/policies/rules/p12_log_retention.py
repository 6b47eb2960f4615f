"""Every log group has a retention.

What the review found
    Nothing: it missed that the frontend logs to a group that nobody declares. What nobody declares is kept for ever.
What is checked
    Every declared log group has a retention, of days that CloudWatch Logs takes. And where a service would make a group
    on its own (a function's, a build project's, an exported database log, a cluster's control plane, an API's execution
    log, a broker's and a notebook's, a container that asks for its group to be made), that group is declared under the
    very name that the service uses.
When it does not apply
    No log group, and nothing that makes one. A log group of the class ``DELIVERY``, which keeps logs for two days.
    Flow logs, of which S6 asks the same.
What cannot be decided
    A retention from a parameter without a default; a group that a workload is pointed at and that is not part of the
    project.
Fix
    Declare the log group with ``RetentionInDays`` and hand it to the workload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from checker.model.answers import yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.overlap import could_be_equal
from checker.model.resources import FUNCTIONS, NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import (
    Absent,
    Generated,
    Known,
    Resolved,
    Text,
    Unknown,
    as_bool,
    as_list,
    as_number,
    pieces,
)
from checker.reason.names.groups_named import groups_named
from checker.reason.names.implicit_groups import IMPLICIT, MAKERS, own_name
from checker.reason.names.log_groups import Name, named, sets_days
from checker.reason.names.physical import is_open, is_stacks_own, settled

_GROUP: Final = "AWS::Logs::LogGroup"
_RETENTION: Final = "Custom::LogRetention"  # what CDK's `log_retention` makes
# AWS CloudFormation, AWS::Logs::LogGroup, RetentionInDays: the numbers that are accepted.
RETENTION_DAYS: Final = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
_FIX_RETENTION: Final = "Set RetentionInDays."
_FIX_IMPLICIT: Final = "Declare an AWS::Logs::LogGroup of that name with RetentionInDays, or hand one to the workload."

Groups: TypeAlias = "Mapping[Name, Resource]"


def check(environment: Environment) -> Iterator[Judgement]:
    project = environment.project
    groups = named(environment, _GROUP) if environment.types & MAKERS or _GROUP in environment.types else {}
    retentions = {name: each for name, each in named(environment, _RETENTION).items() if sets_days(each)}
    for group in environment.resources(_GROUP):
        yield _group(group, retentions, project)
    declared = {**groups, **retentions}
    for task in environment.resources("AWS::ECS::TaskDefinition", "AWS::ECS::DaemonTaskDefinition"):
        yield from _containers(task, declared, project)
    for kind, (given, names) in IMPLICIT.items():
        for maker in environment.resources(kind):
            yield from _implicit(maker, given, names, declared, project)
    for service in environment.resources("AWS::ECS::Service"):
        logging = service.get("ServiceConnectConfiguration.LogConfiguration")
        if isinstance(logging, Known):
            path = "ServiceConnectConfiguration.LogConfiguration"
            yield from _logged(service, logging.value, path, declared, project)
    for owner, path, name in groups_named(environment):
        if not _is_declared(name, declared, project):
            yield _elsewhere(owner, name, path)


def _group(group: Resource, retentions: Groups, project: Project) -> Judgement:
    log_class = group.get("LogGroupClass")
    if isinstance(log_class, Known) and log_class.value == "DELIVERY":
        return group.passes("retention", "A delivery log group keeps logs for two days.", path="LogGroupClass")
    if isinstance(group.get("RetentionInDays"), Absent):
        keeper = retentions.get(own_name(group, "", project))
        if keeper is not None:
            return group.passes("retention", "A custom resource sets its retention.")
    given = group.get("RetentionInDays")
    days = as_number(given.value) if isinstance(given, Known) else None
    if days is not None and days > 0 and days not in RETENTION_DAYS:
        nearest = min((each for each in RETENTION_DAYS if each > days), default=max(RETENTION_DAYS))
        return group.fails(
            "retention",
            f"CloudWatch Logs has no retention of {days:g} days: the group cannot be created.",
            fix=f"Set RetentionInDays to {nearest}, or to another number that CloudWatch Logs takes.",
            path="RetentionInDays",
            expected="a number of days that CloudWatch Logs takes",
            actual=f"{days:g}",
        )
    return group["RetentionInDays"].must(
        lambda days: NOT_KNOWN if isinstance(days, Text | Unknown) else yes_if((as_number(days) or 0) > 0),
        expected="a number of days",
        violation="Logs are kept for ever: the group has no retention.",
        fix=_FIX_RETENTION,
        sub="retention",
    )


# -- groups that services make -------------------------------------------------------------------


def _containers(task: Resource, declared: Groups, project: Project) -> Iterator[Judgement]:
    containers = task.get("ContainerDefinitions")
    for index, container in enumerate(as_list(containers.value) if isinstance(containers, Known) else []):
        logging = container.get("LogConfiguration") if isinstance(container, dict) else None
        yield from _logged(task, logging, f"ContainerDefinitions.{index}.LogConfiguration", declared, project)


def _logged(owner: Resource, logging: Resolved, place: str, declared: Groups, project: Project) -> Iterator[Judgement]:
    """What a container's log configuration makes, or that of the proxy beside it."""
    path = f"{place}.Options"
    options = logging.get("Options") if isinstance(logging, dict) else None
    if isinstance(logging, dict) and logging.get("LogDriver") == "awsfirelens":
        yield from _routed(owner, options, path, declared, project)
    if not isinstance(logging, dict) or logging.get("LogDriver") != "awslogs":
        return
    if not isinstance(options, dict):
        yield owner.undecided("implicit", f"{path} is not known before deployment", path=path, fix=_FIX_IMPLICIT)
        return
    name, region = options.get("awslogs-group"), options.get("awslogs-region")
    elsewhere = isinstance(region, str) and owner.stack.region not in ("", region)
    if not elsewhere and _is_declared(name, declared, project):
        yield owner.passes("implicit", "The container logs to a declared group.", path=path)
    elif (sure := _surely_undeclared(name, declared, project)) and as_bool(options.get("awslogs-create-group")):
        yield _undeclared(owner, sure, path)
    else:
        yield _elsewhere(owner, name, path)


def _surely_undeclared(name: Resolved, declared: Groups, project: Project) -> Name | None:
    """The name, where no declared group can have it: one that a parameter is a part of is some declared group's only
    where there is one. What is a parameter as a whole may name a group that somebody else keeps."""
    if isinstance(name, Text):
        named_here = any(isinstance(part, str) and part.strip("/") for part in pieces(name))
        return name if named_here and not declared else None
    return name if isinstance(name, str) and not _may_be_declared(name, declared, project) else None


_ON: Final = frozenset(
    {"true", "on", "yes"}
)  # Fluent Bit documentation, "Configuring: Classic mode: Format and schema"


def _routed(task: Resource, options: Resolved, path: str, declared: Groups, project: Project) -> Iterator[Judgement]:
    """FireLens makes the group that its CloudWatch output names only where it is told to (Fluent Bit documentation,
    Amazon CloudWatch: auto_create_group)."""
    if isinstance(options, dict) and str(options.get("auto_create_group")).lower() in _ON:
        name = options.get("log_group_name", options.get("log_group_template"))
        if isinstance(name, str | Text) and not _is_declared(name, declared, project):
            sure = not _may_be_declared(name, declared, project)
            yield _undeclared(task, name, path) if sure else _elsewhere(task, name, path)


def _implicit(
    maker: Resource,
    given: str,
    names: Callable[[Resource, Project], Iterator[Name] | Unknown],
    declared: Groups,
    project: Project,
) -> Iterator[Judgement]:
    """The groups that one resource makes; ``given`` is the property that names another one instead, if there is."""
    chosen = maker.get(given) if given else None
    if isinstance(chosen, Unknown):
        yield maker.undecided("implicit", f"{given}: {chosen.why}", path=given, fix=_FIX_IMPLICIT)
        return
    if isinstance(chosen, Known):
        if _is_declared(chosen.value, declared, project):
            yield maker.passes("implicit", "It logs to a declared group.", path=given)
        else:
            yield _elsewhere(maker, chosen.value, given)
        return
    if _sets_its_own(maker, project):
        yield maker.passes("implicit", "It gives its own log group a retention when it first sets another's.")
        return
    made = names(maker, project)
    if isinstance(made, Unknown):
        yield maker.undecided("implicit", made.why, fix=_FIX_IMPLICIT)
        return
    undeclared: list[Name] = []
    any_made = False
    for name in made:
        any_made = True
        if settled(name, project) not in declared:
            undeclared.append(name)
    sure = [name for name in undeclared if not _may_be_declared(name, declared, project)]
    if sure:
        yield _undeclared(maker, sure[0], "")
    elif undeclared:
        why = f"whether the log group {undeclared[0]} is one that is declared under a name that is not known yet"
        yield maker.undecided("implicit", why, fix=_FIX_IMPLICIT)
    elif any_made:
        yield maker.passes("implicit", "Each log group that it makes is declared.")


def _sets_its_own(maker: Resource, project: Project) -> bool:
    """Whether this is the function behind :data:`_RETENTION`, which begins with its own group: one day
    (https://github.com/aws/aws-cdk, custom-resource-handlers, aws-logs/log-retention-handler)."""
    return maker.type in FUNCTIONS and any(
        maker.key == each.key
        for keeper in project.resources(_RETENTION)
        for each in project.all_referred(keeper.get("ServiceToken"))
    )


def _is_declared(name: Resolved, declared: Groups, project: Project) -> bool:
    if not isinstance(name, str | Text):
        return False
    return settled(name, project) in declared or any(each.type == _GROUP for each in project.all_referred(name))


def _may_be_declared(name: Name, declared: Groups, project: Project) -> bool:
    """Whether a declared group may turn out to have a name that no group is sure to have.

    What CloudFormation generates nobody can have passed to a parameter before.
    """
    own = settled(name, project)
    holes = own.holes if isinstance(own, Text) else ()
    if any(is_stacks_own(hole) or isinstance(hole, Generated) for hole in holes):
        return False
    untold = [other for other in declared if isinstance(other, Text) and any(is_open(hole) for hole in other.holes)]
    return any(could_be_equal(own, other) for other in untold)


def _undeclared(maker: Resource, name: Name, path: str) -> Judgement:
    shown = "".join(part if isinstance(part, str) else "…" for part in pieces(name))
    said = f"Its log group {shown} is made when it first logs, and keeps everything for ever: nobody declares it."
    return maker.fails("implicit", said, fix=_FIX_IMPLICIT, path=path)


def _elsewhere(maker: Resource, name: Resolved, path: str) -> Judgement:
    shown = name if isinstance(name, str | Text) else "that it logs to"
    why = f"the log group {shown} is not part of this project, so its retention cannot be seen"
    return maker.undecided("implicit", why, path=path, fix=_FIX_IMPLICIT)


RULE = Rule(
    id="P12",
    looked_for="log group, and nothing that makes one by itself",
    check=check,
)
