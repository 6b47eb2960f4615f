"""What a template writes down where everybody reads it who may look: parameters in plain text, tags, and properties
that no service shows again, because they are secrets.

Sources: AWS CloudFormation User Guide, AWS::SSM::Parameter (``String`` and ``StringList`` are not encrypted) and
"Resource type schema" (``writeOnlyProperties``); AWS Tagging Best Practices, "Never store sensitive data in tags".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from checker.data.type_facts import facts_of
from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.secrets.values import is_secret_name, name_inside
from checker.model.values import Known, Resolved
from checker.reason.workloads.told import Told

# Names that sound like a secret's: where an archive lies, what makes a call the same call, whether something is on.
_NO_SECRETS: Final = ("ClientToken", "RouteKey", "S3Key")
# Tokens and passwords of caches are judged with the rest of how clients get in (C7).
_JUDGED_ELSEWHERE: Final = "AWS::ElastiCache::"
_MOST_JSON: Final = 100_000


def kept_openly(environment: Environment) -> Iterator[Told]:
    """What parameters and tags hold, each under the name that says what it is."""
    for parameter in environment.resources("AWS::SSM::Parameter"):
        kind, name, value = (parameter.get(each) for each in ("Type", "Name", "Value"))
        if isinstance(value, Known) and not (isinstance(kind, Known) and kind.value == "SecureString"):
            path = str(name.value) if isinstance(name, Known) else parameter.logical_id
            yield Told(parameter, path.rpartition("/")[2], value.value, "Value")
    for owner in environment.known_resources():
        written = owner.raw_at("Tags")
        if not written:
            continue
        tags = owner.get("Tags")
        yield from _tags(owner, tags.value if isinstance(tags, Known) else None)


def _tags(owner: Resource, tags: Resolved) -> Iterator[Told]:
    if isinstance(tags, dict):
        for name, value in tags.items():
            yield Told(owner, name, value, f"Tags.{name}")
    for index, tag in enumerate(tags if isinstance(tags, list) else ()):
        key = tag.get("Key") if isinstance(tag, dict) else None
        if isinstance(tag, dict) and isinstance(key, str):
            yield Told(owner, key, tag.get("Value"), f"Tags.{index}.Value")


def set_as_secret(environment: Environment) -> Iterator[Told]:
    """Literals in properties that hold a secret: passwords of databases and users, tokens, keys."""
    for kind in sorted(each for each in environment.types if not each.startswith(_JUDGED_ELSEWHERE)):
        for path in sorted(facts_of(kind).write_only):
            name = path.removesuffix(".*").rpartition(".")[2]
            if is_secret_name(name) and not name.endswith(_NO_SECRETS):
                steps = path.split(".")
                for owner in environment.resources(kind):
                    value = owner.get(steps[0])
                    yield from _literals(owner, value.value if isinstance(value, Known) else None, steps[1:], steps[0])


def _literals(owner: Resource, value: Resolved, steps: Sequence[str], place: str) -> Iterator[Told]:
    if isinstance(value, list):
        rest = steps[1:] if steps and steps[0] == "*" else steps
        for index, each in enumerate(value):
            yield from _literals(owner, each, rest, f"{place}.{index}")
    elif steps and isinstance(value, dict):
        yield from _literals(owner, value.get(steps[0]), steps[1:], f"{place}.{steps[0]}")
    elif not steps and isinstance(value, str) and "{{resolve:" not in value:
        name = next(step for step in reversed(place.split(".")) if not step.isdigit())
        yield from _inside(owner, name, _document(value), place)


def _document(value: str) -> object:
    """What a text holds: of JSON its values, which need not be secrets all."""
    if not value.lstrip().startswith("{") or len(value) > _MOST_JSON:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _inside(owner: Resource, name: str, value: object, place: str) -> Iterator[Told]:
    due = [(name, value)]
    while due:
        holder, part = due.pop()
        if isinstance(part, dict):
            due.extend((name_inside(holder, str(key)), inner) for key, inner in reversed(part.items()))
        elif isinstance(part, list):
            due.extend((holder, inner) for inner in reversed(part))
        elif isinstance(part, str):
            yield Told(owner, holder, part, place)
