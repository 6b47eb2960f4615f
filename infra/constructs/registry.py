"""The image repositories, one per image, used by every environment.

**What may never expire.** ECR knows nothing of what ECS runs (Amazon ECR User Guide, lifecycle policies): it goes by
tag, age since the push, and count, and another tag makes no image younger. An image that matches the tags of a rule can
be expired by no rule after it. Hence, by priority:

1. Release tags (`v*`). Promotion adds one to every image that production runs, so what production runs, ran and can be
   rolled back to matches here. The count is the quota of a repository: the rule exists to claim images, not to expire.
2. The bootstrap tag, likewise.
3. Untagged images go after five days; ECR takes up to a day more, so they are gone within a week. Layers of a
   multi-platform image are not at risk: ECR expires no image that a manifest list refers to.
4. Everything else that is tagged, which is commit SHAs: the newest 1200 stay, whatever their age.

**Why a count, and not 30 days.** One rule cannot say "older than 30 days and not among the newest 20". By age,
staging's running image would expire after 30 quiet days, with nothing newer to run. By count the newest always stay, so
a quiet repository loses nothing; and 1200 is 40 pushes a day for 30 days, so that even at the busiest pace a commit's
image lives for 30 days. Images share their layers, so 1200 of them cost little more than the layers that differ.
"""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from infra import naming

IMAGES_PER_REPOSITORY: Final = 100_000
"""Amazon ECR service quotas: a count that no repository exceeds, so a rule with it never expires anything."""
BUSIEST_PUSHES_PER_DAY: Final = 40
COMMIT_IMAGE_DAYS: Final = 30
UNTAGGED_DAYS: Final = 5


class Registry(Construct):
    """Repositories by image name. Tags are immutable: a tag names one image for good."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.repositories = {
            image: ecr.Repository(
                self,
                image.capitalize(),
                repository_name=naming.repository(image),
                image_tag_mutability=ecr.TagMutability.IMMUTABLE,
                image_scan_on_push=True,
                lifecycle_rules=_lifecycle(),
                removal_policy=cdk.RemovalPolicy.RETAIN,
            )
            for image in naming.IMAGES
        }


def _lifecycle() -> list[ecr.LifecycleRule]:
    return [
        ecr.LifecycleRule(
            rule_priority=1,
            description="Releases stay",
            tag_pattern_list=[naming.RELEASE_TAG_PATTERN],
            max_image_count=IMAGES_PER_REPOSITORY,
        ),
        ecr.LifecycleRule(
            rule_priority=2,
            description="The bootstrap image stays",
            tag_pattern_list=[naming.BOOTSTRAP_TAG],
            max_image_count=IMAGES_PER_REPOSITORY,
        ),
        ecr.LifecycleRule(
            rule_priority=3,
            description="Untagged images go within a week",
            tag_status=ecr.TagStatus.UNTAGGED,
            max_image_age=cdk.Duration.days(UNTAGGED_DAYS),
        ),
        ecr.LifecycleRule(
            rule_priority=4,
            description="Commits: the newest stay, whatever their age; 30 days at 40 pushes a day",
            tag_pattern_list=["*"],
            max_image_count=BUSIEST_PUSHES_PER_DAY * COMMIT_IMAGE_DAYS,
        ),
    ]
