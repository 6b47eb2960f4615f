"""CloudFormation's intrinsic functions, evaluated as far as can be before a deployment.

Source: AWS CloudFormation User Guide, "Intrinsic function reference", "Condition functions" and
"AWS::LanguageExtensions transform". What stays open becomes a :class:`~checker.model.values.Text` with holes that keep
their target, or an :class:`~checker.model.values.Unknown` that names the expression.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from checker.model.resources import Raw, Stack
from checker.model.values import (
    ABSENT,
    Absent,
    Hole,
    HoleKind,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    as_bool,
    pieces,
    text,
)

# Past this many nested expressions the value is unknown: real templates stay below 30.
MAX_DEPTH: Final = 120
# Past this many characters a built string is unknown: CloudFormation's own template limit is 1 MB.
MAX_TEXT: Final = 1_000_000
MAX_LIST: Final = 10_000

_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class World:
    """One consistent set of answers to what the templates leave open.

    ``parameters``: open parameter -> its value here, or ``None`` for "some value that no condition names".
    ``conditions``: an equality that cannot be evaluated -> its answer here. ``sparse``: whatever exists only under a
    condition that is still open does not exist here.
    """

    parameters: Mapping[Hole, str | None] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    sparse: bool = False


class Budget:
    """Counts work. ``spend`` raises :class:`BudgetExceeded` when the current rule has used up its time."""

    def __init__(self) -> None:
        self.expired: Callable[[], bool] = lambda: False
        self._ticks = 0

    def spend(self) -> None:
        self._ticks += 1
        if not self._ticks & 0xFF and self.expired():
            raise BudgetExceeded


class BudgetExceeded(Exception):  # noqa: N818 - it is a signal to the judge, not an error of the user's
    """The time that a rule may take is over."""


class Linker:
    """What an expression may refer to outside of its own stack: exports, and other stacks' outputs."""

    def __init__(self) -> None:
        self.scopes: dict[str, StackScope] = {}
        self.budget = Budget()
        self._exports: dict[str | Text, tuple[StackScope, Raw]] | None = None
        self._by_name: dict[str, StackScope] | None = None

    def exported(self, name: str | Text) -> tuple[StackScope, Raw] | None:
        if self._exports is None:
            self._exports = {}
            for scope in self.scopes.values():
                for output in _mapping(scope.stack.template.get("Outputs")).values():
                    export = _mapping(_mapping(output).get("Export")).get("Name")
                    key = scope.resolve(export) if export is not None else None
                    if isinstance(key, str | Text):
                        self._exports[key] = (scope, _mapping(output).get("Value"))
        return self._exports.get(name)

    def stack_named(self, name: str) -> StackScope | None:
        if self._by_name is None:
            self._by_name = {scope.stack.name: scope for scope in self.scopes.values()}
        return self._by_name.get(name)


class StackScope:
    """Resolves the expressions of one stack in one world. Cyclic expressions are unknown, not endless."""

    def __init__(self, stack: Stack, linker: Linker, world: World) -> None:
        self.stack = stack
        self.linker = linker
        self.world = world
        template = stack.template
        self.declared_resources = _mapping(template.get("Resources"))
        self.parameters = _mapping(template.get("Parameters"))
        self.mappings = _mapping(template.get("Mappings"))
        self._conditions = _mapping(template.get("Conditions"))
        self._condition_answers: dict[str, bool | None] = {}
        self._parameter_values: dict[str, Resolved | Absent] = {}
        self._active: set[tuple[str, str]] = set()
        self._depth = 0
        linker.scopes[stack.id] = self

    # -- entry -----------------------------------------------------------------------------------

    def resolve(self, expression: Raw) -> Resolved | Absent:
        """Plain data for any expression; ``ABSENT`` for ``AWS::NoValue``."""
        if expression is None or isinstance(expression, str | int | float):
            return expression
        self.linker.budget.spend()
        if self._depth >= MAX_DEPTH:
            return Unknown(f"an expression is nested more than {MAX_DEPTH} levels deep")
        self._depth += 1
        try:
            if isinstance(expression, list):
                return [each for each in map(self.resolve, expression) if not isinstance(each, Absent)]
            if isinstance(expression, dict):
                return self._object(expression)
            return str(expression)
        finally:
            self._depth -= 1

    def _object(self, expression: Mapping[str, Raw]) -> Resolved | Absent:
        if len(expression) == 1:
            ((name, argument),) = expression.items()
            function = _FUNCTIONS.get(name)
            if function is not None:
                return function(self, argument)
            if name == "Condition" and isinstance(argument, str) and argument in self._conditions:
                answer = self.condition(argument)
                return Unknown(f"condition {argument}") if answer is None else answer
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
            return Text((Hole(HoleKind.RESOURCE, f"${{{name}}}", ResourceKey(self.stack.id, name)),))
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
        return Text((Hole(HoleKind.PSEUDO, f"${{{name}}}", attribute=own),))

    def parameter(self, name: str) -> Resolved | Absent:
        """A parameter's value: given by the parent stack or the settings, assumed by the world, or its default."""
        if name in self._parameter_values:
            return self._parameter_values[name]
        declared = _mapping(self.parameters[name])
        hole = Hole(HoleKind.PARAMETER, f"${{{name}}}", attribute=self.stack.id)
        # What is given for such a parameter is the name in the store, and its value whatever stands there.
        stored = str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::Value<")
        given = None if stored else self._given(name)
        value: Resolved | Absent
        if given is not None:
            value = given
        elif hole in self.world.parameters and self.world.parameters[hole] is not None:
            value = _as_parameter(self.world.parameters[hole], declared)
        elif "Default" in declared and not str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::"):
            value = _as_parameter(declared["Default"], declared)
        else:
            value = Text((hole,))
        self._parameter_values[name] = value
        return value

    def _given(self, name: str) -> Resolved | None:
        """The value from outside: from ``checker.toml``, or the argument that the parent stack passes."""
        stack, declared = self.stack, _mapping(self.parameters[name])
        if name in stack.parameters:
            return _as_parameter(stack.parameters[name], declared)
        if stack.parent is None:
            return None
        parent = self.linker.scopes.get(stack.parent.id)
        logical_id = stack.id.rsplit("/", 1)[-1]
        nested = _mapping(parent.declared_resources.get(logical_id)) if parent else {}
        arguments = _mapping(_mapping(nested.get("Properties")).get("Parameters"))
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
        return _as_parameter(value, declared) if isinstance(value, str | bool | int | float) else value

    def get_att(self, logical_id: str, attribute: str) -> Resolved | Absent:
        if logical_id not in self.declared_resources:
            return Unknown(f"GetAtt on {logical_id}, which the template does not have")
        child = self.stack.nested.get(logical_id)
        if child is not None and attribute.startswith("Outputs."):
            scope = self.linker.scopes.get(child.id)
            if scope is not None:
                return scope.output(attribute.removeprefix("Outputs."))
        key = ResourceKey(self.stack.id, logical_id)
        return Text((Hole(HoleKind.RESOURCE, f"${{{logical_id}.{attribute}}}", key, attribute),))

    def output(self, name: str) -> Resolved | Absent:
        outputs = _mapping(self.stack.template.get("Outputs"))
        if name not in outputs:
            return Unknown(f"stack {self.stack.name} has no output {name}")
        return self.guarded("output", name, lambda: self.resolve(_mapping(outputs[name]).get("Value")))

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

    def condition(self, name: str) -> bool | None:
        """A named condition's answer, ``None`` where it cannot be told (also for a cycle or a missing condition)."""
        if name in self._condition_answers:
            return self._condition_answers[name]
        if name not in self._conditions or ("condition", name) in self._active:
            return None
        self._active.add(("condition", name))
        try:
            answer = self.test(self._conditions[name])
        finally:
            self._active.discard(("condition", name))
        self._condition_answers[name] = answer
        return answer

    def test(self, expression: Raw) -> bool | None:
        """A condition expression's answer; three-valued logic, so ``Or`` with one true operand is true."""
        if isinstance(expression, bool):
            return expression
        if isinstance(expression, str):
            return as_bool(expression)
        if not isinstance(expression, dict) or len(expression) != 1 or self._depth >= MAX_DEPTH:
            return None
        ((name, argument),) = expression.items()
        self._depth += 1
        try:
            if name == "Condition":
                return self.condition(argument) if isinstance(argument, str) else None
            operands = argument if isinstance(argument, list) else [argument]
            if name == "Fn::Equals" and len(operands) == 2:
                left, right = self.resolve(operands[0]), self.resolve(operands[1])
                return self.equal(left, right)
            if name == "Fn::Not" and len(operands) == 1:
                answer = self.test(operands[0])
                return None if answer is None else not answer
            if name in {"Fn::And", "Fn::Or"}:
                answers = [self.test(operand) for operand in operands]
                decisive: bool = name == "Fn::Or"
                if decisive in answers:
                    return decisive
                return None if None in answers else not decisive
            resolved = self.resolve(expression)
            return bool(resolved) if isinstance(resolved, bool) else None
        finally:
            self._depth -= 1

    def equal(self, left: Resolved | Absent, right: Resolved | Absent) -> bool | None:
        """Whether two operands are equal at deployment."""
        for one, operand in ((left, right), (right, left)):
            other = plain_text(operand)
            if isinstance(one, Text) and isinstance(other, str):
                hole = one.only_hole
                if hole is not None and hole in self.world.parameters:
                    return False  # in this world it is none of the values that conditions name
                if not could_be(one, other):
                    return False
        if isinstance(left, Text) and left == right:
            return True
        if any(isinstance(each, Text | Unknown) for each in (left, right)):
            return self.world.conditions.get(equality_key(self.stack.id, left, right))
        return bool(plain_text(left) == plain_text(right))


def equality_key(stack: str, left: Resolved | Absent, right: Resolved | Absent) -> str:
    """The identity of an equality that cannot be evaluated: the same operands have the same answer."""
    return f"{stack}: {left} == {right}"


def could_be(pattern: Text, value: str) -> bool:
    """Whether a string with holes could turn out to be ``value``: its literal pieces stand there, in order."""
    first, last = pattern.parts[0], pattern.parts[-1]
    head, tail = (first if isinstance(first, str) else ""), (last if isinstance(last, str) else "")
    if len(value) < len(head) + len(tail) or not value.startswith(head) or not value.endswith(tail):
        return False
    position, end = len(head), len(value) - len(tail)
    for part in pattern.parts[1:-1]:
        if isinstance(part, str):
            found = value.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
    return True


def plain_text(value: object) -> object:
    """Scalars as CloudFormation compares them: booleans and numbers are strings. Anything else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _mapping(value: Raw) -> Mapping[str, Raw]:
    return value if isinstance(value, dict) else {}


def _as_parameter(value: Raw, declared: Mapping[str, Raw]) -> Resolved:
    """Parameter values are strings, or lists of strings for the list types (comma-separated when given as one)."""
    kind = str(declared.get("Type", "String"))
    plain = plain_text(value)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        items = plain if isinstance(plain, list) else str(plain).split(",")
        return [str(item).strip() for item in items]
    return plain if isinstance(plain, str) else str(plain)


# -- functions: each takes the scope and the raw argument -------------------------------------------


def _open(scope: StackScope, name: str, argument: Raw, reason: str = "") -> Hole:
    try:
        shown = json.dumps({name: argument}, default=str)
    except RecursionError:
        shown = f"{name} nested too deeply"
    return Hole(HoleKind.OTHER, shown[:200] if not reason else f"<{reason}>", attribute=f"{scope.stack.id}:{shown}")


def as_piece(scope: StackScope, value: Resolved | Absent, name: str, argument: Raw) -> list[str | Hole]:
    """A resolved value as pieces of a string; what cannot be is a hole."""
    if isinstance(value, str | Text):
        return list(pieces(value))
    if isinstance(value, bool | int | float):
        return [str(plain_text(value))]
    return [_open(scope, name, argument)]


def _bounded(parts: list[str | Hole]) -> Resolved:
    if sum(len(part) for part in parts if isinstance(part, str)) > MAX_TEXT:
        return Unknown(f"a string grows past {MAX_TEXT} characters")
    return text(parts)


def _get_att(scope: StackScope, argument: Raw) -> Resolved | Absent:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if not isinstance(argument, list) or len(argument) < 2 or not isinstance(argument[0], str):
        return Unknown("Fn::GetAtt takes a resource and an attribute")
    rest = [scope.resolve(part) for part in argument[1:]]
    if not all(isinstance(part, str) for part in rest):
        return Unknown(f"the attribute of Fn::GetAtt on {argument[0]} is not known")
    return scope.get_att(argument[0], ".".join(str(part) for part in rest))


def _sub(scope: StackScope, argument: Raw) -> Resolved | Absent:
    template, variables = argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        template, variables = argument
    if not isinstance(template, str):
        return Unknown("Fn::Sub takes a string")
    parts: list[str | Hole] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts.append(template[end : match.start()])
        end = match.end()
        name = match.group(1).strip()
        if name.startswith("!"):
            parts.append("${" + name[1:] + "}")
            continue
        if name in variables:
            value = scope.resolve(variables[name])
        elif "." in name:
            value = scope.get_att(*name.split(".", 1))
        else:
            value = scope.ref(name)
        parts.extend(as_piece(scope, value, "Fn::Sub", match.group(0)))
    parts.append(template[end:])
    return _bounded(parts)


def _join(scope: StackScope, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        return Unknown("Fn::Join takes a delimiter and a list")
    items = scope.resolve(argument[1])
    if not isinstance(items, list):
        return text([_open(scope, "Fn::Join", argument)])
    parts: list[str | Hole] = []
    for index, item in enumerate(items):
        if index:
            parts.append(argument[0])
        parts.extend(as_piece(scope, item, "Fn::Join", argument))
    return _bounded(parts)


def _split(scope: StackScope, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
        return Unknown("Fn::Split takes a delimiter and a string")
    delimiter, source = argument[0], scope.resolve(argument[1])
    if not isinstance(source, str | Text):
        return Unknown("the string of Fn::Split is not known")
    if isinstance(source, Text) and (hole := source.only_hole) is not None and delimiter == ":":
        source = _arn_pieces(scope, hole)
    elif isinstance(source, Text) and any(hole.kind is not HoleKind.PSEUDO for hole in source.holes):
        return Unknown(f"{source} may contain {delimiter!r} in a part that is not known before deployment")
    fields: list[list[str | Hole]] = [[]]
    for part in pieces(source):
        if isinstance(part, Hole):
            fields[-1].append(part)
            continue
        first, *rest = part.split(delimiter)
        fields[-1].append(first)
        fields.extend([each] for each in rest)
    return [text(each) for each in fields[:MAX_LIST]]


def _arn_pieces(scope: StackScope, hole: Hole) -> str | Text:
    """An ARN taken apart: arn:partition:service:region:account:resource. Only its shape is known."""
    if hole.kind is not HoleKind.RESOURCE or not hole.attribute.endswith("Arn"):
        return Text((hole,))
    open_part = [
        Hole(HoleKind.RESOURCE, f"{hole.shown}[{index}]", hole.target, f"{hole.attribute}[{index}]") for index in (2, 5)
    ]
    parts: list[str | Hole] = ["arn:"]
    for name in ("AWS::Partition", "", "AWS::Region", "AWS::AccountId"):
        parts.extend(as_piece(scope, scope.ref(name), "Ref", name) if name else [open_part[0]])
        parts.append(":")
    return text([*parts, open_part[1]])


def _select(scope: StackScope, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) != 2:
        return Unknown("Fn::Select takes an index and a list")
    index, items = scope.resolve(argument[0]), scope.resolve(argument[1])
    if not isinstance(items, list):
        return text([_open(scope, "Fn::Select", argument)])
    try:
        position = int(str(index))
    except ValueError:
        return Unknown("the index of Fn::Select is not known")
    if not 0 <= position < len(items):
        return Unknown(f"Fn::Select asks for item {position} of {len(items)}")
    return items[position]


def _find_in_map(scope: StackScope, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) < 3:
        return Unknown("Fn::FindInMap takes a map and two keys")
    fallback = argument[3].get("DefaultValue") if len(argument) > 3 and isinstance(argument[3], dict) else None
    candidates: list[Raw] = [scope.mappings]
    open_key = False
    for step in argument[:3]:
        key = scope.resolve(step)
        open_key = open_key or isinstance(key, Text | Unknown)
        following: list[Raw] = []
        for candidate in candidates:
            children = _mapping(candidate)
            # An open key may be any of those that are there: decided only where all agree.
            following.extend([children[str(key)]] if str(key) in children else [])
            if isinstance(key, Text | Unknown):
                following.extend(children.values())
        candidates = following
    if open_key and fallback is not None:
        candidates.append(fallback)
    if not candidates:
        return (
            scope.resolve(fallback)
            if fallback is not None
            else Unknown(f"Fn::FindInMap finds nothing at {argument[:3]}")
        )
    if all(candidate == candidates[0] for candidate in candidates):
        return scope.resolve(candidates[0])
    return Unknown(f"Fn::FindInMap {argument[:3]} depends on a value that is not known before deployment")


def _if(scope: StackScope, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        return Unknown("Fn::If takes a condition and two values")
    answer = scope.condition(argument[0])
    if answer is not None:
        return scope.resolve(argument[1] if answer else argument[2])
    yes, no = scope.resolve(argument[1]), scope.resolve(argument[2])
    return yes if yes == no else Unknown(f"it depends on condition {argument[0]}, which cannot be decided")


def _base64(scope: StackScope, argument: Raw) -> Resolved | Absent:
    """Kept as the text that is encoded: rules that read user data want the text."""
    return scope.resolve(argument)


def _import_value(scope: StackScope, argument: Raw) -> Resolved | Absent:
    name = scope.resolve(argument)
    if not isinstance(name, str | Text):
        return Unknown("the name of Fn::ImportValue is not known")
    found = scope.linker.exported(name)
    if found is None:
        return Text((Hole(HoleKind.IMPORT, f"${{import {name}}}"),))
    owner, value = found
    return owner.guarded("export", str(name), lambda: owner.resolve(value))


def _get_stack_output(scope: StackScope, argument: Raw) -> Resolved | Absent:
    """The weak reference: ``{StackName, OutputName}`` or the two in a list. It reads, and locks nothing."""
    arguments = _mapping(argument)
    stack, output = arguments.get("StackName"), arguments.get("OutputName")
    if isinstance(argument, list) and len(argument) == 2:
        stack, output = argument
    stack_name, output_name = scope.resolve(stack), scope.resolve(output)
    owner = scope.linker.stack_named(stack_name) if isinstance(stack_name, str) else None
    if owner is None or not isinstance(output_name, str):
        return Text((Hole(HoleKind.IMPORT, f"${{{stack_name}.{output_name}}}"),))
    return owner.output(output_name)


def _cidr(scope: StackScope, argument: Raw) -> Resolved | Absent:
    values = scope.resolve(argument)
    if not isinstance(values, list) or len(values) < 2 or any(isinstance(each, Text | Unknown) for each in values):
        return Unknown("an operand of Fn::Cidr is not known")
    try:
        block, count, bits = ipaddress.ip_network(str(values[0])), int(str(values[1])), int(str((values[2:] or [0])[0]))
        prefix = block.max_prefixlen - (bits or (8 if block.version == 4 else 64))
        return [str(each) for each in itertools.islice(block.subnets(new_prefix=prefix), min(count, 256))]
    except ValueError as error:
        return Unknown(f"Fn::Cidr: {error}")


def _get_azs(scope: StackScope, argument: Raw) -> Resolved | Absent:
    return Unknown(f"the availability zones of {scope.resolve(argument) or 'the region'} are known at deployment")


def _length(scope: StackScope, argument: Raw) -> Resolved | Absent:
    items = scope.resolve(argument)
    return len(items) if isinstance(items, list) else Unknown("the list of Fn::Length is not known")


def _to_json_string(scope: StackScope, argument: Raw) -> Resolved | Absent:
    """The JSON text; holes inside it stay holes, so that policies built this way can still be compared."""
    value = scope.resolve(argument)
    holes: list[Hole] = []

    def encode(leaf: object) -> str:
        holes.extend(leaf.holes if isinstance(leaf, Text) else [_open(scope, "Fn::ToJsonString", argument)])
        if isinstance(leaf, Text):
            return "".join(part if isinstance(part, str) else "\0" for part in leaf.parts)
        return "\0"

    encoded = json.dumps(value, default=encode, separators=(",", ":")).split("\\u0000")
    parts: list[str | Hole] = [encoded[0]]
    for hole, literal in zip(holes, encoded[1:], strict=False):
        parts.extend([hole, literal])
    return _bounded(parts)


def expand_for_each(scope: StackScope, argument: Raw) -> dict[str, Raw] | None:
    """``Fn::ForEach`` as the object it stands for; ``None`` where its collection is not known or too large."""
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[2], dict):
        return None
    name, collection, body = argument
    items = scope.resolve(collection)
    if not isinstance(name, str) or not isinstance(items, list) or len(items) > MAX_LIST:
        return None
    if not all(isinstance(item, str) for item in items):
        return None
    result: dict[str, Raw] = {}
    for item in items:
        result.update(_substitute(body, name, str(item), 0))
    return result


def _substitute(node: Raw, name: str, value: str, depth: int) -> Raw:
    if isinstance(node, str):
        plain = re.sub(r"[^A-Za-z0-9]", "", value)
        return node.replace("${" + name + "}", value).replace("&{" + name + "}", plain)
    if depth > MAX_DEPTH:
        return node
    if isinstance(node, list):
        return [_substitute(each, name, value, depth + 1) for each in node]
    if isinstance(node, dict):
        if node == {"Ref": name}:
            return value
        return {
            str(_substitute(key, name, value, depth)): _substitute(each, name, value, depth + 1)
            for key, each in node.items()
        }
    return node


def _test(name: str) -> Callable[[StackScope, Raw], Resolved | Absent]:
    def evaluate(scope: StackScope, argument: Raw) -> Resolved | Absent:
        if name not in {"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not"}:
            return Unknown(f"{name} cannot be evaluated here")
        answer = scope.test({name: argument})
        return Unknown(f"{name} depends on a value that is not known before deployment") if answer is None else answer

    return evaluate


_FUNCTIONS: Final[Mapping[str, Callable[[StackScope, Raw], Resolved | Absent]]] = {
    "Ref": StackScope.ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Base64": _base64,
    "Fn::ImportValue": _import_value,
    "Fn::GetStackOutput": _get_stack_output,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _get_azs,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json_string,
    **{name: _test(name) for name in ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not")},
}
