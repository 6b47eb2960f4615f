"""The function that brings a GitHub repository's content into storage.

Its code comes from the application's build. Where that has not run (a synthesis of the templates alone, a bootstrap), a
placeholder stands in that fails on every call and says why: it must never look like a function that works.
"""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import naming
from infra.constructs.data import Data
from infra.constructs.network import POSTGRES, Network, allow, allow_https_out, closed_group, log_retention
from infra.constructs.observability import PERIOD, Observability
from infra.environments import EnvironmentConfig

_PLACEHOLDER: Final = """\
exports.handler = async () => {
  throw new Error("The GitHub sync function was deployed without its code: build it, then deploy with syncCode.");
};
"""


class GithubSync(Construct):
    """The function, its dead-letter queue and its log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: EnvironmentConfig,
        network: Network,
        observability: Observability,
        data: Data,
        storage_url: str,
        code: Path | None,
    ) -> None:
        super().__init__(scope, construct_id)
        secrets = data.secrets
        self.group = closed_group(self, "Group", vpc=network.vpc, description="GitHub sync function")
        allow_https_out(self.group, "GitHub and AWS services")
        allow(self.group, data.main.instance, POSTGRES, "sync to the main database")
        dead_letters = sqs.Queue(self, "DeadLetters", retention_period=cdk.Duration.days(14), enforce_ssl=True)
        self.function = lambda_.Function(
            self,
            "Function",
            description="Brings the content of GitHub repositories into storage",
            runtime=lambda_.Runtime.NODEJS_20_X,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(code)) if code else lambda_.Code.from_inline(_PLACEHOLDER),
            memory_size=512,
            timeout=cdk.Duration.minutes(5),
            retry_attempts=2,
            dead_letter_queue=dead_letters,
            reserved_concurrent_executions=10,
            vpc=network.vpc,
            vpc_subnets=network.private,
            security_groups=[self.group],
            log_group=logs.LogGroup(
                self,
                "Log",
                log_group_name=naming.sync_log_group(config.name),
                retention=log_retention(config.access_log_days),
                removal_policy=cdk.RemovalPolicy.RETAIN if config.retain else cdk.RemovalPolicy.DESTROY,
            ),
            environment={
                **data.main.environment,
                "STORAGE_SERVICE_URL": storage_url,
                "DB_SECRET_ARN": secrets.database.secret_arn,
                "STORAGE_API_KEY_SECRET_ARN": secrets.storage_api_key.secret_arn,
                "API_KEY_ENCRYPTION_SECRET_ARN": secrets.api_key_encryption.secret_arn,
            },
        )
        for secret in (secrets.database, secrets.storage_api_key, secrets.api_key_encryption):
            secret.grant_read(self.function)
        observability.alarm(
            "github-sync-dead-letters",
            metric=dead_letters.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
            above=0,
            periods=1,
            description="A sync failed three times and was given up.",
        )

    def may_reach(self, storage: ec2.IConnectable, port: int) -> None:
        allow(self.group, storage, port, "sync to storage")
