"""What custom resources make by an AWS call of their own, as if the template had made it itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Known, Resolved, Text, Unknown, pieces
from checker.reason.names.custom_resources import called, custom_resources, decoded, has_open_names

_DEEPEST: Final = 10


def made_by_calls(environment: Environment, types: Mapping[tuple[str, str], str]) -> Iterator[Resource]:
    """The resources that calls make. ``types``: service and action, in lower case -> the type that stands for what is
    made.

    Each stands where its custom resource stands, and has the call's parameters for properties. It is in no index: what
    refers to the custom resource does not find it.
    """
    for owner in custom_resources(environment):
        found = next(filter(None, (_made(owner, when, types) for when in ("Create", "Update"))), None)
        if found is not None:
            raw = {"Type": found[0], "Properties": found[1]}
            yield Resource(owner.stack, owner.logical_id, raw, owner.scope, certain=owner.certain)


def _made(owner: Resource, when: str, types: Mapping[tuple[str, str], str]) -> tuple[str, Resolved] | None:
    """The type of what a call makes, and its properties, as far as they can be read."""
    value = owner.get(when)
    call = decoded(value.value, with_open_values=True) if isinstance(value, Known) else None
    if call is not None:
        service, action = called(call)
        if not service or not action:
            # Of a service or an action that is not known, the other tells whether it may be one of them.
            kind = next((kind for names, kind in types.items() if _may_be((service, action.lower()), names)), None)
            return None if kind is None else (kind, Unknown("which call is made is not known"))
        kind, parameters = types.get((service, action.lower())), call.get("parameters")
        readable = (parameters is None or isinstance(parameters, dict)) and not has_open_names(call)
        given = as_properties(parameters or {}) if readable else Unknown("what the call is given is not known")
        return (kind, given) if kind is not None else None
    text = value.value if isinstance(value, Known) and isinstance(value.value, Text) else None
    written = "\0".join(part for part in pieces(text) if isinstance(part, str)).lower() if text is not None else ""
    kind = next((kind for (service, action), kind in types.items() if service in written and action in written), None)
    return None if kind is None else (kind, Unknown("the call that makes it cannot be read"))


def _may_be(call: tuple[str, str], names: tuple[str, str]) -> bool:
    return any(call) and all(one in ("", other) for one, other in zip(call, names, strict=True))


def as_properties(value: Resolved, depth: int = 0) -> Resolved:
    """Names as CloudFormation spells them: each begins with a capital."""
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return Unknown("it is nested too deep to be read")
    if isinstance(value, dict):
        return {f"{name[:1].upper()}{name[1:]}": as_properties(each, depth + 1) for name, each in value.items()}
    return [as_properties(each, depth + 1) for each in value] if isinstance(value, list) else value
