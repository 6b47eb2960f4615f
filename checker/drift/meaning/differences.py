"""What comparing one resource's properties finds, before it is known who changed what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from msgspec import Struct, field

from checker.model.resources import Raw
from checker.model.values import Hole


class Kind(Enum):
    CHANGED = "changed"  # declared, and live differs
    ADDED = "added"  # never declared, and no default, generated or explained by another resource
    UNDECLARED = "undeclared"  # never declared, and whether the service chose it cannot be told
    NOT_RETURNED = "not_returned"
    NOT_RESOLVED = "not_resolved"


class Difference(Struct, frozen=True):
    """``path`` as people read it: ``ContainerDefinitions[app].Image``. A value that is not set is ``None``."""

    path: str
    kind: Kind
    expected: Raw = None
    live: Raw = None
    note: str = ""


class Missing(Enum):
    """A property that a read did not show."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Around(Struct, frozen=True):
    """What stands around the resource that is compared.

    ``own``: the words by which it is known (physical id, ARN, name). ``explained`` answers whether another declared
    resource is the reason for something that a list or property shows. ``alias`` gives the key behind a KMS alias,
    ``None`` where it is not known. ``unread``: paths that could not be read, and why. ``stack_tags``: tags of the
    stack, which CloudFormation sets on every resource. ``pipeline``: paths that a release or scaling owns here.
    ``account``: the number of the account, empty where it is not known.
    """

    own: frozenset[str] = frozenset()
    explained: Callable[[Raw], bool] = lambda _: False
    alias: Callable[[str], str | None] = lambda _: None
    unread: Mapping[str, str] = field(default_factory=dict)
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    pipeline: frozenset[str] = frozenset()
    account: str = ""
    named: Callable[[Hole, str], bool] = lambda _hole, _value: False
