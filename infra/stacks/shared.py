"""What all environments share, deployed by a person at bootstrap: repositories, zone, certificate, access.

Nothing here is exported. Environments take its identifiers as configuration, so this stack can change and be rebuilt
while they stand.

The account may hold some of it already, from the days of a single stack. The hosted zone, the certificate, the OIDC
provider and repositories of the same name are then taken over with `cdk import`, not made a second time: an account has
one OIDC provider per URL, and a second zone of the same domain would answer nobody.
"""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra import naming
from infra.aspects import protect
from infra.constructs.access import Access
from infra.constructs.boundary import Boundary
from infra.constructs.guard import AccountGuard
from infra.constructs.network import log_retention
from infra.constructs.registry import Registry
from infra.environments import DOMAIN, ENVIRONMENTS, PRODUCTION


class Shared(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, *, env: cdk.Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            stack_name=construct_id,
            description="doc-platform: image repositories, domain, certificate and deploy access",
            termination_protection=True,
        )
        AccountGuard(self, "Guard", account=self.account)
        registry = Registry(self, "Registry")
        access = Access(self, "Access")
        zone = route53.HostedZone(self, "Zone", zone_name=DOMAIN)
        zone.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        certificate = acm.Certificate(
            self,
            "Certificate",
            domain_name=DOMAIN,
            # A wildcard does not cover the bare domain, hence both.
            subject_alternative_names=[f"*.{DOMAIN}"],
            validation=acm.CertificateValidation.from_dns(zone),
        )
        certificate.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        for config in ENVIRONMENTS.values():
            Boundary(
                self,
                f"{config.name.capitalize()}Boundary",
                config=config,
                zone_id=zone.hosted_zone_id,
                certificate_arn=certificate.certificate_arn,
            )
        logs.LogGroup(
            self,
            "Deployments",
            log_group_name=naming.DEPLOY_LOG_GROUP,
            retention=log_retention(PRODUCTION.error_log_days),
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        protect(self, backup_days=PRODUCTION.database.backup_days)

        outputs = {
            "HostedZoneId": zone.hosted_zone_id,
            "CertificateArn": certificate.certificate_arn,
            "BuildRoleArn": access.build_role.role_arn,
            **{f"{name.capitalize()}DeployRoleArn": role.role_arn for name, role in access.deploy_roles.items()},
            "AuditRoleArn": access.audit_role.role_arn,
            **{
                f"{image.capitalize()}RepositoryUri": repository.repository_uri
                for image, repository in registry.repositories.items()
            },
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
