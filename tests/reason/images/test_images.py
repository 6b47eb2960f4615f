"""The lifecycle simulation, against the examples of the Amazon ECR User Guide and at its edges."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.model.values import ABSENT, Parameter, Text, Unknown
from checker.reason.images.lifecycle import Image, LifecycleRule, Refused, parse_policy, taken
from checker.reason.images.references import ANY_SHA, literal, meets, of_pattern

TODAY = 100.0


def rule(priority: int, action: str = "expire", **selection: Any) -> dict[str, Any]:
    """A rule as JSON. The count is ``more`` (than so many) or ``days`` (since the push)."""
    if "more" in selection:
        selection |= {"countType": "imageCountMoreThan", "countNumber": selection.pop("more")}
    if "days" in selection:
        number = selection.pop("days")
        selection = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": number} | selection
    target = {"targetStorageClass": "archive"} if action == "transition" else {}
    return {"rulePriority": priority, "selection": selection, "action": {"type": action, **target}}


def prefixed(*prefixes: str, **selection: Any) -> dict[str, Any]:
    return {"tagStatus": "tagged", "tagPrefixList": list(prefixes), **selection}


def parsed(*rules: dict[str, Any]) -> tuple[LifecycleRule, ...]:
    policy = parse_policy(json.dumps({"rules": list(rules)}))
    assert isinstance(policy, tuple)
    return policy


def image(name: str, days: float, *tags: str, **facts: Any) -> Image:
    return Image(name, tags, TODAY - days, **facts)


def gone(policy: tuple[LifecycleRule, ...], *images: Image) -> dict[str, int]:
    """Image name -> priority of the rule that takes it."""
    return {each.name: by.priority for each, by in taken(policy, images, TODAY).items()}


# -- examples of the guide -----------------------------------------------------------------------

THREE = (
    image("A", 10, "beta-1", "prod-1"),
    image("B", 9, "beta-2", "prod-2"),
    image("C", 8, "beta-3"),
)


def test_an_image_that_a_rule_keeps_is_safe_from_the_rules_after_it() -> None:
    policy = parsed(rule(1, **prefixed("prod", more=1)), rule(2, **prefixed("beta", more=1)))

    assert gone(policy, *THREE) == {"A": 1}


def test_the_same_rules_in_the_other_order_take_another_image() -> None:
    policy = parsed(rule(1, **prefixed("beta", more=1)), rule(2, **prefixed("prod", more=1)))

    assert gone(policy, *THREE) == {"A": 1, "B": 1}


def test_all_prefixes_of_a_rule_must_match_each_any_tag() -> None:
    policy = parsed(rule(1, **prefixed("alpha", "beta", days=5)))
    images = (
        image("A", 12, "alpha-1"),
        image("B", 11, "beta-1"),
        image("C", 10, "alpha-2", "beta-2"),
        image("D", 4, "alpha-3"),
        image("E", 3, "beta-3"),
        image("F", 2, "alpha-4", "beta-4"),
    )

    assert gone(policy, *images) == {"C": 1}


def test_a_rule_for_any_image_counts_those_that_are_claimed() -> None:
    policy = parsed(rule(1, **prefixed("alpha", more=1)), rule(2, tagStatus="any", more=1))
    images = (image("A", 4, "alpha-1"), image("B", 3, "beta-1"), image("C", 2), image("D", 1, "alpha-2"))

    assert gone(policy, *images) == {"A": 1, "B": 2, "C": 2}


# -- edges ---------------------------------------------------------------------------------------


def test_priority_decides_and_not_the_order_in_the_text() -> None:
    policy = parsed(rule(20, **prefixed("beta", more=1)), rule(10, **prefixed("prod", more=1)))

    assert gone(policy, *THREE) == {"A": 10}


def test_an_image_of_exactly_the_age_stays() -> None:
    policy = parsed(rule(1, tagStatus="untagged", days=7))

    assert gone(policy, image("week", 7), image("more", 7.1), image("tagged", 70, "x")) == {"more": 1}


def test_an_image_of_a_manifest_list_stays_with_it() -> None:
    policy = parsed(rule(1, tagStatus="untagged", days=1))

    assert gone(policy, image("layer", 9), image("part", 9, listed=True)) == {"layer": 1}


def test_age_counts_from_the_return_out_of_the_archive() -> None:
    policy = parsed(rule(1, tagStatus="any", days=30))

    assert gone(policy, image("back", 90, "v1", activated=TODAY - 3), image("old", 90, "v2")) == {"old": 1}


def test_archived_images_are_for_rules_of_the_archive_alone() -> None:
    archive: dict[str, Any] = {
        "countType": "sinceImageTransitioned",
        "countUnit": "days",
        "countNumber": 90,
        "storageClass": "archive",
    }
    policy = parsed(rule(1, tagStatus="any", **archive), rule(2, tagStatus="any", days=5))
    images = (image("kept", 99, "v1", archived=TODAY - 50), image("gone", 99, "v2", archived=TODAY - 95))

    assert gone(policy, *images) == {"gone": 1}


def test_archiving_goes_by_the_last_pull() -> None:
    pulled: dict[str, Any] = {"countType": "sinceImagePulled", "countUnit": "days", "countNumber": 30}
    policy = parsed(rule(1, "transition", tagStatus="any", **pulled))
    images = (image("used", 90, "v1", pulled=TODAY - 2), image("never", 90, "v2"))

    (taken_image, by), *rest = taken(policy, images, TODAY).items()
    assert (taken_image.name, by.expires, rest) == ("never", False, [])


def test_patterns_match_whole_tags() -> None:
    policy = parsed(rule(1, tagStatus="tagged", tagPatternList=["v*.*"], days=1))

    assert gone(policy, image("A", 9, "v1.2"), image("B", 9, "v1"), image("C", 9, "rev1.2")) == {"A": 1}


def test_a_star_in_a_prefix_matches_nothing() -> None:
    assert gone(parsed(rule(1, **prefixed("v*", days=1))), image("A", 9, "v1.2")) == {}


def test_no_policy_has_no_rules() -> None:
    assert parse_policy(ABSENT) == ()


# -- what ECR refuses ----------------------------------------------------------------------------

UNTAGGED = rule(1, tagStatus="untagged", days=7)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        pytest.param([], "it has no rules", id="no rules"),
        pytest.param([UNTAGGED, UNTAGGED], "two rules have the same rulePriority", id="same priority"),
        pytest.param([UNTAGGED, {**UNTAGGED, "rulePriority": 2}], "only one rule may select", id="two untagged"),
        pytest.param(
            [rule(1, tagStatus="any", more=9), {**UNTAGGED, "rulePriority": 2}], "highest rulePriority", id="any first"
        ),
        pytest.param([rule(1, tagStatus="tagged", more=9)], "either tagPrefixList or tagPatternList", id="no tags"),
        pytest.param([rule(1, **prefixed(more=9))], "not empty", id="empty tags"),
        pytest.param([rule(1, **prefixed("v", more=9, tagPatternList=["v*"]))], "either", id="both lists"),
        pytest.param(
            [rule(1, tagStatus="any", more=9, tagPrefixList=["v"])], "with tagStatus tagged only", id="any tags"
        ),
        pytest.param([rule(1, tagStatus="tagged", tagPatternList=["*a*b*c*d*"], more=9)], "at most 4", id="wildcards"),
        pytest.param(
            [rule(1, **prefixed("v", more=9)), rule(2, **prefixed("v", more=5))], "same tag prefixes", id="same prefix"
        ),
        pytest.param([rule(1, tagStatus="any", more=0)], "whole number from 1 on", id="zero"),
        pytest.param([rule(1, tagStatus="any", more="20")], "whole number from 1 on", id="text for a number"),
        pytest.param([rule(1, tagStatus="any", more=True)], "whole number from 1 on", id="true for a number"),
        pytest.param([rule(1, tagStatus="any", more=5, countUnit="days")], "countUnit", id="unit of a count"),
        pytest.param([rule(1, tagStatus="any", days=5, countUnit="weeks")], "countUnit is one of", id="weeks"),
        pytest.param([rule(1, tagStatus="some", more=5)], "tagStatus is one of", id="status"),
        pytest.param([rule(1, "delete", tagStatus="any", more=5)], "type is one of", id="action"),
        pytest.param(
            [{**UNTAGGED, "action": {"type": "transition", "targetStorageClass": "glacier"}}],
            "targetStorageClass is one of",
            id="storage class",
        ),
        pytest.param([rule(1, tagStatus="any", countType="imageCountMoreThen", countNumber=1)], "countType", id="typo"),
        pytest.param([rule(1, tagStatus="any", more=5, keep=True)], "may not hold keep", id="surplus"),
        pytest.param([{"rulePriority": 1, "action": {"type": "expire"}}], "lacks selection", id="missing"),
        pytest.param([rule(number, **prefixed(f"p{number}", more=1)) for number in range(1, 52)], "51 rules", id="51"),
    ],
)
def test_refused(rules: list[Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        parse_policy({"rules": rules})


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 5000, "NaN", '{"rules": {}}', " " * 40_000 + "{}"])
def test_refused_texts(text: str) -> None:
    with pytest.raises(Refused):
        parse_policy(text)


# -- open values ---------------------------------------------------------------------------------


def written(before: str, after: str) -> Text:
    return Text((before, Parameter("Open", "one"), after))


POLICY = json.dumps({"rules": [{**UNTAGGED, "description": "kept for DESC"}]})


def test_an_open_description_decides_nothing() -> None:
    assert parse_policy(written(*POLICY.split("DESC"))) == parse_policy(POLICY)


@pytest.mark.parametrize("at", ['"days"', "7", "untagged", '"expire"', "1"])
def test_an_open_value_that_decides_is_unknown(at: str) -> None:
    before, _, after = POLICY.partition(at)

    assert isinstance(parse_policy(written(before, after)), Unknown)


def test_unknown_stays_unknown() -> None:
    assert parse_policy(Unknown("why")) == Unknown("why")
    assert isinstance(parse_policy({"rules": [Unknown("why")]}), Unknown)
    assert isinstance(parse_policy(Text((Parameter("Policy", "one"),))), Unknown)


# -- wildcards -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "form", "expected"),
    [
        ("v*", of_pattern("v*"), True),
        ("*-rc*", of_pattern("v*"), True),
        ("latest*", of_pattern("v*"), False),
        ("dev-*", ANY_SHA, False),
        ("dead*", ANY_SHA, True),
        ("*g*", ANY_SHA, False),
        ("*", ANY_SHA, True),
        ("init", literal("init"), True),
        ("i*t", literal("init"), True),
        ("in", literal("init"), False),
        ("", literal(""), True),
        ("*" * 60 + "x", ANY_SHA, False),
    ],
)
def test_meets(pattern: str, form: Any, expected: bool) -> None:
    assert meets(pattern, form) is expected
