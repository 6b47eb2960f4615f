"""Which images an ECR lifecycle policy would expire or archive.

Source: Amazon ECR User Guide, "Automate the cleanup of images by using lifecycle policies" (evaluation rules, policy
parameters, examples). The points that are easy to get wrong, and that the simulation therefore takes literally:

* All rules are evaluated at the same time, and applied by priority afterwards. So a rule counts images that a rule
  before it has claimed, but may not take them.
* An image that matches the tagging requirements of a rule can be taken by no rule of a lower priority (a higher
  number), also where the first rule keeps it.
* All patterns (or prefixes) of one rule must match, each any of the image's tags: they are not alternatives.
* Age counts from the push. Putting another tag on an image does not make it younger.
* What runs, ECR does not know: an image is no safer for being used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final

from msgspec import Struct

from checker.model.answers import NO, Answer, Open, yes_if
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Resolved, Text, Unknown, first_unknown

# Amazon ECR endpoints and quotas; Amazon ECR API Reference, PutLifecyclePolicy.
MAX_RULES: Final = 50
MAX_TEXT: Final = 30_720
MAX_WILDCARDS: Final = 4

_HOLE: Final = "\0"  # stands for an open part of a string; no JSON text can hold it
_BY_COUNT: Final = "imageCountMoreThan"
_SINCE_PULLED: Final = "sinceImagePulled"
_SINCE_ARCHIVED: Final = "sinceImageTransitioned"
_COUNT_TYPES: Final = (_BY_COUNT, "sinceImagePushed", _SINCE_PULLED, _SINCE_ARCHIVED)


class Refused(Exception):  # noqa: N818 - an answer of ECR's, not a failure of ours
    """ECR does not accept the policy, so the deployment that sets it fails. The message says why."""


class Image(Struct, frozen=True):
    """One image of a repository. Days are numbers on one scale, of which only differences count.

    ``pulled`` is the day of the last pull, ``activated`` that of coming back from the archive, ``archived`` that of
    going there (and it is there still). ``listed``: a manifest list refers to it, so it stays as long as the list does.
    """

    name: str
    tags: tuple[str, ...]
    pushed: float
    pulled: float | None = None
    archived: float | None = None
    activated: float | None = None
    listed: bool = False

    @property
    def stands_from(self) -> float:
        """The day that rules take it to be from."""
        return self.pushed if self.activated is None else self.activated


class LifecycleRule(Struct, frozen=True, dict=True):
    """One rule of a policy. ``patterns`` holds prefixes too, as patterns; only a rule for tagged images has any."""

    priority: int
    tag_status: str
    patterns: tuple[str, ...]
    count_type: str
    count: int
    action: str
    storage: str

    @property
    def expires(self) -> bool:
        """Whether it deletes what it takes. Otherwise it archives, and only a restored image can be pulled."""
        return self.action == "expire"

    def matches(self, image: Image) -> bool:
        """Whether the image meets the tagging requirements, which is enough to keep later rules from it."""
        if (image.archived is not None) != (self.storage == "archive"):
            return False
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not image.tags
        return bool(image.tags) and all(any(map(fits, image.tags)) for fits in self._fitting)

    @cached_property
    def _fitting(self) -> tuple[Callable[[str], object], ...]:
        """For each pattern, whether a tag fits it."""
        return tuple(wildcard(each).fullmatch for each in self.patterns)

    def takes(self, matching: Sequence[Image], today: float) -> Iterable[Image]:
        """Those of ``matching`` that are too many or too old."""
        if self.count_type == _BY_COUNT:
            return sorted(matching, key=lambda image: -image.stands_from)[self.count :]
        return [image for image in matching if today - self._since(image) > self.count]

    def _since(self, image: Image) -> float:
        if self.count_type == _SINCE_PULLED:
            days = [day for day in (image.pulled, image.activated) if day is not None]
            return max(days, default=image.pushed)
        if self.count_type == _SINCE_ARCHIVED and image.archived is not None:
            return image.archived
        return image.stands_from


def taken(rules: Iterable[LifecycleRule], images: Sequence[Image], today: float) -> dict[Image, LifecycleRule]:
    """The images that the rules expire or archive when ECR runs them on ``today``, each with the rule that does it."""
    found: dict[Image, LifecycleRule] = {}
    claimed: set[Image] = set()
    for rule in sorted(rules, key=lambda each: each.priority):
        matching = [image for image in images if rule.matches(image)]
        for image in rule.takes(matching, today):
            if image not in claimed and not image.listed:
                found[image] = rule
        claimed.update(matching)
    return found


@lru_cache(maxsize=1024)
def wildcard(pattern: str) -> re.Pattern[str]:
    """A pattern in which ``*`` stands for any characters, also none, as a regular expression for ``fullmatch``."""
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)


# -- reading a policy ----------------------------------------------------------------------------


def parse_policy(value: Resolved | Absent) -> tuple[LifecycleRule, ...] | Unknown:
    """The rules of a policy text (or of the same as an object); none where there is no policy.

    Raises :class:`Refused` where ECR would not accept it. Unknown where an open value decides what the rules do; in a
    description it does not.
    """
    if isinstance(value, Absent):
        return ()
    return value if isinstance(value, Unknown) else _parsed_text(value) if isinstance(value, str) else _parsed(value)


@lru_cache(maxsize=256)
def _parsed_text(text: str) -> tuple[LifecycleRule, ...] | Unknown:
    """The repositories of a project mostly have one and the same policy."""
    return _parsed(text)


def _parsed(value: Resolved) -> tuple[LifecycleRule, ...] | Unknown:
    if isinstance(value, str | Text):
        value = _decoded(value)
    unknown = first_unknown(value)
    if unknown is None and _is_open(value):
        unknown = Unknown("the lifecycle policy depends on a value that is not known before deployment")
    if unknown is not None:
        return unknown
    document = _object(value, "the policy", required={"rules"})
    rules = document["rules"]
    if not isinstance(rules, list) or not rules:
        raise Refused("it has no rules")
    if len(rules) > MAX_RULES:
        raise Refused(f"it has {len(rules)} rules, and {MAX_RULES} are allowed")
    parsed: list[LifecycleRule] = []
    for raw in rules:
        rule = _rule(raw)
        if isinstance(rule, Unknown):
            return rule
        parsed.append(rule)
    _check_together(parsed)
    prefixes = [frozenset(raw["selection"].get("tagPrefixList") or ()) for raw in rules]
    if any(one and prefixes.count(one) > 1 for one in prefixes):
        raise Refused("two rules select the same tag prefixes")
    return tuple(parsed)


def _decoded(text: str | Text) -> Resolved:
    """The JSON behind a policy text. An open part becomes :data:`_HOLE`, inside a string or as a value of its own."""
    written = ""
    for part in text.parts if isinstance(text, Text) else (text.replace(_HOLE, "�"),):
        if isinstance(part, str):
            written += part
        else:
            written += _HOLE if _inside_string(written) else f'"{_HOLE}"'
    if len(written) > MAX_TEXT:
        raise Refused(f"its text is longer than {MAX_TEXT} characters")
    try:
        decoded: Resolved = json.loads(written, strict=False)
    except (ValueError, RecursionError):
        if isinstance(text, Text):
            return Unknown(f"the policy is {text}, which is not known before deployment")
        raise Refused("its text is not JSON") from None
    return decoded


def _inside_string(written: str) -> bool:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', written)) % 2 == 1


def _rule(raw: Any) -> LifecycleRule | Unknown:
    body = _object(raw, "a rule", {"rulePriority", "selection", "action"}, {"description"})
    selection = _object(
        body["selection"],
        "a selection",
        {"tagStatus", "countType", "countNumber"},
        {"tagPrefixList", "tagPatternList", "countUnit", "storageClass"},
    )
    action = _object(body["action"], "an action", {"type"}, {"targetStorageClass"})
    priority = _positive(body["rulePriority"], "rulePriority")
    where = f"rule {priority}"
    kind = _one_of(action["type"], ("expire", "transition"), f"{where}: type")
    if (kind == "transition") != ("targetStorageClass" in action):
        raise Refused(f"{where}: targetStorageClass belongs to the action transition, and to no other")
    if kind == "transition":
        _one_of(action["targetStorageClass"], ("archive",), f"{where}: targetStorageClass")
    status = _one_of(selection["tagStatus"], ("tagged", "untagged", "any"), f"{where}: tagStatus")
    count_type = _one_of(selection["countType"], _COUNT_TYPES, f"{where}: countType")
    if (count_type == _BY_COUNT) == ("countUnit" in selection):
        raise Refused(f"{where}: countUnit is required with an age, and not allowed with {_BY_COUNT}")
    if "countUnit" in selection:
        _one_of(selection["countUnit"], ("days",), f"{where}: countUnit")
    storage = _one_of(selection.get("storageClass", "standard"), ("standard", "archive"), f"{where}: storageClass")
    if (count_type == _SINCE_ARCHIVED) != (storage == "archive") or (storage == "archive" and kind != "expire"):
        raise Refused(
            f"{where}: {_SINCE_ARCHIVED} selects the storage class archive to expire it, and nothing else does"
        )
    if count_type == _SINCE_PULLED and kind == "expire":
        return Unknown(f"{where}: the documentation describes {_SINCE_PULLED} for archiving, not for expiring")
    number = _positive(selection["countNumber"], f"{where}: countNumber")
    return LifecycleRule(priority, status, _patterns(selection, status, where), count_type, number, kind, storage)


def _patterns(selection: Mapping[str, Any], status: str, where: str) -> tuple[str, ...]:
    given = [name for name in ("tagPrefixList", "tagPatternList") if name in selection]
    if status != "tagged":
        if any(selection[name] != [] for name in given):
            raise Refused(f"{where}: {given[0]} is allowed with tagStatus tagged only")
        return ()
    if len(given) != 1:
        raise Refused(f"{where}: tagStatus tagged takes either tagPrefixList or tagPatternList")
    tags = selection[given[0]]
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, str) and tag for tag in tags):
        raise Refused(f"{where}: {given[0]} is a list of texts, and not empty")
    if given[0] == "tagPrefixList":
        # A prefix is meant literally, and no tag holds a `*`: such a prefix matches nothing.
        return tuple(tag.replace("*", _HOLE) + "*" for tag in tags)
    if any(tag.count("*") > MAX_WILDCARDS for tag in tags):
        raise Refused(f"{where}: a pattern has at most {MAX_WILDCARDS} wildcards")
    return tuple(tags)


def _check_together(rules: Sequence[LifecycleRule]) -> None:
    """What no rule can break alone."""
    priorities = [rule.priority for rule in rules]
    if len(set(priorities)) != len(priorities):
        raise Refused("two rules have the same rulePriority")
    for storage in ("standard", "archive"):
        own = [rule for rule in rules if rule.storage == storage]
        for status in ("untagged", "any"):
            if sum(rule.tag_status == status for rule in own) > 1:
                raise Refused(f"only one rule may select the tagStatus {status}")
        general = [rule.priority for rule in own if rule.tag_status == "any"]
        if general and general[0] < max(rule.priority for rule in own):
            raise Refused("a rule with tagStatus any must have the highest rulePriority of all")


def _object(value: Any, what: str, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{what} is not an object")
    missing = [name for name in sorted(required) if name not in value]
    if missing:
        raise Refused(f"{what} lacks {', '.join(missing)}")
    surplus = sorted(set(value) - set(required) - set(optional))
    if surplus:
        raise Refused(f"{what} may not hold {surplus[0]}")
    return value


def _one_of(value: Any, allowed: tuple[str, ...], what: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise Refused(f"{what} is one of {', '.join(allowed)}")
    return value


def _positive(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Refused(f"{what} is a whole number from 1 on")
    return value


def _is_open(value: Any) -> bool:
    """Whether an open value stands anywhere but in a description."""
    if isinstance(value, str):
        return _HOLE in value
    if isinstance(value, dict):
        return any(_is_open(child) for name, child in value.items() if name != "description")
    if isinstance(value, list):
        return any(map(_is_open, value))
    return isinstance(value, Text)


def expires(repository: Resource, tag: str) -> Answer:
    """Whether the repository's policy deletes, in time, an image of this tag that is pulled all along."""
    policy = repository.get("LifecyclePolicy.LifecyclePolicyText")
    try:
        rules = parse_policy(policy.value if isinstance(policy, Known) else policy)
    except Refused:
        return NO
    return Open(rules.why) if isinstance(rules, Unknown) else yes_if(_deleted_in_time(tuple(rules), tag))


@lru_cache(maxsize=256)
def _deleted_in_time(rules: tuple[LifecycleRule, ...], tag: str) -> bool:
    old = Image(tag, (tag,), pushed=-_LONG_AGO, pulled=0.0)
    newer = [Image(f"{number}", (f"{number:040x}",), pushed=-number / 10) for number in range(_MANY)]
    rule = taken(rules, [old, *newer], 0.0).get(old)
    return rule is not None and rule.expires


_LONG_AGO: Final = 800.0  # days
_MANY: Final = 1000  # images pushed since
