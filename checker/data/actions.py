"""GitHub actions that deploy, push or log in, with the inputs that are read: ``checker list --actions`` prints them.

What each calls is in ``checker/resolve/trace/actions.py``; actions that change nothing are in ``harmless.toml``. Any
other action is not followed, and a job that hands it something to act with says so.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

CREDENTIALS: Final = "aws-actions/configure-aws-credentials"
DEPLOY_ECS: Final = "aws-actions/amazon-ecs-deploy-task-definition"
RENDER: Final = "aws-actions/amazon-ecs-render-task-definition"
DEPLOY_STACK: Final = "aws-actions/aws-cloudformation-github-deploy"
DEPLOY_FUNCTION: Final = "aws-actions/aws-lambda-deploy"
LOGIN_ECR: Final = "aws-actions/amazon-ecr-login"
SECRETS: Final = "aws-actions/aws-secretsmanager-get-secrets"
CODEBUILD: Final = "aws-actions/aws-codebuild-run-build"
METADATA: Final = "docker/metadata-action"
PUSH_BUILT: Final = "redhat-actions/push-to-registry"
# They take the same inputs: the README of depot/build-push-action says so.
BUILD_PUSH: Final = ("docker/build-push-action", "depot/build-push-action")
BAKE: Final = "docker/bake-action"


class KnownAction(Struct, frozen=True):
    """``does`` is for people; ``inputs`` are the inputs that are read. Source: the action's README and action.yml."""

    name: str
    does: str
    inputs: tuple[str, ...]


KNOWN: Final = (
    KnownAction(
        CREDENTIALS,
        "assumes a role, or takes access keys",
        (
            "role-to-assume", "aws-region", "role-duration-seconds", "role-chaining", "audience", "aws-access-key-id",
            "aws-secret-access-key",
        ),
    ),
    KnownAction(LOGIN_ECR, "logs in to Amazon ECR", ()),
    *(
        KnownAction(name, "builds an image, and pushes it", ("push", "outputs", "tags", "cache-to"))
        for name in BUILD_PUSH
    ),
    KnownAction(BAKE, "builds what its files say, and pushes it", ("files", "targets", "set", "push", "workdir")),
    KnownAction(PUSH_BUILT, "pushes an image that was built before", ("image", "tags", "registry")),
    KnownAction(METADATA, "makes the tags of an image", ("images", "tags", "flavor")),
    KnownAction(
        RENDER,
        "puts an image into a task definition",
        (
            "task-definition", "task-definition-arn", "task-definition-family", "task-definition-revision",
            "container-name", "image",
        ),
    ),
    KnownAction(
        DEPLOY_ECS,
        "registers a task definition, rolls a service, runs a one-off task",
        (
            "task-definition", "task-definition-family", "service", "cluster", "wait-for-service-stability", "run-task",
            "run-task-container-overrides", "run-task-tags", "wait-for-task-stopped",
        ),
    ),
    KnownAction(DEPLOY_STACK, "deploys a CloudFormation stack", ("name", "template")),
    KnownAction(
        DEPLOY_FUNCTION, "changes a Lambda function's code", ("function-name", "image-uri", "publish", "dry-run")
    ),
    KnownAction(SECRETS, "reads secrets", ("secret-ids",)),
    KnownAction(CODEBUILD, "runs a CodeBuild project", ("project-name",)),
)  # fmt: skip
