"""What differs between staging and production, as data.

Both environments are made by the same code from one `EnvironmentConfig` each. Identifiers of an account (its number,
the hosted zone, the certificate) are not here: they are inputs of a deployment, see `infra.inputs`.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from infra import naming

EnvironmentName = Literal["staging", "production"]

REPOSITORY: Final = "kcjonson/doc-platform"
DEFAULT_BRANCH: Final = "main"
DOMAIN: Final = "specboard.io"
REGION: Final = "us-west-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """One size for both PostgreSQL instances of an environment."""

    instance_class: str
    """Without the `db.` prefix."""
    multi_az: bool
    backup_days: int
    storage_gib: int = 20
    max_storage_gib: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskConfig:
    """One size for every Fargate task of an environment."""

    desired_count: int
    cpu: int = 256
    memory_mib: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentConfig:
    name: EnvironmentName
    stack_name: str
    subdomain: str | None
    vpc_cidr: str
    nat_gateways: int
    database: DatabaseConfig
    tasks: TaskConfig
    waf: bool
    retain: bool
    """True where data outlives its stack. False in staging, which is rebuilt by deleting it."""
    deletion_protection: bool
    """Of the stack, its databases and its load balancer: each refuses to be deleted while it is on."""
    email_allowlist: str | None
    """Domains that mail may go to, comma-separated; None lets it go anywhere."""
    domain: str = DOMAIN
    availability_zones: tuple[str, ...] = field(default=(f"{REGION}a", f"{REGION}b"))
    """Named, not looked up: synthesis needs no account and gives the same bytes everywhere."""
    access_log_days: int = 30
    error_log_days: int = 365

    @property
    def full_domain(self) -> str:
        return f"{self.subdomain}.{self.domain}" if self.subdomain else self.domain

    @property
    def url(self) -> str:
        return f"https://{self.full_domain}"


STAGING: Final = EnvironmentConfig(
    name="staging",
    stack_name=naming.STAGING_STACK,
    subdomain="staging",
    vpc_cidr="10.0.0.0/16",
    nat_gateways=1,
    database=DatabaseConfig(instance_class="t4g.micro", multi_az=False, backup_days=1),
    tasks=TaskConfig(desired_count=1),
    waf=False,
    retain=False,
    deletion_protection=False,
    email_allowlist=DOMAIN,
)

PRODUCTION: Final = EnvironmentConfig(
    name="production",
    stack_name=naming.PRODUCTION_STACK,
    subdomain=None,
    vpc_cidr="10.1.0.0/16",
    nat_gateways=2,
    database=DatabaseConfig(instance_class="t4g.medium", multi_az=True, backup_days=14),
    tasks=TaskConfig(desired_count=2),
    waf=True,
    retain=True,
    deletion_protection=True,
    email_allowlist=None,
)

ENVIRONMENTS: Final[dict[str, EnvironmentConfig]] = {e.name: e for e in (STAGING, PRODUCTION)}
