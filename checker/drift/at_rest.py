"""Stacks of which nothing can be compared: they are between two templates, or about to be made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.drift.account import Account
from checker.model.live.snapshot import Snapshot
from checker.model.resources import Stack
from checker.model.verdicts import Unread
from checker.reason.account.stack_states import UNDER_REVIEW, between_templates
from checker.resolve.templates.project import with_nested

__all__ = ["UNDER_REVIEW", "not_at_rest"]


def not_at_rest(stacks: Sequence[Stack], snapshot: Snapshot) -> Iterator[Unread]:
    """``stacks`` are the root stacks. What is nested in one of them goes with it, unsaid."""
    account = Account(snapshot)
    under_review = {each.name for each in snapshot.stacks if each.status == UNDER_REVIEW}
    for stack in with_nested(stacks):
        why = account.between_templates(stack)
        if not why and stack.parent is None and stack.name in under_review:
            why = between_templates(UNDER_REVIEW)
        if why and (stack.parent is None or not account.between_templates(stack.parent)):
            yield Unread(f"stack {stack.name}", why)
