"""Every log group has a retention.

What the review found
    Nothing: it missed that the frontend logs to a group that nobody declares. What nobody declares is kept for ever.
What is checked
    Every declared log group has a retention, of days that CloudWatch Logs takes. And where a service would make a group
    on its own (a function's, a build project's, an exported database log, a cluster's control plane, an API's execution
    log, a container that asks for its group to be made), that group is declared under the very name that the service
    uses.
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

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from checker.model.answers import yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import (
    Absent,
    Generated,
    Known,
    Resolved,
    Text,
    Unknown,
    Unstated,
    as_bool,
    as_list,
    as_number,
    attribute_of,
    pieces,
    text,
)
from checker.reason.names.log_groups import Name, named, sets_days
from checker.reason.names.physical import settled

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
    groups = named(environment, _GROUP) if environment.types & _MAKERS or _GROUP in environment.types else {}
    retentions = {name: each for name, each in named(environment, _RETENTION).items() if sets_days(each)}
    for group in environment.resources(_GROUP):
        yield _group(group, retentions, project)
    declared = {**groups, **retentions}
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        yield from _containers(task, declared, project)
    for kind, (given, names) in _IMPLICIT.items():
        for maker in environment.resources(kind):
            yield from _implicit(maker, given, names, declared, project)


def _group(group: Resource, retentions: Groups, project: Project) -> Judgement:
    log_class = group.get("LogGroupClass")
    if isinstance(log_class, Known) and log_class.value == "DELIVERY":
        return group.passes("retention", "A delivery log group keeps logs for two days.", path="LogGroupClass")
    if isinstance(group.get("RetentionInDays"), Absent):
        keeper = retentions.get(_own_name(group, "", project))
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


def _own_name(resource: Resource, attribute: str, project: Project) -> Name:
    """What ``Ref`` (or an attribute) of a resource answers, as its name where that is fixed."""
    return settled(Text((attribute_of(resource.key, attribute),)), project)


# -- groups that services make -------------------------------------------------------------------


def _containers(task: Resource, declared: Groups, project: Project) -> Iterator[Judgement]:
    containers = task.get("ContainerDefinitions")
    for index, container in enumerate(as_list(containers.value) if isinstance(containers, Known) else []):
        logging = container.get("LogConfiguration") if isinstance(container, dict) else None
        if not isinstance(logging, dict):
            continue
        if logging.get("LogDriver") == "awsfirelens":
            yield from _routed(task, logging.get("Options"), index, declared, project)
        if logging.get("LogDriver") != "awslogs":
            continue
        options = logging.get("Options")
        path = f"ContainerDefinitions.{index}.LogConfiguration.Options"
        if not isinstance(options, dict):
            yield task.undecided("implicit", f"{path} is not known before deployment", path=path, fix=_FIX_IMPLICIT)
            continue
        name, region = options.get("awslogs-group"), options.get("awslogs-region")
        elsewhere = isinstance(region, str) and task.stack.region not in ("", region)
        if not elsewhere and _is_declared(name, declared, project):
            yield task.passes("implicit", "The container logs to a declared group.", path=path)
        elif isinstance(name, str) and as_bool(options.get("awslogs-create-group")):
            yield _undeclared(task, name, path)
        else:
            yield _elsewhere(task, name, path)


_ON: Final = frozenset(
    {"true", "on", "yes"}
)  # Fluent Bit documentation, "Configuring: Classic mode: Format and schema"


def _routed(task: Resource, options: Resolved, index: int, declared: Groups, project: Project) -> Iterator[Judgement]:
    """FireLens makes the group that its CloudWatch output names only where it is told to (Fluent Bit documentation,
    Amazon CloudWatch: auto_create_group)."""
    if isinstance(options, dict) and str(options.get("auto_create_group")).lower() in _ON:
        name = options.get("log_group_name", options.get("log_group_template"))
        path = f"ContainerDefinitions.{index}.LogConfiguration.Options"
        if isinstance(name, str | Text) and not _is_declared(name, declared, project):
            yield _undeclared(task, name, path)


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
    if maker.type == "AWS::Serverless::Function" and "LoggingConfig" in _globals(maker):
        why = "the template's Globals say where functions log"
        yield maker.undecided("implicit", why, path=given, fix=_FIX_IMPLICIT)
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
    if undeclared:
        yield _undeclared(maker, undeclared[0], "")
    elif any_made:
        yield maker.passes("implicit", "Each log group that it makes is declared.")


def _sets_its_own(maker: Resource, project: Project) -> bool:
    """Whether this is the function behind :data:`_RETENTION`, which begins with its own group: one day
    (https://github.com/aws/aws-cdk, custom-resource-handlers, aws-logs/log-retention-handler)."""
    return maker.type == "AWS::Lambda::Function" and any(
        maker.key == each.key
        for keeper in project.resources(_RETENTION)
        for each in project.all_referred(keeper.get("ServiceToken"))
    )


def _globals(function: Resource) -> Mapping[str, object]:
    """What SAM gives to every function of the template (AWS SAM Developer Guide, "Globals section")."""
    declared = function.stack.template.get("Globals")
    functions = declared.get("Function") if isinstance(declared, dict) else None
    return functions if isinstance(functions, dict) else {}


def _is_declared(name: Resolved, declared: Groups, project: Project) -> bool:
    if not isinstance(name, str | Text):
        return False
    return settled(name, project) in declared or any(each.type == _GROUP for each in project.all_referred(name))


def _undeclared(maker: Resource, name: Name, path: str) -> Judgement:
    said = f"Its log group {name} is made when it first logs, and keeps everything for ever: nobody declares it."
    return maker.fails("implicit", said, fix=_FIX_IMPLICIT, path=path)


def _elsewhere(maker: Resource, name: Resolved, path: str) -> Judgement:
    shown = name if isinstance(name, str | Text) else "that it logs to"
    why = f"the log group {shown} is not part of this project, so its retention cannot be seen"
    return maker.undecided("implicit", why, path=path, fix=_FIX_IMPLICIT)


def _under(prefix: str) -> Callable[[Resource, Project], Iterator[Name]]:
    """One group, called by ``prefix`` and the name of what makes it."""
    return lambda maker, project: iter([text([prefix, *pieces(_own_name(maker, "", project))])])


def _exported(prefix: str) -> Callable[[Resource, Project], Iterator[Name] | Unknown]:
    """One group for each log that a database exports."""

    def names(database: Resource, project: Project) -> Iterator[Name] | Unknown:
        exports = database.get("EnableCloudwatchLogsExports")
        if isinstance(exports, Unknown):
            return exports
        logs = as_list(exports.value) if isinstance(exports, Known) else []
        if not all(isinstance(each, str) for each in logs):
            return Unknown("EnableCloudwatchLogsExports is not known before deployment")
        own = pieces(_own_name(database, "", project))
        return iter([text([prefix, *own, f"/{each}"]) for each in logs])

    return names


def _build(project_resource: Resource, project: Project) -> Iterator[Name] | Unknown:
    status = project_resource.get("LogsConfig.CloudWatchLogs.Status")
    if isinstance(status, Known) and status.value == "DISABLED":
        return iter(())
    return status if isinstance(status, Unknown) else _under("/aws/codebuild/")(project_resource, project)


def _control_plane(cluster: Resource, project: Project) -> Iterator[Name] | Unknown:
    types = cluster.get("Logging.ClusterLogging.EnabledTypes")
    if isinstance(types, Unknown):
        return types
    if isinstance(types, Absent) or not types.value:
        return iter(())
    return iter([text(["/aws/eks/", *pieces(_own_name(cluster, "", project)), "/cluster"])])


def _execution(stage: Resource, _: Project) -> Iterator[Name] | Unknown:
    """API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs": execution logs have a group per stage."""
    settings = stage.get("MethodSettings")
    if isinstance(settings, Unknown):
        return settings
    levels = [
        entry.get("LoggingLevel") for entry in as_list(None if isinstance(settings, Absent) else settings.value)
        if isinstance(entry, dict)
    ]  # fmt: skip
    if not any(level in {"INFO", "ERROR"} for level in levels if isinstance(level, str)):
        return iter(())
    api, name = stage.get("RestApiId"), stage.get("StageName")
    if not (isinstance(api, Known) and isinstance(api.value, str | Text)):
        return Unknown("RestApiId is not known")
    if not (isinstance(name, Known) and isinstance(name.value, str | Text)):
        return Unknown("StageName is not known")
    return iter([text(["API-Gateway-Execution-Logs_", *pieces(api.value), "/", *pieces(name.value)])])


def _graph(api: Resource, project: Project) -> Iterator[Name]:
    if isinstance(api.get("LogConfig"), Absent):
        return iter(())
    return iter([text(["/aws/appsync/apis/", *pieces(_own_name(api, "ApiId", project))])])


def _insights(cluster: Resource, project: Project) -> Iterator[Name] | Unknown:
    """Amazon CloudWatch User Guide, "Container Insights": performance log events have a group per cluster."""
    settings = cluster.get("ClusterSettings")
    if isinstance(settings, Unknown):
        return settings
    listed = as_list(settings.value) if isinstance(settings, Known) else []
    values = [
        each.get("Value") for each in listed if isinstance(each, dict) and each.get("Name") == "containerInsights"
    ]
    if not any(value in ("enabled", "enhanced") for value in values):
        return iter(())
    return iter([text(["/aws/ecs/containerinsights/", *pieces(_own_name(cluster, "", project)), "/performance"])])


def _batch(job: Resource, _: Project) -> Iterator[Name] | Unknown:
    """AWS Batch User Guide, "Using the awslogs log driver": without a configuration, jobs log to /aws/batch/job."""
    container = job.get("ContainerProperties")
    if isinstance(container, Unknown):
        return container
    logs_itself = isinstance(container, Known) and isinstance(job.get("ContainerProperties.LogConfiguration"), Absent)
    tasks = job.get("EcsProperties.TaskProperties")
    for task in as_list(tasks.value) if isinstance(tasks, Known) else ():
        listed = as_list(task.get("Containers")) if isinstance(task, dict) else []
        logs_itself = logs_itself or any(isinstance(each, dict) and "LogConfiguration" not in each for each in listed)
    return iter(["/aws/batch/job"] if logs_itself else [])


def _replication(task: Resource, _: Project) -> Iterator[Name] | Unknown:
    """AWS DMS User Guide, "Logging task settings"."""
    settings = task.get("ReplicationTaskSettings")
    if isinstance(settings, Unknown):
        return settings
    written = settings.value if isinstance(settings, Known) else ""
    if not re.search(r'"EnableLogging"\s*:\s*true', str(written)):
        return iter(())
    return iter([text(["dms-tasks-", Unstated("the instance")])])


def _with_id(prefix: str, end: str) -> Callable[[Resource, Project], Iterator[Name]]:
    """One group, whose name has an id that the service makes."""

    def names(maker: Resource, _: Project) -> Iterator[Name]:
        name = maker.get("Name" if maker.type == "AWS::Synthetics::Canary" else "ServiceName")
        own = name.value if isinstance(name, Known) and isinstance(name.value, str | Text) else maker.logical_id
        return iter([text([prefix, *pieces(own), Generated("…", maker.key), end])])

    return names


def _fixed(*groups: Name) -> Callable[[Resource, Project], Iterator[Name]]:
    """The same groups in every account."""

    def names(maker: Resource, project: Project) -> Iterator[Name]:  # noqa: ARG001 - whoever makes them
        return iter(groups)

    return names


# What makes a log group on its own: the property that names another one instead, and the names that it makes. Sources:
# the services' own guides, and Amazon CloudWatch Logs User Guide, "AWS services that publish logs to CloudWatch Logs".
_IMPLICIT: Final[Mapping[str, tuple[str, Callable[[Resource, Project], Iterator[Name] | Unknown]]]] = {
    "AWS::Lambda::Function": ("LoggingConfig.LogGroup", _under("/aws/lambda/")),
    "AWS::Serverless::Function": ("LoggingConfig.LogGroup", _under("/aws/lambda/")),
    "AWS::CodeBuild::Project": ("LogsConfig.CloudWatchLogs.GroupName", _build),
    "AWS::RDS::DBInstance": ("", _exported("/aws/rds/instance/")),
    "AWS::RDS::DBCluster": ("", _exported("/aws/rds/cluster/")),
    "AWS::DocDB::DBCluster": ("", _exported("/aws/docdb/")),
    "AWS::Neptune::DBCluster": ("", _exported("/aws/neptune/")),
    "AWS::EKS::Cluster": ("", _control_plane),
    "AWS::ApiGateway::Stage": ("", _execution),
    "AWS::AppSync::GraphQLApi": ("", _graph),
    "AWS::AppRunner::Service": ("", _with_id("/aws/apprunner/", "/application")),
    "AWS::Batch::JobDefinition": ("", _batch),
    "AWS::DMS::ReplicationTask": ("", _replication),
    "AWS::ECS::Cluster": ("", _insights),
    "AWS::Glue::Crawler": ("", _fixed("/aws-glue/crawlers")),
    "AWS::Glue::Job": ("", _fixed("/aws-glue/jobs/output", "/aws-glue/jobs/error")),
    "AWS::RDS::DBProxy": ("", _under("/aws/rds/proxy/")),
    "AWS::SageMaker::Endpoint": ("", _under("/aws/sagemaker/Endpoints/")),
    "AWS::SageMaker::NotebookInstance": ("", _fixed("/aws/sagemaker/NotebookInstances")),
    "AWS::Synthetics::Canary": ("", _with_id("/aws/lambda/cwsyn-", "")),
}
_MAKERS: Final = frozenset({"AWS::ECS::TaskDefinition", *_IMPLICIT})


RULE = Rule(
    id="P12",
    looked_for="log group, and nothing that makes one by itself",
    check=check,
)
