"""Who is told to call whom: every resource that makes a service of AWS call a topic, a queue, a function, a bucket
or a log group.

Sources: AWS CloudFormation User Guide, each type's page; for the services' names the Developer Guide of each caller.
What calls with a role of its own (a target with ``RoleArn``, EventBridge Scheduler and Pipes, CodeDeploy, a queue that
a function's role sends to) needs no resource policy, and is not among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from msgspec import Struct

from checker.model.environments import Environment
from checker.model.resources import FUNCTIONS, Resource
from checker.model.values import Known, Resolved, Text, as_list
from checker.model.verdicts import Surface
from checker.reason.templates.alarms import ALARM_TYPES

_ACTIONS: Final = {
    "AWS::SNS::Topic": "sns:Publish",
    "AWS::SQS::Queue": "sqs:SendMessage",
    **dict.fromkeys(FUNCTIONS, "lambda:InvokeFunction"),
    "AWS::Lambda::Alias": "lambda:InvokeFunction",
    "AWS::Lambda::Version": "lambda:InvokeFunction",
}


class Told(Struct, frozen=True):
    """``source`` makes ``service`` do ``action`` on ``target``; ``path`` is where the source says so.

    ``name`` is the caller in a word, ``inside`` what of a bucket is touched.
    """

    source: Resource
    path: str
    target: Resource
    service: str
    name: str
    action: str
    inside: str = ""


# Source, path, what is called, the service that calls, the caller in a word.
_Pair: TypeAlias = "tuple[Resource, str, Resolved, str, str]"


def told_to_call(environment: Environment) -> Iterator[Told]:
    """Every such pair of the environment whose target is part of the project."""
    for source, path, value, service, name in _pairs(environment):
        target = environment.referred(value)
        if target is None:
            continue
        if target.type in _ACTIONS:
            called = name == "cloudwatch" and target.type.startswith("AWS::Lambda::")
            who = "lambda.alarms.cloudwatch.amazonaws.com" if called else service
            yield Told(source, path, target, who, name, _ACTIONS[target.type])
        elif target.type == "AWS::Logs::LogGroup" and name == "events" and source.surface is Surface.TEMPLATE:
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                yield Told(source, path, target, service, name, action)
    yield from _logs(environment)


def _pairs(environment: Environment) -> Iterator[_Pair]:
    yield from _alarms(environment)
    yield from _rules(environment)
    yield from _buckets(environment)
    yield from _subscriptions(environment)
    yield from _budgets(environment)
    for told in environment.resources("AWS::RDS::EventSubscription"):
        yield told, "SnsTopicArn", _plain(told, "SnsTopicArn"), "events.rds.amazonaws.com", "rds"
    yield from _functions(environment)
    yield from _inside(environment)
    yield from _described(environment)


def _alarms(environment: Environment) -> Iterator[_Pair]:
    for alarm in environment.resources(*ALARM_TYPES):
        for path in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for each in _items(alarm, path):
                yield alarm, path, each, "cloudwatch.amazonaws.com", "cloudwatch"


def _rules(environment: Environment) -> Iterator[_Pair]:
    for rule in environment.resources("AWS::Events::Rule"):
        if rule.get("State") == Known("DISABLED"):
            continue  # it calls nobody
        for index, each in enumerate(_items(rule, "Targets")):
            if not isinstance(each, dict):
                continue
            if "RoleArn" not in each:
                yield rule, f"Targets.{index}.Arn", each.get("Arn"), "events.amazonaws.com", "events"
            spare = each.get("DeadLetterConfig")
            if isinstance(spare, dict):
                path = f"Targets.{index}.DeadLetterConfig.Arn"
                yield rule, path, spare.get("Arn"), "events.amazonaws.com", "events"


# The lists of a bucket's notifications, and the keys of what they name: CloudFormation's, and those of the API, which
# CDK's custom resource takes.
_NOTIFIED: Final = {
    "TopicConfigurations": {"Topic", "TopicArn"},
    "QueueConfigurations": {"Queue", "QueueArn"},
    "LambdaConfigurations": {"Function", "LambdaFunctionArn"},
    "LambdaFunctionConfigurations": {"Function", "LambdaFunctionArn"},
}


def _buckets(environment: Environment) -> Iterator[_Pair]:
    for each in environment.resources("AWS::S3::Bucket", "Custom::S3BucketNotifications"):
        bucket = each
        if each.type != "AWS::S3::Bucket":
            bucket = environment.referred(each.get("BucketName")) or each
        for kind, keys in _NOTIFIED.items():
            path = f"NotificationConfiguration.{kind}"
            for item in _items(each, path):
                if isinstance(item, dict):
                    for key in keys & item.keys():
                        yield bucket, path if bucket is each else "", item[key], "s3.amazonaws.com", "s3"


def _subscriptions(environment: Environment) -> Iterator[_Pair]:
    for each in environment.resources("AWS::SNS::Subscription"):
        topic = environment.referred(each.get("TopicArn"))
        if topic is not None:
            yield from _subscribed(topic, "", _plain(each, "Protocol"), _plain(each, "Endpoint"))
            spare = each.get("RedrivePolicy.deadLetterTargetArn")
            if isinstance(spare, Known):
                yield topic, "", spare.value, "sns.amazonaws.com", "sns"
    for topic in environment.resources("AWS::SNS::Topic"):
        for item in _items(topic, "Subscription"):
            if isinstance(item, dict):
                yield from _subscribed(topic, "Subscription", item.get("Protocol"), item.get("Endpoint"))


def _subscribed(topic: Resource, path: str, protocol: Resolved, endpoint: Resolved) -> Iterator[_Pair]:
    if protocol in ("sqs", "lambda"):
        yield topic, path, endpoint, "sns.amazonaws.com", "sns"


def _budgets(environment: Environment) -> Iterator[_Pair]:
    for budget in environment.resources("AWS::Budgets::Budget"):
        for item in _items(budget, "NotificationsWithSubscribers"):
            for each in as_list(item.get("Subscribers")) if isinstance(item, dict) else ():
                if isinstance(each, dict) and each.get("SubscriptionType") == "SNS":
                    path = "NotificationsWithSubscribers"
                    yield budget, path, each.get("Address"), "budgets.amazonaws.com", "budgets"
    for monitor in environment.resources("AWS::CE::AnomalySubscription"):
        for item in _items(monitor, "Subscribers"):
            if isinstance(item, dict) and item.get("Type") == "SNS":
                yield monitor, "Subscribers", item.get("Address"), "costalerts.amazonaws.com", "costalerts"
    # Developer Tools User Guide, "Configure Amazon SNS topics for notifications".
    for rule in environment.resources("AWS::CodeStarNotifications::NotificationRule"):
        for item in _items(rule, "Targets"):
            if isinstance(item, dict) and item.get("TargetType") == "SNS":
                path = "Targets"
                yield rule, path, item.get("TargetAddress"), "codestar-notifications.amazonaws.com", "notifications"


# Types whose property names a function that a service calls: the property, the service, its name.
_CALLERS: Final = {
    "AWS::Logs::SubscriptionFilter": (("DestinationArn",), "logs.amazonaws.com", "logs"),
    "AWS::SecretsManager::RotationSchedule": (("RotationLambdaARN",), "secretsmanager.amazonaws.com", "secretsmanager"),
    "AWS::ApiGatewayV2::Api": (("Target",), "apigateway.amazonaws.com", "apigateway"),
    "AWS::ApiGatewayV2::Integration": (("IntegrationUri",), "apigateway.amazonaws.com", "apigateway"),
    "AWS::ApiGatewayV2::Authorizer": (("AuthorizerUri",), "apigateway.amazonaws.com", "apigateway"),
    "AWS::ApiGateway::Authorizer": (("AuthorizerUri",), "apigateway.amazonaws.com", "apigateway"),
    "AWS::ApiGateway::Method": (("Integration.Uri",), "apigateway.amazonaws.com", "apigateway"),
    "AWS::Config::ConfigRule": (("Source.SourceIdentifier",), "config.amazonaws.com", "config"),
}
_OWN_ROLE: Final = {
    "AWS::ApiGateway::Method": "Integration.Credentials",
    "AWS::ApiGateway::Authorizer": "AuthorizerCredentials",
    "AWS::ApiGatewayV2::Api": "CredentialsArn",
    "AWS::ApiGatewayV2::Integration": "CredentialsArn",
    "AWS::ApiGatewayV2::Authorizer": "AuthorizerCredentialsArn",
    "AWS::Logs::SubscriptionFilter": "RoleArn",
}
_API: Final = ("RestApiId", "ApiId")


def _functions(environment: Environment) -> Iterator[_Pair]:
    for kind, (paths, service, name) in _CALLERS.items():
        for each in environment.resources(kind):
            if kind in _OWN_ROLE and isinstance(each.get(_OWN_ROLE[kind]), Known):
                continue
            # The ARN that API Gateway names as the source is the API's.
            api = next((found for key in _API if (found := environment.referred(each.get(key))) is not None), each)
            for path in paths:
                yield api, path if api is each else "", _plain(each, path), service, name
    for group in environment.resources("AWS::ElasticLoadBalancingV2::TargetGroup"):
        if _plain(group, "TargetType") == "lambda":
            for item in _items(group, "Targets"):
                if isinstance(item, dict):
                    yield group, "Targets", item.get("Id"), "elasticloadbalancing.amazonaws.com", "load-balancer"


# Where something inside of a resource names what is called, ``*`` being each of a list or of an object; the service
# that calls, and it in a word. Each service's guide says whom the permission or the topic's policy must name.
_PLACES: Final = (
    ("AWS::Backup::BackupVault", "Notifications.SNSTopicArn", "backup.amazonaws.com", "backup"),
    ("AWS::Bedrock::Agent", "ActionGroups.*.ActionGroupExecutor.Lambda", "bedrock.amazonaws.com", "bedrock"),
    ("AWS::CloudTrail::Trail", "SnsTopicName", "cloudtrail.amazonaws.com", "cloudtrail"),
    ("AWS::CodeCommit::Repository", "Triggers.*.DestinationArn", "codecommit.amazonaws.com", "codecommit"),
    ("AWS::Cognito::UserPool", "LambdaConfig.*", "cognito-idp.amazonaws.com", "cognito"),
    ("AWS::Cognito::UserPool", "LambdaConfig.*.LambdaArn", "cognito-idp.amazonaws.com", "cognito"),
    ("AWS::IoT::TopicRule", "TopicRulePayload.Actions.*.Lambda.FunctionArn", "iot.amazonaws.com", "iot"),
    ("AWS::IoT::TopicRule", "TopicRulePayload.ErrorAction.Lambda.FunctionArn", "iot.amazonaws.com", "iot"),
    ("AWS::SES::ReceiptRule", "Rule.Actions.*.LambdaAction.FunctionArn", "ses.amazonaws.com", "ses"),
    ("AWS::VpcLattice::TargetGroup", "Targets.*.Id", "vpc-lattice.amazonaws.com", "lattice"),
)


def _inside(environment: Environment) -> Iterator[_Pair]:
    for kind, path, service, name in _PLACES:
        head, _, rest = path.partition(".")
        for each in environment.resources(kind):
            value = each.get(head)
            for steps, found in _at(value.value, rest) if isinstance(value, Known) else ():
                if isinstance(found, str | Text):
                    yield each, ".".join((head, *steps)), found, service, name


def _at(value: Resolved, path: str) -> Iterator[tuple[tuple[str, ...], Resolved]]:
    """What stands at a path below a value, and the steps that lead there."""
    step, _, rest = path.partition(".")
    if not step:
        yield (), value
    elif step == "*":
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, each in items:
            yield from (((str(key), *steps), found) for steps, found in _at(each, rest))
    elif isinstance(value, dict) and step in value:
        yield from (((step, *steps), found) for steps, found in _at(value[step], rest))


# API Gateway Developer Guide, "OpenAPI extensions for API Gateway": what is called, and with whose permissions where it
# is not API Gateway itself.
_EXTENSIONS: Final = {
    "x-amazon-apigateway-integration": ("uri", "credentials"),
    "x-amazon-apigateway-authorizer": ("authorizerUri", "authorizerCredentials"),
}


def _described(environment: Environment) -> Iterator[_Pair]:
    """The functions that an API calls by the description in its ``Body``."""
    for api in environment.resources("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
        pending: list[Resolved] = [_plain(api, "Body")]
        while pending:
            node = pending.pop()
            if isinstance(node, list):
                pending.extend(node)
            elif isinstance(node, dict):
                for key, each in node.items():
                    uri, role = _EXTENSIONS.get(key, ("", ""))
                    if uri and isinstance(each, dict) and role not in each:
                        yield api, "Body", each.get(uri), "apigateway.amazonaws.com", "apigateway"
                pending.extend(node.values())


def _logs(environment: Environment) -> Iterator[Told]:
    """Whose logs are delivered into a bucket of the project by a service that adds no policy by itself."""
    for bucket in environment.resources("AWS::S3::Bucket"):
        for found in _items(bucket, "InventoryConfigurations"):
            where = found.get("Destination") if isinstance(found, dict) else None
            target = environment.referred(where.get("BucketArn")) if isinstance(where, dict) else None
            if target is not None and target.type == "AWS::S3::Bucket":
                path, service = "InventoryConfigurations", "s3.amazonaws.com"
                yield Told(bucket, path, target, service, "s3-inventory", "s3:PutObject", "/*")
        destination = environment.referred(bucket.get("LoggingConfiguration.DestinationBucketName"))
        if destination is not None and destination.type == "AWS::S3::Bucket" and not _by_acl(destination):
            path = "LoggingConfiguration"
            service, action = "logging.s3.amazonaws.com", "s3:PutObject"
            yield Told(bucket, path, destination, service, "s3-logs", action, "/*")
    for trail in environment.resources("AWS::CloudTrail::Trail"):
        target = environment.referred(trail.get("S3BucketName"))
        if target is not None and target.type == "AWS::S3::Bucket":
            service = "cloudtrail.amazonaws.com"
            yield Told(trail, "S3BucketName", target, service, "cloudtrail", "s3:GetBucketAcl")
            yield Told(trail, "S3BucketName", target, service, "cloudtrail", "s3:PutObject", "/AWSLogs/*")
    for channel in environment.resources("AWS::Config::DeliveryChannel"):
        target = environment.referred(channel.get("S3BucketName"))
        if target is not None and target.type == "AWS::S3::Bucket":
            yield Told(channel, "S3BucketName", target, "config.amazonaws.com", "config", "s3:PutObject", "/AWSLogs/*")


def _by_acl(bucket: Resource) -> bool:
    return _plain(bucket, "AccessControl") == "LogDeliveryWrite"


def _items(resource: Resource, path: str) -> list[Resolved]:
    value = resource.get(path)
    return as_list(value.value) if isinstance(value, Known) else []


def _plain(resource: Resource, path: str) -> Resolved:
    value = resource.get(path)
    return value.value if isinstance(value, Known) else None
