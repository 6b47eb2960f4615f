"""All three stacks deploy whole into one emulated account."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from infra import inputs, naming
from infra.environments import ENVIRONMENTS
from tests.infra.lab import Lab, for_the_lab, running_lab
from tests.infra.support import Template


@dataclass(frozen=True, slots=True)
class Deployed:
    lab: Lab
    outputs: Mapping[str, Mapping[str, str]]
    """By stack name."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), inputs.EXAMPLE_ACCOUNT) as running:
        yield running


@pytest.fixture(scope="module")
def deployed(lab: Lab, templates: Mapping[str, Template]) -> Deployed:
    outputs: dict[str, Mapping[str, str]] = {}
    for name in naming.STACKS:
        stack = lab.deploy(name, for_the_lab(templates[name].body, outputs.get(naming.SHARED_STACK, {})))
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
        outputs[name] = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Deployed(lab, outputs)


def test_both_environments_stand_in_one_account(deployed: Deployed, templates: Mapping[str, Template]) -> None:
    for name in naming.STACKS:
        assert set(deployed.outputs[name]) == set(templates[name].body["Outputs"])
    clusters = [deployed.outputs[name]["ClusterName"] for name in (naming.STAGING_STACK, naming.PRODUCTION_STACK)]
    assert clusters == ["doc-platform-staging", "doc-platform-production"]


def test_services_run_what_the_template_says(deployed: Deployed) -> None:
    ecs = deployed.lab.client("ecs")
    for environment in ENVIRONMENTS:
        answer = ecs.describe_services(cluster=naming.cluster(environment), services=list(naming.SERVICES))
        assert answer["failures"] == []
        services = {service["serviceName"]: service for service in answer["services"]}
        assert set(services) == set(naming.SERVICES)
        for name, service in services.items():
            assert service["taskDefinition"].rpartition("/")[2].startswith(naming.task_family(environment, name))


def test_data_is_encrypted_as_deployed(deployed: Deployed) -> None:
    databases = deployed.lab.client("rds").describe_db_instances()["DBInstances"]
    assert len(databases) == 4
    assert all(database["StorageEncrypted"] for database in databases)
    caches = deployed.lab.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert len(caches) == 2
    for cache in caches:
        assert cache["AtRestEncryptionEnabled"]
        assert cache["TransitEncryptionEnabled"]


def test_images_are_immutable_and_scanned_as_deployed(deployed: Deployed) -> None:
    repositories = deployed.lab.client("ecr").describe_repositories()["repositories"]
    assert {repository["repositoryName"] for repository in repositories} == {
        naming.repository(image) for image in naming.IMAGES
    }
    for repository in repositories:
        assert repository["imageTagMutability"] == "IMMUTABLE"
        assert repository["imageScanningConfiguration"]["scanOnPush"]


def test_staging_can_be_deleted_and_built_again(deployed: Deployed, templates: Mapping[str, Template]) -> None:
    """Nothing that staging leaves behind holds a name that the next staging needs."""
    name = naming.STAGING_STACK
    deployed.lab.delete(name)
    secrets = deployed.lab.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert not [secret["Name"] for secret in secrets if secret["Name"].startswith("staging/")]
    stack = deployed.lab.deploy(name, for_the_lab(templates[name].body, deployed.outputs[naming.SHARED_STACK]))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
