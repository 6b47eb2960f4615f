"""What a policy's condition sees of a resource's tags.

Source: AWS IAM User Guide, "AWS global condition context keys", ``aws:ResourceTag/tag-key``: the key of the tag is
compared without regard to case. Service Authorization Reference, Amazon ECS: ``ecs:ResourceTag`` says the same there.
"""

from __future__ import annotations

from checker.model.resources import Resource
from checker.model.values import Known, Text


def of_resource(resource: Resource, *prefixes: str) -> dict[str, tuple[str | Text, ...]]:
    """Condition key -> value, for each tag that the resource sets itself. Whoever deploys its stack may give it others,
    but none of these keys: so of any other key nothing is known."""
    tags = resource.get("Tags")
    written = tags.value if isinstance(tags, Known) else None
    listed = list(written.items()) if isinstance(written, dict) else []
    for each in written if isinstance(written, list) else ():
        if isinstance(each, dict) and isinstance(each.get("Key"), str):
            listed.append((str(each["Key"]), each.get("Value")))
    return {
        f"{prefix}:resourcetag/{key.lower()}": (value,)
        for key, value in listed
        if isinstance(value, str | Text)
        for prefix in ("aws", *prefixes)
    }
