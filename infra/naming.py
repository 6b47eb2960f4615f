"""The one place that makes a physical name.

CloudFormation generates a name wherever nothing outside a stack looks one up. What is named here is named because a
person, a script, a policy of another stack or another service must be able to say the name before the resource exists:

- roles, clusters, the sync function: the deploy roles' policies list them by ARN, and stacks share no exports;
- task families, log groups: the pipeline runs and reads them;
- secrets: people set their values by name;
- alarms: an ECS service lists its deployment alarms by name;
- repositories: both environments and the image build name them;
- boundaries and qualifiers: a bootstrap of the CDK is told them by a person.

Every name of an environment carries that environment, so that two environments share an account without colliding.
Two exceptions are scoped by a parent: an ECS service (in its cluster) and the namespace `internal` (in its VPC).
"""

from typing import Final

PROJECT: Final = "doc-platform"

SHARED_STACK: Final = "DocPlatformShared"
HOOK_STACK: Final = "DocPlatformHook"
STAGING_STACK: Final = "DocPlatformStack"
"""Staging keeps the id that it has always had: a new one would make CloudFormation build a second staging."""
PRODUCTION_STACK: Final = "DocPlatformProd"
STACKS: Final = (SHARED_STACK, STAGING_STACK, PRODUCTION_STACK)

SERVICES: Final = ("storage", "api", "mcp", "frontend")
"""In dependency order: each one needs only those before it."""
MIGRATIONS: Final = "migrations"
"""The image of the migration runner, and the task that it runs as for the main database."""
STORAGE_MIGRATIONS: Final = "storage-migrations"
MIGRATION_TASKS: Final = {"main": MIGRATIONS, "storage": STORAGE_MIGRATIONS}
"""By database. One image, and a task, a role and a lock for each."""
IMAGES: Final = (*SERVICES, MIGRATIONS)
TASKS: Final = (*SERVICES, *MIGRATION_TASKS.values())

ONE_OFF: Final = {"staging": (MIGRATIONS, STORAGE_MIGRATIONS, "api"), "production": (MIGRATIONS, STORAGE_MIGRATIONS)}
"""What the pipeline runs once, by environment. Only staging is seeded, from the api's image."""

LIVE_ALIAS: Final = "live"
"""Of the sync function: what is called. The pipeline points it at a version, the template never moves it."""

INTERNAL_NAMESPACE: Final = "internal"
METRIC_NAMESPACE: Final = "DocPlatform/Deploy"
DEPLOY_LOG_GROUP: Final = f"/{PROJECT}/deploys"
"""What became of each deployment. Of the shared stack: it is there before the first environment."""
BOOTSTRAP_TAG: Final = "init"
RELEASE_TAG_PATTERN: Final = "v*"
OIDC_HOST: Final = "token.actions.githubusercontent.com"


def repository(image: str) -> str:
    return f"{PROJECT}/{image}"


def image_of(task: str) -> str:
    return MIGRATIONS if task in MIGRATION_TASKS.values() else task


def label(task: str) -> str:
    """How the outputs of a task begin: `StorageMigrations` in `StorageMigrationsTaskDefinitionArn`."""
    return "".join(part.capitalize() for part in task.split("-"))


def cluster(environment: str) -> str:
    return f"{PROJECT}-{environment}"


def task_family(environment: str, task: str) -> str:
    return f"{PROJECT}-{environment}-{task}"


def task_role(environment: str, task: str) -> str:
    return f"{PROJECT}-{environment}-{task}-task"


def execution_role(environment: str, task: str) -> str:
    return f"{PROJECT}-{environment}-{task}-execution"


def deploy_role(environment: str) -> str:
    """Not the name of the role that the first staging stack made, which exists until that stack is gone."""
    return f"{PROJECT}-{environment}-deploy"


def qualifier(environment: str) -> str:
    """Of the environment's own CDK bootstrap: ten letters or digits at the most."""
    return {"staging": "dpstaging", "production": "dpprod"}[environment]


def boundary(environment: str) -> str:
    """The permissions boundary of the bootstrap's roles, and of all roles in the environment's stack."""
    return f"{PROJECT}-{environment}-boundary"


def build_role() -> str:
    return f"{PROJECT}-build"


def audit_role() -> str:
    return f"{PROJECT}-audit"


def secret(environment: str, name: str) -> str:
    return f"{environment}/{PROJECT}/{name}"


def task_log_group(environment: str, task: str) -> str:
    return f"/ecs/{environment}/{task}"


def error_log_group(environment: str) -> str:
    return f"/{PROJECT}/{environment}/errors"


def flow_log_group(environment: str) -> str:
    return f"/{PROJECT}/{environment}/flow-logs"


def sync_function(environment: str) -> str:
    return f"{PROJECT}-{environment}-github-sync"


def sync_log_group(environment: str) -> str:
    return f"/lambda/{environment}/github-sync"


def waf_log_group(environment: str) -> str:
    """AWS WAF accepts only log groups whose name starts with `aws-waf-logs-` (AWS WAF Developer Guide, logging)."""
    return f"aws-waf-logs-{PROJECT}-{environment}"


def alarm(environment: str, subject: str) -> str:
    return f"{environment}-{subject}"
