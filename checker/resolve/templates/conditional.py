"""Resources that no deployment with these parameters makes: they are not judged, and that is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from checker.model.resources import Raw, Stack
from checker.model.values import ResourceKey
from checker.resolve.templates.project import with_nested

_SHOWN: Final = 5
_MAX_DEPTH: Final = 20


def never_made(stacks: Iterable[Stack], made: Collection[ResourceKey]) -> Iterator[str]:
    """One sentence per template and condition that a parameter decides against, with what it leaves out.

    ``made`` are the resources that are there in some world. What a constant rules out is nobody's to choose.
    """
    every = list(with_nested(stacks))
    files = {stack.id: stack.source.file for stack in every}
    # What one deployment of a template makes is judged there.
    somewhere = {(files.get(key.stack), key.logical_id) for key in made}
    told: set[str] = set()
    for stack in every:
        declared = stack.template.get("Resources")
        missing: dict[str, list[str]] = {}
        for logical_id, raw in declared.items() if isinstance(declared, dict) else ():
            condition = raw.get("Condition") if isinstance(raw, dict) else None
            if isinstance(condition, str) and (stack.source.file, logical_id) not in somewhere:
                missing.setdefault(condition, []).append(logical_id)
        for condition, names in missing.items():
            asked = sorted(_parameters({"Condition": condition}, stack, 0))
            if asked:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                what = f"{', '.join(names[:_SHOWN])}{more} of {stack.source.file}"
                where = "another value stands below [parameters] in checker.toml"
                sentence = f"not judged: {what}, which {condition} leaves out ({', '.join(asked)}: {where})"
                if sentence not in told:
                    told.add(sentence)
                    yield sentence


def _parameters(expression: Raw, stack: Stack, depth: int) -> set[str]:
    """The template's parameters that an expression asks for, by way of other conditions too."""
    if depth > _MAX_DEPTH:
        return set()
    if isinstance(expression, list):
        return {name for each in expression for name in _parameters(each, stack, depth + 1)}
    if not isinstance(expression, dict):
        return set()
    parameters, conditions = (stack.template.get(name) for name in ("Parameters", "Conditions"))
    found: set[str] = set()
    for key, value in expression.items():
        if key == "Ref" and isinstance(parameters, dict) and value in parameters:
            found.add(str(value))
        elif key == "Condition" and isinstance(conditions, dict) and isinstance(value, str):
            found |= _parameters(conditions.get(value), stack, depth + 1)
        else:
            found |= _parameters(value, stack, depth + 1)
    return found
