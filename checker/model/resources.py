"""Stacks and resources: the template side of the model.

A synthesized template's resource and a live account's resource are the same class, with CloudFormation's type and
property names, so one rule judges both. What differs is the :class:`Scope` that resolves expressions: a template's
scope evaluates intrinsics, a live resource's has nothing left to evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.judgements import Judgeable, Judgement
from checker.model.overlap import is_dynamic
from checker.model.values import (
    ABSENT,
    Absent,
    Known,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    Value,
    as_bool,
    as_number,
)
from checker.model.verdicts import Location, Outcome, Subject, SubjectKind, Surface
from checker.model.written.paths import Path, child, may_be_intrinsic, present, steps_of, written_at

# Parsed JSON as it came: expressions not yet resolved.
Raw: TypeAlias = Any
# A function of AWS Lambda: as CloudFormation writes it, and as AWS SAM does, which makes the same of it.
FUNCTIONS: Final = frozenset({"AWS::Lambda::Function", "AWS::Serverless::Function"})


class Scope(Protocol):
    """Resolves the expressions of one stack."""

    @property
    def declared_resources(self) -> Mapping[str, Raw]:
        """What the stack's template declares, loops expanded; nothing of a live one, whose order is history."""
        ...

    def resolve(self, expression: Raw) -> Resolved | Absent: ...


class Source(Protocol):
    """A document that facts came from."""

    @property
    def file(self) -> str: ...

    def line_of(self, path: tuple[str | int, ...]) -> int | None:
        """The 1-based line of a path, or of its nearest parent that is there."""
        ...


class ConstructOrigin(Struct, frozen=True):
    """Where a resource was written: its construct path, and the user's own file and line if the assembly knows them."""

    path: str
    file: str | None = None
    line: int | None = None


class Stack(Struct, frozen=True, eq=False):
    """One template as it would be deployed.

    ``id`` is unique in the project; a nested stack's is its parent's with ``/LogicalId``. ``account`` and ``region``
    are empty where the assembly is environment-agnostic. ``parameters`` are values set from outside (``checker.toml``).
    Nothing is written to it: `rebuilt` makes it anew, with those nested in it.
    """

    id: str
    name: str
    environment: str
    template: Mapping[str, Raw]
    source: Source
    account: str = ""
    region: str = ""
    constructs: Mapping[str, ConstructOrigin] = field(default_factory=dict)
    parameters: Mapping[str, Raw] = field(default_factory=dict)
    # What the pipeline gives for parameters, where only its run knows the values: `${{ github.sha }}`.
    given: Mapping[str, Text] = field(default_factory=dict)
    # Such a value of each parameter that some of the pipeline's updates give one, whatever others give it.
    brought: Mapping[str, Text] = field(default_factory=dict)
    nested: Mapping[str, Stack] = field(default_factory=dict)
    parent: Stack | None = None
    status: str = ""  # as CloudFormation tells it; empty for one that is not deployed yet
    unread: tuple[str, ...] = ()  # what of it could not be read, e.g. a macro that CloudFormation would expand
    named: bool = True  # no: it is called by its template's file, and nobody says what it is deployed as
    changed: str = ""  # why it is not deployed as it stands here, where nobody knows as what
    needs: frozenset[str] = frozenset()  # what the stacks are called that the app deploys before it
    needed_by: frozenset[str] = frozenset()  # and those that it has to be deployed before

    @property
    def is_task_definition(self) -> bool:
        """Whether it is a task definition's file, which is a stack for the judge alone: CloudFormation takes none whose
        containers have no image."""
        resources = self.template.get("Resources")
        only = next(iter(resources.values())) if isinstance(resources, dict) and len(resources) == 1 else None
        if not isinstance(only, dict) or only.get("Type") != "AWS::ECS::TaskDefinition":
            return False
        properties = only.get("Properties")
        containers = properties.get("ContainerDefinitions") if isinstance(properties, dict) else None
        return isinstance(containers, list) and not any(
            "Image" in each for each in containers if isinstance(each, dict)
        )

    @property
    def what(self) -> str:
        """What a person calls it."""
        return "task definition" if self.is_task_definition else "stack"

    @property
    def partition(self) -> str:
        """As ``AWS::Partition`` has it (AWS General Reference, ARN format); the commercial one where no region says."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"


def rebuilt(stack: Stack, change: Callable[[Stack], Mapping[str, Any]], parent: Stack | None = None) -> Stack:
    """A stack below ``parent``, with what ``change`` says of it and of each stack nested in it."""
    nested: dict[str, Stack] = {}
    made = replace(stack, **change(stack), nested=nested, parent=parent)
    nested.update((name, rebuilt(child, change, made)) for name, child in stack.nested.items())
    return made


def nesting(stack: Stack, nested: Mapping[str, Stack]) -> Stack:
    """A stack with others nested in it."""
    return rebuilt(replace(stack, nested=nested), lambda _: {})


class StackPlace(Judgeable, Struct, frozen=True, eq=False):
    """A stack, or a path in its template outside of any resource (an output, a condition), as a subject."""

    stack: Stack
    root: tuple[str | int, ...] = ()
    surface: Surface = Surface.TEMPLATE

    @property
    def environment_name(self) -> str:
        return self.stack.environment

    @property
    def subject(self) -> Subject:
        name = "/".join(map(str, (self.stack.name, *self.root)))
        return Subject(SubjectKind.STACK, name, stack=self.stack.name)

    def locate(self, path: str, *, exactly: bool) -> Location:
        steps = (*self.root, *(path.split(".") if path else ()))
        return Location(
            self.stack.source.file, self.stack.source.line_of(steps) if exactly else None, "/".join(map(str, steps))
        )


class Resource(Judgeable):
    """One resource. ``get`` never raises and never guesses."""

    __slots__ = (
        "_properties",
        "_seen",
        "certain",
        "declared",
        "key",
        "logical_id",
        "physical_id",
        "raw",
        "scope",
        "stack",
        "surface",
        "type",
    )

    def __init__(
        self,
        stack: Stack,
        logical_id: str,
        raw: Mapping[str, Raw],
        scope: Scope,
        surface: Surface = Surface.TEMPLATE,
        *,
        certain: bool = True,
        physical_id: str | None = None,
        declared: Mapping[str, Raw] | None = None,
    ) -> None:
        self.stack = stack
        self.logical_id = logical_id
        self.raw = raw
        self.scope = scope
        self.surface = surface
        # False where a condition that cannot be decided says whether it exists: it cannot fail for sure then.
        self.certain = certain
        self.physical_id = physical_id
        # Of a live resource: the properties that its stack's template sets, where that is known.
        self.declared = declared
        self.key = ResourceKey(stack.id, logical_id)
        kind = raw.get("Type")
        self.type: str = kind if isinstance(kind, str) else ""
        self._properties = raw.get("Properties")
        self._seen: dict[Path, Value] = {}

    def __repr__(self) -> str:
        return f"<{self.type} {self.stack.id}/{self.logical_id}>"

    def get(self, path: Path) -> Value:
        """The value at ``path`` below ``Properties``. Several rules ask for the same: it is resolved once."""
        value = self._seen.get(path)
        if value is None:
            value = self._seen[path] = self._walk(self._properties, path)
        return value

    def attribute(self, path: Path) -> Value:
        """The value of a resource attribute beside ``Properties``: ``DeletionPolicy``, ``Metadata.x``."""
        return self._walk(self.raw, path)

    def is_generated(self, path: Path) -> bool:
        """Whether a live resource has this property although no template sets it: it was chosen for this one alone."""
        if self.declared is None:
            return self.surface is Surface.ACCOUNT and not self.stack.name
        node: Raw = self.declared
        for step in steps_of(path):
            node = child(node, step)
        return node is None

    def raw_at(self, path: Path) -> Raw:
        """The expression at ``path`` as written, ``None`` where nothing is: for rules that judge the spelling."""
        return written_at(self._properties, path, self.scope.resolve)

    def _walk(self, node: Raw, path: Path) -> Value:
        if node is None:
            return ABSENT
        # Below an expression everything is resolved with it: a reference in there is no expression any more.
        done = False
        for step in steps_of(path):
            if not done and isinstance(node, dict) and (may_be_intrinsic(node) or self._is_generated(node)):
                node, done = self.scope.resolve(node), True
            if isinstance(node, Unknown):
                return node
            if isinstance(node, Text):
                return Unknown(f"{node} is not known before deployment")
            if isinstance(node, Absent):
                return node
            if not isinstance(node, dict | list):
                return Unknown(f"{self.type} {self.logical_id}: expected an object or a list above {step!r}")
            node = child(present(node, self.scope.resolve) if isinstance(node, list) and not done else node, step)
            if node is None:
                return ABSENT
        resolved = node if done else self.scope.resolve(node)
        if isinstance(resolved, Absent | Unknown):
            return resolved
        return Known(resolved)

    def _is_generated(self, node: Mapping[str, Raw]) -> bool:
        """Whether a macro or a loop makes keys of this object. Loops need a transform: most templates pay nothing."""
        if "Fn::Transform" in node:
            return True
        return bool(self.stack.template.get("Transform")) and any(key.startswith("Fn::ForEach") for key in node)

    def __getitem__(self, path: Path) -> Property:
        return Property(self, ".".join(map(str, steps_of(path))), self.get(path))

    @property
    def environment_name(self) -> str:
        return self.stack.environment

    @property
    def construct_path(self) -> str | None:
        origin = self.stack.constructs.get(self.logical_id)
        return origin.path if origin else None

    @property
    def subject(self) -> Subject:
        return Subject(
            SubjectKind.RESOURCE,
            self.logical_id,
            type=self.type,
            stack=self.stack.name,
            logical_id=self.logical_id,
            physical_id=self.physical_id,
            construct_path=self.construct_path,
        )

    def locate(self, path: str, *, exactly: bool) -> Location:
        steps: tuple[str | int, ...] = ("Resources", self.logical_id)
        if path:
            attribute = path.split(".", 1)[0] in _ATTRIBUTES
            steps = (*steps, *(() if attribute else ("Properties",)), *path.split("."))
        shown = "/".join(map(str, steps))
        origin = self.stack.constructs.get(self.logical_id)
        if origin and origin.file:
            return Location(origin.file, origin.line, shown)
        line = self.stack.source.line_of(steps if exactly else steps[:2])
        return Location(self.stack.source.file, line, shown)


_LIFE: Final = frozenset({"DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy"})
_ATTRIBUTES: Final = _LIFE | {"DependsOn", "Metadata", "Condition", "Type"}


class Property(Struct, frozen=True):
    """A property's value together with where it stands: turns what the value *is* into a judgement."""

    resource: Resource
    path: str
    value: Value

    def must_be(
        self,
        expected: bool | str | float,
        *,
        violation: str,
        fix: str,
        sub: str | None = None,
        default: Resolved | Absent = ABSENT,
    ) -> Judgement:
        """Pass where the value equals ``expected`` as CloudFormation compares (``"true"`` is ``true``).

        ``default`` is what the service takes when the property is not set; without one, not set fails.
        """
        return self.must(
            lambda value: _equals(value, expected),
            expected=_shown(expected),
            violation=violation,
            fix=fix,
            sub=sub,
            default=default,
        )

    def must(
        self,
        holds: Callable[[Resolved], Answer],
        *,
        expected: str,
        violation: str,
        fix: str,
        sub: str | None = None,
        default: Resolved | Absent = ABSENT,
        shown: str | None = None,
    ) -> Judgement:
        """Pass where ``holds(value)`` is yes, unknown where it is open, fail where it is no or nothing is set.

        ``shown`` is what was found, where the value itself is too much to show.
        """
        value = self.value
        if isinstance(value, Unknown):
            return self.resource.undecided(sub, f"{self.path}: {value.why}", path=self.path, fix=fix, expected=expected)
        if isinstance(value, Absent):
            answer = NO if isinstance(default, Absent) else holds(default)
            actual = "not set" if isinstance(default, Absent) else f"not set (default {_shown(default)})"
        else:
            answer = holds(value.value)
            actual = shown or _shown(value.value)
            if answer is NO and isinstance(value.value, str) and is_dynamic(value.value):
                answer = Open(f"{self.path} is {value.value}, which CloudFormation looks up at deployment")
        if isinstance(answer, Open):
            # What is written out is known: what is not is what it stands for.
            literal = isinstance(value, Known) and isinstance(value.value, str | int | float)
            why = f"{self.path} is {actual}, which is not known before deployment"
            if literal:
                why = f"what {self.path} {actual} stands for is not known here"
            why = answer.why or why
            return self.resource.undecided(sub, why, path=self.path, fix=fix, expected=expected)
        if answer is YES:
            return Judgement(self.resource, Outcome.PASS, sub, self.path, "", "", expected, actual)
        return self.resource.fails(sub, violation, fix=fix, path=self.path, expected=expected, actual=actual)


def _equals(value: Resolved, expected: bool | str | float) -> Answer:
    if isinstance(value, Text | Unknown):
        return NOT_KNOWN
    if isinstance(expected, bool):
        return yes_if(as_bool(value) is expected)
    if isinstance(expected, int | float):
        return yes_if(as_number(value) == expected)
    return yes_if(value == expected)


# What a test of a value that is itself open answers: the message then says what the value is.
NOT_KNOWN: Final = Open("")


def _shown(value: object) -> str:
    """A value as messages show it: scalars as JSON writes them, anything larger by its shape only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"an object of {len(value)} keys" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "null" if value is None else str(value)[:200]
