"""Templates that a job changes before it deploys them: what they hold by then, or that nobody knows.

A value that only the run knows is a parameter that the pipeline gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from checker import lazy_re
from checker.model.pipeline.changes import Held, put
from checker.model.possible import marked, options
from checker.model.resources import Raw, Stack
from checker.model.values import Text

_NAME: Final = "GivenByTheRun"
_PLACE: Final = lazy_re.compile(rf"{_NAME}[0-9]+X")


class Reading(Protocol):
    """How files that may be templates are read."""

    def text(self, file: str) -> str | None:
        """What the repository's file holds."""

    def document(self, text: str, file: str) -> Mapping[str, Raw] | None:
        """What a text says; ``None`` where it is no document."""

    def template(self, document: Mapping[str, Raw], file: str) -> Mapping[str, Raw] | None:
        """The template that a document is; ``None`` where it is none."""


def changed(stack: Stack, held: Sequence[Held], reading: Reading) -> Mapping[str, Any]:
    """What is another in a stack whose template was changed, each of its deployments having it as ``held`` says."""
    made = [_made(stack, each, reading) for each in held]
    first = made[0]
    if first is None or any(each != first for each in made):
        odd = [each for each, one in zip(held, made, strict=True) if each.by and (one is None or one != first)]
        by = next((each.by for each in (*odd, *held) if each.by), "")
        why = f"{by} changes {stack.source.file} before it is deployed, and what it holds by then is not known"
        return {"changed": why}
    template, given = first
    return {} if template == stack.template else {"template": template, "given": {**stack.given, **given}}


def _made(stack: Stack, held: Held, reading: Reading) -> tuple[Mapping[str, Raw], Mapping[str, Text]] | None:
    if held.open:
        return None
    if held.text is None and not held.edits:
        return stack.template, {}
    file = stack.source.file
    one = options(held.text if held.text is not None else reading.text(file))
    text = one[0] if one and len(one) == 1 and isinstance(one[0], str | Text) else None
    written = marked(text, _name) if text is not None else None
    if written is None:
        return None
    given = {name: value for name, value in written[1].items() if isinstance(value, Text)}
    document: Raw = reading.document(written[0], file) if len(given) == len(written[1]) else None
    for place, value in held.edits:
        new = value
        if isinstance(value, Text):
            new = _name(len(given))
            given[new] = value
        document = put(document, place, new)
    template = reading.template(document, file) if isinstance(document, Mapping) else None
    template = _referring(template) if given and template is not None else template
    if template is None:
        return None
    declared = {**(template.get("Parameters") or {}), **{name: {"Type": "String"} for name in given}}
    return ({**template, "Parameters": declared} if given else template), given


def _name(number: int) -> str:
    return f"{_NAME}{number}X"


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
