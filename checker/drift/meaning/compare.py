"""One resource's declared properties against what a read of the account shows, property by property, by meaning.

Nothing in here knows of stacks or of who changed what: it says where two sides differ for a reason that a person should
see. Only what is known for sure is a difference; the values that a template cannot tell are ``NOT_RESOLVED``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from checker.data.type_facts import TypeFacts, covers, in_place
from checker.drift.meaning import pairs
from checker.drift.meaning.differences import MISSING, Around, Difference, Kind, Missing
from checker.drift.meaning.policies import as_policy, compare_policies, is_policy
from checker.drift.meaning.scalars import is_masked, same
from checker.drift.meaning.spellings import common
from checker.drift.meaning.undeclared import (
    VALUES,
    bag_key,
    foreign_tags,
    is_bag,
    is_default,
    member,
    odd_setting,
    says_nothing,
    tags_of,
    undeclared,
)
from checker.drift.meaning.upgrades import upgraded
from checker.model.live.drift import IN_A_STORE
from checker.model.resources import Raw
from checker.model.values import Resolved, Text, Unknown

# CloudFormation fills these in at deployment from a store: what stands there is not in the template.
# Source: CloudFormation User Guide, "Get values stored in other services using dynamic references".
_DYNAMIC: Final = "{{resolve:"
# A text with more open parts than this, or a longer value, is not taken apart.
_HOLES: Final = 4
_LONGEST: Final = 2000
# One document that says all of an API: what it sets stands in no property of the template.
_WHOLE: Final = frozenset({"Body", "BodyS3Location"})
# A recorded template writes this where its recorder could not tell the value.
_NOT_RECORDED: Final = "__unresolved__"


def compare_properties(
    expected: Mapping[str, Resolved],
    live: Mapping[str, Raw],
    facts: TypeFacts,
    around: Around = Around(),  # noqa: B008
) -> list[Difference]:
    """Every difference between the declared properties of a resource and the properties that a read shows."""
    facts = in_place(facts, live)
    expected, live = common("", dict(expected)), common("", dict(live))
    if upgraded(expected, live):
        live["EngineVersion"] = expected["EngineVersion"]
    found: list[Difference] = []
    for name, value in expected.items():
        found.extend(_value(name, name, value, live.get(name, MISSING), facts, around))
    whole = not _WHOLE.isdisjoint(expected)
    for name, value in live.items():
        if name not in expected:
            more = undeclared(name, name, value, facts, around)
            found.extend(replace(each, kind=Kind.UNDECLARED) if whole and name != facts.tags else each for each in more)
    return found


def _value(
    path: str, pattern: str, expected: Resolved, live: Raw | Missing, facts: TypeFacts, around: Around
) -> Iterator[Difference]:
    if covers(around.pipeline, pattern):
        return
    if live == "" and pattern in facts.write_only and isinstance(expected, str | Text) and expected != "":
        # It is never shown, and yet the service tells that there is none.
        yield Difference(path, Kind.CHANGED, expected, None)
        return
    if live is MISSING or live is None:
        yield from _absent(path, pattern, expected, facts, around)
        return
    if is_masked(live):
        if expected != live:
            yield Difference(path, Kind.NOT_RETURNED, None, None, "it is kept secret")
        return
    if isinstance(expected, Text) and isinstance(live, str) and _fits(expected, live, around):
        return
    if is_open(expected):
        yield Difference(path, Kind.NOT_RESOLVED, None, live, _why(expected))
        return
    if expected is None:
        yield from undeclared(path, pattern, live, facts, around)
        return
    if pattern == facts.tags or (pattern.endswith("Tags") and "." not in pattern):
        ours, theirs = tags_of(_plain_tags(expected)), tags_of(live)
        if ours is not None and theirs is not None:
            yield from _tags(path, expected, ours, theirs, around)
            return
    one, other = as_policy(expected), as_policy(live)
    if is_policy(one) and is_policy(other):
        yield from _policy(path, one, other)
        return
    one, other = _alike_shapes(expected, live)
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = common(pattern, one), common(pattern, other)
        if _other_choice(one, other):
            yield Difference(path, Kind.CHANGED, expected, live)
            return
        for key, value in one.items():
            yield from _value(f"{path}.{key}", f"{pattern}.{key}", value, other.get(key, MISSING), facts, around)
        for key, value in other.items():
            if key not in one:
                yield from undeclared(
                    f"{path}.{key}", f"{pattern}.{key}", value, facts, around, key_of_map=pattern in facts.maps
                )
    elif isinstance(one, list) and isinstance(other, list):
        yield from _list(path, pattern, one, other, facts, around)
    elif isinstance(one, str) and isinstance(other, str) and _mangled(one, other):
        yield Difference(path, Kind.NOT_RETURNED, None, other, "CloudFormation shows ? for what is not ASCII")
    elif isinstance(one, dict | list) or isinstance(other, dict | list) or not same(one, other, pattern, facts):
        yield from _scalar(path, one, other, around)


def _scalar(path: str, expected: Resolved, live: Raw, around: Around) -> Iterator[Difference]:
    """Two single values that are not the same; KMS shows the key behind an alias."""
    if isinstance(expected, str) and isinstance(live, str) and "alias/" in expected and "alias/" not in live:
        key = around.alias(expected[expected.index("alias/") :])
        if key is None:
            if "/aws/" not in expected:
                yield Difference(path, Kind.NOT_RESOLVED, expected, live, "which key the alias stands for is not known")
            return
        if key == live or live.endswith(f"/{key}") or key.endswith(f"/{live}"):
            return
    yield Difference(path, Kind.CHANGED, expected, live)


def _absent(path: str, pattern: str, expected: Resolved, facts: TypeFacts, around: Around) -> Iterator[Difference]:
    """Declared, and not in what a read shows: never returned, not read, a default that is left out, or gone."""
    why = next(
        (
            why
            for unread, why in around.unread.items()
            # Where a part was not read, a whole that is not there says nothing.
            if unread in {"", path} or path.startswith(f"{unread}.") or unread.startswith(f"{path}.")
        ),
        "",
    )
    if why or covers(facts.write_only, pattern):
        # Parts of a property that is otherwise read are said of the resource, see `unreadable_parts`.
        if "." not in pattern or why:
            yield Difference(path, Kind.NOT_RETURNED, expected, None, why)
        return
    if is_open(expected):
        yield Difference(path, Kind.NOT_RESOLVED, None, None, _why(expected))
        return
    if isinstance(expected, dict) and any(covers(facts.write_only, f"{pattern}.{key}") for key in expected):
        expected = {key: each for key, each in expected.items() if not covers(facts.write_only, f"{pattern}.{key}")}
    value = plain(expected)
    if not says_nothing(pattern, value, facts):
        yield Difference(path, Kind.CHANGED, expected, None)


def _tags(
    path: str, expected: Resolved, ours: dict[str, str], theirs: dict[str, str], around: Around
) -> Iterator[Difference]:
    unknown = _open_tags(expected)

    def at(key: str) -> str:
        return f"{path}.{key}" if isinstance(expected, dict) else f"{path}[{key}]"

    for key, value in ours.items():
        if key.startswith("aws:") or (key in unknown and key in theirs):
            continue
        if theirs.get(key) != value:
            yield Difference(at(key), Kind.CHANGED, value, theirs.get(key))
    for key in unknown & theirs.keys():
        yield Difference(at(key), Kind.NOT_RESOLVED, None, theirs[key])
    for key, value in foreign_tags(theirs, around).items():
        if key not in ours:
            yield Difference(at(key), Kind.ADDED, None, value)


def _policy(path: str, expected: dict[str, Raw], live: dict[str, Raw]) -> Iterator[Difference]:
    found = compare_policies(expected, live)
    if found:
        whole = found.head or not (found.expected or found.live)
        yield Difference(path, Kind.CHANGED, expected if whole else found.expected, live if whole else found.live)
    elif found.unsure:
        yield Difference(path, Kind.NOT_RESOLVED, None, live, "a part of the policy cannot be told")


def _list(
    path: str, pattern: str, expected: list[Resolved], live: list[Raw], facts: TypeFacts, around: Around
) -> Iterator[Difference]:
    inside = f"{pattern}.*"
    expected, live = ([each for each in side if each is not None] for side in (expected, live))

    def between(one: Resolved, other: Raw, at: str) -> list[Difference]:
        return list(_value(at, inside, one, other, facts, around))

    if pattern in facts.sequences:
        if len(expected) != len(live):
            yield Difference(path, Kind.CHANGED, expected, live)
            return
        for index, (one, other) in enumerate(zip(expected, live, strict=True)):
            yield from between(one, other, f"{path}[{index}]")
        return
    if is_bag(pattern, live) and is_bag(pattern, expected):
        yield from _bag(path, pattern, expected, live, facts, around)
        return
    key = pairs.natural_key(expected, live)
    if key is not None:
        theirs = {str(each[key]): each for each in live}
        for each in expected:
            assert isinstance(each, dict)
            name = str(each[key])
            there = theirs.pop(name, None)
            if there is None:
                yield Difference(f"{path}[{name}]", Kind.CHANGED, each, None)
            else:
                yield from between(each, there, f"{path}[{name}]")
        for name, each in theirs.items():
            if member(inside, each, facts, around):
                yield Difference(f"{path}[{name}]", Kind.ADDED, None, each)
        return
    yield from _unkeyed(path, inside, expected, live, between, facts, around)


def _unkeyed(
    path: str,
    inside: str,
    expected: list[Resolved],
    live: list[Raw],
    between: pairs.Between,
    facts: TypeFacts,
    around: Around,
) -> Iterator[Difference]:
    """Lists whose items have no name: pair what is the same, then say what is left."""
    matched = pairs.pair(expected, live, lambda one, other: between(one, other, path))
    for each in matched.unsure:
        yield Difference(path, Kind.NOT_RESOLVED, None, None, _why(each))
    ours, theirs = matched.expected, matched.live
    theirs = [each for each in theirs if member(inside, each, facts, around)]
    if ours:
        if len(ours) == len(theirs) == 1 and isinstance(ours[0], dict) and isinstance(theirs[0], dict):
            at = f"{path}[{expected.index(ours[0])}]"
            yield from between(ours[0], theirs[0], at)
        else:
            yield Difference(path, Kind.CHANGED, expected, live)
    else:
        for each in theirs:
            label = each if isinstance(each, str | int) else live.index(each)
            yield Difference(f"{path}[{label}]", Kind.ADDED, None, each)


def _bag(
    path: str, pattern: str, expected: list[Resolved], live: list[Raw], facts: TypeFacts, around: Around
) -> Iterator[Difference]:
    """Settings by name, of which a read shows all: those that nobody declared have their defaults."""
    theirs = {bag_key(each): each for each in live}
    for each in expected:
        assert isinstance(each, dict)
        name = bag_key(each)
        there = theirs.pop(name, None)
        at = f"{path}[{name}]"
        if there is not None:
            yield from _value(at, f"{pattern}.*", each, there, facts, around)
        elif not is_default(pattern, [plain(value) for key, value in each.items() if value != name], facts):
            yield Difference(at, Kind.CHANGED, each, None)
    for name, each in theirs.items():
        if odd_setting(pattern, each, facts):
            yield Difference(f"{path}[{name}]", Kind.ADDED, None, each)


def _alike_shapes(expected: Resolved, live: Raw) -> tuple[Resolved, Raw]:
    """Both sides in one shape, where AWS knows several: JSON as text or data, pairs or an object, one or a list."""
    one, other = expected, live
    if isinstance(one, str) != isinstance(other, str) or (isinstance(one, str) and one.lstrip()[:1] in {"{", "["}):
        one, other = _parsed(one, other)
    if isinstance(one, dict) and isinstance(other, list):
        other = _as_object(other)
    elif isinstance(one, list) and isinstance(other, dict):
        one = _as_object(one)
    elif isinstance(one, list) and isinstance(other, str):
        other = [each.strip() for each in other.split(",")] if other else []
    elif isinstance(one, str) and isinstance(other, list):
        one = [each.strip() for each in one.split(",")] if one else []
    elif isinstance(one, list) and not isinstance(other, list | dict) and len(one) == 1:
        other = [other]
    return one, other


def _parsed(one: Resolved, other: Raw) -> tuple[Resolved, Raw]:
    parsed = [_json(each) for each in (one, other)]
    if all(isinstance(each, dict | list) for each in parsed):
        return parsed[0], parsed[1]
    return one, other


def _other_choice(expected: Mapping[str, Resolved], live: Mapping[str, Raw]) -> bool:
    """Whether two objects choose differently where the key is the choice: ``{Block: {}}`` against ``{Count: {}}``."""
    return any(
        chosen == {} and key not in live and any(each == {} and name not in expected for name, each in live.items())
        for key, chosen in expected.items()
    )


def _mangled(expected: str, live: str) -> bool:
    """Whether a text went through GetTemplate, which answers ``?`` for each character that is not ASCII."""
    if live.isascii() or len(expected) != len(live):
        return False
    return "?" in expected and all(
        one == other or (one == "?" and not other.isascii()) for one, other in zip(expected, live, strict=True)
    )


def _json(value: Raw) -> Raw:
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _as_object(value: list[Raw]) -> Raw:
    """A list of ``{Key, Value}`` or ``{Name, Value}`` as an object; anything else as it is."""
    found: dict[str, Raw] = {}
    for each in value:
        if not isinstance(each, dict) or len(each) != 2 or bag_key(each) is None:
            return value
        found[str(bag_key(each))] = next((each[name] for name in VALUES if name in each), None)
    return found


def is_open(value: Resolved) -> bool:
    """Whether a single value cannot be told from here."""
    if isinstance(value, Text | Unknown):
        return True
    return isinstance(value, str) and (value == _NOT_RECORDED or _DYNAMIC in value)


def _fits(expected: Text, live: str, around: Around) -> bool:
    """Whether a value is what a text would be whose open parts are names and addresses of the resources meant."""
    if len(expected.holes) > _HOLES or len(live) > _LONGEST:
        return False
    pattern = "".join(re.escape(part) if isinstance(part, str) else "(.+?)" for part in expected.parts)
    match = re.fullmatch(pattern, live, re.DOTALL | re.IGNORECASE)
    return match is not None and all(map(around.named, expected.holes, match.groups()))


def _why(value: Resolved) -> str:
    if isinstance(value, Unknown):
        return value.why
    if isinstance(value, Text):
        return f"{', '.join(hole.shown for hole in value.holes)} is not known here"
    if value == _NOT_RECORDED:
        return "the recorder could not tell it"
    return IN_A_STORE


def plain(value: Resolved) -> Raw:
    """Resolved data as plain data, for looking at; what is not known reads as its expression."""
    if isinstance(value, Text | Unknown):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _plain_tags(expected: Resolved) -> Raw:
    return plain(expected)


def _open_tags(expected: Resolved) -> set[str]:
    if isinstance(expected, dict):
        return {key for key, value in expected.items() if is_open(value)}
    found = set()
    for each in expected if isinstance(expected, list) else ():
        if isinstance(each, dict) and is_open(each.get("Value", each.get("value"))):
            found.add(str(each.get("Key", each.get("key"))))
    return found


def unreadable_parts(expected: Mapping[str, Resolved], facts: TypeFacts) -> list[str]:
    """The declared parts, below a property that is otherwise read, that no read returns."""
    return [
        path for path in sorted(facts.write_only) if "." in path and "*" not in path and _has(expected, path.split("."))
    ]


def _has(value: Any, steps: list[str]) -> bool:
    for step in steps:
        if not isinstance(value, Mapping) or step not in value:
            return False
        value = value[step]
    return True
