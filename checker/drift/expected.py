"""The code's side: templates resolved with what is known of the account.

The resolver is the one that judges templates. What it leaves open there (physical ids, attributes, parameters that are
set when deploying) is known here from the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.drift.account import Account, attribute
from checker.drift.meaning.scalars import is_arn, is_masked
from checker.model.live.snapshot import LiveResource, SnapshotStack
from checker.model.resources import Raw, Resource, Stack, rebuilt
from checker.model.values import Absent, Resolved, Unknown, plain_text
from checker.model.worlds import World
from checker.reason.names.arns import arn_named
from checker.reason.names.naming import naming_of
from checker.resolve.templates.project import declared, with_nested
from checker.resolve.templates.scopes import Linker, StackScope

_STACK: Final = "AWS::CloudFormation::Stack"


class Declared(Struct, frozen=True, eq=False):
    """A resource of a template, and what stands for it in the account."""

    resource: Resource
    stack: SnapshotStack | None
    physical_id: str | None
    live: LiveResource | None
    properties: dict[str, Resolved] = field(default_factory=dict)
    why_not: str = ""  # why the properties could not be resolved as a whole
    held_by: str = ""  # another stack that has a resource of its name

    @property
    def type(self) -> str:
        return self.resource.type

    @property
    def logical_id(self) -> str:
        return self.resource.logical_id


class AccountScope(StackScope):
    """Resolves a stack's expressions with the physical ids and attributes that the account has."""

    def __init__(self, stack: Stack, linker: Linker, account: Account, deployed: SnapshotStack | None) -> None:
        super().__init__(stack, linker, World())
        self._account = account
        self.deployed = deployed
        self.found: dict[str, LiveResource | None] = {}
        self.held: dict[str, str] = {}  # logical id -> another stack that has one of its name

    def physical_id(self, logical_id: str) -> str | None:
        listed = self._account.listed(self.deployed, logical_id)
        if listed is not None and listed.physical_id:
            return listed.physical_id
        live = self.live(logical_id)
        return live.physical_id if live else None

    def live(self, logical_id: str) -> LiveResource | None:
        if logical_id not in self.found:
            raw = self.declared_resources.get(logical_id)
            kind = raw.get("Type") if isinstance(raw, dict) else None
            self.found[logical_id] = None  # a name that refers to the resource itself ends here
            if isinstance(raw, dict) and isinstance(kind, str):
                names = tuple(_names(self, kind, raw))
                found = self._account.live(self.deployed, kind, logical_id, names, called=self.stack.name)
                if found is None and self._count(kind) == 1:
                    found = self._account.only_one(kind)
                if found is None and names:
                    self.held[logical_id] = self._account.held_by(kind, names, self.stack.name)
                self.found[logical_id] = found
        return self.found[logical_id]

    def _count(self, kind: str) -> int:
        """How many resources of a type the code declares."""
        every = (raw for scope in self.linker.scopes.values() for raw in scope.declared_resources.values())
        return sum(isinstance(raw, dict) and raw.get("Type") == kind for raw in every)

    def ref(self, name: Raw) -> Resolved | Absent:
        if isinstance(name, str):
            if name == "AWS::StackId" and self.deployed is not None and self.deployed.id:
                return self.deployed.id
            if name == "AWS::StackName" and self.deployed is not None:
                return self.deployed.name
            if name in self.declared_resources and name not in self.parameters:
                physical = self.physical_id(name)
                if physical is not None:
                    return physical
        return super().ref(name)

    def get_att(self, logical_id: str, attribute_name: str) -> Resolved | Absent:
        raw = self.declared_resources.get(logical_id)
        if isinstance(raw, dict) and raw.get("Type") == _STACK and attribute_name.startswith("Outputs."):
            nested = self._account.stack_by_arn(self.physical_id(logical_id))
            name = attribute_name.removeprefix("Outputs.")
            if nested is not None and name in nested.outputs:
                return str(plain_text(nested.outputs[name]))
            return super().get_att(logical_id, attribute_name)
        if isinstance(raw, dict):
            live = self.live(logical_id)
            found = attribute(live, attribute_name) if live is not None else None
            if found is not None and not is_masked(found):
                value: Resolved = found
                return value
            physical = self.physical_id(logical_id)
            if physical is not None and attribute_name.endswith("Arn"):
                arn = self._arn(physical, str(raw.get("Type")), live)
                if arn is not None:
                    return arn
        return super().get_att(logical_id, attribute_name)

    def _arn(self, physical: str, kind: str, live: LiveResource | None) -> str | None:
        """The ARN of a resource whose physical id is known; a queue's is its URL, which ends in its name."""
        if is_arn(physical):
            return physical
        path = str(live.properties.get("Path") or "/") if live is not None else "/"
        return arn_named(self.stack, kind, physical.rpartition("/")[2] if "://" in physical else physical, path)


def expected_side(stacks: Sequence[Stack], account: Account) -> list[Declared]:
    """Every resource that the code declares, nested stacks followed."""
    return _side(
        [rebuilt(stack, lambda each: _fit(each, account, account.stack_of(each))) for stack in stacks], account
    )


def deployed_side(stacks: Sequence[Stack], account: Account) -> list[Declared]:
    """Every resource of the templates that CloudFormation has for these stacks; none where a template was not read."""
    roots = []
    for stack in stacks:
        snapshot = account.stack_of(stack)
        if snapshot is not None and snapshot.template is not None:
            roots.append(_as_deployed(stack.id, stack, snapshot, account, None))
    return _side(roots, account)


def _as_deployed(
    identifier: str, like: Stack, snapshot: SnapshotStack, account: Account, parent: Stack | None
) -> Stack:
    nested: dict[str, Stack] = {}
    bare = Stack(identifier, snapshot.name, like.environment, snapshot.template or {}, like.source)
    stack = replace(bare, **_fit(bare, account, snapshot), nested=nested, parent=parent)
    for each in snapshot.resources:
        if each.type == _STACK and len(identifier) < 4096:
            inner = account.stack_by_arn(each.physical_id)
            if inner is not None and inner.template is not None and inner is not snapshot:
                below = f"{identifier}/{each.logical_id}"
                nested[each.logical_id] = _as_deployed(below, like, inner, account, stack)
    return stack


def _side(stacks: Sequence[Stack], account: Account) -> list[Declared]:
    linker = Linker()
    scopes = [AccountScope(stack, linker, account, account.stack_of(stack)) for stack in with_nested(stacks)]
    return [each for scope in scopes for each in _declared(scope)]


def _fit(stack: Stack, account: Account, deployed: SnapshotStack | None) -> dict[str, Any]:
    """What the stack is deployed with: the account, and the parameters in force (a masked one is not known)."""
    given = deployed.parameters.items() if deployed is not None else ()
    return {
        "account": stack.account or account.snapshot.account,
        "region": stack.region or account.snapshot.region,
        "parameters": {**stack.parameters, **{key: value for key, value in given if not is_masked(value)}},
    }


def _declared(scope: AccountScope) -> Iterator[Declared]:
    for resource in declared(scope):
        live = scope.live(resource.logical_id)
        physical = scope.physical_id(resource.logical_id)
        raw = resource.raw.get("Properties")
        resolved = scope.resolve(raw) if isinstance(raw, Mapping) else {}
        if isinstance(resolved, dict):
            held_by = scope.held.get(resource.logical_id, "")
            yield Declared(resource, scope.deployed, physical, live, resolved, held_by=held_by)
        else:
            why = resolved.why if isinstance(resolved, Unknown) else "its properties are no object"
            yield Declared(resource, scope.deployed, physical, live, {}, why)


def _names(scope: AccountScope, kind: str, raw: Mapping[str, Raw]) -> Iterable[str]:
    """The names that a resource gives itself, where its template writes them out."""
    properties = raw.get("Properties")
    if not isinstance(properties, Mapping):
        return
    naming = naming_of(kind)
    for path in naming.paths if naming else ():
        node: Raw = properties
        for step in path.split("."):
            node = node.get(step) if isinstance(node, Mapping) else None
        value = scope.resolve(node) if node is not None else None
        if isinstance(value, str) and value:
            yield value
