"""What an environment keeps: secrets, two PostgreSQL instances, Redis, and the bucket of file content.

Redis asks its clients for a token, and takes no connection without TLS. The token is a secret of its own: tasks get it
as `REDIS_AUTH_TOKEN`, beside a `REDIS_URL` of the form `rediss://HOST:PORT` that holds no secret.

The staging bucket must be emptied before its stack is deleted (CloudFormation deletes no bucket that holds objects). A
custom resource could do it, and would then also stand ready to empty a bucket that somebody still wants.
"""

import json

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import naming
from infra.constructs.network import POSTGRES, REDIS, Network, closed_group
from infra.environments import EnvironmentConfig

DATABASE_USER = "postgres"
# PostgreSQL connection strings and RDS both give some of these a meaning of their own.
_AWKWARD_IN_PASSWORDS = " %+~`#$&*()|[]{}:;<>?!'/@\"\\"


class Secrets(Construct):
    """The environment's secrets. The ones that no service generates hold random text until a person sets them."""

    def __init__(self, scope: Construct, construct_id: str, *, config: EnvironmentConfig) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self.database = self._login("Database", "db-credentials")
        self.storage_database = self._login("StorageDatabase", "storage-db-credentials")
        self.redis = self._token("Redis", "redis-auth-token", "Token that Redis asks its clients for")
        self.storage_api_key = self._token("StorageApiKey", "storage-api-key", "Key that the storage service asks for")
        self.invite_keys = self._token("InviteKeys", "invite-keys", "Comma-separated invitation keys; set by a person")
        self.api_key_encryption = self._token(
            "ApiKeyEncryption",
            "api-key-encryption",
            "Key that users' API keys are encrypted with: 64 hexadecimal digits; set by a person",
            # Secrets Manager generates no hexadecimal text; digits alone are a part of it, at the full length.
            digits_only=True,
        )
        self.github_client_id = self._token("GithubClientId", "github-client-id", "OAuth app's id; set by a person")
        self.github_client_secret = self._token(
            "GithubClientSecret", "github-client-secret", "OAuth app's secret; set by a person"
        )

    def _login(self, construct_id: str, name: str) -> secretsmanager.Secret:
        return self._secret(
            construct_id,
            name,
            "PostgreSQL login",
            secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": DATABASE_USER}),
                generate_string_key="password",
                exclude_characters=_AWKWARD_IN_PASSWORDS,
                password_length=32,
            ),
        )

    def _token(
        self, construct_id: str, name: str, description: str, *, digits_only: bool = False
    ) -> secretsmanager.Secret:
        generator = secretsmanager.SecretStringGenerator(
            password_length=64,
            exclude_punctuation=True,
            exclude_lowercase=digits_only,
            exclude_uppercase=digits_only,
            require_each_included_type=not digits_only,
        )
        return self._secret(construct_id, name, description, generator)

    def _secret(
        self, construct_id: str, name: str, description: str, generator: secretsmanager.SecretStringGenerator
    ) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            self,
            construct_id,
            secret_name=naming.secret(self._config.name, name),
            description=description,
            generate_secret_string=generator,
            # CloudFormation deletes a secret at once, without a recovery window: right for a rebuild of staging, and
            # irreversible anywhere else.
            removal_policy=cdk.RemovalPolicy.RETAIN if self._config.retain else cdk.RemovalPolicy.DESTROY,
        )


class Database(Construct):
    """One encrypted PostgreSQL 16 instance in the isolated subnets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        name: str,
        login: secretsmanager.ISecret,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.login = login
        size = config.database
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16_13),
            # RDS upgrades it from there. CloudFormation hands RDS a version only when the template's own changes, so it
            # is raised with care: never to less than what both environments run by then.
            auto_minor_version_upgrade=True,
            instance_type=ec2.InstanceType(size.instance_class),
            vpc=network.vpc,
            vpc_subnets=network.isolated,
            security_groups=[closed_group(self, "Group", vpc=network.vpc, description=f"Database {name}")],
            port=POSTGRES,
            database_name=name,
            credentials=rds.Credentials.from_secret(login),
            allocated_storage=size.storage_gib,
            max_allocated_storage=size.max_storage_gib,
            # Can only be set when an instance is made: a later change replaces it.
            storage_encrypted=True,
            storage_type=rds.StorageType.GP3,
            multi_az=size.multi_az,
            backup_retention=cdk.Duration.days(size.backup_days),
            copy_tags_to_snapshot=True,
            deletion_protection=config.deletion_protection,
            database_insights_mode=rds.DatabaseInsightsMode.STANDARD,
            # Not part of that mode: a property of its own. Seven days cost nothing.
            enable_performance_insights=True,
            performance_insight_retention=rds.PerformanceInsightRetention.DEFAULT,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT if config.retain else cdk.RemovalPolicy.DESTROY,
        )

    @property
    def environment(self) -> dict[str, str]:
        """How a container finds this database; its password comes from `login`."""
        return {
            "DB_HOST": self.instance.db_instance_endpoint_address,
            "DB_PORT": str(POSTGRES),
            "DB_NAME": self.name,
            "DB_USER": DATABASE_USER,
        }


class Redis(Construct):
    """One Redis node as a replication group: a plain cache cluster can be encrypted neither at rest nor by token."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        token: secretsmanager.ISecret,
    ) -> None:
        super().__init__(scope, construct_id)
        self.token = token
        self.group = closed_group(self, "Group", vpc=network.vpc, description="Redis")
        subnets = elasticache.CfnSubnetGroup(
            self, "Subnets", description="Isolated subnets for Redis", subnet_ids=list(network.isolated_subnet_ids)
        )
        self._cache = elasticache.CfnReplicationGroup(
            self,
            "Cache",
            replication_group_description=f"{config.name} sessions and cache",
            engine="redis",
            engine_version="7.1",
            cache_node_type="cache.t4g.micro",
            num_cache_clusters=1,
            automatic_failover_enabled=False,
            port=REDIS,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[self.group.security_group_id],
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            # A dynamic reference: CloudFormation resolves it, so the token stands in no template.
            auth_token=token.secret_value.unsafe_unwrap(),
            snapshot_retention_limit=1 if config.retain else 0,
        )
        self._cache.apply_removal_policy(
            cdk.RemovalPolicy.SNAPSHOT if config.retain else cdk.RemovalPolicy.DESTROY,
        )

    @property
    def endpoint(self) -> str:
        return self._cache.attr_primary_end_point_address

    @property
    def url(self) -> str:
        return f"rediss://{self.endpoint}:{REDIS}"


class Data(Construct):
    """Everything that an environment keeps, and nothing that serves requests."""

    def __init__(self, scope: Construct, construct_id: str, *, config: EnvironmentConfig, network: Network) -> None:
        super().__init__(scope, construct_id)
        self.secrets = Secrets(self, "Secrets", config=config)
        self.main = Database(
            self, "Main", config=config, network=network, name="doc_platform", login=self.secrets.database
        )
        self.storage = Database(
            self,
            "Storage",
            config=config,
            network=network,
            # `storage` alone is a reserved word as a database name.
            name="storagedb",
            login=self.secrets.storage_database,
        )
        self.redis = Redis(self, "Redis", config=config, network=network, token=self.secrets.redis)
        self.bucket = s3.Bucket(
            self,
            "Content",
            versioned=True,
            # The key that AWS manages for S3: no monthly price, and with a bucket key next to no requests to it.
            encryption=s3.BucketEncryption.KMS_MANAGED,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN if config.retain else cdk.RemovalPolicy.DESTROY,
        )
