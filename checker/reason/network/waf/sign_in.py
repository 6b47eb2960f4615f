"""What a web ACL does to requests for where clients sign in by OAuth, and to a native client's among them.

Sources: RFC 6749, 3.1 and 4.1.1 (the authorization endpoint, and how a client is sent there); RFC 8252, 7.3 (a native
client's redirect URI is on the loopback address); AWS WAF Developer Guide, "Request component settings".
"""

from __future__ import annotations

import operator
import re
from itertools import chain
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.values import Known, Resolved, as_list, as_number
from checker.reason.network.waf.acls import Acl, AclRule, labels_blocked
from checker.reason.network.waf.matching import (
    Share,
    as_comparison,
    field_of,
    holds,
    member_of,
    searched_text,
    share_of,
)

_LABELS: Final = ("awswaf:managed:aws:core-rule-set:genericrfi_queryarguments",
                  "awswaf:managed:aws:core-rule-set:ec2metadatassrf_queryarguments")  # fmt: skip
_COMPARISONS: Final = ("ByteMatchStatement", "RegexMatchStatement", "RegexPatternSetReferenceStatement")
_LEAVES_OUT: Final = ("(?!", "(?<!", "[^")
OAUTH: Final = lazy_re.compile(r"oauth|\bmcp\b|openid|/authorize|\boidc\b|mcp[-_/]|[-_/]mcp", re.IGNORECASE)
# The last word of a path: of the authorization endpoint, of what it stands in, and of what is another endpoint.
_AUTHORIZES: Final = lazy_re.compile(r"^auth$|authori[sz]", re.IGNORECASE)
_BEGINS: Final = lazy_re.compile(
    r".*(?:oauth|openid|oidc|mcp)[\w.-]*|v?\d[\d.]*|connect|protocol|login|sign-?in", re.IGNORECASE
)
_NO_SIGN_IN: Final = lazy_re.compile(
    r"health[\w-]*|ready|readyz|live|livez|ping|status|metrics|token|revoke|revocation|introspect|userinfo|jwks[\w.-]*"
    r"|certs|keys|logout|[\w-]+\.(?:js|css|png|ico|svg)",
    re.IGNORECASE,
)
# Fields with what follows the question mark, and a loopback redirect URI in it, as it is and escaped (RFC 6749, 4.1.1);
# how short and how long a query with it may be.
_QUERY: Final = ("QueryString", "AllQueryArguments", "SingleQueryArgument")
_SENT: Final = ("http://127.0.0.1:49152/callback", "http%3A%2F%2F127.0.0.1%3A49152%2Fcallback")
_LENGTHS: Final = (64, 600)
_OF_REDIRECT: Final = lazy_re.compile(r"http|127|redirect|://|loopback", re.IGNORECASE)
_COMPARED: Final = {
    "LE": operator.le, "LT": operator.lt, "GE": operator.ge, "GT": operator.gt, "EQ": operator.eq, "NE": operator.ne
}  # fmt: skip
_WORD: Final = lazy_re.compile(r"[A-Za-z]{3}")


def let_in_before(acl: Acl, group: AclRule) -> Answer:
    """Whether a rule before a group lets requests through by the paths where clients sign in."""
    earlier = (rule for rule in acl.rules if rule.action == "Allow" and rule.priority < group.priority)
    return either([_let_in(acl, rule, rule.place is not group.place) for rule in earlier])


def _let_in(acl: Acl, rule: AclRule, elsewhere: bool) -> Answer:
    """``elsewhere``: it stands in a rule group, whose priorities order nothing but the group's own rules."""
    found = YES if acl.share(rule) is Share.ALL else _by_path(acl, rule.statement)
    if found is NO or not (rule.open or elsewhere or isinstance(found, Open)):
        return found
    return Open(f"which requests {rule.name} lets through before the group")


def leaves_sign_in_out(acl: Acl, scope: Resolved) -> Answer:
    """Whether a group looks at no request for the paths where clients sign in, however much it leaves out besides."""
    name, inner = member_of(scope)
    if name == "AndStatement" and inner is not None:
        return either([leaves_sign_in_out(acl, each) for each in as_list(inner.get("Statements"))])
    return _by_path(acl, inner.get("Statement")) if name == "NotStatement" and inner is not None else NO


def _by_path(acl: Acl, statement: Resolved) -> Answer:
    """Whether a statement takes all requests for the paths where clients sign in, whatever else is said of them."""
    name, inner = member_of(statement)
    if inner is None:
        return Open("a statement is not known")
    if name == "OrStatement":
        parts = inner.get("Statements")
        return either([_by_path(acl, each) for each in parts]) if isinstance(parts, list) else Open("its parts")
    if name in _COMPARISONS:
        field = inner.get("FieldToMatch")
        if not isinstance(field, dict):
            return Open("which field it looks at is not known")
        return either(_takes_sign_in(*each) for each in _searched(acl, inner)) if _is_of_paths(inner) else NO
    if name == "LabelMatchStatement" and not str(inner.get("Key")).startswith("awswaf:managed:"):
        return Open("which requests have the label")
    # By a path and something else besides, or by each path but some.
    return Open("it asks for more than a path") if "UriPath" in str(inner) else NO


def _is_of_paths(comparison: dict[str, Resolved]) -> bool:
    return field_of(comparison)[0] == "UriPath"


def _searched(acl: Acl, comparison: dict[str, Resolved]) -> list[tuple[str, Resolved]]:
    """The texts and patterns that a comparison looks for, each with how it does: a pattern's is empty where it is more
    than a text."""
    if "Arn" in comparison:
        patterns = acl.environment.referred(comparison["Arn"])
        listed = patterns.get("RegularExpressionList") if patterns is not None else None
        found = listed.value if isinstance(listed, Known) and isinstance(listed.value, list) else [None]
        return [_pattern(each) for each in found]
    if "RegexString" in comparison:
        return [_pattern(comparison["RegexString"])]
    return [(str(comparison.get("PositionalConstraint")), searched_text(comparison))]


def _pattern(expression: Resolved) -> tuple[str, Resolved]:
    read = as_comparison(expression) if isinstance(expression, str) else None
    return read if read is not None else ("", expression)


def _takes_sign_in(how: str, wanted: Resolved) -> Answer:
    """Whether the paths that a text or a pattern is about have the one among them that clients come to with their
    redirect URI: the authorization endpoint (RFC 6749, 3.1). One path of many is not all of them."""
    if not isinstance(wanted, str):
        return Open("what it looks for")
    named = list(OAUTH.finditer(wanted))
    if not named:
        return NO
    if not how:
        # A pattern may name a path in order to leave it out, or what stands behind it.
        rest = wanted[named[-1].end() :]
        whole = _AUTHORIZES.search(wanted) or not (_WORD.search(rest) or (rest.endswith("$") and "*" not in rest))
        return YES if whole and not any(mark in wanted for mark in _LEAVES_OUT) else Open("what it looks for")
    if "/.well-known" in wanted:
        return NO  # what is told about the endpoints (RFC 8414, RFC 9728)
    last = wanted.rstrip("/").rpartition("/")[2]
    if _AUTHORIZES.search(last) or (how not in ("EXACTLY", "ENDS_WITH") and _BEGINS.fullmatch(last)):
        return YES
    return NO if _NO_SIGN_IN.fullmatch(last) else Open(f"whether clients sign in at {wanted}")


def blocks_redirect(acl: Acl, rule: AclRule) -> Answer:
    """Whether a rule blocks a loopback redirect URI where clients sign in: by what stands in the query, or by a label
    of the two rules or of their whole group."""
    by_label = (
        every(_meets(acl, each) for each in besides)
        for label, besides in labels_blocked(rule)
        if label.lower() in _LABELS or (label.endswith(":") and any(each.startswith(label.lower()) for each in _LABELS))
    )
    by_itself = _takes_redirect(acl, rule.statement) if rule.blocks and _reads_query(rule.statement) else NO
    blocks = either(chain(by_label, [by_itself]))
    return blocks if blocks is NO else every((blocks, negated(let_in_before(acl, rule))))


def _reads_query(statement: Resolved) -> bool:
    """Whether a statement asks for what stands in the query, and for nothing that a managed group does."""
    shown = str(statement)
    return any(each in shown for each in _QUERY) and "GroupStatement" not in shown and "RateBased" not in shown


def _takes_redirect(acl: Acl, statement: Resolved) -> Answer:
    """Whether a statement takes the request by which a native client begins to sign in."""
    name, inner = member_of(statement)
    if inner is None:
        return Open("a statement is not known")
    if name == "NotStatement":
        return negated(_takes_redirect(acl, inner.get("Statement")))
    if name in {"AndStatement", "OrStatement"}:
        parts = (_takes_redirect(acl, each) for each in as_list(inner.get("Statements")))
        return every(parts) if name == "AndStatement" else either(parts)
    field, which = field_of(inner)
    if field not in _QUERY:
        return _meets(acl, statement)
    if name == "SizeConstraintStatement":
        return _is_so_long(inner)
    if name not in _COMPARISONS or (field == "SingleQueryArgument" and which != "redirect_uri"):
        return NO
    return either(_is_in_redirect(field, inner, *each) for each in _searched(acl, inner))


def _is_so_long(limit: dict[str, Resolved]) -> Answer:
    size, how = as_number(limit.get("Size")), limit.get("ComparisonOperator")
    if size is None or how not in _COMPARED:
        return Open("which length it is about")
    held = [_COMPARED[str(how)](each, size) for each in _LENGTHS]
    return yes_if(held[0]) if held[0] is held[1] else Open("how long a query is")


def _is_in_redirect(field: str, comparison: dict[str, Resolved], how: str, wanted: Resolved) -> Answer:
    if not isinstance(wanted, str):
        return Open("what it looks for")
    if not how:
        return Open("what it looks for") if _OF_REDIRECT.search(wanted) else NO
    changed = str(comparison.get("TextTransformations"))
    sent = [*_SENT[:1]] if "URL_DECODE" in changed else [*_SENT]
    if field == "QueryString":
        sent = [f"response_type=code&client_id=c&redirect_uri={each}&state=s" for each in sent]
    found = [holds(each.lower() if "LOWERCASE" in changed else each, wanted, how) for each in sent]
    if all(found) or not any(found):
        return YES if found[0] else NO
    return Open("which characters of it a client escapes")


def _meets(acl: Acl, condition: Resolved) -> Answer:
    """Whether requests for where clients sign in meet a condition."""
    inner = condition.get("NotStatement") if isinstance(condition, dict) else None
    if isinstance(inner, dict):
        return negated(_meets(acl, inner.get("Statement")))
    share = share_of(condition, acl.environment)
    if share >= Share.MOST:
        return YES
    if "UriPath" in str(condition):
        return _by_path(acl, condition)
    return NO if share <= Share.FEW else Open("which requests it is about")
