"""The function that brings a GitHub repository's content into storage.

Its code comes from the application's build. Where that has not run (a synthesis of the templates alone, a bootstrap), a
placeholder stands in that fails on every call and says why: it must never look like a function that works.

**Who moves it.** A deployment of the stack changes the function's unpublished code and settings (`$LATEST`), which
nobody calls. The alias `live` is called, and the pipeline points it at a version: `roll` publishes one and moves the
alias with the services, after the migrations, and moves it back with them. The alias stands in the template with the
version that the function's creation published, the placeholder. That property never changes, so no update of the stack
and no roll-back of one touches where the alias points (CloudFormation updates what differs between two templates). A
template that changes anything else of the alias would; a release's own check after `cdk deploy` then puts it back.
The version is not one that follows the code (CDK's `current_version`): CloudFormation would publish it before the
migrations, and could not publish it again after an update that was rolled back (AWS Lambda publishes no version that
equals the last).
"""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
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
        dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            retention_period=cdk.Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(f"service-role/{name}")
                for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")
            ],
        )
        dead_letters.grant(self.role, "sqs:SendMessage")
        for secret in (secrets.database, secrets.storage_api_key, secrets.api_key_encryption):
            secret.grant_read(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            # By its ARN: CDK would otherwise let the function wait for the role by name as well, which `Role` does.
            role=iam.Role.from_role_arn(self, "RoleByArn", self.role.role_arn, mutable=False),
            function_name=naming.sync_function(config.name),
            description="Brings the content of GitHub repositories into storage",
            runtime=lambda_.Runtime.NODEJS_22_X,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(code)) if code else lambda_.Code.from_inline(_PLACEHOLDER),
            memory_size=512,
            timeout=cdk.Duration.minutes(5),
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
        # What the role may do comes with a policy of its own, which nothing in the function refers to.
        self.function.node.add_dependency(self.role.node.find_child("DefaultPolicy"))
        self.live = lambda_.Alias(
            self,
            "Live",
            alias_name=naming.LIVE_ALIAS,
            description="What is called. The pipeline moves it",
            version=lambda_.Version(self, "FirstVersion", lambda_=self.function),
            # Of the alias: what is set for the function counts for calls without a qualifier.
            retry_attempts=2,
        )
        observability.alarm(
            "github-sync-dead-letters",
            metric=dead_letters.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
            above=0,
            periods=1,
            description="A sync failed three times and was given up.",
        )

    @property
    def live_name(self) -> str:
        """What callers give as the function's name."""
        return f"{self.function.function_name}:{naming.LIVE_ALIAS}"

    def may_reach(self, storage: ec2.IConnectable, port: int) -> None:
        allow(self.group, storage, port, "sync to storage")
