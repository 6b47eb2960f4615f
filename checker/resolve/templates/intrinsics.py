"""CloudFormation's intrinsic functions, evaluated as far as can be before a deployment.

Source: AWS CloudFormation User Guide, "Intrinsic function reference", "Condition functions" and
"AWS::LanguageExtensions transform". What stays open becomes a :class:`~checker.model.values.Text` with holes that keep
their target, or an :class:`~checker.model.values.Unknown` that names the expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from checker import lazy_re
from checker.model.answers import YES, Certain
from checker.model.possible import shown
from checker.model.resources import Raw
from checker.model.values import (
    Absent,
    Expression,
    Hole,
    Import,
    Parameter,
    Pseudo,
    Resolved,
    Text,
    Unknown,
    pieces,
    plain_text,
    split,
    text,
)
from checker.resolve.templates.cidrs import blocks
from checker.resolve.templates.evaluation import Evaluation
from checker.resolve.templates.shapes import arn_pieces, never_holds

# Past this many nested expressions the value is unknown: real templates stay below 30.
MAX_DEPTH: Final = 120
# Past this many characters a built string is unknown: CloudFormation's own template limit is 1 MB.
MAX_TEXT: Final = 1_000_000
MAX_LIST: Final = 10_000
# Parts that one loop may make: far more than the 500 resources that CloudFormation takes of a template.
MAX_EXPANDED: Final = 300_000

_PLACEHOLDER: Final = lazy_re.compile(r"\$\{([^}]*)\}")


def mapping(value: Raw) -> Mapping[str, Raw]:
    """The object, or an empty one where a template has something else in its place."""
    return value if isinstance(value, dict) else {}


# -- functions: each takes the scope and the raw argument -------------------------------------------


def _open(scope: Evaluation, name: str, argument: Raw, reason: str = "") -> Hole:
    try:
        shown = json.dumps({name: argument}, default=str)
    except RecursionError:
        shown = f"{name} nested too deeply"
    said = f"<{reason}>" if reason else f"${{{_made_from(argument) or name.removeprefix('Fn::')}}}"
    return Expression(said, scope.stack.id, shown)


def _made_from(argument: Raw) -> str:
    """What an expression is made from, as people write it: the first name that it refers to."""
    pending = [argument]
    for _ in range(MAX_LIST):
        if not pending:
            break
        node = pending.pop()
        if isinstance(node, dict):
            referred = node.get("Ref") or node.get("Fn::ImportValue") or node.get("Fn::GetAtt")
            if isinstance(referred, str):
                return referred
            if isinstance(referred, list) and all(isinstance(each, str) for each in referred):
                return ".".join(referred)
            pending.extend(reversed(node.values()))
        elif isinstance(node, list):
            pending.extend(reversed(node))
    return ""


def as_piece(scope: Evaluation, value: Resolved | Absent, name: str, argument: Raw) -> list[str | Hole]:
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


def _get_att(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if not isinstance(argument, list) or len(argument) < 2:
        return Unknown("Fn::GetAtt takes a resource and an attribute")
    whose, *rest = (scope.resolve(part) for part in argument)
    if not isinstance(whose, str):
        return Unknown("the resource of Fn::GetAtt is not known")
    if not all(isinstance(part, str) for part in rest):
        return Unknown(f"the attribute of Fn::GetAtt on {whose} is not known")
    return scope.get_att(whose, ".".join(str(part) for part in rest))


def _ref(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    """With AWS::LanguageExtensions the name may be what another function answers, as in ``Fn::GetAtt``."""
    return scope.ref(scope.resolve(argument) if isinstance(argument, dict) else argument)


def _sub(scope: Evaluation, argument: Raw) -> Resolved | Absent:
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
        if isinstance(value, Unknown) and match.group(0) == template:
            return value  # nothing but one reference: what that is, and why it is not known
        parts.extend(as_piece(scope, value, "Fn::Sub", variables.get(name, match.group(0))))
    parts.append(template[end:])
    return _bounded(parts)


def _join(scope: Evaluation, argument: Raw) -> Resolved | Absent:
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


def _split(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
        return Unknown("Fn::Split takes a delimiter and a string")
    delimiter, source = argument[0], scope.resolve(argument[1])
    if not isinstance(source, str | Text):
        return Unknown("the string of Fn::Split is not known")
    if isinstance(source, Text) and (taken := arn_pieces(scope, source, delimiter)) is not None:
        source = taken
    elif isinstance(source, Text) and not all(_lacks(scope, hole, delimiter) for hole in source.holes):
        return Unknown(f"{source} may contain {delimiter!r} in a part that is not known before deployment")
    return [text(each) for each in split(source, delimiter)[:MAX_LIST]]


def _lacks(scope: Evaluation, hole: Hole, delimiter: str) -> bool:
    """Whether what is filled in is surely without the delimiter; of a parameter its type tells."""
    one = delimiter == "," and isinstance(hole, Parameter) and scope.linker.is_one(hole, of_text=False)
    return one or never_holds(scope, hole, delimiter)


def _select(scope: Evaluation, argument: Raw) -> Resolved | Absent:
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


def _find_in_map(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) < 3:
        return Unknown("Fn::FindInMap takes a map and two keys")
    fallback = argument[3].get("DefaultValue") if len(argument) > 3 and isinstance(argument[3], dict) else None
    candidates: list[Raw] = [scope.mappings]
    open_key = False
    place: list[str] = []  # as messages show it
    for step in argument[:3]:
        key = _row(scope, scope.resolve(step))
        place.append("..." if isinstance(key, Unknown | list | dict) else shown(key))
        open_key = open_key or isinstance(key, Text | Unknown)
        following: list[Raw] = []
        for candidate in candidates:
            children = mapping(candidate)
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
            else Unknown(f"Fn::FindInMap finds nothing at {', '.join(place)}")
        )
    # A number or a truth value is one with its text: CloudFormation takes either where the other is asked for.
    written = [each if isinstance(each, dict | list) else shown(each) for each in candidates]
    if all(each == written[0] for each in written):
        return scope.resolve(candidates[0])
    where = ", ".join(place)
    return Unknown(f"what Fn::FindInMap finds at {where} depends on a value that is not known before deployment")


def _row(scope: Evaluation, key: Resolved | Absent) -> Resolved | Absent:
    """The key that mappings find in this world, where the template leaves it open."""
    hole = key.only_hole if isinstance(key, Text) else None
    if isinstance(hole, Parameter | Pseudo) and hole in scope.rows:
        return scope.rows[hole] or Absent()
    return key


def _if(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        return Unknown("Fn::If takes a condition and two values")
    answer = scope.condition(argument[0])
    if isinstance(answer, Certain):
        return scope.resolve(argument[1] if answer is YES else argument[2])
    yes, no = scope.resolve(argument[1]), scope.resolve(argument[2])
    # A truth value and a number are one with their text, as in a map.
    alike = plain_text(yes) == plain_text(no)
    return yes if alike else Unknown(f"it depends on condition {argument[0]}, which cannot be decided")


def _base64(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    """Kept as the text that is encoded: rules that read user data want the text."""
    return scope.resolve(argument)


def _import_value(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    name = scope.resolve(argument)
    if not isinstance(name, str | Text):
        return Unknown("the name of Fn::ImportValue is not known")
    found = scope.linker.exported(name, scope.stack)
    if found is None:
        return Text((Import(f"${{import {name}}}"),))
    owner, value = found
    return owner.guarded("export", str(name), lambda: owner.resolve(value))


def _get_stack_output(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    """The weak reference: ``{StackName, OutputName}`` or the two in a list. It reads, and locks nothing."""
    arguments = mapping(argument)
    stack, output = arguments.get("StackName"), arguments.get("OutputName")
    if isinstance(argument, list) and len(argument) == 2:
        stack, output = argument
    stack_name, output_name = scope.resolve(stack), scope.resolve(output)
    owner = scope.linker.stack_named(stack_name) if isinstance(stack_name, str) else None
    if owner is None or not isinstance(output_name, str):
        return Text((Import(f"${{{stack_name}.{output_name}}}"),))
    return owner.output(output_name)


def _get_azs(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    return Unknown(f"the availability zones of {scope.resolve(argument) or 'the region'} are known at deployment")


def _length(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    items = scope.resolve(argument)
    return len(items) if isinstance(items, list) else Unknown("the list of Fn::Length is not known")


def _to_json_string(scope: Evaluation, argument: Raw) -> Resolved | Absent:
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


def expand_for_each(scope: Evaluation, argument: Raw) -> dict[str, Raw] | None:
    """``Fn::ForEach`` as the object it stands for; ``None`` where its collection is not known or too large."""
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[2], dict):
        return None
    name, collection, body = argument
    items = scope.resolve(collection)
    if not isinstance(name, str) or not isinstance(items, list) or len(items) > MAX_LIST:
        return None
    if not all(isinstance(item, str) for item in items) or _holds_more(body, MAX_EXPANDED // max(1, len(items))):
        return None
    result: dict[str, Raw] = {}
    for item in items:
        made = _substitute(body, name, str(item), 0)
        # A loop in the loop may have one name in every round, and make something else in each.
        for key, value in made.items():
            result[f"{key} of {item}" if key in result and key.startswith("Fn::ForEach") else key] = value
    return result


def _holds_more(node: Raw, limit: int) -> bool:
    """Whether something of a template has more than so many parts."""
    pending, count = [node], 0
    while pending and count <= limit:
        each = pending.pop()
        count += 1
        pending.extend(each if isinstance(each, list) else each.values() if isinstance(each, dict) else ())
    return count > limit


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


def _test(name: str) -> Callable[[Evaluation, Raw], Resolved | Absent]:
    def evaluate(scope: Evaluation, argument: Raw) -> Resolved | Absent:
        if name not in {"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not"}:
            return Unknown(f"{name} cannot be evaluated here")
        answer = scope.test({name: argument})
        if isinstance(answer, Certain):
            return answer is YES
        return Unknown(f"{name} depends on a value that is not known before deployment")

    return evaluate


FUNCTIONS: Final[Mapping[str, Callable[[Evaluation, Raw], Resolved | Absent]]] = {
    "Ref": _ref,
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
    "Fn::Cidr": blocks,
    "Fn::GetAZs": _get_azs,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json_string,
    **{name: _test(name) for name in ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not")},
}
