"""Services, the migration tasks and the sync function: what each is told, and may do."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra import naming
from tests.infra.support import Resource, Template, listed, statements

PORTS = {"api": 3001, "frontend": 3000, "mcp": 3002, "storage": 3003}
HEALTH = {"api": "/api/health", "frontend": "/health", "mcp": "/mcp/health", "storage": "/health"}


def services(stack: Template) -> Mapping[str, Resource]:
    return {service["ServiceName"]: service for service in stack.of_type("AWS::ECS::Service")}


def container(stack: Template, environment: str, task: str) -> Mapping[str, Any]:
    definition = stack.only("AWS::ECS::TaskDefinition", Family=f"doc-platform-{environment}-{task}")
    (only,) = definition["ContainerDefinitions"]
    result: Mapping[str, Any] = only
    return result


def told(stack: Template, environment: str, task: str) -> Mapping[str, str]:
    return {entry["Name"]: stack.text(entry["Value"]) for entry in container(stack, environment, task)["Environment"]}


def secrets(stack: Template, environment: str, task: str) -> Mapping[str, str]:
    """Variable to the secret's name and, where it has one, field."""
    found = {}
    for entry in container(stack, environment, task)["Secrets"]:
        source = stack.text(entry["ValueFrom"])
        logical_id, _, field = source.removeprefix("${").partition("}")
        secret = next(resource for resource in stack if resource.logical_id == logical_id)
        found[entry["Name"]] = secret["Name"].rpartition("/")[2] + field.strip(":").join((":", "") if field else "")
    return found


def test_four_services_in_the_environments_cluster(stack: Template, environment: str) -> None:
    stack.only("AWS::ECS::Cluster", ClusterName=f"doc-platform-{environment}")
    assert set(services(stack)) == set(PORTS)


def test_what_runs_is_not_the_templates(stack: Template, environment: str) -> None:
    """Nothing in a service's properties says which revision or how many: no update and no roll-back can set them."""
    for name, service in services(stack).items():
        assert service["TaskDefinition"] == f"doc-platform-{environment}-{name}"
        assert "DesiredCount" not in service.properties
        definition = stack.only("AWS::ECS::TaskDefinition", Family=service["TaskDefinition"])
        assert definition.logical_id in service.body["DependsOn"]


def test_a_revision_that_is_replaced_stays_one_to_go_back_to(stack: Template) -> None:
    for definition in stack.of_type("AWS::ECS::TaskDefinition"):
        assert definition.body["UpdateReplacePolicy"] == "Retain"


def test_a_failed_deployment_rolls_back(stack: Template, environment: str) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in stack.of_type("AWS::CloudWatch::Alarm")}
    for name, service in services(stack).items():
        deployment = service["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (50, 200)
        assert deployment["Alarms"]["Enable"] is True
        assert deployment["Alarms"]["Rollback"] is True
        assert deployment["Alarms"]["AlarmNames"], name
        for alarm_name in deployment["Alarms"]["AlarmNames"]:
            assert alarm_name.startswith(f"{environment}-")
            alarm = alarms[alarm_name]
            assert alarm["EvaluationPeriods"] >= 2
            assert alarm["TreatMissingData"] == "notBreaching"
            # Listed by name only, so CloudFormation must be told to make it first.
            assert alarm.logical_id in service.body["DependsOn"]


def test_first_tasks_can_pull_and_reach_the_internet(stack: Template) -> None:
    routes = {
        resource.logical_id for resource in stack.of_type("AWS::EC2::Route") if "NatGatewayId" in resource.properties
    }
    for name, service in services(stack).items():
        depends = set(service.body["DependsOn"])
        assert routes <= depends, name
        policy = stack.at(f"Services/{name.capitalize()}/Task/ExecutionRole/DefaultPolicy")
        assert policy.logical_id in depends


def test_services_behind_the_load_balancer_get_time_to_start(stack: Template) -> None:
    for name, service in services(stack).items():
        if name == "storage":
            assert not service.properties.get("LoadBalancers")
        else:
            assert service["HealthCheckGracePeriodSeconds"] == 60
            (balancer,) = service["LoadBalancers"]
            assert (balancer["ContainerName"], balancer["ContainerPort"]) == (name, PORTS[name])
            assert stack.target(balancer["TargetGroupArn"])["Port"] == PORTS[name]


def test_api_and_storage_are_found_in_the_internal_namespace(stack: Template) -> None:
    stack.only("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="internal")
    records = {
        entry["Name"]: entry["DnsConfig"]["DnsRecords"] for entry in stack.of_type("AWS::ServiceDiscovery::Service")
    }
    assert records == {name: [{"TTL": 10, "Type": "A"}] for name in ("api", "storage")}
    registered = {name for name, service in services(stack).items() if service.properties.get("ServiceRegistries")}
    assert registered == {"api", "storage"}


@pytest.mark.parametrize("task", naming.TASKS)
def test_a_task_runs_one_small_container_of_its_own_image(stack: Template, environment: str, task: str) -> None:
    definition = stack.only("AWS::ECS::TaskDefinition", Family=f"doc-platform-{environment}-{task}")
    assert (definition["Cpu"], definition["Memory"]) == ("256", "512")
    only = container(stack, environment, task)
    assert only["Name"] == task
    assert stack.text(only["Image"]) == (
        f"111111111111.dkr.ecr.us-west-2.${{AWS::URLSuffix}}/doc-platform/{naming.image_of(task)}:init"
    )
    log_group = stack.target(only["LogConfiguration"]["Options"]["awslogs-group"])
    assert log_group["LogGroupName"] == f"/ecs/{environment}/{task}"
    assert log_group["RetentionInDays"] == 30


@pytest.mark.parametrize("name", PORTS)
def test_a_service_answers_its_health_check_on_its_port(stack: Template, environment: str, name: str) -> None:
    only = container(stack, environment, name)
    assert [mapping["ContainerPort"] for mapping in only["PortMappings"]] == [PORTS[name]]
    assert told(stack, environment, name)["PORT"] == str(PORTS[name])
    check = only["HealthCheck"]
    assert f"http://127.0.0.1:{PORTS[name]}{HEALTH[name]}'" in check["Command"][-1]
    assert (check["Interval"], check["Timeout"], check["Retries"], check["StartPeriod"]) == (30, 5, 3, 60)


def test_what_containers_are_told(stack: Template, environment: str) -> None:
    url = {"staging": "https://staging.specboard.io", "production": "https://specboard.io"}[environment]
    database = {"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER"}
    api, frontend, mcp, storage = (told(stack, environment, task) for task in ("api", "frontend", "mcp", "storage"))
    assert set(api) - {"EMAIL_ALLOWLIST"} == database | {
        "APP_ENV",
        "APP_URL",
        "AWS_REGION",
        "EMAIL_FROM",
        "ERROR_LOG_GROUP",
        "GITHUB_SYNC_LAMBDA_NAME",
        "NODE_ENV",
        "PORT",
        "REDIS_URL",
        "SES_REGION",
        "STORAGE_SERVICE_URL",
    }
    assert ("EMAIL_ALLOWLIST" in api) == (environment == "staging")
    assert (api["APP_ENV"], api["APP_URL"]) == (environment, url)
    assert api["EMAIL_FROM"] == "noreply@specboard.io"
    assert api["STORAGE_SERVICE_URL"] == "http://storage.internal:3003"
    assert set(frontend) == database | {"API_URL", "NODE_ENV", "PORT", "REDIS_URL"}
    assert frontend["API_URL"] == url
    assert set(mcp) == database | {"API_URL", "ERROR_LOG_GROUP", "NODE_ENV", "PORT"}
    assert mcp["API_URL"] == "http://api.internal:3001"
    assert set(storage) == database | {"NODE_ENV", "PORT", "S3_BUCKET", "S3_REGION"}
    assert (api["DB_NAME"], storage["DB_NAME"]) == ("doc_platform", "storagedb")
    for name, task, service in (("main", "migrations", api), ("storage", "storage-migrations", storage)):
        migrations = told(stack, environment, task)
        assert set(migrations) == database | {"APP_ENV", "MIGRATIONS_DIR"}
        assert migrations["MIGRATIONS_DIR"] == f"/app/migrations/{name}"
        assert {key: migrations[key] for key in database} == {key: service[key] for key in database}
    for variables in (api, frontend):
        assert variables["REDIS_URL"].startswith("rediss://")
        assert variables["REDIS_URL"].endswith("PrimaryEndPoint.Address}:6379")


def test_secrets_arrive_as_secrets(stack: Template, environment: str) -> None:
    password = {"DB_PASSWORD": "db-credentials:password"}
    redis = {"REDIS_AUTH_TOKEN": "redis-auth-token"}
    assert secrets(stack, environment, "api") == {
        **password,
        **redis,
        "API_KEY_ENCRYPTION_KEY": "api-key-encryption",
        "GITHUB_CLIENT_ID": "github-client-id",
        "GITHUB_CLIENT_SECRET": "github-client-secret",
        "INVITE_KEYS": "invite-keys",
        "STORAGE_SERVICE_API_KEY": "storage-api-key",
    }
    assert secrets(stack, environment, "frontend") == {**password, **redis}
    assert secrets(stack, environment, "mcp") == password
    assert secrets(stack, environment, "migrations") == password
    assert secrets(stack, environment, "storage-migrations") == {"DB_PASSWORD": "storage-db-credentials:password"}
    assert secrets(stack, environment, "storage") == {
        "DB_PASSWORD": "storage-db-credentials:password",
        "STORAGE_API_KEY": "storage-api-key",
    }


@pytest.mark.parametrize("task", naming.TASKS)
def test_an_execution_role_reads_its_own_tasks_secrets_and_no_other(
    stack: Template, environment: str, task: str
) -> None:
    role = stack.only("AWS::IAM::Role", RoleName=f"doc-platform-{environment}-{task}-execution")
    readable = {
        stack.target(resource)["Name"].rpartition("/")[2]
        for statement in statements(stack, role)
        if "secretsmanager:GetSecretValue" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert readable == {source.partition(":")[0] for source in secrets(stack, environment, task).values()}


@pytest.mark.parametrize("task", naming.TASKS)
def test_all_that_an_execution_role_may_do(stack: Template, environment: str, task: str) -> None:
    """To fetch the task's image and secrets, and write its log: without any of them no task starts."""
    role = stack.only("AWS::IAM::Role", RoleName=f"doc-platform-{environment}-{task}-execution")
    (log,) = [
        each for each in stack.of_type("AWS::Logs::LogGroup") if each["LogGroupName"] == f"/ecs/{environment}/{task}"
    ]
    image = f"arn:aws:ecr:us-west-2:111111111111:repository/doc-platform/{naming.image_of(task)}"
    may = {(action, where) for action, where, _ in granted(stack, role) if not action.startswith("secretsmanager:")}
    assert may == {
        ("ecr:GetAuthorizationToken", "*"),
        *(
            (f"ecr:{action}", image)
            for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
        ),
        *((f"logs:{action}", f"${{{log.path}.Arn}}") for action in ("CreateLogStream", "PutLogEvents")),
    }
    readable = {action for action, _, _ in granted(stack, role) if action.startswith("secretsmanager:")}
    assert readable == {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}


def granted(stack: Template, role: Resource) -> set[tuple[str, str, str]]:
    """What a role may do, one action and resource a line, with its conditions; resources by their place in the tree."""
    places = {f"${{{each.logical_id}": f"${{{each.path}" for each in stack}
    found = set()
    for statement in statements(stack, role):
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            text = stack.text(resource)
            start = text.partition("}")[0].partition(".")[0]
            named = text.replace(start, places.get(start, start), 1)
            for action in listed(statement["Action"]):
                found.add((action, named, str(statement.get("Condition", ""))))
    return found


def test_what_the_code_in_the_containers_may_do(stack: Template, environment: str) -> None:
    """All of it: what is missing here fails in production, and what is too much is found by whoever gets in."""

    def of(task: str) -> set[tuple[str, str, str]]:
        return granted(stack, stack.only("AWS::IAM::Role", RoleName=f"doc-platform-{environment}-{task}-task"))

    logs = {(f"logs:{action}", "${Observability/Errors.Arn}", "") for action in ("CreateLogStream", "PutLogEvents")}
    mail = "arn:aws:ses:us-west-2:111111111111:identity/specboard.io"
    sender = str({"StringEquals": {"ses:FromAddress": "noreply@specboard.io"}})
    assert of("api") == {
        *logs,
        ("ses:SendEmail", mail, sender),
        ("ses:SendRawEmail", mail, sender),
        ("lambda:InvokeFunction", "${Sync/Live}", ""),
    }
    assert of("mcp") == logs
    assert of("storage") == {
        ("s3:ListBucket", "${Data/Content.Arn}", ""),
        *(
            (f"s3:{action}", "${Data/Content.Arn}/*", "")
            for action in ("AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject")
        ),
    }


@pytest.mark.parametrize("task", ["frontend", "migrations", "storage-migrations"])
def test_tasks_that_call_nothing_of_aws_may_call_nothing(stack: Template, environment: str, task: str) -> None:
    assert not statements(stack, stack.only("AWS::IAM::Role", RoleName=f"doc-platform-{environment}-{task}-task"))


def test_who_reaches_whom(stack: Template) -> None:
    """Both halves of every way: out of one group, into the other."""
    ways = set()
    for rule in stack.of_type("AWS::EC2::SecurityGroupIngress"):
        ways.add((stack.target(rule["SourceSecurityGroupId"]).path, stack.target(rule["GroupId"]).path, rule["ToPort"]))
    out = {
        (stack.target(rule["GroupId"]).path, stack.target(rule["DestinationSecurityGroupId"]).path, rule["ToPort"])
        for rule in stack.of_type("AWS::EC2::SecurityGroupEgress")
    }

    def task(name: str) -> str:
        return f"Services/{name}/Task/Group"

    assert ways == out
    assert ways == {
        ("Edge/Group", task("Api"), 3001),
        ("Edge/Group", task("Frontend"), 3000),
        ("Edge/Group", task("Mcp"), 3002),
        (task("Mcp"), task("Api"), 3001),
        (task("Api"), task("Storage"), 3003),
        ("Sync/Group", task("Storage"), 3003),
        (task("Api"), "Data/Main/Group", 5432),
        (task("Frontend"), "Data/Main/Group", 5432),
        (task("Mcp"), "Data/Main/Group", 5432),
        ("Sync/Group", "Data/Main/Group", 5432),
        ("Services/Migrations/Group", "Data/Main/Group", 5432),
        ("Services/StorageMigrations/Group", "Data/Storage/Group", 5432),
        (task("Storage"), "Data/Storage/Group", 5432),
        (task("Api"), "Data/Redis/Group", 6379),
        (task("Frontend"), "Data/Redis/Group", 6379),
    }


# --- sync --------------------------------------------------------------------------------------------------------


def test_the_sync_function(stack: Template, environment: str) -> None:
    function = stack.only("AWS::Lambda::Function", Runtime="nodejs22.x")
    assert function["FunctionName"] == f"doc-platform-{environment}-github-sync"
    assert (function["MemorySize"], function["Timeout"], function["ReservedConcurrentExecutions"]) == (512, 300, 10)
    assert stack.target(function["DeadLetterConfig"]["TargetArn"])["MessageRetentionPeriod"] == 14 * 24 * 3600
    log_group = stack.target(function["LoggingConfig"]["LogGroup"])
    assert log_group["LogGroupName"] == f"/lambda/{environment}/github-sync"
    variables = function["Environment"]["Variables"]
    named = {
        name: stack.target(value)["Name"].rpartition("/")[2]
        for name, value in variables.items()
        if name.endswith("_SECRET_ARN")
    }
    assert sorted(named.values()) == ["api-key-encryption", "db-credentials", "storage-api-key"]
    role = stack.target(function["Role"])
    assert granted(stack, role) == {
        ("sqs:SendMessage", "${Sync/DeadLetters.Arn}", ""),
        *(
            (f"secretsmanager:{action}", f"${{Data/Secrets/{secret}}}", "")
            for secret in ("Database", "StorageApiKey", "ApiKeyEncryption")
            for action in ("DescribeSecret", "GetSecretValue")
        ),
    }
    # What a function in a VPC and its log take.
    assert {stack.text(policy).rpartition("/")[2] for policy in role["ManagedPolicyArns"]} == {
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
    }
    assert all("PrivateSubnet" in stack.target(subnet).path for subnet in function["VpcConfig"]["SubnetIds"])


def test_what_is_called_is_an_alias_that_no_update_of_the_stack_moves(stack: Template, environment: str) -> None:
    alias = stack.only("AWS::Lambda::Alias", Name="live")
    version = stack.target(alias["FunctionVersion"])
    # A version is made anew when one of its properties changes. The function's name, which never does, is its only one.
    assert (version.type, set(version.properties)) == ("AWS::Lambda::Version", {"FunctionName"})
    assert told(stack, environment, "api")["GITHUB_SYNC_LAMBDA_NAME"] == (
        f"${{{stack.only('AWS::Lambda::Function').logical_id}}}:live"
    )
    retries = stack.only("AWS::Lambda::EventInvokeConfig")
    assert retries["MaximumRetryAttempts"] == 2
    # The sixth part of an alias' ARN, counted from none, is the function's name; the seventh the alias'.
    assert retries["Qualifier"] == {"Fn::Select": [7, {"Fn::Split": [":", {"Ref": alias.logical_id}]}]}


def test_only_the_api_may_invoke_it_and_only_by_its_alias(stack: Template, environment: str) -> None:
    alias = stack.only("AWS::Lambda::Alias", Name="live")
    invokers = [
        (policy["Roles"], stack.target(listed(statement["Resource"])[0]))
        for policy in stack.of_type("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "lambda:InvokeFunction" in listed(statement["Action"])
    ]
    role = stack.only("AWS::IAM::Role", RoleName=f"doc-platform-{environment}-api-task")
    assert invokers == [([{"Ref": role.logical_id}], alias)]
