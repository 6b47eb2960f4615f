"""How resources are named: which property holds the name, and where it has to be unique.

The facts come from the CloudFormation registry schemas: see :mod:`checker.data.name_properties`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec import Struct

from checker.data.name_properties import entries, name_properties
from checker.model.resources import Resource
from checker.model.values import Resolved, Value


class Reach(StrEnum):
    """How far a name has to be unique, where no parent narrows it."""

    REGION = "region"
    ACCOUNT = "account"
    PARTITION = "partition"


class Naming(Struct, frozen=True):
    """How the resources of one type are named.

    ``kind`` names the set that the names are drawn from (types that share one have the same). ``paths`` are the
    properties that may hold the name; ``within`` those that name the parents in which it has to be unique, ``beside``
    those that make another name of it without being a parent (a web ACL's scope). ``is_ref``: ``Ref`` answers with the
    name. ``certain`` is false where it is a guess that something is made under the name.
    """

    kind: str
    paths: tuple[str, ...]
    within: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    reach: Reach = Reach.REGION
    caseless: bool = False
    is_ref: bool = False
    certain: bool = True


class PhysicalName(Struct, frozen=True):
    """The name that ``resource`` gives to itself, or (a custom resource, a group) to something that it makes.

    ``parents`` has one value for each of ``naming.within``, ``others`` one for each of ``naming.beside``.
    """

    resource: Resource
    path: str
    value: Resolved
    naming: Naming
    parents: tuple[Value, ...] = ()
    others: tuple[Value, ...] = ()


def is_own_name(name: str, short: str, siblings: Collection[str] = (), *, identifier: bool) -> bool:
    """Whether a property names the resource itself, of a type whose last part is ``short``, and not its parent.

    ``RoleName`` of ``Role``, ``GroupName`` of ``SecurityGroup``, ``CacheSubnetGroupName`` of ``SubnetGroup``, ``Name``.
    ``siblings`` are the lower-case short names of the service's types: ``ConfigurationSetName`` of
    ``ConfigurationSetEventDestination`` names its parent. ``identifier``: the property is part of the type's primary
    identifier, so ``KeyName`` of ``KeyPair``, ``UserGroupId`` of ``UserGroup`` and ``RoleAlias`` are names too.
    """
    lower, own = name.lower(), short.lower()
    if lower in {"name", "identifier"}:
        return True
    if lower.startswith(("source", "parent", "base", "target")) and not own.startswith(lower[:6]):
        return False
    if lower == own:
        return identifier
    for suffix in ("name", "identifier", "id"):
        stem = lower.removesuffix(suffix)
        if stem in {lower, ""}:
            continue
        if stem == own:
            return True
        if suffix != "id" and (own.endswith(stem) or stem.endswith(own)):
            return True
        if identifier and stem not in siblings and (own.endswith(stem) or own.startswith(stem)):
            return True
    return False


def naming_of(kind: str) -> Naming | None:
    """How resources of a type are named; ``None`` where they are not, or where several may have one name."""
    return _namings().get(kind)


@cache
def _namings() -> Mapping[str, Naming]:
    return {kind: _naming(kind, entry) for kind, entry in entries().items()}


def _naming(kind: str, entry: Mapping[str, Any]) -> Naming:
    return Naming(
        entry.get("as", kind),
        name_properties(kind),
        tuple(entry.get("within", ())),
        tuple(entry.get("beside", ())),
        Reach(entry.get("reach", Reach.REGION)),
        entry.get("caseless", False),
        entry.get("ref", False),
    )


@cache
def types_by_short_name() -> Mapping[str, tuple[str, ...]]:
    """``bucket`` -> the types whose last part that is, in lower case."""
    found: dict[str, list[str]] = {}
    for kind in _namings():
        found.setdefault(kind.rpartition("::")[2].lower(), []).append(kind)
    return {short: tuple(kinds) for short, kinds in found.items()}
