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
from checker.model.values import Known, Resolved, Text, Unknown, as_list, as_number
from checker.reason.network.waf.matching import (
    Share,
    as_comparison,
    field_of,
    holds,
    member_of,
    ordinary,
    searched_text,
    share_of,
)

_BODIES: Final = frozenset({"Body", "JsonBody"})
BODY_LIMIT: Final = 8192
_ANY_DOCUMENT: Final = 1_048_576
_WHICH_PATHS: Final = Open("which paths a condition is about is not known")
# RFC 9110, "Method Definitions": those that bring a document, of all that an API takes.
_POST: Final = "POST"
_SENT_BY: Final = frozenset({_POST, "PUT", "PATCH"})
_METHODS: Final = _SENT_BY | {"GET", "HEAD", "DELETE", "OPTIONS"}
_TURNED: Final = {"LE": "GT", "LT": "GE", "GT": "LE", "GE": "LT", "EQ": "NE", "NE": "EQ"}
_OTHER_WAY: Final = {"AndStatement": "OrStatement", "OrStatement": "AndStatement"}
# A path that documents are sent to, and what such paths are called where they are not the API's.
_DOCUMENT: Final = "/api/documents/42"
_SENT_TO: Final = lazy_re.compile(
    r"upload|import|document|content|editor|graphql|\b(api|files?|mcp|pages?)\b", re.IGNORECASE
)
# What paths are called to which none is sent: of health checks, of what is only read, of where somebody signs in.
_NOT_SENT_TO: Final = lazy_re.compile(
    r"\b(health(z|[-_]?checks?)?|ready|readyz|live|livez|liveness|ping|status|metrics|favicon|robots|static|assets)\b"
    r"|\b(oauth|oidc|openid|login|log-in|signin|sign-in|signup|sign-up|register|logout|password"
    r"|authori[sz]e|well-known)\b|\.(js|css|png|php)$",
    re.IGNORECASE,
)


def reads_bodies(statement: Resolved, environment: Environment) -> Answer:
    """Whether a statement matches by what a body holds, where documents are sent: an injection, a pattern, a size."""
    if not isinstance(statement, dict):
        return Open("a statement is not known")
    name, inner = member_of(statement)
    if inner is None:
        return Open("a statement is not known")
    if name == "NotStatement":
        return _reads_turned(inner.get("Statement"), environment)
    if name in {"AndStatement", "OrStatement"}:
        parts = [(each, reads_bodies(each, environment)) for each in as_list(inner.get("Statements"))]
        reading = either(read for _, read in parts)
        if name == "OrStatement" or reading is NO:
            return reading
        # With another condition it is about some requests, or leaves some out, unless that holds for nearly all.
        left_out = either(_leaves_out(each, read, environment) for each, read in parts if read is not YES)
        return every((reading, negated(left_out)))
    if isinstance(inner.get("FieldToMatch", {}), dict):
        body = field_of(inner)[0] in _BODIES
        return _too_small(inner) if body and name == "SizeConstraintStatement" else yes_if(body)
    return Open("which field it looks at is not known")


def _reads_turned(statement: Resolved, environment: Environment) -> Answer:
    """Whether whatever a statement does not match is matched by what its body holds."""
    name, inner = member_of(statement)
    if inner is None:
        return Open("a statement is not known")
    if name == "NotStatement":
        return reads_bodies(inner.get("Statement"), environment)
    if name in _OTHER_WAY:  # not all of them: one that is not met
        turned: list[Resolved] = [{"NotStatement": {"Statement": each}} for each in as_list(inner.get("Statements"))]
        return reads_bodies({_OTHER_WAY[name]: {"Statements": turned}}, environment)
    if name == "SizeConstraintStatement":
        # Whatever is not small: the same as what is larger.
        operator = inner.get("ComparisonOperator")
        turned_one = _TURNED.get(operator, operator) if isinstance(operator, str) else operator
        return reads_bodies({name: {**inner, "ComparisonOperator": turned_one}}, environment)
    reads = reads_bodies(statement, environment)
    return Open("which bodies do not match a statement") if reads is YES else reads


def _leaves_out(part: Resolved, read: Answer, environment: Environment) -> Answer:
    """As :func:`leaves_documents_out`; where a condition may be the one that reads them, it may leave none out."""
    left_out = leaves_documents_out(part, environment)
    return read if left_out is YES and isinstance(read, Open) else left_out


def surely_left_out(condition: Resolved, environment: Environment) -> Answer:
    """Whether documents are sent by none of the methods that a condition is about, or to paths that it leaves out. Of
    other requests that it selects, nobody tells whether documents are among them."""
    name, inner = member_of(condition)
    if name == "AndStatement" and inner is not None:
        return either(surely_left_out(each, environment) for each in as_list(inner.get("Statements")))
    if name == "NotStatement" and inner is not None and "UriPath" in str(inner):
        return _takes_documents(inner.get("Statement"), environment)
    methods = _methods(condition, environment)
    if methods is None:
        return Open("which requests it is about")
    if _POST in methods:
        return NO
    by = sorted(methods & _SENT_BY)
    return Open(f"whether documents are sent by {' and '.join(by)}") if by else YES


def _methods(statement: Resolved, environment: Environment) -> frozenset[str] | None:
    """The methods that a statement about nothing else is about; ``None`` for others, and where that is not known."""
    name, inner = member_of(statement)
    if inner is None:
        return None
    if name == "NotStatement":
        negated_ones = _methods(inner.get("Statement"), environment)
        return None if negated_ones is None else _METHODS - negated_ones
    if name in {"AndStatement", "OrStatement"}:
        found = [_methods(each, environment) for each in as_list(inner.get("Statements"))]
        known = [each for each in found if each is not None]
        if len(known) < len(found) or not known:
            return None
        return frozenset.intersection(*known) if name == "AndStatement" else frozenset.union(*known)
    if field_of(inner)[0] != "Method":
        return None
    read = _comparisons(name, inner, environment)
    lowered = "LOWERCASE" in str(inner.get("TextTransformations"))
    if None in read or not read:
        return None
    texts = {each: each.lower() if lowered else each for each in _METHODS}
    return frozenset(each for each, shown in texts.items() if any(how and holds(shown, how[1], how[0]) for how in read))


def leaves_documents_out(condition: Resolved, environment: Environment) -> Answer:
    """Whether a condition that a request has to meet as well is one that requests with documents do not meet."""
    name, inner = member_of(condition)
    if inner is None or not isinstance(inner.get("FieldToMatch", {}), dict):
        return Open("which requests a statement is about is not known")
    if name == "AndStatement":
        return either(leaves_documents_out(each, environment) for each in as_list(inner.get("Statements")))
    if "Method" in str(condition) and (by_method := _by_method(condition, environment)) is not None:
        return by_method
    if not _is_read(condition):
        return Open("what a statement looks for is not known")
    if (header := _asks_for_header(condition, environment)) is not None:
        return Open(f"whether documents are sent with such a {header} header")
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


def _asks_for_header(condition: Resolved, environment: Environment) -> str | None:
    """The header that a condition asks for, or for whose absence, of which nobody tells what it mostly holds: documents
    may well be sent with it, by whoever signed in or as JSON."""
    name, inner = member_of(condition)
    if inner is None:
        return None
    if name == "NotStatement":
        return _asks_for_header(inner.get("Statement"), environment)
    field, which = field_of(inner)
    return which if field == "SingleHeader" and not ordinary((field, which), environment) else None


def _is_read(statement: Resolved) -> bool:
    """Whether it is known what all its comparisons look for."""
    if isinstance(statement, list):
        return all(_is_read(each) for each in statement)
    if not isinstance(statement, dict):
        return True
    compared = statement.get("ByteMatchStatement")
    known = not isinstance(compared, dict) or searched_text(compared) is not None
    return known and all(_is_read(each) for each in statement.values())


def _by_method(condition: Resolved, environment: Environment) -> Answer | None:
    """What a condition's methods tell of whether it leaves documents out; ``None`` where they do not decide."""
    if _methods(condition, environment) is not None:
        return surely_left_out(condition, environment)
    within = condition.get("NotStatement") if isinstance(condition, dict) else None
    refused = within.get("Statement") if isinstance(within, dict) else None
    # What no document meets refuses none.
    return NO if refused is not None and surely_left_out(refused, environment) is YES else None


def _takes_documents(statement: Resolved, environment: Environment) -> Answer:
    """Whether documents are sent to the paths that a statement is about."""
    name, inner = member_of(statement)
    if name == "OrStatement" and inner is not None:
        return either(_takes_documents(each, environment) for each in as_list(inner.get("Statements")))
    if name == "AndStatement" and inner is not None:
        # Of a path, by every method that brings documents.
        parts = [(each, _methods(each, environment)) for each in as_list(inner.get("Statements"))]
        rest = [each for each, methods in parts if methods is None or not methods >= _SENT_BY]
        return _takes_documents(rest[0], environment) if len(rest) == 1 < len(parts) else _WHICH_PATHS
    if inner is None:
        return _WHICH_PATHS
    if field_of(inner)[0] != "UriPath":
        read = _is_read(statement) and _asks_for_header(statement, environment) is None
        return NO if read and share_of(statement, environment) <= Share.FEW else _WHICH_PATHS
    return either(_is_of_documents(each) for each in _comparisons(name, inner, environment))


def _comparisons(name: str, inner: dict[str, Resolved], environment: Environment) -> list[tuple[str, str] | None]:
    """How a statement compares its field, and with what; ``None`` for what is not known."""
    if name == "ByteMatchStatement":
        wanted = searched_text(inner)
        return [None if wanted is None else (str(inner.get("PositionalConstraint")), wanted)]
    if name == "RegexPatternSetReferenceStatement":
        found = environment.referred(inner.get("Arn"))
        listed = found.get("RegularExpressionList") if found is not None else None
        texts = as_list(listed.value) if isinstance(listed, Known) else [None]
        return [as_comparison(each) if isinstance(each, str) else None for each in texts]
    expression = inner.get("RegexString")
    return [as_comparison(expression) if isinstance(expression, str) else None]


def _is_of_documents(comparison: tuple[str, str] | None) -> Answer:
    if comparison is None:
        return _WHICH_PATHS
    how, wanted = comparison
    if holds(_DOCUMENT, wanted, how) or _SENT_TO.search(wanted):
        return YES
    return NO if _NOT_SENT_TO.search(wanted) else Open(f"whether documents are sent to {wanted}")


def _oversize(statement: dict[str, Resolved]) -> Resolved:
    field = statement.get("FieldToMatch")
    body = next(iter(field.values()), None) if isinstance(field, dict) else None
    return body.get("OversizeHandling") if isinstance(body, dict) else None


def _too_small(statement: dict[str, Resolved]) -> Answer:
    """Whether a limit of size keeps documents out: it is small, meets all that WAF cannot inspect, or all but one size.

    AWS WAF Developer Guide, "Size constraint rule statement": compared is what WAF receives, which may be less than
    what was sent; then a limit beyond that is none. Others have seen it hold the length that the request states
    against it: of a limit that a document may have it is not known.
    """
    size, operator, oversize = statement.get("Size"), statement.get("ComparisonOperator"), _oversize(statement)
    limit = as_number(size)
    if isinstance(operator, str) and operator not in ("GT", "GE"):
        return yes_if(operator == "NE")
    if oversize == "MATCH" or (limit is not None and limit < BODY_LIMIT):
        return Open("how it compares sizes is not known") if isinstance(operator, Text | Unknown) else YES
    if isinstance(size, Text | Unknown):
        return Open("how long bodies may be is not known")
    if isinstance(oversize, Text | Unknown):
        return Open("what it does with longer bodies is not known")
    beyond = limit is not None and limit < _ANY_DOCUMENT and oversize != "NO_MATCH"
    return Open("its limit is beyond what WAF receives of a body") if beyond else NO
