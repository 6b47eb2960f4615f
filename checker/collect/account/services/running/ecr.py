"""Amazon ECR: repositories, what is in them, and how the registry scans.

A lifecycle preview is read only where somebody started one: starting it is a write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from checker.collect.account.asking.account import Account
from checker.collect.account.shapes import Draft, capitalised, iso, maybe, picked, policy, said, shape

REPOSITORY: Final = shape(
    "AWS::ECR::Repository", "repositoryName", said("RepositoryName", "repositoryName"),
    said("ImageTagMutability", "imageTagMutability"),
    maybe("ImageTagMutabilityExclusionFilters", "imageTagMutabilityExclusionFilters", lambda found: [
        {"ImageTagMutabilityExclusionFilterType": each["filterType"],
         "ImageTagMutabilityExclusionFilterValue": each["filter"]} for each in found
    ] or None),
    said("ImageScanningConfiguration", "imageScanningConfiguration",
         lambda value: {"ScanOnPush": bool(value["scanOnPush"])}),
    maybe("EncryptionConfiguration", "encryptionConfiguration",
          lambda value: picked(capitalised(value), "EncryptionType KmsKey")),
)  # fmt: skip


def _scan_rules(rules: Any) -> list[dict[str, Any]] | None:
    return [
        {
            "ScanFrequency": rule["scanFrequency"],
            "RepositoryFilters": [
                {"Filter": each["filter"], "FilterType": each["filterType"]}
                for each in rule.get("repositoryFilters") or ()
            ],
        }
        for rule in rules
    ] or None


def describe(account: Account) -> Iterator[Draft | None]:
    listed = account.ask("ecr", "DescribeRepositories")
    scanning = account.ask("ecr", "GetRegistryScanningConfiguration")
    repositories = [each for each in map(REPOSITORY.draft, listed.items) if each is not None]
    asked = [
        (
            each,
            account.ask("ecr", "GetLifecyclePolicy", of=each, repositoryName=each.id),
            account.ask("ecr", "GetRepositoryPolicy", of=each, repositoryName=each.id),
            account.ask("ecr", "DescribeImages", of=each, repositoryName=each.id),
            account.ask("ecr", "GetLifecyclePolicyPreview", of=each, repositoryName=each.id),
        )
        for each in repositories
    ]
    for repository, lifecycle, permissions, images, preview in asked:
        repository.add(lifecycle, said("LifecyclePolicy.LifecyclePolicyText", "lifecyclePolicyText", str))
        repository.add(permissions, said("RepositoryPolicyText", "policyText", policy))
        yield repository
        if images.complete:
            account.add_facts("images", {repository.id: [_image(each) for each in images.items]})
        if preview.complete and not preview.outcome.absent:
            account.add_facts("lifecycle_previews", {repository.id: [_image(each) for each in preview.items]})
    if scanning.complete and scanning.value:
        read = (
            said("ScanType", "scanningConfiguration.scanType"),
            maybe("Rules", "scanningConfiguration.rules", _scan_rules),
        )
        registry = str(scanning.value.get("registryId") or "default")
        yield Draft("AWS::ECR::RegistryScanningConfiguration", (registry,)).read(scanning.value, read)


def _image(image: Mapping[str, Any]) -> dict[str, Any]:
    """An image: its digest, its tags, when it was pushed, and (of a preview) what would become of it."""
    found: dict[str, Any] = {
        "digest": image.get("imageDigest"),
        "tags": sorted(map(str, image.get("imageTags") or ())),
        "pushed_at": iso(image["imagePushedAt"]) if image.get("imagePushedAt") else None,
        **picked(image, "artifactMediaType imageManifestMediaType appliedRulePriority"),
    }
    if image.get("action"):
        found["action"] = (image["action"] or {}).get("type")
    return found
