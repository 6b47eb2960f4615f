"""Templates that a job changes before it deploys them: what they hold by then, or that nobody knows.

A value that only the run knows is a parameter that the pipeline gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from checker.model.pipeline.changes import EACH, GONE, Held
from checker.model.possible import Possible, marked, options
from checker.model.resources import Raw, Stack
from checker.model.values import Text

# From a file's text to the template in it; `None` where it is none.
Parsing = Callable[[str, str], "Mapping[str, Raw] | None"]
_NAME: Final = "GivenByTheRun"
_PLACE: Final = re.compile(rf"{_NAME}[0-9]+X")


def changed(stack: Stack, held: Sequence[Held], parse: Parsing) -> Mapping[str, Any]:
    """What is another in a stack whose template was changed, each of its deployments having it as ``held`` says."""
    made = [_made(stack.template, stack.source.file, each, parse) for each in held]
    first = made[0] if made else None
    if first is None or any(each != first for each in made):
        by = next((each.by for each, one in zip(held, made, strict=True) if one is None or one != first), held[0].by)
        return {
            "changed": f"{by} changes {stack.source.file} before it is deployed, and what it holds by then is not known"
        }
    template, given = first
    return {} if template == stack.template else {"template": template, "given": {**stack.given, **given}}


def _made(
    template: Mapping[str, Raw], file: str, held: Held, parse: Parsing
) -> tuple[Mapping[str, Raw], Mapping[str, Text]] | None:
    if held.open:
        return None
    found: Mapping[str, Raw] | None = template
    given: dict[str, Text] = {}
    if held.text is not None:
        one = options(held.text)
        written = (
            marked(one[0], lambda number: f"{_NAME}{number}X")
            if one and len(one) == 1 and isinstance(one[0], str | Text)
            else None
        )
        if written is None or not all(isinstance(each, Text) for each in written[1].values()):
            return None
        given = {name: value for name, value in written[1].items() if isinstance(value, Text)}
        found = parse(written[0], file)
        found = _referring(found) if found is not None and given else found
    for place, value in held.edits:
        found = _put(found, place, value, given) if found is not None else None
    if not isinstance(found, Mapping) or not isinstance(found.get("Resources"), Mapping):
        return None
    if given:
        found = {
            **found,
            "Parameters": {**(found.get("Parameters") or {}), **{name: {"Type": "String"} for name in given}},
        }
    return found, given


def _referring(value: Raw) -> Raw:
    """With a reference in the place of each name that stands for a value of the run; ``None`` where a key has one."""
    if isinstance(value, str):
        if _PLACE.fullmatch(value):
            return {"Ref": value}
        parts: list[Raw] = []
        at = 0
        for match in _PLACE.finditer(value):
            parts += [value[at : match.start()], {"Ref": match[0]}]
            at = match.end()
        return {"Fn::Join": ["", [*(each for each in parts if each), value[at:]]]} if parts else value
    if isinstance(value, Mapping):
        if sub := value.get("Fn::Sub"):
            return {**value, "Fn::Sub": _substituted(sub)}
        return (
            None
            if any(_PLACE.search(str(key)) for key in value)
            else {k: _referring(each) for k, each in value.items()}
        )
    return [_referring(each) for each in value] if isinstance(value, list) else value


def _substituted(value: Raw) -> Raw:
    if isinstance(value, str):
        return _PLACE.sub(lambda match: f"${{{match[0]}}}", value)
    return [_substituted(value[0]), *map(_referring, value[1:])] if isinstance(value, list) and value else value


def _put(value: Raw, place: Sequence[str | int], new: Possible, given: dict[str, Text]) -> Raw | None:
    """A document with another value at a place; ``None`` where it has no such place."""
    if not place:
        return _given(new, given)
    step, rest = place[0], place[1:]
    if step == EACH and isinstance(value, list):
        each = [_put(one, rest, new, given) for one in value]
        return None if any(one is None for one in each) else each
    if isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
        inner = _put(value[step], rest, new, given)
        at = step % len(value)
        return None if inner is None else [*value[:at], inner, *value[at + 1 :]]
    if not isinstance(step, str) or step == EACH or not (isinstance(value, Mapping) or value is None):
        return None
    kept = dict(value or {})
    if not rest and new == GONE:
        kept.pop(step, None)
        return kept
    inner = _put(kept.get(step), rest, new, given)
    return None if inner is None else {**kept, step: inner}


def _given(value: Possible, given: dict[str, Text]) -> Raw | None:
    if isinstance(value, Text):
        name = f"{_NAME}{len(given)}X"
        given[name] = value
        return {"Ref": name}
    return value if isinstance(value, str | bool | int | float) else None
