"""What a parameter makes of the value that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from checker.model.resources import Raw
from checker.model.values import Resolved, Text, pieces, plain_text, split, text

_LISTS: Final = ("CommaDelimitedList", "List<")


def as_parameter(value: Raw, declared: Mapping[str, Raw]) -> Resolved:
    """Parameter values are strings, or lists of strings for the list types (comma-separated when given as one)."""
    plain = plain_text(value)
    if is_list(declared):
        found = plain if isinstance(plain, list) else str(plain).split(",")
        return [str(item).strip() for item in found]
    return plain if isinstance(plain, str) else str(plain)


def is_list(declared: Mapping[str, Raw]) -> bool:
    kind = str(declared.get("Type", "String"))
    return kind.startswith(_LISTS)


def is_single(declared: Mapping[str, Raw], *, of_text: bool) -> bool:
    """Whether a parameter is one value: a number, an id of AWS's, or, if ``of_text``, any text."""
    kind = str(declared.get("Type", "String")).removeprefix("AWS::SSM::Parameter::Value<")
    return not kind.startswith(_LISTS) and (of_text or kind.removesuffix(">") != "String")


def answers_one_each(kind: str) -> bool:
    """Whether what a resource of a type is referred to by, or answers for an attribute, is one value. Whoever writes a
    custom resource or a nested stack may let it answer several at once."""
    return bool(kind) and not kind.startswith(("Custom::", "AWS::CloudFormation::"))


def items(given: Text) -> list[Resolved]:
    """What a list is given as one text, ``${A},${B}``, none of whose open parts is several items."""
    return [_stripped(text(item)) for item in split(given, ",")]


def _stripped(item: str | Text) -> str | Text:
    """Without the spaces at its ends, which CloudFormation takes off each item of a list."""
    parts = list(pieces(item))
    for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
        last = parts[end]
        parts[end] = strip(last) if isinstance(last, str) else last
    return text(parts)
