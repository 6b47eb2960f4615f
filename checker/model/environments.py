"""Environments and the project: all stacks and resources that are judged together, indexed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from checker.model.judgements import Judgeable
from checker.model.live.account import Account
from checker.model.resources import Resource, Stack
from checker.model.settings import Settings
from checker.model.values import (
    Hole,
    Known,
    Parameter,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Value,
    as_list,
)
from checker.model.verdicts import Location, Subject, SubjectKind, Surface
from checker.model.worlds import Gaps

if TYPE_CHECKING:
    # The pipeline's model is large; a run over templates alone does not pay for it.
    from checker.model.pipeline.pipeline import Pipeline

T = TypeVar("T")


class EnvironmentKind(StrEnum):
    """What an environment is for, as far as rules care."""

    PRODUCTION = "production"
    STAGING = "staging"  # staging, test, development: may be torn down and rebuilt
    SHARED = "shared"  # deployed once per account, used by the others
    OTHER = "other"  # nothing says what it is: judged as strictly as production


# Resources that only complete another one: child type -> the property that names the parent. Rules ask for the
# children of what they look at, so an inline property and a separate resource are judged alike.
CHILD_OF: Mapping[str, tuple[str, ...]] = {
    "AWS::EC2::SecurityGroupIngress": ("GroupId", "GroupName"),
    "AWS::EC2::SecurityGroupEgress": ("GroupId",),
    "AWS::EC2::Route": ("RouteTableId",),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId",),
    "AWS::IAM::Policy": ("Roles", "Users", "Groups"),
    "AWS::IAM::ManagedPolicy": ("Roles", "Users", "Groups"),
    "AWS::IAM::RolePolicy": ("RoleName",),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SQS::QueuePolicy": ("Queues",),
    "AWS::SQS::QueueInlinePolicy": ("Queue",),
    "AWS::SNS::TopicPolicy": ("Topics",),
    "AWS::SNS::TopicInlinePolicy": ("TopicArn",),
    "AWS::SNS::Subscription": ("TopicArn",),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId",),
    "AWS::SecretsManager::SecretTargetAttachment": ("SecretId",),
    "AWS::Lambda::Permission": ("FunctionName",),
    "AWS::ElasticLoadBalancingV2::Listener": ("LoadBalancerArn",),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("ListenerArn",),
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": ("ListenerArn",),
    "AWS::WAFv2::WebACLAssociation": ("ResourceArn",),
    "AWS::EC2::FlowLog": ("ResourceId",),
    "AWS::Route53::RecordSet": ("HostedZoneId",),
    "AWS::RDS::DBInstance": ("DBClusterIdentifier", "SourceDBInstanceIdentifier"),
}


class Environment(Judgeable):
    """The stacks of one environment and all their resources (nested stacks included), indexed once."""

    def __init__(
        self,
        name: str,
        kind: EnvironmentKind,
        stacks: Iterable[Stack],
        resources: Iterable[Resource],
        *,
        surface: Surface = Surface.TEMPLATE,
        place: str = "",
        unknown_loops: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """``unknown_loops``: by stack id the loops among its resources of which nothing is known."""
        self.surface = surface
        self.unknown_loops = unknown_loops
        self._place = place
        self.name = name
        self.kind = kind
        self.stacks = tuple(stacks)
        self.project: Project = Project(())
        self._by_type: dict[str, list[Resource]] = {}
        for resource in resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    @property
    def types(self) -> frozenset[str]:
        """The types that resources were read of. No question about those that could not be listed: ask for them."""
        return frozenset(self._by_type)

    def resources(self, *types: str) -> Iterator[Resource]:
        """The resources of these types, in the template's order; of all types where none is named."""
        self.project.gaps.ask(types or self.project.gaps.unlisted)
        self.project.gaps.look(self.name, types)
        for kind in types or self._by_type:
            yield from self._by_type.get(kind, ())

    def resources_of(self, wanted: Callable[[str], bool]) -> Iterator[Resource]:
        """The resources of the types that ``wanted`` names."""
        self.project.gaps.ask(kind for kind in self.project.gaps.unlisted if wanted(kind))
        for kind, found in self._by_type.items():
            if wanted(kind):
                yield from found

    def known_resources(self) -> Iterator[Resource]:
        """All resources that were read, for indexes of them: no question about what could not be listed."""
        for each in self._by_type.values():
            yield from each

    def near(self, *types: str) -> Iterator[Resource]:
        """The resources of these types that belong to this environment or are shared by all."""
        yield from self.resources(*types)
        for other in self.project.environments:
            if other is not self and other.kind is EnvironmentKind.SHARED:
                yield from other.resources(*types)

    def children(self, parent: Resource, *types: str) -> Iterator[Resource]:
        """The resources that complete ``parent`` (see :data:`CHILD_OF`), of these types, whichever stack has them."""
        self.project.gaps.ask(types or CHILD_OF)
        for child in self.project.children_of(parent):
            if not types or child.type in types:
                yield child

    def strays(self, parent: Resource, *types: str) -> Iterator[Resource]:
        """The resources of these types that may complete ``parent``: a parameter that nobody gives says whose they are.

        No parameter of a stack names what that stack, or one nested in it, makes itself.
        """
        own = _root_of(parent.stack.id)
        for kind in types if parent.surface is Surface.TEMPLATE else ():
            for child, roots in self.project.strays_of(kind):
                if own not in roots and self._shares_with(child):
                    yield child

    def _shares_with(self, child: Resource) -> bool:
        other = self.project.environment(child.environment_name)
        shared = other is not None and EnvironmentKind.SHARED in (other.kind, self.kind)
        return shared or child.environment_name == self.name

    def referred(self, value: Value | Resolved) -> Resource | None:
        """The resource of this project that ``value`` names: by reference, by ARN or by physical name.

        Where several are called so, the one of this environment.
        """
        found = list(self.project.all_referred(value))
        return next((each for each in found if each.environment_name == self.name), found[0] if found else None)

    def of_type(self, kind: str) -> Iterable[Resource]:
        """The resources of a type, for whoever builds an index: no rule asks."""
        return self._by_type.get(kind, ())

    @property
    def environment_name(self) -> str:
        return self.name

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.ENVIRONMENT, self.name)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - the protocol's shape
        file = self._place or (self.stacks[0].source.file if self.stacks else self.name)
        return Location(file, 1 if self.stacks and not self._place else None, path or None)


class Project:
    """All environments at hand, in one consistent world of open parameters."""

    def __init__(
        self,
        environments: Iterable[Environment],
        find_names: Callable[[Project], Mapping[str | Text, tuple[Resource, ...]]] = lambda _: {},
        settings: Settings = Settings(),  # noqa: B008 - frozen
        *,
        gaps: Gaps | None = None,
        account: Account | None = None,
        elsewhere: Iterable[Environment] = (),
    ) -> None:
        self.environments = tuple(environments)
        # Environments that are there and are not judged: what refers to their resources refers to another's.
        self.elsewhere = tuple(elsewhere)
        self.gaps = gaps or Gaps()
        self.account = account  # where the resources are those of a live account
        self.settings = settings
        self.pipeline: Pipeline | None = None  # where the judge has one beside the resources
        self._find_names = find_names
        # What was worked out, and which gaps were met on the way: whoever asks again meets them again.
        self._worked_out: dict[Hashable, tuple[Any, set[str], set[tuple[str, str]]]] = {}
        for environment in (*self.environments, *self.elsewhere):
            environment.project = self

    def once(self, compute: Callable[[Project], T]) -> T:
        """``compute(project)``, worked out once for all the rules that ask. ``compute`` is a module's function."""
        return self.once_for(compute, lambda: compute(self))

    def once_for(self, key: Hashable, compute: Callable[[], T]) -> T:
        """``compute()``, worked out once per ``key``, which says whose it is and what it depends on."""
        gaps = self.gaps
        if key not in self._worked_out:
            before = gaps.met, gaps.blank_met
            gaps.met, gaps.blank_met = set(), set()
            try:
                self._worked_out[key] = (compute(), gaps.met, gaps.blank_met)
            finally:
                gaps.met, gaps.blank_met = before
        found: T
        found, met, blank = self._worked_out[key]
        gaps.meet(met)
        gaps.blank_met |= blank
        return found

    def environment(self, name: str) -> Environment | None:
        return next((each for each in self.environments if each.name == name), None)

    def resources(self, *types: str) -> Iterator[Resource]:
        for environment in self.environments:
            yield from environment.resources(*types)

    def resources_of(self, wanted: Callable[[str], bool]) -> Iterator[Resource]:
        """See :meth:`Environment.resources_of`."""
        for environment in self.environments:
            yield from environment.resources_of(wanted)

    def known_resources(self) -> Iterator[Resource]:
        """See :meth:`Environment.known_resources`."""
        for environment in self.environments:
            yield from environment.known_resources()

    @property
    def stacks(self) -> Iterator[Stack]:
        for environment in self.environments:
            yield from environment.stacks

    @cached_property
    def _by_key(self) -> dict[ResourceKey, Resource]:
        other = (resource for environment in self.elsewhere for resource in environment.known_resources())
        return {resource.key: resource for resource in (*self.known_resources(), *other)}

    def resource(self, key: ResourceKey) -> Resource | None:
        return self._by_key.get(key)

    @cached_property
    def _children(self) -> dict[ResourceKey, list[Resource]]:
        found: dict[ResourceKey, list[Resource]] = {}
        for environment in self.environments:
            for kind, properties in CHILD_OF.items():
                for child in environment.of_type(kind):
                    keys = {each.key for name in properties for each in self._parents(child, child.get(name))}
                    for key in keys:
                        found.setdefault(key, []).append(child)
        return found

    def _parents(self, child: Resource, value: Value) -> Iterator[Resource]:
        """What a child names as its parents. A plain name that several environments have means the child's own."""
        for each in value.value if isinstance(value, Known) and isinstance(value.value, list) else [value]:
            found = list(self.all_referred(each))
            exact = {hole.target for hole in _holes(each) if isinstance(hole, Reference)}
            own = [parent for parent in found if parent.environment_name == child.environment_name]
            yield from (parent for parent in found if parent.key in exact or not own or parent in own)

    def children_of(self, parent: Resource) -> Iterator[Resource]:
        """The resources that complete ``parent`` (see :data:`CHILD_OF`)."""
        yield from self._children.get(parent.key, ())

    def strays_of(self, kind: str) -> Sequence[tuple[Resource, frozenset[str]]]:
        """The resources of a type whose parent a parameter names, each with the outermost stacks that ask for it."""
        return self.once_for((_strays_of, kind), lambda: _strays_of(self, kind))

    def all_referred(self, value: Value | Resolved) -> Iterator[Resource]:
        """Every resource that ``value`` refers to, in order: references anywhere inside it, and plain names."""
        if isinstance(value, Known):
            value = value.value
        if isinstance(value, Text):
            for hole in value.holes:
                if isinstance(hole, Reference) and (found := self._by_key.get(hole.target)) is not None:
                    yield found
            yield from self.names.get(value, ())
        elif isinstance(value, str):
            found_by_name = self.names.get(value, ())
            if not found_by_name:
                self.gaps.missed(value)
            yield from found_by_name
        elif isinstance(value, list):
            for item in value:
                yield from self.all_referred(item)
        elif isinstance(value, dict):
            for item in value.values():
                yield from self.all_referred(item)

    @cached_property
    def names(self) -> Mapping[str | Text, tuple[Resource, ...]]:
        """Literal physical names and ARNs -> the resources called so, where the templates fix it.

        A name says nothing of the type: whoever looks one up asks for the type that it expects.
        """
        return self._find_names(self)


def _holes(value: Value | Resolved) -> Iterator[Hole]:
    if isinstance(value, Known):
        value = value.value
    if isinstance(value, Text):
        yield from value.holes


def _strays_of(project: Project, kind: str) -> list[tuple[Resource, frozenset[str]]]:
    found = []
    for child in project.resources(kind):
        named = [value.value for name in CHILD_OF[kind] if isinstance(value := child.get(name), Known)]
        holes = [
            each.only_hole for value in named for each in as_list(value) if isinstance(each, Text) and each.only_hole
        ]
        if roots := frozenset(_root_of(hole.stack) for hole in holes if isinstance(hole, Parameter)):
            found.append((child, roots))
    return found


def _root_of(stack_id: str) -> str:
    return stack_id.partition("/")[0]
