"""One Fargate task of the system, and one service that keeps such tasks running.

Every task has a task role and an execution role of its own, with names known in advance: the deploy role may pass
exactly these. The execution role reads the task's own secrets, image and log group, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from infra import naming
from infra.constructs.network import Network, allow_https_out, closed_group, log_retention
from infra.constructs.observability import PERIOD, Observability
from infra.environments import EnvironmentConfig

TOO_BUSY_PERCENT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a task runs: `image_tag` of its image's repository (`naming.image_of`)."""

    name: str
    image_tag: str
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, ecs.Secret] = field(default_factory=dict)
    port: int | None = None
    health_path: str | None = None


class Task(Construct):
    """A task definition with its roles, log group and closed security group."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        container: Container,
    ) -> None:
        super().__init__(scope, construct_id)
        name = container.name
        self.role = self._role("TaskRole", naming.task_role(config.name, name))
        self.group = closed_group(self, "Group", vpc=network.vpc, description=f"Tasks of {name}")
        allow_https_out(self.group, "AWS services and the public internet")
        self.log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=naming.task_log_group(config.name, name),
            retention=log_retention(config.access_log_days),
            removal_policy=cdk.RemovalPolicy.RETAIN if config.retain else cdk.RemovalPolicy.DESTROY,
        )
        self.execution_role = self._role("ExecutionRole", naming.execution_role(config.name, name))
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=naming.task_family(config.name, name),
            cpu=config.tasks.cpu,
            memory_limit_mib=config.tasks.memory_mib,
            task_role=self.role,
            execution_role=self.execution_role,
        )
        # CloudFormation deregisters the revision that a new one takes the place of, and a service cannot go back to a
        # revision that is not active (Amazon ECS Developer Guide, task definition states). Old revisions cost nothing.
        resource = self.definition.node.default_child
        assert isinstance(resource, ecs.CfnTaskDefinition)
        resource.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
        resource.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
        self.definition.add_container(
            name,
            container_name=name,
            image=ecs.ContainerImage.from_ecr_repository(
                ecr.Repository.from_repository_name(self, "Repository", naming.repository(naming.image_of(name))),
                container.image_tag,
            ),
            environment=dict(container.environment),
            secrets=dict(container.secrets),
            logging=ecs.LogDrivers.aws_logs(stream_prefix=name, log_group=self.log_group),
            port_mappings=[ecs.PortMapping(container_port=container.port)] if container.port else None,
            health_check=_health_check(container),
        )

    def _role(self, construct_id: str, name: str) -> iam.Role:
        return iam.Role(self, construct_id, role_name=name, assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def _health_check(container: Container) -> ecs.HealthCheck | None:
    if not (container.port and container.health_path):
        return None
    url = f"http://127.0.0.1:{container.port}{container.health_path}"
    return ecs.HealthCheck(
        # Node is in every image of a Node service; a shell or curl need not be.
        command=["CMD", "node", "-e", f"fetch('{url}').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"],
        interval=cdk.Duration.seconds(30),
        timeout=cdk.Duration.seconds(5),
        retries=3,
        start_period=cdk.Duration.seconds(60),
    )


class Service(Construct):
    """An ECS service that rolls a failed deployment back, by circuit breaker and by alarm."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        observability: Observability,
        cluster: ecs.ICluster,
        container: Container,
        bootstrap: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._name = container.name
        self._port = container.port
        self._cluster = cluster
        self._config = config
        self._network = network
        self._observability = observability
        self._bootstrap = bootstrap
        self.task = Task(self, "Task", config=config, network=network, container=container)
        for resource in ("CPU", "Memory"):
            observability.alarm(
                f"{self._name}-{resource.lower()}",
                metric=self._utilization(f"{resource}Utilization"),
                above=TOO_BUSY_PERCENT,
                description=f"Tasks of {self._name} use more than {TOO_BUSY_PERCENT} % of their {resource.lower()}.",
            )

    @property
    def group(self) -> ec2.SecurityGroup:
        return self.task.group

    def _utilization(self, metric: str) -> cloudwatch.IMetric:
        # By name, not by reference: the alarm must exist before the service that lists it.
        return cloudwatch.Metric(
            namespace="AWS/ECS",
            metric_name=metric,
            period=PERIOD,
            statistic="Average",
            dimensions_map={"ClusterName": naming.cluster(self._config.name), "ServiceName": self._name},
        )

    def run(
        self,
        *,
        deployment_alarms: Sequence[str],
        target_group: elbv2.ApplicationTargetGroup | None = None,
        registered_in: servicediscovery.INamespace | None = None,
    ) -> ecs.FargateService:
        """Make the service. `deployment_alarms` are subjects of alarms that exist already.

        ECS ignores the alarms of a deployment that starts while one of them is in alarm (Amazon ECS Developer Guide,
        deployment alarms), so a release checks them first.

        What runs is the pipeline's: the template names the family of the task definition, which is its newest active
        revision, and after the bootstrap no count. So nothing of a release stands in the service's properties, and an
        update of the stack that fails or is cancelled has nothing older to put back (AWS CloudFormation User Guide,
        AWS::ECS::Service: `TaskDefinition` without a revision, `DesiredCount` of an existing service).
        """
        service = ecs.FargateService(
            self,
            "Service",
            service_name=self._name,
            cluster=self._cluster,
            task_definition=self.task.definition,
            task_definition_revision=ecs.TaskDefinitionRevision.LATEST,
            desired_count=0 if self._bootstrap else None,
            vpc_subnets=self._network.private,
            security_groups=[self.task.group],
            assign_public_ip=False,
            min_healthy_percent=50,
            max_healthy_percent=200,
            health_check_grace_period=cdk.Duration.seconds(60) if target_group else None,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            deployment_alarms=ecs.DeploymentAlarmConfig(
                alarm_names=[naming.alarm(self._config.name, subject) for subject in deployment_alarms],
                behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM,
            ),
            cloud_map_options=ecs.CloudMapOptions(
                name=self._name,
                cloud_map_namespace=registered_in,
                dns_record_type=servicediscovery.DnsRecordType.A,
                dns_ttl=cdk.Duration.seconds(10),
            )
            if registered_in
            else None,
        )
        service.node.add_dependency(
            # Listed by name, which CloudFormation does not see as a dependency.
            *(self._observability.alarms[subject] for subject in deployment_alarms),
            # A task that starts before its role may pull, or before its subnet has a way out, only fails; and three
            # such failures trip the circuit breaker of a first deployment.
            self.task.execution_role,
            self._network.egress_established,
            # Named by its family, which is no reference either.
            self.task.definition,
        )
        if target_group:
            service.attach_to_application_target_group(target_group)
        return service
