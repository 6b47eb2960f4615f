"""The log groups that services make on their own, by the names that they give them.

Sources: the services' own guides, and Amazon CloudWatch Logs User Guide, "AWS services that publish logs to CloudWatch
Logs".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import (
    Absent,
    Generated,
    Known,
    Pseudo,
    Text,
    Unknown,
    Unstated,
    as_bool,
    as_list,
    attribute_of,
    pieces,
    text,
)
from checker.reason.names.log_groups import Name
from checker.reason.names.physical import settled


def own_name(resource: Resource, attribute: str, project: Project) -> Name:
    """What ``Ref`` (or an attribute) of a resource answers, as its name where that is fixed."""
    return settled(Text((attribute_of(resource.key, attribute),)), project)


def _not_told(path: str) -> Unknown:
    return Unknown(f"{path} is not known before deployment")


def _is_on(maker: Resource, path: str, *on: str) -> bool | Unknown:
    """Whether a property is true, or one of ``on``."""
    value = maker.get(path)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Known) and isinstance(value.value, Text):
        return _not_told(path)
    given = value.value if isinstance(value, Known) else None
    return given in on if on else as_bool(given) is True


def _listed(maker: Resource, path: str) -> list[str] | Unknown:
    value = maker.get(path)
    if isinstance(value, Unknown):
        return value
    found = as_list(value.value) if isinstance(value, Known) else []
    told = [each for each in found if isinstance(each, str)]
    return told if len(told) == len(found) else _not_told(path)


def _under(prefix: str, maker: Resource, project: Project, attribute: str = "") -> Iterator[Name]:
    """One group, called by ``prefix`` and the name of what makes it."""
    return iter([text([prefix, *pieces(own_name(maker, attribute, project))])])


def _exported(prefix: str, database: Resource, project: Project) -> Iterator[Name] | Unknown:
    """One group for each log that a database exports."""
    logs = _listed(database, "EnableCloudwatchLogsExports")
    if isinstance(logs, Unknown):
        return logs
    own = pieces(own_name(database, "", project))
    return iter([text([prefix, *own, f"/{each}"]) for each in logs])


def _build(project_resource: Resource, project: Project) -> Iterator[Name] | Unknown:
    off = _is_on(project_resource, "LogsConfig.CloudWatchLogs.Status", "DISABLED")
    if isinstance(off, Unknown):
        return off
    return iter(()) if off else _under("/aws/codebuild/", project_resource, project)


def _control_plane(cluster: Resource, project: Project) -> Iterator[Name] | Unknown:
    path = "Logging.ClusterLogging.EnabledTypes"
    types = cluster.get(path)
    if isinstance(types, Unknown):
        return types
    if isinstance(types, Absent) or not types.value:
        return iter(())
    if isinstance(types.value, Text):
        return _not_told(path)
    return iter([text(["/aws/eks/", *pieces(own_name(cluster, "", project)), "/cluster"])])


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
        return _not_told("LoggingLevel") if any(isinstance(level, Text) for level in levels) else iter(())
    api, name = stage.get("RestApiId"), stage.get("StageName")
    if stage.type == "AWS::Serverless::Api":  # an API and its stage in one
        api = Known(Text((attribute_of(stage.key),)))
    if not (isinstance(api, Known) and isinstance(api.value, str | Text)):
        return Unknown("RestApiId is not known")
    if not (isinstance(name, Known) and isinstance(name.value, str | Text)):
        return Unknown("StageName is not known")
    return iter([text(["API-Gateway-Execution-Logs_", *pieces(api.value), "/", *pieces(name.value)])])


def _graph(api: Resource, project: Project) -> Iterator[Name]:
    if isinstance(api.get("LogConfig"), Absent):
        return iter(())
    return iter([text(["/aws/appsync/apis/", *pieces(own_name(api, "ApiId", project))])])


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
        return _not_told("containerInsights") if any(isinstance(value, Text) for value in values) else iter(())
    return iter([text(["/aws/ecs/containerinsights/", *pieces(own_name(cluster, "", project)), "/performance"])])


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
    if isinstance(written, Text) and not any(isinstance(part, str) for part in pieces(written)):
        return _not_told("ReplicationTaskSettings")
    if not re.search(r'"EnableLogging"\s*:\s*true', str(written)):
        return iter(())
    return iter([text(["dms-tasks-", Unstated("the instance")])])


def _with_id(prefix: str, end: str, maker: Resource, project: Project) -> Iterator[Name]:
    """One group, whose name has an id that the service makes."""
    own = pieces(own_name(maker, "", project))
    return iter([text([prefix, *own, Generated("…", maker.key), end])])


def _broker(broker: Resource, project: Project) -> Iterator[Name] | Unknown:
    """Amazon MQ Developer Guide, "Configuring Amazon MQ for ActiveMQ logs"."""
    own = pieces(own_name(broker, "", project))
    made: list[Name] = []
    for kind in ("General", "Audit"):
        on = _is_on(broker, f"Logs.{kind}")
        if isinstance(on, Unknown):
            return on
        if on:
            made.append(text(["/aws/amazonmq/broker/", *own, f"/{kind.lower()}"]))
    return iter(made)


def _transfers(server: Resource, project: Project) -> Iterator[Name]:
    """AWS Transfer Family User Guide, "CloudWatch logging": with a role alone, a group of its own."""
    told = server.get("StructuredLogDestinations")
    own = isinstance(told, Absent) and not isinstance(server.get("LoggingRole"), Absent)
    name = text(["/aws/transfer/", *pieces(own_name(server, "ServerId", project))])
    return iter([name] if own else [])


def _airflow(environment: Resource, project: Project) -> Iterator[Name] | Unknown:
    """Amazon MWAA User Guide, "Viewing Airflow logs in Amazon CloudWatch": a group per kind, with a fixed ending."""
    own = pieces(own_name(environment, "", project))
    made: list[Name] = []
    for kind, ending in _AIRFLOW.items():
        on = _is_on(environment, f"LoggingConfiguration.{kind}.Enabled")
        if isinstance(on, Unknown):
            return on
        if on:
            made.append(text(["airflow-", *own, f"-{ending}"]))
    return iter(made)


_AIRFLOW: Final = {
    "DagProcessingLogs": "DAGProcessing",
    "SchedulerLogs": "Scheduler",
    "TaskLogs": "Task",
    "WebserverLogs": "WebServer",
    "WorkerLogs": "Worker",
}


def _spark(application: Resource, _: Project) -> Iterator[Name] | Unknown:
    """Amazon EMR Serverless User Guide, "Storing logs": the same group in every account, where it is on."""
    on = _is_on(application, "MonitoringConfiguration.CloudWatchLoggingConfiguration.Enabled")
    return on if isinstance(on, Unknown) else iter(["/aws/emr-serverless"] if on else [])


def _things(logging: Resource, _: Project) -> Iterator[Name] | Unknown:
    """AWS IoT Core Developer Guide, "Configure AWS IoT logging": the same group in every account, at any level but
    DISABLED."""
    on = _is_on(logging, "DefaultLogLevel", "ERROR", "INFO", "DEBUG", "WARN")
    return on if isinstance(on, Unknown) else iter(["AWSIotLogsV2"] if on else [])


def _serverless_replication(config: Resource, _: Project) -> Iterator[Name] | Unknown:
    """AWS DMS User Guide, "Monitoring AWS DMS Serverless": a group per replication."""
    on = _is_on(config, "ReplicationSettings.Logging.EnableLogging")
    if isinstance(on, Unknown):
        return on
    return iter([text(["dms-serverless-replication-", Unstated("the replication")])] if on else [])


def _insights_of_kubernetes(addon: Resource, _: Project) -> Iterator[Name] | Unknown:
    """Amazon CloudWatch User Guide, "Container Insights on Amazon EKS": what the add-on's agent makes."""
    ours, cluster = _is_on(addon, "AddonName", "amazon-cloudwatch-observability"), addon.get("ClusterName")
    if isinstance(ours, Unknown):
        return ours
    if isinstance(cluster, Unknown):
        return cluster
    if not ours or not isinstance(cluster, Known) or not isinstance(cluster.value, str | Text):
        return iter(())
    return iter([
        text(["/aws/containerinsights/", *pieces(cluster.value), f"/{each}"])
        for each in ("application", "performance", "dataplane", "host")
    ])  # fmt: skip


def _warehouse(cluster: Resource, project: Project) -> Iterator[Name] | Unknown:
    """Amazon Redshift Management Guide, "Database audit logging": to CloudWatch a group per kind of log."""
    on = _is_on(cluster, "LoggingProperties.LogDestinationType", "cloudwatch")
    listed = _listed(cluster, "LoggingProperties.LogExports") if on else []
    if isinstance(on, Unknown) or isinstance(listed, Unknown):
        return on if isinstance(on, Unknown) else _not_told("LoggingProperties.LogExports")
    own = pieces(own_name(cluster, "", project))
    return iter([text(["/aws/redshift/cluster/", *own, f"/{each}"]) for each in listed])


def _serverless_warehouse(namespace: Resource, project: Project) -> Iterator[Name] | Unknown:
    """Amazon Redshift Management Guide, "Audit logging for Amazon Redshift Serverless": a group per kind of log."""
    listed = _listed(namespace, "LogExports")
    if isinstance(listed, Unknown):
        return listed
    own = pieces(own_name(namespace, "", project))
    return iter([text(["/aws/redshift/", *own, f"/{each}"]) for each in listed])


def _deliveries(topic: Resource, project: Project) -> Iterator[Name] | Unknown:
    """Amazon SNS Developer Guide, "Prerequisites for delivery status logging": a group per topic."""
    told = topic.get("DeliveryStatusLogging")
    if isinstance(told, Unknown):
        return told
    if isinstance(told, Absent) or not told.value:
        return iter(())
    named = pieces(own_name(topic, "TopicName", project))
    place: list[Pseudo | str] = [
        topic.stack.region or Pseudo("AWS::Region"), "/", topic.stack.account or Pseudo("AWS::AccountId"), "/"
    ]  # fmt: skip
    return iter([text(["sns/", *place, *named])])


_OUTPUT: Final = "TaskInvocationParameters.MaintenanceWindowRunCommandParameters.CloudWatchOutputConfig"


def _commands(task: Resource, _: Project) -> Iterator[Name] | Unknown:
    """AWS Systems Manager User Guide, "Configuring CloudWatch Logs for Run Command": a group per document."""
    on, document = _is_on(task, f"{_OUTPUT}.CloudWatchOutputEnabled"), task.get("TaskArn")
    if isinstance(on, Unknown):
        return on
    named = document.value if isinstance(document, Known) else None
    return iter([text(["/aws/ssm/", *pieces(named)])] if on and isinstance(named, str | Text) else [])


def _runtime(runtime: Resource, project: Project) -> Iterator[Name]:
    """Amazon Bedrock AgentCore Developer Guide, "Observe your agent applications"."""
    own = pieces(own_name(runtime, "AgentRuntimeId", project))
    return iter([text(["/aws/bedrock-agentcore/runtimes/", *own, "-DEFAULT"])])


def _express(service: Resource, _: Project) -> Iterator[Name]:
    """Amazon ECS Developer Guide, "Resources created by Amazon ECS Express Mode services": a log group for the service,
    whose name ends in what nobody knows before."""
    if not isinstance(service.get("PrimaryContainer.AwsLogsConfiguration.LogGroup"), Absent):
        return iter(())
    cluster = service.get("Cluster")
    where = pieces(cluster.value) if isinstance(cluster, Known) and isinstance(cluster.value, str) else ("default",)
    return iter([text(["/aws/ecs/", *where, "/", Unstated("${Service}")])])


def _rotation(schedule: Resource, _: Project) -> Iterator[Name]:
    """AWS CloudFormation Template Reference, AWS::SecretsManager::RotationSchedule HostedRotationLambda: a function
    that the template's transform makes."""
    if not isinstance(schedule.get("HostedRotationLambda"), Known):
        return iter(())
    named = schedule.get("HostedRotationLambda.RotationLambdaName")
    own = named.value if isinstance(named, Known) and isinstance(named.value, str | Text) else None
    return iter([text(["/aws/lambda/", *(pieces(own) if own is not None else [Unstated("the function")])])])


def _fixed(groups: tuple[Name, ...], _: Resource, __: Project) -> Iterator[Name]:
    """The same groups in every account."""
    return iter(groups)


# What makes a log group on its own: the property that names another one instead, and the names that it makes. Sources:
# the services' own guides, and Amazon CloudWatch Logs User Guide, "AWS services that publish logs to CloudWatch Logs".
IMPLICIT: Final[Mapping[str, tuple[str, Callable[[Resource, Project], Iterator[Name] | Unknown]]]] = {
    "AWS::Lambda::Function": ("LoggingConfig.LogGroup", partial(_under, "/aws/lambda/")),
    "AWS::Serverless::Function": ("LoggingConfig.LogGroup", partial(_under, "/aws/lambda/")),
    "AWS::CodeBuild::Project": ("LogsConfig.CloudWatchLogs.GroupName", _build),
    "AWS::RDS::DBInstance": ("", partial(_exported, "/aws/rds/instance/")),
    "AWS::RDS::DBCluster": ("", partial(_exported, "/aws/rds/cluster/")),
    "AWS::DocDB::DBCluster": ("", partial(_exported, "/aws/docdb/")),
    "AWS::Neptune::DBCluster": ("", partial(_exported, "/aws/neptune/")),
    "AWS::EKS::Cluster": ("", _control_plane),
    "AWS::ApiGateway::Stage": ("", _execution),
    "AWS::Serverless::Api": ("", _execution),
    "AWS::AmazonMQ::Broker": ("", _broker),
    "AWS::AppSync::GraphQLApi": ("", _graph),
    "AWS::BedrockAgentCore::Runtime": ("", _runtime),
    "AWS::DMS::ReplicationConfig": ("", _serverless_replication),
    "AWS::ECS::ExpressGatewayService": ("", _express),
    "AWS::EKS::Addon": ("", _insights_of_kubernetes),
    "AWS::EMRServerless::Application": (
        "MonitoringConfiguration.CloudWatchLoggingConfiguration.LogGroupName",
        _spark,
    ),
    "AWS::IoT::Logging": ("", _things),
    "AWS::MWAA::Environment": ("", _airflow),
    "AWS::Redshift::Cluster": ("", _warehouse),
    "AWS::RedshiftServerless::Namespace": ("", _serverless_warehouse),
    "AWS::SNS::Topic": ("", _deliveries),
    "AWS::SecretsManager::RotationSchedule": ("", _rotation),
    "AWS::SageMaker::Domain": ("", partial(_fixed, ("/aws/sagemaker/studio",))),
    "AWS::SSM::MaintenanceWindowTask": (f"{_OUTPUT}.CloudWatchLogGroupName", _commands),
    "AWS::Transfer::Server": ("", _transfers),
    "AWS::AppRunner::Service": ("", partial(_with_id, "/aws/apprunner/", "/application")),
    "AWS::Batch::JobDefinition": ("", _batch),
    "AWS::DMS::ReplicationTask": ("", _replication),
    "AWS::ECS::Cluster": ("", _insights),
    "AWS::Glue::Crawler": ("", partial(_fixed, ("/aws-glue/crawlers",))),
    "AWS::Glue::Job": ("", partial(_fixed, ("/aws-glue/jobs/output", "/aws-glue/jobs/error"))),
    "AWS::RDS::DBProxy": ("", partial(_under, "/aws/rds/proxy/")),
    "AWS::SageMaker::Endpoint": ("", partial(_under, "/aws/sagemaker/Endpoints/", attribute="EndpointName")),
    "AWS::SageMaker::NotebookInstance": ("", partial(_fixed, ("/aws/sagemaker/NotebookInstances",))),
    "AWS::Synthetics::Canary": ("", partial(_with_id, "/aws/lambda/cwsyn-", "")),
}
MAKERS: Final = frozenset({"AWS::ECS::DaemonTaskDefinition", "AWS::ECS::TaskDefinition", *IMPLICIT})
