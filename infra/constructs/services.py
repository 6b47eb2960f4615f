"""The four services and the migration tasks: what each is told, what it may do, and whom it may reach.

**Sessions of mcp.** That service keeps its sessions in memory. Where it runs more than one task, its target group is
sticky by cookie; a client that keeps no cookies is sent to either task and finds its session on one of them only. Until
sessions live outside the process, such clients fail about every other request in production, and every session ends
when its task is replaced. One task would serve them, at the price of a gap whenever that task fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from infra import naming
from infra.constructs.data import Data, Database
from infra.constructs.edge import TOO_MANY_ERRORS, Edge
from infra.constructs.network import POSTGRES, REDIS, Network, allow
from infra.constructs.observability import Observability
from infra.constructs.service import Container, Service, Task
from infra.constructs.sync import GithubSync
from infra.environments import EnvironmentConfig


@dataclass(frozen=True, slots=True)
class Endpoint:
    port: int
    health_path: str


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "api": Endpoint(3001, "/api/health"),
    "frontend": Endpoint(3000, "/health"),
    "mcp": Endpoint(3002, "/mcp/health"),
    "storage": Endpoint(3003, "/health"),
}
BEHIND_THE_LOAD_BALANCER: Final = ("api", "mcp", "frontend")
INTERNAL: Final = ("storage", "api")
"""Services that others find in the namespace `internal`."""


def internal_url(service: str) -> str:
    return f"http://{service}.{naming.INTERNAL_NAMESPACE}:{ENDPOINTS[service].port}"


class Services(Construct):
    """The cluster with everything that runs in it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        observability: Observability,
        data: Data,
        edge: Edge,
        sync: GithubSync,
        image_tag: str,
        bootstrap: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self._data = data
        self._image_tag = image_tag
        self.cluster = ecs.Cluster(self, "Cluster", cluster_name=naming.cluster(config.name), vpc=network.vpc)
        namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name=naming.INTERNAL_NAMESPACE, vpc=network.vpc
        )
        told = {
            "api": self._api(observability, sync),
            "frontend": self._frontend(),
            "mcp": self._mcp(observability),
            "storage": self._storage(),
        }
        self.services = {
            name: Service(
                self,
                name.capitalize(),
                config=config,
                network=network,
                observability=observability,
                cluster=self.cluster,
                container=told[name],
                bootstrap=bootstrap,
            )
            for name in naming.SERVICES
        }
        self._databases = {"main": data.main, "storage": data.storage}
        self.migrations = {
            database: Task(
                self, naming.label(task), config=config, network=network, container=self._migrations(database, task)
            )
            for database, task in naming.MIGRATION_TASKS.items()
        }
        self._permit(observability, sync)
        self._connect()

        targets = {
            name: edge.target_group(name, port=ENDPOINTS[name].port, health_path=ENDPOINTS[name].health_path)
            for name in BEHIND_THE_LOAD_BALANCER
        }
        edge.route()
        for name in BEHIND_THE_LOAD_BALANCER:
            observability.alarm(
                f"{name}-5xx",
                metric=edge.error_metric(name),
                above=TOO_MANY_ERRORS,
                description=f"Tasks of {name} answer 5xx. Rolls a deployment of {name} back.",
            )
        for name, service in self.services.items():
            service.run(
                # Nobody outside calls storage: what breaks in it shows in the api's answers.
                deployment_alarms=[f"{name if name in targets else 'api'}-5xx", f"{name}-memory"],
                target_group=targets.get(name),
                registered_in=namespace if name in INTERNAL else None,
            )

    def _container(self, name: str, environment: Mapping[str, str], secrets: Mapping[str, ecs.Secret]) -> Container:
        endpoint = ENDPOINTS[name]
        return Container(
            name=name,
            image_tag=self._image_tag,
            port=endpoint.port,
            health_path=endpoint.health_path,
            environment={"NODE_ENV": "production", "PORT": str(endpoint.port), **environment},
            secrets=secrets,
        )

    def _api(self, observability: Observability, sync: GithubSync) -> Container:
        secrets = self._data.secrets
        region = cdk.Stack.of(self).region
        allowlist = self._config.email_allowlist
        return self._container(
            "api",
            {
                "APP_ENV": self._config.name,
                "APP_URL": self._config.url,
                "AWS_REGION": region,
                "EMAIL_FROM": self._sender,
                "ERROR_LOG_GROUP": observability.error_log.log_group_name,
                "GITHUB_SYNC_LAMBDA_NAME": sync.live_name,
                "REDIS_URL": self._data.redis.url,
                "SES_REGION": region,
                "STORAGE_SERVICE_URL": internal_url("storage"),
                **({"EMAIL_ALLOWLIST": allowlist} if allowlist else {}),
                **self._data.main.environment,
            },
            {
                "API_KEY_ENCRYPTION_KEY": ecs.Secret.from_secrets_manager(secrets.api_key_encryption),
                "GITHUB_CLIENT_ID": ecs.Secret.from_secrets_manager(secrets.github_client_id),
                "GITHUB_CLIENT_SECRET": ecs.Secret.from_secrets_manager(secrets.github_client_secret),
                "INVITE_KEYS": ecs.Secret.from_secrets_manager(secrets.invite_keys),
                "STORAGE_SERVICE_API_KEY": ecs.Secret.from_secrets_manager(secrets.storage_api_key),
                **self._redis_token(),
                **_password(self._data.main),
            },
        )

    def _frontend(self) -> Container:
        return self._container(
            "frontend",
            {"API_URL": self._config.url, "REDIS_URL": self._data.redis.url, **self._data.main.environment},
            {**self._redis_token(), **_password(self._data.main)},
        )

    def _mcp(self, observability: Observability) -> Container:
        return self._container(
            "mcp",
            {
                "API_URL": internal_url("api"),
                "ERROR_LOG_GROUP": observability.error_log.log_group_name,
                **self._data.main.environment,
            },
            _password(self._data.main),
        )

    def _storage(self) -> Container:
        return self._container(
            "storage",
            {
                "S3_BUCKET": self._data.bucket.bucket_name,
                "S3_REGION": cdk.Stack.of(self).region,
                **self._data.storage.environment,
            },
            {
                "STORAGE_API_KEY": ecs.Secret.from_secrets_manager(self._data.secrets.storage_api_key),
                **_password(self._data.storage),
            },
        )

    def _migrations(self, database: str, task: str) -> Container:
        return Container(
            name=task,
            image_tag=self._image_tag,
            environment={
                "APP_ENV": self._config.name,
                "MIGRATIONS_DIR": f"/app/migrations/{database}",
                **self._databases[database].environment,
            },
            secrets=_password(self._databases[database]),
        )

    def _redis_token(self) -> Mapping[str, ecs.Secret]:
        return {"REDIS_AUTH_TOKEN": ecs.Secret.from_secrets_manager(self._data.redis.token)}

    @property
    def _sender(self) -> str:
        return f"noreply@{self._config.domain}"

    def _permit(self, observability: Observability, sync: GithubSync) -> None:
        """What the code in the containers may call. The frontend and the migrations call nothing of AWS."""
        api, mcp, storage = (self.services[name].task.role for name in ("api", "mcp", "storage"))
        sync.live.grant_invoke(api)
        api.add_to_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail", "ses:SendRawEmail"],
                resources=[
                    cdk.Stack.of(self).format_arn(service="ses", resource="identity", resource_name=self._config.domain)
                ],
                conditions={"StringEquals": {"ses:FromAddress": self._sender}},
            )
        )
        for role in (api, mcp):
            observability.error_log.grant_write(role)
        bucket = self._data.bucket
        # What keeping files takes. CDK's own grant adds retention, legal holds, tags and the bucket's settings.
        storage.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                resources=[bucket.arn_for_objects("*")],
            )
        )
        storage.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]))

    def _connect(self) -> None:
        """Whom each service reaches. The load balancer's way in comes with the target groups."""
        group = {name: service.group for name, service in self.services.items()}
        main, storage = self._data.main.instance, self._data.storage.instance
        for name in ("api", "frontend", "mcp"):
            allow(group[name], main, POSTGRES, f"{name} to the main database")
        for name in ("api", "frontend"):
            allow(group[name], self._data.redis.group, REDIS, f"{name} to Redis")
        allow(group["storage"], storage, POSTGRES, "storage to its database")
        allow(group["mcp"], group["api"], ENDPOINTS["api"].port, "mcp to api")
        allow(group["api"], group["storage"], ENDPOINTS["storage"].port, "api to storage")
        for database, task in self.migrations.items():
            instance = self._databases[database].instance
            allow(task.group, instance, POSTGRES, f"migrations to the {database} database")

    @property
    def tasks(self) -> Mapping[str, Task]:
        """Every task that the pipeline rolls out or runs, by name."""
        return {
            **{name: service.task for name, service in self.services.items()},
            **{naming.MIGRATION_TASKS[database]: task for database, task in self.migrations.items()},
        }

    @property
    def storage_group(self) -> ec2.SecurityGroup:
        return self.services["storage"].group


def _password(database: Database) -> Mapping[str, ecs.Secret]:
    return {"DB_PASSWORD": ecs.Secret.from_secrets_manager(database.login, "password")}
