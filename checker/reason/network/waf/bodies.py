"""Which statements of a web ACL read what is sent: bodies of requests, and the documents in them.

Sources: AWS WAF Developer Guide, "Size constraint rule statement", "Oversize web request components"; AWS WAF API
Reference, Body (OversizeHandling; 8 KB on a load balancer).
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.environments import Environment
from checker.model.values import Known, Resolved, as_list, as_number
from checker.reason.network.waf.matching import Share, as_comparison, field_of, holds, searched_text, share_of

_BODIES: Final = frozenset({"Body", "JsonBody"})
BODY_LIMIT: Final = 8192
_ANY_DOCUMENT: Final = 1_048_576
_TURNED: Final = {"LE": "GT", "LT": "GE"}
# A path that documents are sent to, and what such paths are called where they are not the API's.
_DOCUMENT: Final = "/api/documents/42"
_SENT_TO: Final = lazy_re.compile(
    r"upload|import|document|content|editor|graphql|\b(api|files?|mcp|pages?)\b", re.IGNORECASE
)
# What paths are called to which none is sent: of health checks, of what is only read, of where somebody signs in.
_NOT_SENT_TO: Final = lazy_re.compile(
    r"\b(health(z|[-_]?checks?)?|ready|readyz|live|livez|liveness|ping|status|metrics|favicon|robots|static|assets)\b"
    r"|\b(oauth|oidc|openid|login|log-in|signin|sign-in|signup|sign-up|register|logout|password)\b|\.(js|css|png|php)$",
    re.IGNORECASE,
)


def reads_bodies(statement: Resolved, environment: Environment) -> Answer:
    """Whether a statement matches by what a body holds, where documents are sent: an injection, a pattern, a size."""
    if not isinstance(statement, dict):
        return Open("a statement is not known")
    name = next(iter(statement), "")
    inner = statement.get(name)
    if not isinstance(inner, dict):
        return Open("a statement is not known")
    if name == "NotStatement":
        # Whatever is not small: the same as what is larger.
        within = inner.get("Statement")
        measured = within.get("SizeConstraintStatement") if isinstance(within, dict) else None
        turned = _TURNED.get(str(measured.get("ComparisonOperator"))) if isinstance(measured, dict) else None
        if not isinstance(measured, dict) or turned is None:
            return NO
        return reads_bodies({"SizeConstraintStatement": {**measured, "ComparisonOperator": turned}}, environment)
    if name in {"AndStatement", "OrStatement"}:
        parts = [(each, reads_bodies(each, environment)) for each in as_list(inner.get("Statements"))]
        reading = either(read for _, read in parts)
        if name == "OrStatement" or reading is NO:
            return reading
        # With another condition it is about some requests, or leaves some out, unless that holds for nearly all.
        left_out = either(leaves_documents_out(each, environment) for each, read in parts if read is not YES)
        return every((reading, negated(left_out)))
    if isinstance(inner.get("FieldToMatch", {}), dict):
        body = field_of(inner)[0] in _BODIES
        return yes_if(body and (name != "SizeConstraintStatement" or _too_small(inner)))
    return Open("which field it looks at is not known")


def leaves_documents_out(condition: Resolved, environment: Environment) -> Answer:
    """Whether a condition that a request has to meet as well is one that requests with documents do not meet."""
    name = next(iter(condition), "") if isinstance(condition, dict) else ""
    inner = condition.get(name) if isinstance(condition, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("FieldToMatch", {}), dict):
        return Open("which requests a statement is about is not known")
    if name == "AndStatement":
        return either(leaves_documents_out(each, environment) for each in as_list(inner.get("Statements")))
    share = share_of(condition, environment)
    if name == "NotStatement" and "UriPath" in str(inner):
        return _takes_documents(inner.get("Statement"), environment)
    if share >= Share.PART:
        return NO
    if "UriPath" in str(condition):
        # About some paths alone. That they are those of documents is no more than likely.
        taken = _takes_documents(condition, environment)
        return Open("whether documents are sent to the paths that it is about") if taken is YES else negated(taken)
    return Open("which requests it is about") if share is Share.OPEN else YES


def _takes_documents(statement: Resolved, environment: Environment) -> Answer:
    """Whether documents are sent to the paths that a statement is about."""
    name = next(iter(statement), "") if isinstance(statement, dict) else ""
    inner = statement.get(name) if isinstance(statement, dict) else None
    if name == "OrStatement" and isinstance(inner, dict):
        return either(_takes_documents(each, environment) for each in as_list(inner.get("Statements")))
    if not isinstance(inner, dict) or field_of(inner)[0] != "UriPath":
        return Open("which paths a condition is about is not known")
    if name == "ByteMatchStatement":
        wanted = searched_text(inner)
        read = [None if wanted is None else (str(inner.get("PositionalConstraint")), wanted)]
    elif name == "RegexPatternSetReferenceStatement":
        found = environment.referred(inner.get("Arn"))
        listed = found.get("RegularExpressionList") if found is not None else None
        texts = as_list(listed.value) if isinstance(listed, Known) else [None]
        read = [as_comparison(each) if isinstance(each, str) else None for each in texts]
    else:
        expression = inner.get("RegexString")
        read = [as_comparison(expression) if isinstance(expression, str) else None]
    return either(_is_of_documents(each) for each in read)


def _is_of_documents(comparison: tuple[str, str] | None) -> Answer:
    if comparison is None:
        return Open("which paths a condition is about is not known")
    how, wanted = comparison
    if holds(_DOCUMENT, wanted, how) or _SENT_TO.search(wanted):
        return YES
    return NO if _NOT_SENT_TO.search(wanted) else Open(f"whether documents are sent to {wanted}")


def may_measure(statement: Resolved) -> bool:
    """Whether a statement limits bodies to more than WAF receives of one and less than a document may have.

    AWS WAF Developer Guide, "Size constraint rule statement": compared is what WAF receives, which may be less than
    what was sent; then the limit is none. Others have seen it hold the length that the request states against it.
    """
    inner = statement.get("SizeConstraintStatement") if isinstance(statement, dict) else None
    if not isinstance(inner, dict) or field_of(inner)[0] not in _BODIES or _too_small(inner):
        return False
    size = as_number(inner.get("Size"))
    in_body = _oversize(inner) != "NO_MATCH" and inner.get("ComparisonOperator") in ("GT", "GE")
    return in_body and size is not None and size < _ANY_DOCUMENT


def _oversize(statement: dict[str, Resolved]) -> Resolved:
    field = statement.get("FieldToMatch")
    body = next(iter(field.values()), None) if isinstance(field, dict) else None
    return body.get("OversizeHandling") if isinstance(body, dict) else None


def _too_small(statement: dict[str, Resolved]) -> bool:
    """Whether a limit of size keeps documents out: it is small, or meets all that WAF cannot inspect."""
    size, operator = as_number(statement.get("Size")), statement.get("ComparisonOperator")
    if operator not in ("GT", "GE"):
        return False
    return _oversize(statement) == "MATCH" or (size is not None and size < BODY_LIMIT)
