"""Stacks of the templates that stack sets carry as text: ``TemplateBody`` of ``AWS::CloudFormation::StackSet``.

A set's instances are stacks of their own, in the accounts and regions that it is told (CloudFormation User Guide,
"StackSets"): what they make counts for no stack beside them, and in which account that is, nobody here says. An
instance may be given other values than the set's (``StackInstancesGroup``, ``ParameterOverrides``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from checker.collect.documents import Document, parse_json, parse_yaml
from checker.collect.templates.hidden import hidden, not_read
from checker.errors import InputError
from checker.model.resources import Raw, Stack, rebuilt

STACK_SET: Final = "AWS::CloudFormation::StackSet"
_NESTED: Final = frozenset({"AWS::CloudFormation::Stack", "AWS::Serverless::Application"})
_DEEPEST: Final = 3  # sets that carry sets
_BODY: Final = ("Properties", "TemplateBody")


def with_stack_sets(stack: Stack, depth: int = 0) -> list[Stack]:
    """The stack, and after it one for each set, of it and of those nested in it, whose template stands in it."""
    made: list[Stack] = []
    if not any(STACK_SET in _text(each) for each in _family(stack)):
        return [stack]

    def without_sets(each: Stack) -> dict[str, Any]:
        found = dict(_sets_of(each))
        made.extend(found.values())
        told = {not_read(STACK_SET, logical_id) for logical_id in found}
        return {"unread": tuple(why for why in each.unread if why not in told)}

    whole = rebuilt(stack, without_sets)
    below = (with_stack_sets(each, depth + 1) if depth < _DEEPEST else [each] for each in made)
    return [whole, *(each for every in below for each in every)]


def _text(stack: Stack) -> str:
    return stack.source.text if isinstance(stack.source, Document) else ""


def _family(stack: Stack) -> Iterator[Stack]:
    yield stack
    for child in stack.nested.values():
        yield from _family(child)


def _sets_of(stack: Stack) -> Iterator[tuple[str, Stack]]:
    """Logical id -> the stack that each set makes in an account, of the sets whose template is a text here."""
    for logical_id, raw in _mapping(stack.template.get("Resources")).items():
        if _mapping(raw).get("Type") != STACK_SET or "Condition" in _mapping(raw):
            continue  # whether a set of a condition is there, the stack that it is in decides
        properties = _mapping(_mapping(raw).get("Properties"))
        body = properties.get("TemplateBody")
        document = _document(body, stack, logical_id) if isinstance(body, str) else None
        if document is None:
            continue
        given, open_ones = _parameters(properties)
        name = properties.get("StackSetName")
        yield (
            logical_id,
            Stack(
                f"{stack.id}/{logical_id}",
                name if isinstance(name, str) else f"{stack.name}/{logical_id}",
                stack.environment,
                _without_defaults(document.data, open_ones),
                document,
                parameters=given,
                unread=(*_nested_in(document.data), *hidden(document.data)),
                named=False,
            ),
        )


def _document(body: str, stack: Stack, logical_id: str) -> Document | None:
    """The template as a document of the file that it stands in: each line is that file's."""
    own, source, text = stack.source, stack.source.file, _text(stack)
    at = own.line_of(("Resources", logical_id, *_BODY)) or 1
    try:
        read = parse_json(body, source) if body.lstrip()[:1] == "{" else parse_yaml(body, source)
    except InputError:
        return None
    if not isinstance(read.data.get("Resources"), dict):
        return None
    lines: Mapping[tuple[str | int, ...], int] = {(): at}
    if read.lines is not None and _starts_below(body, text.splitlines()[at : at + 1]):
        lines = {path: line + at for path, line in read.lines.items()}
    return Document(source, read.data, text, lines)


def _starts_below(body: str, following: Sequence[str]) -> bool:
    """Whether a text is written out line by line below its key, as YAML's block ``|`` is."""
    first = body.split("\n", 1)[0].strip()
    return bool(first) and any(line.strip() == first for line in following)


def _parameters(properties: Mapping[str, Raw]) -> tuple[dict[str, Raw], set[str]]:
    """The values that every instance gets, and the names of those that are not known or not the same in all."""
    given: dict[str, Raw] = {}
    open_ones: set[str] = set()
    for each in _list(properties.get("Parameters")):
        key, value = _mapping(each).get("ParameterKey"), _mapping(each).get("ParameterValue")
        if isinstance(key, str) and isinstance(value, str | int | float):
            given[key] = value
        elif isinstance(key, str):
            open_ones.add(key)
    for group in _list(properties.get("StackInstancesGroup")):
        overrides = (_mapping(each).get("ParameterKey") for each in _list(_mapping(group).get("ParameterOverrides")))
        open_ones.update(key for key in overrides if isinstance(key, str))
    return {key: value for key, value in given.items() if key not in open_ones}, open_ones


def _without_defaults(template: dict[str, Raw], names: set[str]) -> dict[str, Raw]:
    """The template with no default for parameters that are given another value than it has."""
    declared = _mapping(template.get("Parameters"))
    changed = {
        name: {key: value for key, value in _mapping(each).items() if key != "Default"} if name in names else each
        for name, each in declared.items()
    }
    return {**template, "Parameters": changed} if names & declared.keys() else template


def _nested_in(template: Mapping[str, Raw]) -> Iterator[str]:
    for logical_id, raw in _mapping(template.get("Resources")).items():
        if _mapping(raw).get("Type") in _NESTED:
            yield f"nested stack {logical_id}: its template is not part of the assembly"


def _mapping(value: Any) -> Mapping[str, Raw]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
