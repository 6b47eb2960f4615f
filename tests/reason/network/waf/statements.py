"""Statements of web ACLs, as tests write them."""

from __future__ import annotations

from typing import Any

PATH: dict[str, Any] = {"FieldToMatch": {"UriPath": {}}}
HOST: dict[str, Any] = {"FieldToMatch": {"SingleHeader": {"Name": "host"}}}
METHOD: dict[str, Any] = {"FieldToMatch": {"Method": {}}}
AGENT: dict[str, Any] = {"FieldToMatch": {"SingleHeader": {"Name": "User-Agent"}}}
BODY: dict[str, Any] = {"FieldToMatch": {"Body": {}}}
TEMPLATE = """
    Resources:
      Record: {Type: AWS::Route53::RecordSet, Properties: {Name: shop.example.com., Type: A, HostedZoneId: Z1}}
      Shop:
        Type: AWS::ElasticLoadBalancingV2::ListenerRule
        Properties: {Conditions: [{Field: path-pattern, PathPatternConfig: {Values: ["/shop/*", /exact, "*"]}}]}
"""


def size(field: dict[str, Any], operator: str, number: int) -> dict[str, Any]:
    return {"SizeConstraintStatement": {**field, "ComparisonOperator": operator, "Size": number}}


def text(field: dict[str, Any], how: str, wanted: str) -> dict[str, Any]:
    plain = [{"Priority": 0, "Type": "NONE"}]
    wanted_in = {"PositionalConstraint": how, "SearchString": wanted, "TextTransformations": plain}
    return {"ByteMatchStatement": {**field, **wanted_in}}


def encoded(field: dict[str, Any], how: str, wanted: str) -> dict[str, Any]:
    wanted_in = {"PositionalConstraint": how, "SearchStringBase64": wanted, "TextTransformations": []}
    return {"ByteMatchStatement": {**field, **wanted_in}}


def lowered(field: dict[str, Any], how: str, wanted: str) -> dict[str, Any]:
    small = [{"Priority": 0, "Type": "LOWERCASE"}]
    wanted_in = {"PositionalConstraint": how, "SearchString": wanted, "TextTransformations": small}
    return {"ByteMatchStatement": {**field, **wanted_in}}


def without(statement: dict[str, Any]) -> dict[str, Any]:
    return {"NotStatement": {"Statement": statement}}


def every(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"AndStatement": {"Statements": list(statements)}}


def either(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"OrStatement": {"Statements": list(statements)}}


def expression(field: dict[str, Any], wanted: str) -> dict[str, Any]:
    return {"RegexMatchStatement": {**field, "RegexString": wanted, "TextTransformations": []}}
