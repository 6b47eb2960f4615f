"""What custom resources make by an AWS call of their own, as if the template had made it itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Resolved
from checker.reason.names.custom_resources import calls_of, custom_resources

_DEEPEST: Final = 10


def made_by_calls(environment: Environment, types: Mapping[tuple[str, str], str]) -> Iterator[Resource]:
    """The resources that calls make. ``types``: service and action, in lower case -> the type that stands for what is
    made.

    Each stands where its custom resource stands, and has the call's parameters for properties. It is in no index: what
    refers to the custom resource does not find it.
    """
    for owner in custom_resources(environment):
        found = {call.when: call for call in calls_of(owner) if (call.service, call.action.lower()) in types}
        call = found.get("Create") or found.get("Update")
        if call is not None:
            raw = {
                "Type": types[call.service, call.action.lower()],
                "Properties": _as_properties(dict(call.parameters)),
            }
            yield Resource(owner.stack, owner.logical_id, raw, owner.scope, certain=owner.certain)


def _as_properties(value: Resolved, depth: int = 0) -> Resolved:
    """Names as CloudFormation spells them: each begins with a capital."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return {f"{name[:1].upper()}{name[1:]}": _as_properties(each, depth + 1) for name, each in value.items()}
    return [_as_properties(each, depth + 1) for each in value] if isinstance(value, list) else value
