"""What comparing code, CloudFormation and account says: one entry per resource, one line per property."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, TypeAlias

from msgspec import Struct

Raw: TypeAlias = Any  # parsed JSON

# The note of a property whose value no template ever says: CloudFormation takes it from a store when it deploys.
IN_A_STORE: Final = "the value is in a store, not in the template"


class ResourceState(StrEnum):
    """What a resource is, next to the code."""

    IN_SYNC = "in_sync"
    CHANGED = "changed"
    MISSING = "missing"  # declared, and not there
    UNMANAGED = "unmanaged"  # there, and of no stack
    PENDING = "pending"  # the code is not deployed yet
    NOT_CHECKED = "not_checked"


class PropertyState(StrEnum):
    """What a property is, next to the code."""

    CHANGED_IN_ACCOUNT = "changed_in_account"
    CHANGED_IN_CODE = "changed_in_code"
    CHANGED_IN_BOTH = "changed_in_both"
    ADDED_IN_ACCOUNT = "added_in_account"  # never declared, and neither a service's default nor generated
    NOT_RETURNED = "not_returned"  # no read returns it
    NOT_RESOLVED = "not_resolved"  # what the code expects cannot be told from here


# What somebody did in the account.
IN_ACCOUNT = frozenset(
    {PropertyState.CHANGED_IN_ACCOUNT, PropertyState.CHANGED_IN_BOTH, PropertyState.ADDED_IN_ACCOUNT}
)
IN_CODE = frozenset({PropertyState.CHANGED_IN_CODE, PropertyState.CHANGED_IN_BOTH})


class NextDeploy(StrEnum):
    """What deploying the code would do to a resource."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


class PropertyDrift(Struct, frozen=True):
    """One property. ``None`` stands for "not set", or for a value that is not shown because it may be a secret."""

    path: str
    state: PropertyState
    expected: Raw = None
    deployed: Raw = None
    live: Raw = None
    note: str = ""
    accepted: str = ""  # the reviewed reason why it does not fail


class ResourceDrift(Struct, frozen=True):
    """One resource. ``accepted`` is the reviewed reason why its drift does not fail, empty where there is none."""

    environment: str
    stack: str | None
    type: str
    logical_id: str | None
    physical_id: str | None
    state: ResourceState
    why: str = ""
    next_deploy: NextDeploy = NextDeploy.NONE
    properties: tuple[PropertyDrift, ...] = ()
    stateful: bool = False  # it keeps data: replaced, it starts without them, and deleted, they are gone
    accepted: str = ""

    @property
    def loses_data(self) -> bool:
        """Whether the next deploy would replace or delete something that keeps data."""
        return self.stateful and self.next_deploy in {NextDeploy.REPLACE, NextDeploy.DELETE}

    @property
    def undecided(self) -> bool:
        """Whether something of it could not be checked that could have been."""
        open_ = PropertyState.NOT_RESOLVED
        return self.state is ResourceState.NOT_CHECKED or any(
            each.state is open_ and IN_A_STORE not in each.note for each in self.properties
        )

    @property
    def fails(self) -> bool:
        """Whether this alone makes ``checker drift`` fail: changed in the account, gone, or data about to be lost."""
        if self.accepted:
            return False
        drifted = any(each.state in IN_ACCOUNT and not each.accepted for each in self.properties)
        return self.state is ResourceState.MISSING or drifted or self.loses_data
