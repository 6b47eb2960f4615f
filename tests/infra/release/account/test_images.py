"""Images, and the revisions that run them: an error of ECR is not an answer, and a tag never moves."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import naming
from infra.release import images, revisions
from infra.release.errors import FailedError
from tests.infra.release.fakes import NEW, OLD, OTHER, FakeEcs, refused


def quiet(_: str) -> None:
    return


def client(service: Any) -> Any:
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-west-2").client(service)


def digest(image: str, sha: str = NEW) -> str:
    return f"sha256:{image}-{sha[:4]}"


class FakeEcr:
    """Images by repository and tag; what is put is remembered."""

    def __init__(self) -> None:
        self.tags = {(naming.repository(image), NEW): digest(image) for image in naming.IMAGES}
        self.put: list[str] = []
        self.error: ClientError | None = None

    def describe_images(self, *, repositoryName: str, imageIds: list[Mapping[str, str]]) -> Any:  # noqa: N803
        if self.error:
            raise self.error
        found = self.tags.get((repositoryName, imageIds[0]["imageTag"]))
        if found is None:
            raise refused("DescribeImages", "ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": found}]}

    def batch_get_image(self, *, repositoryName: str, **_: Any) -> Any:  # noqa: N803
        return {"images": [{"imageManifest": repositoryName, "imageManifestMediaType": "m"}], "failures": []}

    def put_image(self, *, repositoryName: str, imageTag: str, **_: Any) -> None:  # noqa: N803
        self.put.append(f"{repositoryName}:{imageTag}")
        self.tags[repositoryName, imageTag] = self.tags[repositoryName, NEW]


@pytest.fixture
def ecr() -> Any:
    return FakeEcr()


def test_all_five_must_be_there(ecr: Any) -> None:
    images.verify(ecr, NEW, naming.IMAGES, quiet)
    del ecr.tags[naming.repository("mcp"), NEW]
    with pytest.raises(FailedError, match="no image of mcp"):
        images.verify(ecr, NEW, naming.IMAGES, quiet)


@pytest.mark.parametrize("code", ["AccessDeniedException", "RepositoryNotFoundException", "ServerException"])
def test_an_error_is_not_a_missing_image(ecr: Any, code: str) -> None:
    ecr.error = refused("DescribeImages", code)
    with pytest.raises(ClientError, match=code):
        images.verify(ecr, NEW, naming.IMAGES, quiet)


def test_promotion_adds_the_tag_once(ecr: Any) -> None:
    images.promote(ecr, NEW, "v1.0.0", quiet)
    images.promote(ecr, NEW, "v1.0.0", quiet)
    assert ecr.put == [f"{naming.repository(image)}:v1.0.0" for image in naming.IMAGES]


def test_promotion_never_moves_a_tag_and_changes_nothing_if_it_would(ecr: Any) -> None:
    ecr.tags[naming.repository("migrations"), "v1.0.0"] = digest("migrations", OTHER)
    with pytest.raises(FailedError, match="already names another image of migrations"):
        images.promote(ecr, NEW, "v1.0.0", quiet)
    assert ecr.put == []


def test_promotion_goes_on_where_it_stopped(ecr: Any) -> None:
    ecr.tags[naming.repository("storage"), "v1.0.0"] = digest("storage")
    images.promote(ecr, NEW, "v1.0.0", quiet)
    assert ecr.put == [f"{naming.repository(image)}:v1.0.0" for image in naming.IMAGES if image != "storage"]


@pytest.mark.parametrize(
    ("image", "tag", "retagged"),
    [
        ("1.dkr.ecr.us-west-2.amazonaws.com/a/b:init", "init", "1.dkr.ecr.us-west-2.amazonaws.com/a/b:x"),
        ("localhost:5000/doc-platform/api", "", "localhost:5000/doc-platform/api:x"),
        ("r/doc-platform/api@sha256:00", "@sha256:00", "r/doc-platform/api:x"),
        ("r/doc-platform/api:v1@sha256:00", "@sha256:00", "r/doc-platform/api:x"),
    ],
)
def test_image_references(image: str, tag: str, retagged: str) -> None:
    assert revisions.image_tag(image) == tag
    assert revisions.retagged(image, "x") == retagged


def test_a_revision_keeps_everything_but_the_image_and_leaves_side_cars_alone() -> None:
    ecs: Any = FakeEcs()
    base = next(iter(ecs.definitions))
    ecs.definitions[base] |= {
        "volumes": [{"name": "v"}],
        "requiresAttributes": [{"name": "set-by-ecs"}],
        "registeredBy": "somebody",
        "compatibilities": ["FARGATE"],
        "requiresCompatibilities": ["FARGATE"],
    }
    own = ecs.definitions[base]["containerDefinitions"][0] | {"secrets": [{"name": "S", "valueFrom": "arn"}]}
    ecs.definitions[base]["containerDefinitions"] = [{"name": "sidecar", "image": "public/agent:1"}, own]
    registered: list[dict[str, Any]] = []

    def register(**wanted: Any) -> Any:
        registered.append(wanted)
        return {"taskDefinition": {"taskDefinitionArn": "new"}}

    ecs.register_task_definition = register
    family = naming.task_family("production", "storage")
    assert revisions.pin(ecs, base=base, family=family, task="storage", sha=NEW) == "new"
    (made,) = registered
    assert made.keys() == {"family", "cpu", "volumes", "requiresCompatibilities", "containerDefinitions"}
    assert [container["image"].rpartition(":")[2] for container in made["containerDefinitions"]] == ["1", NEW]
    assert made["containerDefinitions"][1]["secrets"] == [{"name": "S", "valueFrom": "arn"}]


def test_a_revision_whose_variables_come_in_another_order_is_the_same() -> None:
    ecs: Any = FakeEcs()
    base = next(iter(ecs.definitions))
    container = ecs.definitions[base]["containerDefinitions"][0]
    variables = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    container["environment"] = variables
    own = {name: ecs.definitions[base][name] for name in ("family", "cpu", "containerDefinitions")}
    made = ecs.register_task_definition(**own)
    there = made["taskDefinition"]
    there["containerDefinitions"] = [container | {"cpu": 0, "environment": variables[::-1]}]
    family = naming.task_family("production", "storage")
    assert revisions.pin(ecs, base=base, family=family, task="storage", sha=OLD) == there["taskDefinitionArn"]
