"""What the status of a CloudFormation stack tells: whether it is at rest, and what to do where it is not.

Sources: AWS CloudFormation User Guide, "Stack status codes", "Stack failure options" and "Continue rolling back an
update"; API Reference, RollbackStack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

_WAIT: Final = "Wait until it has ended."
_DELETE: Final = "Delete the stack, and deploy it anew."
_CONTINUE: Final = "Continue the roll-back: aws cloudformation continue-update-rollback."
_EVENTS: Final = "Its events say what failed: aws cloudformation describe-stack-events."


class StackTrouble(Struct, frozen=True):
    """Why a stack is not at rest, and what to do. ``certain``: whether that is known; its status may be a new one."""

    what: str
    fix: str
    certain: bool = True


UNDER_REVIEW: Final = "REVIEW_IN_PROGRESS"
_AT_REST: Final = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
# What is left of these is to delete what was replaced or taken back: every resource is as the template has it.
_CLEANS_UP: Final = frozenset({"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"})
_TROUBLES: Final[Mapping[str, tuple[str, str]]] = {
    UNDER_REVIEW: (
        "nothing of it is there; a change set that would create it waits to be executed",
        "Execute the change set, or delete the stack.",
    ),
    "ROLLBACK_COMPLETE": ("its creation failed and was taken back, and all that it takes now is a deletion", _DELETE),
    "ROLLBACK_FAILED": ("its creation failed, and could not be taken back", _DELETE),
    "CREATE_FAILED": (
        "its creation failed, and what was made was left as it is",
        "Deploy it again with what is right, or roll it back: aws cloudformation rollback-stack.",
    ),
    "UPDATE_FAILED": (
        "an update failed, and what it had done was left as it is",
        "Deploy it again with what is right, or roll it back: aws cloudformation rollback-stack.",
    ),
    "UPDATE_ROLLBACK_FAILED": ("an update failed, and could not be taken back", _CONTINUE),
    "IMPORT_ROLLBACK_FAILED": ("an import failed, and could not be taken back", _EVENTS),
    "DELETE_FAILED": ("it was being deleted, and some of it could not be", f"Delete it again. {_EVENTS}"),
    "DELETE_COMPLETE": ("it was deleted", "Deploy it anew."),
}


def stack_trouble(status: str) -> StackTrouble | None:
    """Why a stack is not at rest, so that a deploy is refused or starts from something else than the last release."""
    if status in _AT_REST:
        return None
    if status in _TROUBLES:
        what, fix = _TROUBLES[status]
        return StackTrouble(f"It is in {status}: {what}.", fix)
    if status.endswith("_IN_PROGRESS"):
        return StackTrouble(f"It is in {status}: somebody is changing it.", _WAIT)
    if status.endswith("_FAILED"):
        return StackTrouble(f"It is in {status}: its last operation failed.", _EVENTS)
    why = f"its status {status} is none that is known" if status else "its status was not read"
    return StackTrouble(f"whether it is at rest: {why}", _EVENTS, certain=False)


def between_templates(status: str) -> str:
    """Why it cannot be told what a stack's resources should be like: it is between two templates, or half of one.

    Empty where all of them are as its template has them, and where no status is told: who writes a snapshot by hand may
    leave it out.
    """
    if not status or status in _CLEANS_UP:
        return ""
    trouble = stack_trouble(status)
    if trouble is None:
        return ""
    told = f"{status}: {_TROUBLES[status][0]}" if status in _TROUBLES else status
    if status.endswith("_IN_PROGRESS") and status not in _TROUBLES:
        told += ": it is being changed"
    if not trouble.certain:
        told += ", which is no status that is known"
    return f"its stack is in {told}"
