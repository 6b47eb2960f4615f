"""One environment: everything that serves its requests and keeps its data.

**First deployment.** With `bootstrap=true` everything is made and nothing runs. A creation that fails is taken back as
a whole and can be repeated: what outlives its stack does so once it was made, and protection from deletion, which would
stop the way back, comes with the first release. Then the secrets that people own get
their values, and the first release runs the migrations and starts the services (docs/first-production-deploy.md). From
then on `imageTag` names what runs. A bootstrap of an environment that already serves would stop it.

**Rebuilding staging.** Empty its two buckets, delete the stack, bootstrap again (docs/staging-rebuild.md). Its secrets
and databases go with it, at once; the shared stack stays.

**Rebuilding production** is not meant to be easy: what it keeps also keeps its name. Secrets and log groups of a
deleted stack are taken over with `cdk import`, databases restored from their snapshots.
"""

from dataclasses import replace

import aws_cdk as cdk
from constructs import Construct

from infra import naming
from infra.aspects import protect
from infra.constructs.data import Data
from infra.constructs.edge import Edge
from infra.constructs.guard import AccountGuard
from infra.constructs.network import Network
from infra.constructs.observability import Observability
from infra.constructs.services import ENDPOINTS, Services, internal_url
from infra.constructs.sync import GithubSync
from infra.environments import EnvironmentConfig
from infra.inputs import Inputs


class DocPlatform(cdk.Stack):
    def __init__(
        self, scope: Construct, construct_id: str, *, env: cdk.Environment, config: EnvironmentConfig, inputs: Inputs
    ) -> None:
        if inputs.bootstrap:
            config = replace(config, deletion_protection=False)
        super().__init__(
            scope,
            construct_id,
            env=env,
            stack_name=config.stack_name,
            description=f"doc-platform: the {config.name} environment",
            termination_protection=config.deletion_protection,
            # Deployed through roles of its own, which can change no other environment, nor make a role that could.
            synthesizer=cdk.DefaultStackSynthesizer(qualifier=naming.qualifier(config.name)),
            permissions_boundary=cdk.PermissionsBoundary.from_name(naming.boundary(config.name)),
        )
        self._zones = list(config.availability_zones)
        AccountGuard(self, "Guard", account=self.account)
        network = Network(self, "Network", config=config)
        observability = Observability(self, "Observability", config=config, alarm_email=inputs.alarm_email)
        data = Data(self, "Data", config=config, network=network)
        edge = Edge(
            self,
            "Edge",
            config=config,
            network=network,
            observability=observability,
            hosted_zone_id=inputs.hosted_zone_id,
            certificate_arn=inputs.certificate_arn,
        )
        sync = GithubSync(
            self,
            "Sync",
            config=config,
            network=network,
            observability=observability,
            data=data,
            storage_url=internal_url("storage"),
            code=inputs.sync_code,
        )
        services = Services(
            self,
            "Services",
            config=config,
            network=network,
            observability=observability,
            data=data,
            edge=edge,
            sync=sync,
            image_tag=inputs.image_tag,
            bootstrap=inputs.bootstrap,
        )
        sync.may_reach(services.storage_group, ENDPOINTS["storage"].port)
        if config.retain:
            protect(self, backup_days=config.database.backup_days, deletion_protection=config.deletion_protection)

        outputs = {
            "ClusterName": services.cluster.cluster_name,
            "PrivateSubnetIds": cdk.Fn.join(",", list(network.private_subnet_ids)),
            "AlbDnsName": edge.load_balancer.load_balancer_dns_name,
            "AppUrl": config.url,
            "DatabaseEndpoint": data.main.instance.db_instance_endpoint_address,
            "StorageDatabaseEndpoint": data.storage.instance.db_instance_endpoint_address,
            "RedisEndpoint": data.redis.endpoint,
            "StorageBucketName": data.bucket.bucket_name,
            "HostedZoneId": inputs.hosted_zone_id,
            "CertificateArn": inputs.certificate_arn,
            "GithubSyncFunctionName": sync.function.function_name,
            "GithubSyncAlias": naming.LIVE_ALIAS,
            "AlarmTopicArn": observability.topic.topic_arn,
        }
        for name, task in services.tasks.items():
            outputs[f"{naming.label(name)}TaskDefinitionArn"] = task.definition.task_definition_arn
            outputs[f"{naming.label(name)}SecurityGroupId"] = task.group.security_group_id
            outputs[f"{naming.label(name)}LogGroupName"] = task.log_group.log_group_name
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)

    @property
    def availability_zones(self) -> list[str]:
        """The configured zones.

        The inherited answer is a look-up in the account. A VPC asks for it even though it is told its zones, and CDK
        then demands credentials.
        """
        return self._zones
