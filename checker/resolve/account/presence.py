"""What a stack says that it has, and the account does not show: not read, or gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from checker.model.live.snapshot import LiveResource, Snapshot, SnapshotStack, StackResource
from checker.model.resources import Stack

# What a template has as a resource of its own and an account as a part of another one, which was read.
_PARTS: Final = frozenset(
    {
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::IAM::GroupPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::UserPolicy",
        "AWS::SecretsManager::SecretTargetAttachment",
    }
)
# The states in which CloudFormation takes a resource for one that is there (AWS CloudFormation API Reference,
# StackResourceSummary); a snapshot that a person wrote may leave them out.
_THERE: Final = frozenset({"", "CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


def not_read(
    placed: Collection[tuple[str, str]], stacks: Mapping[str, Stack], snapshot: Snapshot
) -> Iterator[tuple[Stack, str, LiveResource]]:
    """Resources that a stack has and that nothing was read of: they are there, and all about them is unknown."""
    # Of what a person wrote, the types that are there at all are taken for read.
    read = {each.type for each in snapshot.resources} | {*_asked_for(snapshot)}
    for stack, each in _not_shown(placed, snapshot):
        if each.type not in read:
            why = "nothing was read of this resource"
            found = LiveResource(each.type, each.physical_id, stack.name, each.logical_id, unread={"": why})
            yield stacks[stack.name], each.logical_id, found


def gone(
    placed: Collection[tuple[str, str]], stacks: Mapping[str, Stack], snapshot: Snapshot
) -> Iterator[tuple[Stack, str, LiveResource]]:
    """Resources that a stack has and that somebody has deleted: all that there are of their type were read."""
    read = _asked_for(snapshot)
    for stack, each in _not_shown(placed, snapshot):
        if each.type in read and each.physical_id and each.status in _THERE:
            yield (
                stacks[stack.name],
                each.logical_id,
                LiveResource(each.type, each.physical_id, stack.name, each.logical_id),
            )


def _asked_for(snapshot: Snapshot) -> Collection[str]:
    """The types that were asked for, and of which nothing failed."""
    lost, asked = {each.what for each in snapshot.unread}, snapshot.facts.get("asked")
    return {each for each in asked if isinstance(each, str) and each not in lost} if isinstance(asked, list) else set()


def _not_shown(
    placed: Collection[tuple[str, str]], snapshot: Snapshot
) -> Iterator[tuple[SnapshotStack, StackResource]]:
    for stack in snapshot.stacks:
        for each in stack.resources:
            if (stack.name, each.logical_id) not in placed and not _stands_elsewhere(each.type):
                yield stack, each


def _stands_elsewhere(kind: str) -> bool:
    return kind in _PARTS or kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::CDK::"))
