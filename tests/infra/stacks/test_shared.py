"""The shared stack: repositories, zone, certificate, and who may deploy."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra import naming
from infra.environments import ENVIRONMENTS
from tests.infra.support import Template, listed, statements

ACCOUNT = "111111111111"
REPO = "repo:kcjonson/doc-platform"


@pytest.fixture(scope="module")
def deploy(shared: Template, environment: str) -> list[Any]:
    """What each environment's deploy role may do, in turn."""
    return list(statements(shared, shared.only("AWS::IAM::Role", RoleName=naming.deploy_role(environment))))


def allowed(deploy: list[Any], action: str) -> list[str]:
    return [
        shared_resource
        for statement in deploy
        if action in listed(statement["Action"])
        for shared_resource in listed(statement["Resource"])
    ]


def test_five_repositories_with_immutable_tags_and_scans(shared: Template) -> None:
    repositories = shared.of_type("AWS::ECR::Repository")
    assert {r["RepositoryName"] for r in repositories} == {f"doc-platform/{image}" for image in naming.IMAGES}
    for repository in repositories:
        assert repository["ImageTagMutability"] == "IMMUTABLE"
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert repository.body["DeletionPolicy"] == "RetainExceptOnCreate"


# --- lifecycle ---------------------------------------------------------------------------------------------------


def expired(policy: dict[str, Any], images: list[tuple[frozenset[str], float]]) -> set[int]:
    """Which images (tags, age in days) ECR expires: by priority, an image claimed by a rule's tags is out of reach
    for every later one (Amazon ECR User Guide, lifecycle policy evaluation).
    """
    claimed: set[int] = set()
    gone: set[int] = set()
    for rule in sorted(policy["rules"], key=lambda r: r["rulePriority"]):
        selection = rule["selection"]
        if selection["tagStatus"] == "untagged":
            matching = [i for i, (tags, _) in enumerate(images) if not tags]
        else:
            patterns = selection["tagPatternList"]
            matching = [
                i
                for i, (tags, _) in enumerate(images)
                if tags and all(any(fnmatchcase(tag, pattern) for tag in tags) for pattern in patterns)
            ]
        newest_first = sorted(matching, key=lambda i: images[i][1])
        if selection["countType"] == "imageCountMoreThan":
            chosen = set(newest_first[selection["countNumber"] :])
        else:
            assert selection["countUnit"] == "days"
            chosen = {i for i in matching if images[i][1] > selection["countNumber"]}
        gone |= chosen - claimed
        claimed |= set(matching)
    return gone


@pytest.fixture(scope="module")
def policies(shared: Template) -> list[dict[str, Any]]:
    return [
        json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])
        for repository in shared.of_type("AWS::ECR::Repository")
    ]


def sha(number: int) -> frozenset[str]:
    return frozenset({f"{number:040x}"})


def test_a_busy_day_expires_nothing_that_is_needed(policies: list[dict[str, Any]]) -> None:
    images = [
        *((sha(n), n / 40) for n in range(40)),  # today's pushes
        (sha(100) | {"v1.4.0"}, 45.0),  # what production runs
        (sha(101) | {"v1.0.0"}, 400.0),  # what it could be rolled back to
        (frozenset({"init"}), 700.0),
        (sha(102), 20.0),  # what staging runs, if its deployments fail today
    ]
    for policy in policies:
        assert expired(policy, images) == set()


def test_a_quiet_repository_keeps_what_runs(policies: list[dict[str, Any]]) -> None:
    images = [(sha(n), 60.0 + n) for n in range(30)]
    for policy in policies:
        assert expired(policy, images) == set()


def test_thirty_days_at_the_busiest_pace_are_kept_and_older_ones_go(policies: list[dict[str, Any]]) -> None:
    images = [(sha(n), n / 40) for n in range(40 * 60)]
    for policy in policies:
        gone = expired(policy, images)
        assert gone
        assert min(images[i][1] for i in gone) >= 30


def test_untagged_images_go_within_a_week(policies: list[dict[str, Any]]) -> None:
    images = [(frozenset[str](), age) for age in (0.5, 4.9, 5.1, 90.0)]
    for policy in policies:
        # ECR takes up to a day after an image is due.
        assert expired(policy, images) == {2, 3}


def test_releases_never_push_each_other_out(policies: list[dict[str, Any]]) -> None:
    images = [(sha(n) | {f"v1.{n}.0"}, float(n)) for n in range(2000)]
    for policy in policies:
        assert expired(policy, images) == set()


# --- domain ------------------------------------------------------------------------------------------------------


def test_zone_and_certificate_are_kept(shared: Template) -> None:
    zone = shared.only("AWS::Route53::HostedZone", Name="specboard.io.")
    certificate = shared.only("AWS::CertificateManager::Certificate", DomainName="specboard.io")
    assert certificate["SubjectAlternativeNames"] == ["*.specboard.io"]
    for resource in (zone, certificate):
        assert (resource.body["DeletionPolicy"], resource.body["UpdateReplacePolicy"]) == (
            "RetainExceptOnCreate",
            "Retain",
        )


# --- access ------------------------------------------------------------------------------------------------------


def test_the_provider_is_plain_cloudformation(shared: Template) -> None:
    provider = shared.only("AWS::IAM::OIDCProvider", Url="https://token.actions.githubusercontent.com")
    assert provider["ClientIdList"] == ["sts.amazonaws.com"]
    assert not [r for r in shared if r.type.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))]


@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("doc-platform-build", {"ref:refs/heads/main"}),
        ("doc-platform-staging-deploy", {"environment:staging"}),
        ("doc-platform-production-deploy", {"environment:production"}),
        ("doc-platform-audit", {"ref:refs/heads/main", "environment:staging", "environment:production"}),
    ],
)
def test_trust_admits_these_subjects_and_no_pattern(shared: Template, role: str, subjects: set[str]) -> None:
    (statement,) = shared.only("AWS::IAM::Role", RoleName=role)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": statement["Condition"]["StringEquals"][
                "token.actions.githubusercontent.com:sub"
            ],
        }
    }
    admitted = set(statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"])
    assert admitted == {f"{REPO}:{subject}" for subject in subjects}


@pytest.mark.parametrize("role", [naming.build_role(), *map(naming.deploy_role, ENVIRONMENTS)])
def test_a_deploy_session_may_last_two_hours(shared: Template, role: str) -> None:
    assert shared.only("AWS::IAM::Role", RoleName=role)["MaxSessionDuration"] == 7200


def test_pass_role_names_every_task_and_execution_role_of_the_environment(deploy: list[Any], environment: str) -> None:
    expected = {
        f"arn:aws:iam::{ACCOUNT}:role/doc-platform-{environment}-{task}-{kind}"
        for task in ("api", "frontend", "mcp", "storage", "migrations", "storage-migrations")
        for kind in ("task", "execution")
    }
    assert set(allowed(deploy, "iam:PassRole")) == expected
    (statement,) = [s for s in deploy if "iam:PassRole" in listed(s["Action"])]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_the_roles_that_may_be_passed_are_those_that_exist(deploy: list[Any], stack: Template) -> None:
    made = {
        f"arn:aws:iam::{ACCOUNT}:role/{role['RoleName']}"
        for role in stack.of_type("AWS::IAM::Role")
        if "RoleName" in role.properties
    }
    assert made == set(allowed(deploy, "iam:PassRole"))


def test_its_own_stack_and_the_shared_one_can_be_read(deploy: list[Any], stack: Template) -> None:
    assert set(allowed(deploy, "cloudformation:DescribeStacks")) == {
        f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{name}/*" for name in ("DocPlatformShared", stack.name)
    }


def test_no_deploy_role_names_anything_of_the_other_environment(deploy: list[Any], environment: str) -> None:
    other = {"staging": ("production", "DocPlatformProd"), "production": ("staging", "DocPlatformStack")}[environment]
    assert not [word for word in other if word in json.dumps(deploy)]


def test_only_production_promotes_images_and_takes_an_update_back(deploy: list[Any], environment: str) -> None:
    granted = {action for statement in deploy for action in listed(statement["Action"])}
    expected = {"ecr:PutImage", "cloudformation:CancelUpdateStack"} if environment == "production" else set()
    assert granted & {"ecr:PutImage", "cloudformation:CancelUpdateStack"} == expected


PUSH = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
}


@pytest.mark.parametrize(
    ("role", "images"),
    [
        (naming.build_role(), PUSH),
        (naming.deploy_role("staging"), {"ecr:DescribeImages"}),
        (naming.deploy_role("production"), {"ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"}),
    ],
)
def test_images_of_these_repositories_only(shared: Template, role: str, images: set[str]) -> None:
    found = statements(shared, shared.only("AWS::IAM::Role", RoleName=role))
    repositories = {f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/doc-platform/{image}" for image in naming.IMAGES}
    on_images = [s for s in found if set(listed(s["Resource"])) == repositories]
    assert {action for s in on_images for action in listed(s["Action"])} == images


def test_the_build_role_pushes_and_nothing_else(shared: Template) -> None:
    found = statements(shared, shared.only("AWS::IAM::Role", RoleName=naming.build_role()))
    assert {action for s in found for action in listed(s["Action"])} == {"ecr:GetAuthorizationToken", *PUSH}


def test_deployments_are_told_of_in_one_log(shared: Template, deploy: list[Any]) -> None:
    (statement,) = [s for s in deploy if "logs:PutLogEvents" in listed(s["Action"])]
    assert set(listed(statement["Action"])) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    (resource,) = listed(statement["Resource"])
    assert resource.endswith(":log-group:/doc-platform/deploys:*")
    assert shared.only("AWS::Logs::LogGroup")["LogGroupName"] == "/doc-platform/deploys"


def test_the_sync_function_is_moved_and_its_code_is_not_touched(deploy: list[Any], environment: str) -> None:
    actions = {a for s in deploy for a in listed(s["Action"]) if a.startswith("lambda:")}
    assert actions == {"lambda:CreateAlias", "lambda:GetAlias", "lambda:PublishVersion", "lambda:UpdateAlias"}
    (statement,) = [s for s in deploy if "lambda:UpdateAlias" in listed(s["Action"])]
    (resource,) = listed(statement["Resource"])
    assert resource.endswith(f":function:doc-platform-{environment}-github-sync")


def test_only_actions_without_resources_of_their_own_reach_everything(deploy: list[Any]) -> None:
    everywhere = {
        action
        for statement in deploy
        for action in listed(statement["Action"])
        if "*" in listed(statement["Resource"]) and "Condition" not in statement
    }
    assert everywhere == {
        "cloudwatch:DescribeAlarms",
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeTaskDefinition",
        "ecs:RegisterTaskDefinition",
    }


def test_the_audit_role_only_reads(shared: Template) -> None:
    role = shared.only("AWS::IAM::Role", RoleName=naming.audit_role())
    actions = [action for statement in statements(shared, role) for action in listed(statement["Action"])]
    assert "ecs:DescribeServices" in actions
    for action in actions:
        verb = action.partition(":")[2]
        assert verb.startswith(("Describe", "Get", "List")), action
        assert verb not in {"GetSecretValue", "GetObject", "GetLogEvents", "GetParameter"}, action


def test_all_that_a_deploy_role_may_do(deploy: list[Any], stack: Template, environment: str) -> None:
    """Each action on each resource, with its condition: what is missing stops a release, what is more is reach."""

    def arn(service: str, rest: str) -> str:
        return f"arn:aws:{service}:us-west-2:{ACCOUNT}:{rest}"

    cluster = f"doc-platform-{environment}"
    qualifier = {"staging": "dpstaging", "production": "dpprod"}[environment]
    one_off = ["migrations", "storage-migrations", *(["api"] if environment == "staging" else [])]
    inside = str({"ArnEquals": {"ecs:cluster": arn("ecs", f"cluster/{cluster}")}})
    passed = str({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})
    services, tasks = ("storage", "api", "mcp", "frontend"), naming.TASKS
    own = arn("cloudformation", f"stack/{stack.name}/*")
    image_actions = ["DescribeImages", *(["BatchGetImage", "PutImage"] if environment == "production" else [])]
    granted = {
        (action, resource, str(statement.get("Condition", "")))
        for statement in deploy
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert granted == {
        ("cloudformation:DescribeStacks", own, ""),
        ("cloudformation:DescribeStacks", arn("cloudformation", "stack/DocPlatformShared/*"), ""),
        *({("cloudformation:CancelUpdateStack", own, "")} if environment == "production" else set()),
        *(
            ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-{qualifier}-{role}-role-{ACCOUNT}-us-west-2", "")
            for role in ("deploy", "file-publishing", "lookup")
        ),
        *(
            (f"ecr:{action}", arn("ecr", f"repository/doc-platform/{image}"), "")
            for action in image_actions
            for image in (*services, "migrations")
        ),
        *((f"ecs:{action}TaskDefinition", "*", "") for action in ("Deregister", "Describe", "Register")),
        *(
            ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{cluster}-{task}-{kind}", passed)
            for task in tasks
            for kind in ("task", "execution")
        ),
        *(
            (f"ecs:{action}", arn("ecs", f"service/{cluster}/{service}"), "")
            for action in ("DescribeServices", "UpdateService")
            for service in services
        ),
        *(("ecs:RunTask", arn("ecs", f"task-definition/{cluster}-{task}:*"), inside) for task in one_off),
        *((f"ecs:{action}", arn("ecs", f"task/{cluster}/*"), "") for action in ("DescribeTasks", "StopTask")),
        ("ecs:ListTasks", "*", inside),
        *(
            ("logs:GetLogEvents", arn("logs", f"log-group:/ecs/{environment}/{task}{suffix}"), "")
            for task in one_off
            for suffix in ("", ":*")
        ),
        *(
            (f"logs:{action}", arn("logs", "log-group:/doc-platform/deploys:*"), "")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
        *(
            (f"lambda:{action}", arn("lambda", f"function:{cluster}-github-sync"), "")
            for action in ("CreateAlias", "GetAlias", "PublishVersion", "UpdateAlias")
        ),
        ("cloudwatch:DescribeAlarms", "*", ""),
    }
