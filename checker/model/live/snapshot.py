"""What was read of an account, as a file keeps it: ``checker-snapshot/1``.

Audit, preflight and drift judge a :class:`Snapshot`, whether it was read a moment ago or stored last year. Nothing in
here says how it was read. ``checker/collect/snapshots.py`` reads and writes the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.resources import Raw
from checker.model.verdicts import Unread

SCHEMA: Final = "checker-snapshot/1"
# Why a property is unread that the command which read the account had no use for.
NOT_ASKED: Final = "not asked for"
# Why a property is unread where a call did answer: without it, or with something else in its place.
LACKING: Final = "the answer does not tell"
MISREAD: Final = "the answer is not in the service's form"
# Why a property is unread that a resource has only once it is made.
NOT_YET: Final = "it is being created, and there is none yet"
# How a reason begins where a call failed: with the service and the operation.
_CALL: Final = lazy_re.compile(r"[a-z][\w-]*:[A-Z]\w+: ")


def is_failure(why: str) -> bool:
    """Whether something is unread because a call failed, or did not tell it, which it need not the next time."""
    return why in (LACKING, MISREAD) or _CALL.match(why) is not None


class StackResource(Struct, frozen=True):
    """A resource as CloudFormation lists it: which thing of the account a logical id stands for."""

    logical_id: str
    type: str
    physical_id: str | None = None
    status: str = ""


class SnapshotStack(Struct, frozen=True):
    """One stack as it is deployed.

    ``template`` is what CloudFormation answers for ``GetTemplate``, ``None`` where it was not read. In it every
    character outside of ASCII reads as ``?`` (API Reference, GetTemplate). ``parameters`` and ``outputs`` are the
    values in force. A nested stack is a stack of its own: its parent's resource has its ARN as physical id.
    """

    name: str
    status: str = ""
    id: str | None = None  # the stack's ARN
    parameters: Mapping[str, Raw] = field(default_factory=dict)
    outputs: Mapping[str, Raw] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Raw] | None = None
    resources: tuple[StackResource, ...] = ()


class LiveResource(Struct, frozen=True):
    """One resource as the account has it, with CloudFormation's property names and shapes.

    ``stack`` and ``logical_id`` are ``None`` where no stack manages it, or where it is not known. ``unread`` names the
    properties that could not be read, and why; ``""`` stands for the whole resource. A property that is in neither was
    read, and is not set.
    """

    type: str
    physical_id: str | None = None
    stack: str | None = None
    logical_id: str | None = None
    properties: Mapping[str, Raw] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


class Snapshot(Struct, frozen=True):
    """An account in one region at one moment. ``taken_at`` is ISO 8601 in UTC, empty where the writer did not say.

    ``facts`` holds what no resource type has: running tasks, images, alarm states, deployments, importers, repository
    settings. ``unread`` names what could not be read at all, with the permission that was missing where it is known.
    """

    account: str = ""
    region: str = ""
    taken_at: str = ""
    stacks: tuple[SnapshotStack, ...] = ()
    resources: tuple[LiveResource, ...] = ()
    facts: Mapping[str, Raw] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
