"""Which statements of a web ACL read bodies, and which documents are spared."""

from __future__ import annotations

from typing import Any

import pytest

from checker.model.answers import NO, YES, Answer, Open
from checker.model.values import Unknown
from checker.reason.network.waf.bodies import reads_bodies
from tests.projects import project_of
from tests.reason.network.waf.statements import (
    BODY,
    HOST,
    METHOD,
    PATH,
    TEMPLATE,
    either,
    every,
    expression,
    size,
    text,
    without,
)


@pytest.mark.parametrize(
    ("beside", "reads"),
    [
        (text(HOST, "ENDS_WITH", "example.com"), YES),  # most of what comes
        (text(PATH, "STARTS_WITH", "/"), YES),
        (text(PATH, "STARTS_WITH", "/login"), NO),
        (without(either(text(PATH, "STARTS_WITH", "/x/"), text(PATH, "STARTS_WITH", "/api/"))), NO),
        (without(text(PATH, "STARTS_WITH", "/healthz-only")), YES),  # documents are not left out
        (without(expression(PATH, "^/healthz$")), YES),
        (every(text(HOST, "ENDS_WITH", "example.com"), without(text(PATH, "STARTS_WITH", "/import"))), NO),
        (without(text(PATH, "STARTS_WITH", "/api/")), NO),
        (without(text(HOST, "EXACTLY", "other.example.org")), YES),  # nothing is left out
        (text(HOST, "EXACTLY", "other.example.org"), NO),
        (text(METHOD, "EXACTLY", "GET"), NO),
        (text(METHOD, "EXACTLY", "POST"), YES),
        (without(text(METHOD, "EXACTLY", "GET")), YES),
        (every(text(METHOD, "EXACTLY", "GET"), text(PATH, "STARTS_WITH", "/api/")), NO),
        (without(every(text(PATH, "STARTS_WITH", "/api/"), text(METHOD, "EXACTLY", "GET"))), YES),
        (without(every(text(PATH, "STARTS_WITH", "/api/"), text(METHOD, "STARTS_WITH", "P"))), NO),
    ],
    ids=str,
)
def test_a_rule_on_bodies_is_about_most_of_what_comes_or_about_some(beside: dict[str, Any], reads: Answer) -> None:
    environment = next(iter(project_of(TEMPLATE).environments))
    injection: Any = {"SqliMatchStatement": {**BODY, "TextTransformations": []}}
    assert reads_bodies({"AndStatement": {"Statements": [injection, beside]}}, environment) is reads


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        (without(size(BODY, "LE", 4096)), YES),
        (without(size(BODY, "LT", 4096)), YES),
        (without(size(BODY, "LE", 4_000_000)), NO),
        (without(size(BODY, "GT", 4096)), NO),
        (without(size(PATH, "LE", 512)), NO),
    ],
    ids=str,
)
def test_whatever_is_not_small_is_what_is_larger(statement: dict[str, Any], reads: Answer) -> None:
    environment = next(iter(project_of(TEMPLATE).environments))
    assert reads_bodies(statement, environment) is reads


def test_what_reads_bodies_among_alternatives() -> None:
    environment = next(iter(project_of(TEMPLATE).environments))
    injection: Any = {"SqliMatchStatement": {**BODY, "TextTransformations": []}}
    assert reads_bodies(either(text(METHOD, "EXACTLY", "TRACE"), injection), environment) is YES
    found = reads_bodies(either(text(METHOD, "EXACTLY", "TRACE"), text(PATH, "CONTAINS", ".php")), environment)
    assert found is NO


@pytest.mark.parametrize(
    "beside",
    [
        text(PATH, "STARTS_WITH", "/upload/"),
        without(text(PATH, "STARTS_WITH", "/shop/")),
        without(text(PATH, "CONTAINS", "/odd/")),
        without(expression(PATH, "^/(a|b)/")),
        without(every(text(PATH, "STARTS_WITH", "/api/"), text(METHOD, "EXACTLY", "POST"))),
        text(METHOD, "EXACTLY", "PUT"),
        without(text(METHOD, "EXACTLY", "POST")),
        {"GeoMatchStatement": {"CountryCodes": ["SE"]}},
        Unknown("a parameter"),
    ],
    ids=str,
)
def test_whether_documents_are_spared_may_not_be_known(beside: Any) -> None:
    environment = next(iter(project_of(TEMPLATE).environments))
    injection: Any = {"SqliMatchStatement": {**BODY, "TextTransformations": []}}
    assert isinstance(reads_bodies({"AndStatement": {"Statements": [injection, beside]}}, environment), Open)


def test_a_field_that_is_not_known_may_be_the_body() -> None:
    environment = next(iter(project_of(TEMPLATE).environments))
    injection: Any = {"SqliMatchStatement": {"FieldToMatch": Unknown("a parameter"), "TextTransformations": []}}
    assert isinstance(reads_bodies(injection, environment), Open)
