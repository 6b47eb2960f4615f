"""Alarms, the one topic that they notify, and the log of application errors."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import naming
from infra.constructs.network import log_retention
from infra.environments import EnvironmentConfig

PERIOD = cdk.Duration.minutes(5)


class Observability(Construct):
    """The alarm topic with its subscriber, and the error log group. Other constructs add their alarms through it."""

    def __init__(self, scope: Construct, construct_id: str, *, config: EnvironmentConfig, alarm_email: str) -> None:
        super().__init__(scope, construct_id)
        self._environment = config.name
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        self.topic = sns.Topic(self, "Alarms", enforce_ssl=True)
        # `enforce_ssl` makes a policy of one Deny, in place of the default that lets services of the account
        # publish: CloudWatch must be named (Amazon SNS Developer Guide, access policies).
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsMayNotify",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )
        self.topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
        self.error_log = logs.LogGroup(
            self,
            "Errors",
            log_group_name=naming.error_log_group(config.name),
            retention=log_retention(config.error_log_days),
            # Kept where data is kept. A log group that outlived staging would hold its name against the next staging.
            removal_policy=cdk.RemovalPolicy.RETAIN if config.retain else cdk.RemovalPolicy.DESTROY,
        )

    def alarm(
        self, subject: str, *, metric: cloudwatch.IMetric, above: float, description: str, periods: int = 2
    ) -> cloudwatch.Alarm:
        """An alarm named `ENVIRONMENT-subject` that notifies the topic when the metric stays above a threshold.

        Two periods by default: while one task replaces another the load balancer answers a few 502 and 503, which
        must not roll a good deployment back. Missing data is no breach: an idle service sends none.
        """
        alarm = cloudwatch.Alarm(
            self,
            "".join(part.capitalize() for part in subject.split("-")),
            alarm_name=naming.alarm(self._environment, subject),
            alarm_description=description,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        self.alarms[subject] = alarm
        return alarm
