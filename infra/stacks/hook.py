"""The checker inside AWS: a Lambda hook that CloudFormation asks before it creates or updates a stack.

A stack and an app of its own, deployed by a person (docs/hook.md): what may refuse every deployment is not changed by
one.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import naming

# CloudFormation waits 30 s for an answer (CloudFormation Hooks User Guide); the handler keeps two of these for its own.
SECONDS = 28


class DeployHook(cdk.Stack):
    """`fails` says what becomes of what cannot be judged: `closed` (refused) or `open` (let through, and said)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, env: cdk.Environment, package: Path, fails: str, mode: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            stack_name=construct_id,
            description="doc-platform: the checker as a CloudFormation hook",
            termination_protection=True,
        )
        name = f"{naming.PROJECT}-deploy-hook"
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            description="What the checker's hook may do: write its log",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        log.grant_write(role)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description="Judges a stack's template before CloudFormation deploys it",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="checker.hook.handler.handler",
            code=lambda_.Code.from_asset(str(package)),
            role=role,
            log_group=log,
            memory_size=1024,
            timeout=cdk.Duration.seconds(SECONDS),
            environment={"CHECKER_HOOK_FAILS": fails, "CHECKER_HOOK_FAIL_ON": "critical"},
        )
        caller = iam.Role(
            self,
            "CallerRole",
            description="Assumed by CloudFormation to call the checker's hook",
            assumed_by=iam.ServicePrincipal(
                "hooks.cloudformation.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
        )
        self.function.grant_invoke(caller)
        cdk.CfnLambdaHook(
            self,
            "Hook",
            alias="DocPlatform::Checker::Gate",
            execution_role=caller.role_arn,
            failure_mode=mode,
            hook_status="ENABLED",
            lambda_function=self.function.function_arn,
            target_operations=["STACK"],
            # Its own stack goes past it: a hook that refuses everything could not be corrected otherwise.
            stack_filters=cdk.CfnLambdaHook.StackFiltersProperty(
                filtering_criteria="ALL",
                stack_names=cdk.CfnLambdaHook.StackNamesProperty(exclude=[construct_id]),
            ),
        )
