"""Images in the registry: are all five of a commit there, and the release tag that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra import naming
from infra.release.account import code_of
from infra.release.errors import FailedError

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient

# Whatever form an image was pushed in, the same bytes must come back: another form has another digest.
_MANIFESTS: Final = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


def digest_of(ecr: ECRClient, image: str, tag: str) -> str | None:
    """The digest that a tag names; None if the repository has no such tag. A missing repository is an error."""
    try:
        found = ecr.describe_images(repositoryName=naming.repository(image), imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if code_of(error) == "ImageNotFoundException":
            return None
        raise
    details = found["imageDetails"]
    return details[0]["imageDigest"] if details else None


def missing(ecr: ECRClient, sha: str, images: Sequence[str], say: Callable[[str], None]) -> Sequence[str]:
    """Which of these images the registry does not have for a commit."""
    digests = {image: digest_of(ecr, image, sha) for image in images}
    for image, digest in digests.items():
        say(f"{naming.repository(image)}:{sha} {digest or 'MISSING'}")
    return [image for image, digest in digests.items() if digest is None]


def verify(ecr: ECRClient, sha: str, images: Sequence[str], say: Callable[[str], None]) -> None:
    absent = missing(ecr, sha, images, say)
    if absent:
        raise FailedError(
            f"no image of {', '.join(absent)} for commit {sha}",
            fix="Release a commit of main whose staging deployment built its images, or run that build again.",
        )


def promote(ecr: ECRClient, sha: str, tag: str, say: Callable[[str], None]) -> None:
    """Give the images of a commit the release's tag as well, which keeps them from expiring.

    Nothing is pulled or pushed: the manifest is put again under a further tag (Amazon ECR User Guide, retagging an
    image). Checks all five before it changes the first. A release tag that names another image is never moved.
    """
    wanted = {image: digest_of(ecr, image, sha) for image in naming.IMAGES}
    tagged = {image: digest_of(ecr, image, tag) for image in naming.IMAGES}
    absent = [image for image, digest in wanted.items() if digest is None]
    if absent:
        raise FailedError(f"no image of {', '.join(absent)} for commit {sha}", fix="Run verify-images before promote.")
    taken = [image for image, digest in tagged.items() if digest not in (None, wanted[image])]
    if taken:
        raise FailedError(
            f"{tag} already names another image of {', '.join(taken)} than commit {sha}",
            fix="A release tag names one commit for good. Release under a new tag.",
        )
    for image, digest in wanted.items():
        if tagged[image]:
            say(f"{naming.repository(image)}:{tag} already names {digest}")
        else:
            _tag(ecr, image, sha, tag)
            say(f"{naming.repository(image)}:{tag} now names {digest}")


def _tag(ecr: ECRClient, image: str, sha: str, tag: str) -> None:
    repository = naming.repository(image)
    answer = ecr.batch_get_image(
        repositoryName=repository, imageIds=[{"imageTag": sha}], acceptedMediaTypes=list(_MANIFESTS)
    )
    if not answer["images"]:
        reasons = ", ".join(failure.get("failureReason", "no reason") for failure in answer["failures"])
        raise FailedError(f"ECR gave no manifest of {repository}:{sha}: {reasons}")
    found = answer["images"][0]
    try:
        ecr.put_image(
            repositoryName=repository,
            imageManifest=found["imageManifest"],
            imageManifestMediaType=found["imageManifestMediaType"],
            imageTag=tag,
        )
    except ClientError as error:
        # Another run of the same release was faster. It put the same image: a tag cannot move.
        if code_of(error) != "ImageAlreadyExistsException":
            raise
