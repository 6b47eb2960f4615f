"""What a SAM template's ``Globals`` give to its resources.

AWS SAM Developer Guide, "Globals section of the AWS SAM template": of a resource of one of these types, a plain value
takes the place of the global one, the entries of two objects stand beside each other (the resource's own first), and
the items of a list follow the global ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from checker.model.resources import Raw
from checker.resolve.templates.intrinsics import MAX_DEPTH, mapping

_SECTIONS: Final = {
    "AWS::Serverless::Api": "Api",
    "AWS::Serverless::CapacityProvider": "CapacityProvider",
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::HttpApi": "HttpApi",
    "AWS::Serverless::LayerVersion": "LayerVersion",
    "AWS::Serverless::SimpleTable": "SimpleTable",
    "AWS::Serverless::StateMachine": "StateMachine",
    "AWS::Serverless::WebSocketApi": "WebSocketApi",
}
_LOOP: Final = "Fn::ForEach"


def inheriting(template: Mapping[str, Raw]) -> Mapping[str, Raw]:
    """A template's resources as SAM sees them: with what its ``Globals`` say of them."""
    written = mapping(template.get("Resources"))
    shared = mapping(template.get("Globals"))
    declared = template.get("Transform")
    names = declared if isinstance(declared, list) else [declared]
    if not shared or not any(isinstance(name, str) and name.startswith("AWS::Serverless-") for name in names):
        return written
    return _each(written, shared, 0)


def _each(written: Mapping[str, Raw], shared: Mapping[str, Raw], depth: int) -> Mapping[str, Raw]:
    return {name: _one(name, raw, shared, depth) for name, raw in written.items()}


def _one(name: str, raw: Raw, shared: Mapping[str, Raw], depth: int) -> Raw:
    if name.startswith(_LOOP) and isinstance(raw, list) and len(raw) == 3 and depth < MAX_DEPTH:
        return [*raw[:2], _each(mapping(raw[2]), shared, depth + 1)]
    kind = raw.get("Type") if isinstance(raw, dict) else None
    given = shared.get(_SECTIONS.get(kind, "")) if isinstance(kind, str) else None
    if not isinstance(raw, dict) or not isinstance(given, dict):
        return raw
    own = raw.get("Properties", {})
    return {**raw, "Properties": _merged(given, own, 0)} if isinstance(own, dict) else raw


def _merged(shared: Raw, own: Raw, depth: int) -> Raw:
    if depth >= MAX_DEPTH:
        return own
    if isinstance(shared, list) and isinstance(own, list):
        return [*shared, *own]
    if not isinstance(shared, dict) or not isinstance(own, dict) or _is_call(shared) or _is_call(own):
        return own
    return {
        **shared,
        **{key: _merged(shared[key], value, depth + 1) if key in shared else value for key, value in own.items()},
    }


def _is_call(node: Mapping[str, Raw]) -> bool:
    """An intrinsic function is one value, which is not known here."""
    name = next(iter(node)) if len(node) == 1 else ""
    return name in ("Ref", "Condition") or name.startswith("Fn::")
