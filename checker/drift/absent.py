"""What is declared and has nothing in the account that stands for it: not deployed yet, gone, or not known."""

from __future__ import annotations

from typing import Final, NamedTuple

from checker.data.type_facts import facts_of
from checker.drift.account import Account
from checker.drift.deploying import code_changes, next_deploy
from checker.drift.expected import Declared
from checker.model.live.drift import NextDeploy, ResourceState

STACK: Final = "AWS::CloudFormation::Stack"
_CUSTOM: Final = ("Custom::", "AWS::CloudFormation::CustomResource")


class Absence(NamedTuple):
    state: ResourceState
    why: str = ""
    deploy: NextDeploy = NextDeploy.NONE


def without_live(account: Account, declared: Declared, deployed: Declared | None) -> Absence:
    """The state of a resource that no read shows. ``deployed``: what the deployed template has for it."""
    if declared.type.startswith(_CUSTOM):
        if _is_new(account, declared) and deployed is None:
            return Absence(ResourceState.PENDING, "", NextDeploy.CREATE)
        return Absence(
            ResourceState.NOT_CHECKED, "what a custom resource makes cannot be read", _next(declared, deployed)
        )
    if declared.live is not None:
        return Absence(ResourceState.NOT_CHECKED, declared.live.unread[""])
    if deployed is None and _is_new(account, declared):
        return _to_create(declared)
    unread = account.unreadable(declared.type, declared.physical_id)
    if unread is not None:
        why, needs = unread
        return Absence(ResourceState.NOT_CHECKED, f"{why}; needs {needs}" if needs else why)
    unread = account.unreadable("stacks", None) or account.unreadable("stacks/resources", None)
    if unread is not None and declared.physical_id is None:
        return Absence(ResourceState.NOT_CHECKED, f"which resource it stands for is not known: {unread[0]}")
    if not declared.resource.certain:
        why = "whether it exists hangs on a condition that cannot be decided"
        return Absence(ResourceState.NOT_CHECKED, why)
    unplaced = account.unplaced()
    if unplaced:
        return Absence(ResourceState.NOT_CHECKED, f"which resource it stands for is not known: {unplaced}")
    if deployed is None and declared.physical_id is None:
        return Absence(ResourceState.MISSING, "", NextDeploy.CREATE)
    why = "CloudFormation takes it to be there: a deploy does not bring it back"
    return Absence(ResourceState.MISSING, why, _next(declared, deployed))


def nested(account: Account, declared: Declared) -> Absence:
    """The state of a nested stack: whether it is there. Its resources have states of their own."""
    if declared.physical_id is None:
        if _is_new(account, declared):
            return Absence(ResourceState.PENDING, "", NextDeploy.CREATE)
        return Absence(ResourceState.NOT_CHECKED, "which stack it stands for is not known")
    if account.stack_by_arn(declared.physical_id) is None:
        unread = account.unreadable(STACK, declared.physical_id)
        if unread is not None:
            return Absence(ResourceState.NOT_CHECKED, unread[0])
        return Absence(ResourceState.MISSING, "the nested stack is not in the account")
    return Absence(ResourceState.IN_SYNC, "its resources are compared one by one")


def _to_create(declared: Declared) -> Absence:
    """Names are taken as long as another stack has what is called so: moved from there, it is still of that one."""
    holder = declared.held_by
    why = f"stack {holder} has one of this name: creating it here fails while that is there" if holder else ""
    return Absence(ResourceState.PENDING, why, NextDeploy.CREATE)


def _is_new(account: Account, declared: Declared) -> bool:
    """Whether the deployed stack is known, and does not have the resource yet."""
    if declared.stack is None:
        return account.knows_stacks
    return declared.physical_id is None and (declared.stack.template is not None or bool(declared.stack.resources))


def _next(declared: Declared, deployed: Declared | None) -> NextDeploy:
    if deployed is None:
        return NextDeploy.NONE
    return next_deploy(code_changes(declared.properties, deployed.properties), facts_of(declared.type))[0]
