"""Properties that a read shows and no template declares: the service's default, something generated, or somebody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.data.type_facts import TypeFacts, covers
from checker.drift.meaning.differences import Around, Difference, Kind
from checker.drift.meaning.policies import as_policy, is_default_policy, is_policy, opened
from checker.drift.meaning.scalars import is_arn, is_masked, is_neutral, same
from checker.model.resources import Raw

# Tags that services and tools set on what they make. Sources: Elastic Beanstalk, EKS and ECS developer guides on
# tagging; `aws:` is reserved for AWS itself.
_TAGS_OF_SERVICES: Final = lazy_re.compile(
    r"aws:|elasticbeanstalk:|eks:|kubernetes\.io/|k8s\.|AmazonECSManaged|cloudformation:"
)
# Lists of settings by name: a service shows all of them, whoever set which.
_BAG: Final = lazy_re.compile(r"(Attributes|Settings|Parameters|Options|Properties)$")
# What opens something to everybody.
_PUBLIC: Final = lazy_re.compile(r"Public(?!Key)|Anonymous|Unauthenticated")
_PROSE: Final = lazy_re.compile(r"(Description|DisplayName|Comment)$")
# Prose of the resource as a whole, which services of every kind leave empty unless somebody writes it.
_ABOUT: Final = frozenset({"Description", "Comment"})
_NAMES: Final = ("Key", "Name", "ParameterName", "OptionName")
VALUES: Final = ("Value", "ParameterValue", "Values")


def undeclared(
    path: str, pattern: str, live: Raw, facts: TypeFacts, around: Around, *, key_of_map: bool = False
) -> Iterator[Difference]:
    """What is to be said of a property, or a part of one, that the template does not mention.

    ``key_of_map``: it is a further key of a declared object whose keys are their writer's, such as variables.
    """
    if covers(facts.read_only, pattern) or is_masked(live) or covers(around.pipeline, pattern):
        return
    if live not in (None, {}) and set_by_somebody(pattern, facts):
        yield Difference(path, Kind.ADDED, None, live)  # whatever it says
        return
    top = "." not in pattern
    if top and facts.known and pattern not in facts.properties:
        return
    if pattern == facts.tags or (top and pattern.endswith("Tags")):
        tags = tags_of(live)
        if tags is not None:
            foreign = foreign_tags(tags, around)
            if foreign:
                yield Difference(path, Kind.ADDED, None, foreign)
            return
    if is_bag(pattern, live):
        yield from _bag(path, pattern, live, facts)
        return
    policy = as_policy(live)
    if is_policy(policy):
        yield from _policy(path, pattern, live, facts, around)
        return
    odd = list(_against_defaults(pattern, live, facts, below=not top))
    if odd:
        yield Difference(path, Kind.ADDED, None, live)
        return
    if is_neutral(live) or covers(facts.filled, pattern) or _is_default(pattern, live, facts):
        if pattern not in facts.defaults and (isinstance(live, bool) or _PUBLIC.search(pattern)):
            # Nothing tells whether somebody set it. Whoever records it while it is off learns when it is on.
            yield Difference(path, Kind.UNDECLARED, None, live)
        return
    if pattern in facts.identifier or _generated(live, around) or around.explained(live):
        return
    left = _unexplained(live, around)
    if left is None:
        return
    somebodys = facts.complete and (key_of_map or _somebodys(left, pattern, facts))
    if somebodys or pattern in facts.when_set or (facts.known and pattern in _ABOUT and str(left).strip()):
        yield Difference(path, Kind.ADDED, None, left)
    else:
        yield Difference(path, Kind.UNDECLARED, None, live)


def set_by_somebody(pattern: str, facts: TypeFacts) -> bool:
    """Whether it is, or is a key of, what a read shows only after somebody set it, and shows as it was set: even zero.
    Such keys may have dots in them."""
    keyed = facts.maps & facts.when_set
    return pattern in facts.at_zero or any(pattern == each or pattern.startswith(f"{each}.") for each in keyed)


def says_nothing(pattern: str, value: Raw, facts: TypeFacts) -> bool:
    """Whether a declared value that a read does not show says no more than its absence."""
    if ("." in pattern or pattern in facts.at_zero) and set_by_somebody(pattern, facts):
        return False  # it was set, and is not any more
    always_shown = pattern in facts.deleted or pattern in facts.when_set
    return is_neutral(value) if always_shown else is_default(pattern, value, facts)


def _policy(path: str, pattern: str, live: Raw, facts: TypeFacts, around: Around) -> Iterator[Difference]:
    """A policy that nobody declared: the one that the service writes by itself, or somebody's where that is known.

    What a service writes for itself names the service or the account, never everybody and nobody else's account.
    """
    policy, default = as_policy(live), facts.defaults.get(pattern)
    if around.explained(live) or (default is not None and is_default_policy(default, policy, around.account)):
        return
    somebodys = pattern in facts.when_set or facts.complete or (default is not None and around.account)
    if somebodys or opened(policy, around.account):
        yield Difference(path, Kind.ADDED, None, live)
    else:
        yield Difference(path, Kind.UNDECLARED, None, live)


def member(pattern: str, live: Raw, facts: TypeFacts, around: Around) -> bool:
    """Whether an item that a declared list does not have was put there by somebody.

    Settings by name are shown in full by many services, whoever set which.
    """
    if covers(facts.extended, pattern) or covers(facts.read_only, pattern) or covers(around.pipeline, pattern):
        return False
    if is_neutral(live) or is_masked(live):
        return False
    if isinstance(live, dict) and not facts.complete and bag_key(live) and _BAG.search(pattern.removesuffix(".*")):
        return False
    if isinstance(live, dict) and _TAGS_OF_SERVICES.match(str(live.get("Key", ""))):
        return False
    return not around.explained(live)


def tags_of(value: Raw) -> dict[str, str] | None:
    """Tags in any of their forms as key to value; ``None`` where it is none of them."""
    if isinstance(value, dict):
        if any(isinstance(each, dict | list) for each in value.values()):
            return None
        return {str(key): _text(each) for key, each in value.items()}
    if not isinstance(value, list):
        return None
    found: dict[str, str] = {}
    for each in value:
        if not isinstance(each, dict) or len(each) > 2:
            return None  # with more to a tag than key and value, it is compared as any other list
        key = next((each[name] for name in ("Key", "key", "TagKey") if name in each), None)
        if not isinstance(key, str):
            return None
        found[key] = _text(next((each[name] for name in ("Value", "value", "TagValue") if name in each), ""))
    return found


def foreign_tags(tags: dict[str, str], around: Around) -> dict[str, str]:
    """The tags that neither a service nor the stack set."""
    return {
        key: value
        for key, value in tags.items()
        if not _TAGS_OF_SERVICES.match(key) and around.stack_tags.get(key) != value
    }


def is_bag(pattern: str, value: Raw) -> bool:
    if not _BAG.search(pattern) or not isinstance(value, list) or not value:
        return False
    return all(isinstance(each, dict) and bag_key(each) is not None and len(each) <= 3 for each in value)


def bag_key(item: dict[str, Raw]) -> str | None:
    if not any(name in item for name in VALUES):
        return None
    key = next((item[name] for name in _NAMES if name in item), None)
    return key if isinstance(key, str) else None


def is_default(pattern: str, value: Raw, facts: TypeFacts) -> bool:
    """Whether a declared value, down to its last part, is what the service takes where nothing is said.

    What a service would choose by itself is no default: somebody declared a choice.
    """
    return is_neutral(value) or _is_default(pattern, value, replace(facts, filled=frozenset()))


def _bag(path: str, pattern: str, live: Raw, facts: TypeFacts) -> Iterator[Difference]:
    for item in live:
        key = bag_key(item)
        if odd_setting(pattern, item, facts):
            yield Difference(f"{path}[{key}]", Kind.ADDED, None, item)


def odd_setting(pattern: str, item: dict[str, Raw], facts: TypeFacts) -> bool:
    """Whether an undeclared setting has another value than the one that the service is known to start with."""
    name = f"{pattern}[{bag_key(item)}]"
    value = next(item[each] for each in VALUES if each in item)
    return name in facts.defaults and not same(facts.defaults[name], value, name, facts)


def _against_defaults(pattern: str, live: Raw, facts: TypeFacts, *, below: bool) -> Iterator[str]:
    """The parts whose default is known and which differ from it. ``below``: a part of something that is declared.

    A default that a schema states may hang on another property. Of a property that is not declared at all it excuses,
    and accuses nobody; what stands beside the missing part of a declared one is declared with it. In what the service
    fills in, it fills in the parts as well, but for those whose default was looked up.
    """
    if covers(facts.read_only, pattern):
        return
    filled = pattern in facts.filled or (pattern not in facts.certain and covers(facts.filled, pattern))
    default = None if filled else facts.defaults.get(pattern)
    if default == -1:
        return  # it stands for "the service decides"
    if default is not None and not (below or facts.complete or pattern in facts.certain or _PUBLIC.search(pattern)):
        return
    if isinstance(default, dict | list):
        if not _like(default, live, pattern, facts):
            yield pattern
    elif isinstance(live, dict):
        for key, each in live.items():
            yield from _against_defaults(f"{pattern}.{key}", each, facts, below=below)
    elif isinstance(live, list):
        for each in live:
            yield from _against_defaults(f"{pattern}.*", each, facts, below=below)
    elif default is not None and not _like(default, live, pattern, facts):
        yield pattern


def _is_default(pattern: str, live: Raw, facts: TypeFacts) -> bool:
    if is_neutral(live) or covers(facts.filled, pattern) or covers(facts.read_only, pattern):
        return True
    default = facts.defaults.get(pattern)
    if default is not None:
        return _like(default, live, pattern, facts)
    if isinstance(live, dict):
        return all(_is_default(f"{pattern}.{key}", each, facts) for key, each in live.items())
    return isinstance(live, list) and all(_is_default(f"{pattern}.*", each, facts) for each in live)


def _like(default: Raw, live: Raw, pattern: str, facts: TypeFacts) -> bool:
    """Whether a value is the default, which may know more than a read shows, and need not know what is empty."""
    if isinstance(default, dict) and isinstance(live, dict):
        return all(
            _like(default[key], each, f"{pattern}.{key}", facts)
            if key in default
            else _is_default(f"{pattern}.{key}", each, facts)
            for key, each in live.items()
        )
    if isinstance(default, list) and isinstance(live, list):
        return all(any(_like(one, each, f"{pattern}.*", facts) for one in default) for each in live)
    if isinstance(default, dict | list) or isinstance(live, dict | list):
        return is_neutral(default) and is_neutral(live)
    return same(default, live, pattern, facts) or (is_neutral(default) and is_neutral(live))


def _generated(live: Raw, around: Around) -> bool:
    """Whether a value is the resource's own name, or made from it."""
    if isinstance(live, dict):
        return bool(live) and all(_generated(each, around) or is_neutral(each) for each in live.values())
    if not isinstance(live, str):
        return False
    return any(own in live or live in own for own in around.own if len(own) > 3 and len(live) > 3)


def _unexplained(live: Raw, around: Around) -> Raw:
    """What is left of a list when the items that other resources explain are taken out; ``None`` for nothing."""
    if not isinstance(live, list):
        return live
    left = [each for each in live if not around.explained(each)]
    return left or None


def _somebodys(live: Raw, pattern: str, facts: TypeFacts) -> bool:
    """Lists, objects, flags, references and prose do not come from nowhere; a word may be a default that came later."""
    if isinstance(live, dict | list):
        return not _is_default(pattern, live, facts)
    return live is True or is_arn(live) or _PROSE.search(pattern) is not None


def _text(value: Raw) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
