"""What a stack's expressions refer to: parameters, conditions, resources, other stacks; and the world they are read in.

A :class:`StackScope` resolves the expressions of one stack in one :class:`World`; what each intrinsic function does
stands in :mod:`checker.resolve.templates.intrinsics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Certain, Open, either, every, negated, yes_if
from checker.model.overlap import could_be_equal
from checker.model.resources import Raw, Stack
from checker.model.values import (
    ABSENT,
    Absent,
    Hole,
    Parameter,
    Pseudo,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    as_bool,
    attribute_of,
    plain_text,
)
from checker.model.worlds import Budget, World
from checker.resolve.templates.inherited import inheriting
from checker.resolve.templates.intrinsics import FUNCTIONS, MAX_DEPTH, expand_for_each, mapping
from checker.resolve.templates.parameters import answers_one_each, as_parameter, is_list, is_single, items

# Made once: conditions are asked for by the thousand.
_NO_CONDITION: Final = Open("a condition that cannot be evaluated here")
# A dynamic reference (CloudFormation User Guide, "Get a plaintext value from Systems Manager Parameter Store").
_STORED: Final = "{{resolve:ssm:"
_REFERENCE: Final = lazy_re.compile(r"\{\{resolve:ssm:(?P<name>[^:{}]+)(?::\d+)?\}\}")
_NOT_ASSUMED: Final = Open("whether two values are equal")


_Found: TypeAlias = "tuple[StackScope, Raw]"


class Linker:
    """What an expression may refer to outside of its own stack: exports, stored parameters, other stacks' outputs.

    Exports and parameters are those of an account and region: two environments may have the same names.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, StackScope] = {}
        self.budget = Budget()
        self._exports: dict[str | Text, list[_Found]] | None = None
        self._stored: dict[str | Text, list[_Found]] | None = None
        self._by_name: dict[str, StackScope] | None = None

    def exported(self, name: str | Text, stack: Stack) -> _Found | None:
        """The export of that name which a stack would import."""
        if self._exports is None:
            self._exports = {}
            for scope in self.scopes.values():
                for output in mapping(scope.stack.template.get("Outputs")).values():
                    export = mapping(mapping(output).get("Export")).get("Name")
                    key = scope.resolve(export) if export is not None else None
                    if isinstance(key, str | Text):
                        self._exports.setdefault(key, []).append((scope, mapping(output).get("Value")))
        found = _in_reach(self._exports.get(name, ()), stack)
        return found[-1] if found else None

    def stored(self, name: str, stack: Stack) -> Resolved | None:
        """What the project's own parameter of that name refers to; ``None`` where it has none, several, or one with a
        plain value, which whoever deploys may have replaced since (an image's tag)."""
        if self._stored is None:
            self._stored = {}
            for scope in self.scopes.values():
                for raw in scope.declared_resources.values():
                    properties = mapping(mapping(raw).get("Properties"))
                    if mapping(raw).get("Type") == "AWS::SSM::Parameter" and "Name" in properties:
                        key = scope.resolve(properties["Name"])
                        if isinstance(key, str):
                            self._stored.setdefault(key, []).append((scope, properties.get("Value")))
        found = _in_reach(self._stored.get(name, ()), stack)
        if len(found) != 1:
            return None
        owner, value = found[0]
        told = owner.guarded("stored", name, lambda: owner.resolve(value))
        return told if isinstance(told, Text) and told.only_hole is not None else None

    def setting(self, target: ResourceKey, name: str) -> Resolved | Absent:
        """What a resource sets for a property of its own."""
        scope = self.scopes.get(target.stack)
        properties = (
            mapping(mapping(scope.declared_resources.get(target.logical_id)).get("Properties")) if scope else {}
        )
        if scope is None or name not in properties:
            return ABSENT
        return scope.guarded("property", f"{target.logical_id}.{name}", lambda: scope.resolve(properties.get(name)))

    def is_one(self, hole: Hole, *, of_text: bool) -> bool:
        """Whether what stands for the hole is one value, and no list of them with commas. ``of_text``: what a parameter
        of type String gives is taken for one."""
        if isinstance(hole, Parameter):
            scope = self.scopes.get(hole.stack)
            return scope is not None and is_single(mapping(scope.parameters.get(hole.name)), of_text=of_text)
        if isinstance(hole, Reference):
            scope = self.scopes.get(hole.target.stack)
            made = mapping(scope.declared_resources.get(hole.target.logical_id)) if scope is not None else {}
            return answers_one_each(str(made.get("Type", "")))
        return isinstance(hole, Pseudo)

    def stack_named(self, name: str) -> StackScope | None:
        if self._by_name is None:
            self._by_name = {scope.stack.name: scope for scope in self.scopes.values()}
        return self._by_name.get(name)


def _in_reach(found: Sequence[_Found], stack: Stack) -> Sequence[_Found]:
    """Those of the stack's own account and region; of its own environment, where there are some."""
    if len(found) < 2:
        # Where the only one is in another region, what is written is not deployed as it stands: the one that is meant.
        return found
    near = [each for each in found if _may_be(each[0].stack.account, stack.account)]
    near = [each for each in near if _may_be(each[0].stack.region, stack.region)]
    own = [each for each in near if each[0].stack.environment == stack.environment]
    return own or near


def _may_be(one: str | None, other: str | None) -> bool:
    return not one or not other or one == other


class StackScope:
    """Resolves the expressions of one stack in one world. Cyclic expressions are unknown, not endless."""

    def __init__(self, stack: Stack, linker: Linker, world: World) -> None:
        self.stack = stack
        self.linker = linker
        self.world = world
        template = stack.template
        self.declared_resources = inheriting(template)
        self.parameters = mapping(template.get("Parameters"))
        self.mappings = mapping(template.get("Mappings"))
        self.rows = world.rows
        self._conditions = mapping(template.get("Conditions"))
        self._condition_answers: dict[str, Answer] = {}
        self._parameter_values: dict[str, Resolved | Absent] = {}
        self._active: set[tuple[str, str]] = set()
        self._depth = 0
        linker.scopes[stack.id] = self

    # -- entry -----------------------------------------------------------------------------------

    def resolve(self, expression: Raw) -> Resolved | Absent:
        """Plain data for any expression; ``ABSENT`` for ``AWS::NoValue``."""
        if expression is None or isinstance(expression, str | int | float):
            if isinstance(expression, str) and expression.startswith(_STORED):
                return self._from_store(expression)
            return expression
        self.linker.budget.spend()
        if self._depth >= MAX_DEPTH:
            return Unknown(f"an expression is nested more than {MAX_DEPTH} levels deep")
        self._depth += 1
        try:
            if isinstance(expression, dict):
                return self._object(expression)
            if isinstance(expression, list):
                return [each for each in map(self.resolve, expression) if not isinstance(each, Absent)]
            # What is resolved already stays what it is: as text a reference would lead nowhere.
            return expression if isinstance(expression, Text | Unknown | Absent) else str(expression)
        finally:
            self._depth -= 1

    def _from_store(self, expression: str) -> Resolved:
        """``{{resolve:ssm:NAME}}``, of the newest version or of one that is named."""
        found = _REFERENCE.fullmatch(expression)
        told = self.linker.stored(found["name"], self.stack) if found else None
        return expression if told is None else told

    def _object(self, expression: Mapping[str, Raw]) -> Resolved | Absent:
        if len(expression) == 1:
            ((name, argument),) = expression.items()
            function = FUNCTIONS.get(name)
            if function is not None:
                return function(self, argument)
            if name == "Condition" and isinstance(argument, str) and argument in self._conditions:
                answer = self.condition(argument)
                return answer is YES if isinstance(answer, Certain) else Unknown(answer.why)
            if name.startswith("Fn::") and not name.startswith("Fn::ForEach"):
                return Unknown(f"{name} cannot be evaluated here")
        if "Fn::Transform" in expression:
            return Unknown("Fn::Transform may set anything beside what is written")
        result: dict[str, Resolved] = {}
        for key, child in expression.items():
            if key.startswith("Fn::ForEach"):
                expanded = expand_for_each(self, child)
                if expanded is None:
                    return Unknown(f"the collection of {key} is not known")
                value = self.resolve(expanded)
                if not isinstance(value, dict):
                    return Unknown(f"what {key} makes is not known")
                result.update(value)
                continue
            if isinstance(child, str) and not child.startswith(_STORED):  # most of a template
                result[key] = child
                continue
            value = self.resolve(child)
            if not isinstance(value, Absent):
                result[key] = value
        return result

    # -- references ------------------------------------------------------------------------------

    def ref(self, name: Raw) -> Resolved | Absent:
        if not isinstance(name, str):
            return Unknown("Ref takes a name")
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self.parameters:
            return self.parameter(name)
        if name in self.declared_resources:
            return Text((attribute_of(ResourceKey(self.stack.id, name)),))
        return Unknown(f"Ref to {name}, which the template does not have")

    def _pseudo(self, name: str) -> Resolved | Absent:
        stack = self.stack
        known = {
            "AWS::AccountId": stack.account,
            "AWS::Region": stack.region,
            "AWS::Partition": stack.partition,
            "AWS::URLSuffix": "amazonaws.com.cn" if stack.partition == "aws-cn" else "amazonaws.com",
            "AWS::StackName": "" if stack.parent else stack.name,
        }.get(name)
        if name == "AWS::NoValue":
            return ABSENT
        if known:
            return known
        if name == "AWS::NotificationARNs":
            return Unknown("AWS::NotificationARNs is set by whoever deploys")
        # The stack's own id differs from stack to stack; account and region are taken to be the same for all.
        own = stack.id if name in {"AWS::StackName", "AWS::StackId"} else ""
        hole = Pseudo(name, own)
        return self.world.parameters.get(hole) or Text((hole,))

    def parameter(self, name: str) -> Resolved | Absent:
        """A parameter's value: given by the parent stack or the settings, assumed by the world, or its default."""
        if name in self._parameter_values:
            return self._parameter_values[name]
        declared = mapping(self.parameters[name])
        hole = Parameter(name, self.stack.id)
        # What is given for such a parameter is the name in the store, and its value whatever stands there.
        stored = str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::Value<")
        given = None if stored else self._given(name)
        value: Resolved | Absent
        if given is not None:
            value = given
        elif hole in self.world.parameters and self.world.parameters[hole] is not None:
            value = as_parameter(self.world.parameters[hole], declared)
        elif "Default" in declared and not str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::"):
            value = as_parameter(declared["Default"], declared)
        elif name in self.stack.given and not stored:
            value = self.stack.given[name]
        else:
            value = Text((hole,))
            asked = (self._given(name) or declared.get("Default")) if stored else None
            told = self.linker.stored(asked, self.stack) if isinstance(asked, str) else None
            value = value if told is None else told
        self._parameter_values[name] = value
        return value

    def _given(self, name: str) -> Resolved | None:
        """The value from outside: from ``checker.toml``, or the argument that the parent stack passes."""
        stack, declared = self.stack, mapping(self.parameters[name])
        if name in stack.parameters:
            return as_parameter(stack.parameters[name], declared)
        if stack.parent is None:
            return None
        parent = self.linker.scopes.get(stack.parent.id)
        logical_id = stack.id.rsplit("/", 1)[-1]
        nested = mapping(parent.declared_resources.get(logical_id)) if parent else {}
        arguments = mapping(mapping(nested.get("Properties")).get("Parameters"))
        if parent is None or name not in arguments:
            return None
        with_guard = ("parameter", name)
        if with_guard in self._active:
            return Unknown(f"parameter {name} refers to itself")
        self._active.add(with_guard)
        try:
            value = parent.resolve(arguments[name])
        finally:
            self._active.discard(with_guard)
        if isinstance(value, Absent):
            return None
        if isinstance(value, Text) and is_list(declared):
            # A text that is handed on as it is for a list may be all of it; one among others is one of its items.
            among_others = value.only_hole is None
            if all(self.linker.is_one(hole, of_text=among_others) for hole in value.holes):
                return items(value)
        return as_parameter(value, declared) if isinstance(value, str | bool | int | float) else value

    def get_att(self, logical_id: str, attribute: str) -> Resolved | Absent:
        if logical_id not in self.declared_resources:
            return Unknown(f"GetAtt on {logical_id}, which the template does not have")
        child = self.stack.nested.get(logical_id)
        if child is not None and attribute.startswith("Outputs."):
            scope = self.linker.scopes.get(child.id)
            if scope is not None:
                return scope.output(attribute.removeprefix("Outputs."))
        return Text((attribute_of(ResourceKey(self.stack.id, logical_id), attribute),))

    def output(self, name: str) -> Resolved | Absent:
        outputs = mapping(self.stack.template.get("Outputs"))
        if name not in outputs:
            return Unknown(f"stack {self.stack.name} has no output {name}")
        return self.guarded("output", name, lambda: self.resolve(mapping(outputs[name]).get("Value")))

    def guarded(self, kind: str, name: str, compute: Callable[[], Resolved | Absent]) -> Resolved | Absent:
        """``compute()``, or unknown where it is already being computed: a cycle."""
        if (kind, name) in self._active:
            return Unknown(f"{kind} {name} refers to itself")
        self._active.add((kind, name))
        try:
            return compute()
        finally:
            self._active.discard((kind, name))

    # -- conditions ------------------------------------------------------------------------------

    def condition(self, name: str) -> Answer:
        """A named condition's answer; a cycle and a missing condition are open too."""
        if name in self._condition_answers:
            return self._condition_answers[name]
        if name not in self._conditions or ("condition", name) in self._active:
            return Open(f"condition {name}")
        self._active.add(("condition", name))
        try:
            answer = self.test(self._conditions[name])
        finally:
            self._active.discard(("condition", name))
        self._condition_answers[name] = answer if isinstance(answer, Certain) else Open(f"condition {name}")
        return self._condition_answers[name]

    def test(self, expression: Raw) -> Answer:
        """A condition expression's answer; ``Or`` with one true operand is true whatever the others are."""
        literal = as_bool(expression) if isinstance(expression, bool | str) else None
        if literal is not None:
            return yes_if(literal)
        if not isinstance(expression, dict) or len(expression) != 1 or self._depth >= MAX_DEPTH:
            return _NO_CONDITION
        ((name, argument),) = expression.items()
        self._depth += 1
        try:
            if name == "Condition":
                return self.condition(argument) if isinstance(argument, str) else _NO_CONDITION
            operands = argument if isinstance(argument, list) else [argument]
            if name == "Fn::Equals" and len(operands) == 2:
                left, right = self.resolve(operands[0]), self.resolve(operands[1])
                return self.equal(left, right)
            if name == "Fn::Not" and len(operands) == 1:
                return negated(self.test(operands[0]))
            if name in {"Fn::And", "Fn::Or"}:
                return (either if name == "Fn::Or" else every)(self.test(operand) for operand in operands)
            resolved = self.resolve(expression)
            return yes_if(resolved) if isinstance(resolved, bool) else _NO_CONDITION
        finally:
            self._depth -= 1

    def equal(self, left: Resolved | Absent, right: Resolved | Absent) -> Answer:
        """Whether two operands are equal at deployment."""
        for one, operand in ((left, right), (right, left)):
            other = plain_text(operand)
            if isinstance(one, Text) and isinstance(other, str):
                hole = one.only_hole
                if hole is not None and hole in self.world.parameters:
                    return NO  # in this world it is none of the values that conditions name
                if not could_be_equal(one, other):
                    return NO
        if isinstance(left, Text) and left == right:
            return YES
        if any(isinstance(each, Text | Unknown) for each in (left, right)):
            assumed = self.world.conditions.get(equality_key(self.stack.id, left, right))
            return _NOT_ASSUMED if assumed is None else yes_if(assumed)
        return yes_if(plain_text(left) == plain_text(right))


def equality_key(stack: str, left: Resolved | Absent, right: Resolved | Absent) -> str:
    """The identity of an equality that cannot be evaluated: the same operands have the same answer."""
    return f"{stack}: {left} == {right}"
