"""Which stack of the account a bare template is deployed as: nothing in it says the name.

It is the one that has most of the template's resources. Where several have them (an environment beside another one), it
is the one whose name speaks of the template's environment; where that leaves several, nothing is compared by guess.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker.model.environment_words import environment_of
from checker.model.live.snapshot import Snapshot, SnapshotStack
from checker.model.resources import Stack, rebuilt

# A stack that has no more than this of a template's resources is another one.
_SHARE: Final = 0.5
_GONE: Final = frozenset({"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"})


class DeployedAs(Struct, frozen=True):
    """Stacks under the names that they are deployed as. ``unsure``: stack id -> why its name is not known."""

    stacks: tuple[Stack, ...]
    notes: tuple[str, ...] = ()
    unsure: Mapping[str, str] = {}


def deployed_as(
    stacks: Sequence[Stack], bare: Collection[str], snapshot: Snapshot, configured: Mapping[str, str]
) -> DeployedAs:
    """``bare``: ids of stacks that are called by their template's file. ``configured``: stack name -> environment."""
    there = [each for each in snapshot.stacks if each.status not in _GONE]
    taken = {each.name for each in stacks}
    found: list[Stack] = []
    notes: list[str] = []
    unsure: dict[str, str] = {}
    for stack in stacks:
        meant = stack
        if stack.id in bare and all(each.name != stack.name for each in there):
            candidates, sure = _candidates(stack, [each for each in there if each.name not in taken], configured)
            if len(candidates) == 1 and sure:
                meant = _called(stack, candidates[0].name)
                notes.append(f"took template {stack.name} for stack {meant.name}, which has its resources")
            elif candidates:
                names = " and ".join(sorted(each.name for each in candidates))
                unsure[stack.id] = f"which stack it is deployed as is not known: its resources are those of {names}"
        found.append(meant)
    return DeployedAs(tuple(found), tuple(notes), unsure)


def _called(stack: Stack, name: str) -> Stack:
    return rebuilt(stack, lambda each: {"name": name} if each is stack else {})


def _candidates(
    stack: Stack, there: Sequence[SnapshotStack], configured: Mapping[str, str]
) -> tuple[Sequence[SnapshotStack], bool]:
    """The stacks that it may be, and whether one that is alone is it: not where its name speaks of another one's."""
    resources = stack.template.get("Resources")
    declared = {
        (name, each.get("Type"))
        for name, each in (resources.items() if isinstance(resources, Mapping) else ())
        if isinstance(each, Mapping)
    }
    alike = [
        each
        for each in there
        if len(declared & {(one.logical_id, one.type) for one in each.resources}) > len(declared) * _SHARE
    ]
    environments = {each.name: configured.get(each.name) or environment_of(each.name) for each in alike}
    own = [each for each in alike if environments[each.name] == stack.environment]
    if own:
        return own, True
    if environment_of(stack.environment) is not None:  # one that other stacks' names would speak of
        return [each for each in alike if environments[each.name] is None], True
    return alike, all(environments[each.name] is None for each in alike)
