"""How much of ordinary traffic a statement of a web ACL matches."""

from __future__ import annotations

from typing import Any

import pytest

from checker.reason.network.waf.matching import Share, share_of
from tests.projects import project_of
from tests.reason.network.waf.statements import (
    AGENT,
    BODY,
    HOST,
    METHOD,
    PATH,
    TEMPLATE,
    either,
    encoded,
    every,
    expression,
    lowered,
    size,
    text,
    without,
)


@pytest.mark.parametrize(
    ("statement", "share"),
    [
        (size(PATH, "GE", 0), Share.ALL),
        (size(PATH, "GT", 0), Share.ALL),
        (size(PATH, "NE", 0), Share.ALL),
        (size(PATH, "EQ", 0), Share.NONE),
        (size(PATH, "LT", 0), Share.NONE),
        (size(PATH, "LT", 1), Share.NONE),
        (size(PATH, "LE", 1), Share.OPEN),
        (size(PATH, "LT", 4096), Share.ALL),
        (size(PATH, "GT", 4096), Share.NONE),
        (size(BODY, "GT", 8192), Share.FEW),
        (size(BODY, "LT", 8192), Share.OPEN),
        (size(BODY, "NE", 0), Share.OPEN),
        (text(PATH, "STARTS_WITH", "/"), Share.ALL),
        (text(PATH, "STARTS_WITH", "/api/"), Share.FEW),
        (text(PATH, "CONTAINS", ".php"), Share.FEW),
        (text(PATH, "ENDS_WITH", ".php"), Share.FEW),
        (text(PATH, "ENDS_WITH", ""), Share.ALL),
        (text(PATH, "EXACTLY", ""), Share.FEW),
        (text(HOST, "EXACTLY", "shop.example.com"), Share.MOST),
        (text(HOST, "ENDS_WITH", "example.com"), Share.MOST),
        (text(HOST, "EXACTLY", "other.example.org"), Share.FEW),
        (text(METHOD, "EXACTLY", "GET"), Share.PART),
        (text(METHOD, "EXACTLY", "TRACE"), Share.FEW),
        (without(text(METHOD, "EXACTLY", "GET")), Share.PART),
        (without(text(METHOD, "EXACTLY", "TRACE")), Share.MOST),
        (every(text(METHOD, "EXACTLY", "GET"), text(METHOD, "EXACTLY", "POST")), Share.FEW),
        (every(text(METHOD, "EXACTLY", "GET"), without(text(METHOD, "EXACTLY", "POST"))), Share.PART),
        (either(text(METHOD, "EXACTLY", "GET"), text(METHOD, "EXACTLY", "POST")), Share.MOST),
        (every(text(METHOD, "EXACTLY", "GET"), text(PATH, "STARTS_WITH", "/")), Share.PART),
        (every(text(METHOD, "EXACTLY", "GET"), text(PATH, "STARTS_WITH", "/upload")), Share.FEW),
        (text(AGENT, "STARTS_WITH", "Mozilla/"), Share.MOST),
        (without(text(AGENT, "CONTAINS", "Chrome/")), Share.PART),
        (every(text(AGENT, "CONTAINS", "Chrome/"), text(AGENT, "CONTAINS", "Firefox/")), Share.FEW),
        (text(PATH, "STARTS_WITH", "/shop/"), Share.OPEN),  # what a listener sends on to a service
        (text(PATH, "STARTS_WITH", "/sh"), Share.OPEN),
        (text(PATH, "STARTS_WITH", "/shop/cart"), Share.FEW),
        (text(PATH, "EXACTLY", "/shop/"), Share.FEW),
        (text(PATH, "STARTS_WITH", "/exact"), Share.FEW),
        (encoded(PATH, "STARTS_WITH", "Lw=="), Share.ALL),
        (encoded(PATH, "STARTS_WITH", "L2FwaS8="), Share.FEW),
        (lowered(AGENT, "STARTS_WITH", "mozilla/"), Share.MOST),
        (text(AGENT, "STARTS_WITH", "mozilla/"), Share.FEW),
        (expression(PATH, "^/.*$"), Share.ALL),
        (expression(PATH, "^/$"), Share.OPEN),
        (expression(PATH, "^/wp-admin"), Share.OPEN),
        (expression(BODY, "^.*attack.*$"), Share.OPEN),
        (every(text(PATH, "STARTS_WITH", "/"), text(PATH, "STARTS_WITH", "/shop/")), Share.OPEN),
        (either(text(PATH, "STARTS_WITH", "/"), text(PATH, "STARTS_WITH", "/upload")), Share.ALL),
        ({"NotStatement": {"Statement": text(PATH, "STARTS_WITH", "/")}}, Share.NONE),
        ({"GeoMatchStatement": {"CountryCodes": ["SE"]}}, Share.OPEN),
    ],
    ids=str,
)
def test_shares(statement: dict[str, Any], share: Share) -> None:
    environment = next(iter(project_of(TEMPLATE).environments))
    assert share_of(statement, environment) is share


@pytest.mark.parametrize(
    ("addresses", "share"),
    [
        ([], Share.NONE),
        (["203.0.113.7/32"], Share.FEW),
        (["203.0.113.7/8"], Share.FEW),
        (["200.0.0.0/6"], Share.MOST),
        (["0.0.0.0/1"], Share.MOST),
        (["0.0.0.0/1", "128.0.0.0/1"], Share.ALL),
        (["::/1", "8000::/1"], Share.ALL),
        (["2001:db8::/32"], Share.FEW),
        (["somewhere"], Share.OPEN),
    ],
    ids=str,
)
def test_sets_of_addresses(addresses: list[str], share: Share) -> None:
    template = f"""
    Resources:
      Set:
        Type: AWS::WAFv2::IPSet
        Properties: {{Scope: REGIONAL, IPAddressVersion: IPV4, Addresses: {addresses}}}
      Acl:
        Type: AWS::WAFv2::WebACL
        Properties: {{Rules: [{{Statement: {{IPSetReferenceStatement: {{Arn: !GetAtt Set.Arn}}}}}}]}}
    """
    project = project_of(template)
    environment = next(iter(project.environments))
    acl = next(iter(environment.resources("AWS::WAFv2::WebACL")))
    rules: Any = acl.get("Rules")
    assert share_of(rules.value[0]["Statement"], environment) is share


@pytest.mark.parametrize(
    ("expressions", "share"),
    [(["^/.*$"], Share.ALL), (["^/wp-admin"], Share.OPEN), (["^/.*$", "^/wp-admin"], Share.ALL)],
    ids=str,
)
def test_sets_of_expressions(expressions: list[str], share: Share) -> None:
    template = f"""
    Resources:
      Set:
        Type: AWS::WAFv2::RegexPatternSet
        Properties: {{Scope: REGIONAL, RegularExpressionList: {expressions}}}
      Acl:
        Type: AWS::WAFv2::WebACL
        Properties:
          Rules:
            - Statement:
                RegexPatternSetReferenceStatement:
                  Arn: !GetAtt Set.Arn
                  FieldToMatch: {{UriPath: {{}}}}
                  TextTransformations: []
    """
    environment = next(iter(project_of(template).environments))
    rules: Any = next(iter(environment.resources("AWS::WAFv2::WebACL"))).get("Rules")
    assert share_of(rules.value[0]["Statement"], environment) is share
