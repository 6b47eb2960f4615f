"""What a template's parameter takes for an image's tag.

Source: CloudFormation User Guide, "Parameters", ``AllowedPattern``: it must match the entire value; "Using regular
expressions in CloudFormation templates": they are Java's.
"""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.environments import Project
from checker.model.values import Parameter, Text

_ANCHORS: Final = lazy_re.compile(r"\^?(.*?)\$?")
_HEXADECIMAL: Final = r"\[(?:0-9a-f|a-f0-9|\\da-f|a-f\\d)\]"
_HASH: Final = lazy_re.compile(rf"(?:\({_HEXADECIMAL}\{{(?:40|64)\}}\)|{_HEXADECIMAL}\{{(?:40|64)\}})")
# Of a whole reference: whatever the name is, this is its tag or its digest.
_ENDS_IN_HASH: Final = lazy_re.compile(rf"[^|]*(?::{_HEXADECIMAL}\{{40\}}|@sha256:{_HEXADECIMAL}\{{64\}})")


def is_hash(value: str | Text, project: Project) -> bool:
    """Whether the open end of a reference is a parameter that takes nothing but a hash, or a reference with one."""
    last = value.parts[-1] if isinstance(value, Text) else ""
    if not isinstance(last, Parameter) or not isinstance(value, Text):
        return False
    asked = _ANCHORS.fullmatch(_pattern(last, project))
    pattern = asked[1] if asked is not None else ""
    if len(value.parts) == 1:
        return _ENDS_IN_HASH.fullmatch(pattern) is not None
    before = value.parts[-2]
    return isinstance(before, str) and before.endswith(":") and _HASH.fullmatch(pattern) is not None


def _pattern(hole: Parameter, project: Project) -> str:
    """The ``AllowedPattern`` of a parameter, empty where it has none."""
    template = next((stack.template for stack in project.stacks if stack.id == hole.stack), {})
    declared = template.get("Parameters")
    own = declared.get(hole.name) if isinstance(declared, dict) else None
    pattern = own.get("AllowedPattern") if isinstance(own, dict) and own.get("Type") == "String" else None
    return str(pattern) if pattern is not None else ""
