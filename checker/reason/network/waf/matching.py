"""How much of a web site's ordinary traffic a statement of a web ACL matches.

Ordinary traffic is what browsers and the API's clients send: some paths are asked for on purpose here, to see what a
pattern does to them. Sources: AWS WAF Developer Guide, "Rule statements list", "Match rule statements", "IP set match",
"Label match rule statement" (a key without a prefix means the labels of the same web ACL).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final

from checker import lazy_re
from checker.model.environments import Environment
from checker.model.values import Known, Resolved, Text, as_number

_PATHS: Final = ("/", "/api/health", "/api/documents/42", "/oauth/consent", "/static/app.3f2.js", "/a/b.c/d_e-f")
_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1",
)
_METHODS: Final = ("GET", "POST")
_ACCEPTED: Final = ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*")
# From this part of all addresses on, a set of addresses is no list of somebody's own.
_MANY: Final = 1 / 64
_PLAIN: Final = lazy_re.compile(
    r"(?P<begin>\^|\\A)?(?P<before>\.[*+]\??)?(?P<text>(?:[\w/ :;,@=~-]|\\[./-])*)(?P<after>\.[*+]\??)?(?P<end>\$|\\Z)?"
)


class Share(IntEnum):
    """How much of ordinary traffic a statement matches. ``OPEN``: only the traffic tells. ``PART``: what one method or
    one family of browsers sends, which is much, and so is what the others send."""

    NONE = 0
    FEW = 1
    OPEN = 2
    PART = 3
    MOST = 4
    ALL = 5


def share_of(statement: Resolved, environment: Environment) -> Share:
    """How much of ordinary traffic a statement matches, as far as its text tells."""
    if not isinstance(statement, dict):
        return Share.OPEN
    name, inner = member_of(statement)
    if inner is None:
        return Share.OPEN
    match name:
        case "NotStatement":
            return _negated(share_of(inner.get("Statement"), environment))
        case "AndStatement" | "OrStatement":
            return _combined(name, inner.get("Statements"), environment)
        case "ByteMatchStatement":
            return _bytes(inner, environment)
        case "RegexMatchStatement":
            return _texts(inner, environment, [inner.get("RegexString")])
        case "RegexPatternSetReferenceStatement":
            found = environment.referred(inner.get("Arn"))
            patterns = found.get("RegularExpressionList") if found is not None else None
            listed = patterns.value if isinstance(patterns, Known) else None
            return _texts(inner, environment, listed if isinstance(listed, list) else [None])
        case "SizeConstraintStatement":
            return _size(inner)
        case "IPSetReferenceStatement":
            found = environment.referred(inner.get("Arn"))
            addresses = found.get("Addresses") if found is not None else None
            if isinstance(addresses, Known) and isinstance(addresses.value, list):
                return _addresses(addresses.value)
            return Share.FEW if found is None else Share.OPEN
        case "GeoMatchStatement":
            return Share.OPEN
        case "SqliMatchStatement" | "XssMatchStatement" | "LabelMatchStatement":
            return Share.FEW
    return Share.OPEN


def _negated(share: Share) -> Share:
    # What is open remains so, and the rest of a part is one.
    return share if share in {Share.OPEN, Share.PART} else Share(Share.ALL - share)


def _combined(name: str, parts: Resolved, environment: Environment) -> Share:
    if not isinstance(parts, list):
        return Share.OPEN
    if any({"NotStatement": {"Statement": each}} in parts for each in parts):
        return Share.NONE if name == "AndStatement" else Share.ALL
    shares = [share_of(each, environment) for each in parts if _sampled(each, environment) is None]
    # What is said of one field is taken together: no request has two methods, and each has one of them.
    by_field: dict[tuple[str, str], list[frozenset[str]]] = {}
    for field, held in filter(None, (_sampled(each, environment) for each in parts)):
        by_field.setdefault(field, []).append(held)
    for field, several in by_field.items():
        held = frozenset.intersection(*several) if name == "AndStatement" else frozenset.union(*several)
        shares.append(_shared_by([sample in held for sample in ordinary(field, environment)], certain=False))
    return min(shares, default=Share.ALL) if name == "AndStatement" else max(shares, default=Share.NONE)


def _sampled(statement: Resolved, environment: Environment) -> tuple[tuple[str, str], frozenset[str]] | None:
    """The one field that a statement looks at, and which of its ordinary values it takes; ``None`` for others."""
    if not isinstance(statement, dict):
        return None
    name, inner = member_of(statement)
    if inner is None:
        return None
    if name == "NotStatement":
        found = _sampled(inner.get("Statement"), environment)
        return found and (found[0], frozenset(ordinary(found[0], environment)) - found[1])
    field = field_of(inner)
    if name != "ByteMatchStatement" or field[0] == "UriPath":
        return None
    samples, held = _samples(inner, environment), _held_samples(inner, environment)
    return None if not samples or held is None else (field, frozenset(held))


def member_of(value: Resolved) -> tuple[str, dict[str, Resolved] | None]:
    """The one member of a statement, or of a field to match, and what it says; ``None`` where that is not known (AWS
    WAF API Reference, "Statement", "FieldToMatch")."""
    name = next(iter(value), "") if isinstance(value, dict) else ""
    inner = value.get(name) if isinstance(value, dict) else None
    return name, inner if isinstance(inner, dict) else None


def field_of(statement: dict[str, Resolved]) -> tuple[str, str]:
    """The field that a statement looks at, and which of several (a header's name)."""
    field = statement.get("FieldToMatch")
    if not isinstance(field, dict):
        return "", ""
    name, inner = member_of(field)
    which = inner.get("Name", "") if inner is not None else ""
    return name, str(which).lower()


def _samples(statement: dict[str, Resolved], environment: Environment) -> Sequence[str]:
    return ordinary(field_of(statement), environment)


def ordinary(field: tuple[str, str], environment: Environment) -> Sequence[str]:
    """What a field holds in ordinary requests; empty where nobody can tell."""
    match field:
        case ("UriPath", _):
            return _PATHS
        case ("SingleHeader", "user-agent"):
            return _AGENTS
        case ("SingleHeader", "host"):
            return tuple(own_hosts(environment))
        case ("SingleHeader", "accept"):
            return _ACCEPTED
        case ("Method", _):
            return _METHODS
    return ()


def own_hosts(environment: Environment) -> Iterator[str]:
    """The names under which the environment's records lead to it."""
    for record in environment.resources("AWS::Route53::RecordSet"):
        name = record.get("Name")
        if isinstance(name, Known) and isinstance(name.value, str):
            yield name.value.rstrip(".").lower()


def _shared_by(held: Sequence[bool], *, certain: bool) -> Share:
    if all(held):
        return Share.ALL if certain else Share.MOST
    return Share.PART if any(held) else Share.FEW


def _bytes(statement: dict[str, Resolved], environment: Environment) -> Share:
    samples, taken = _samples(statement, environment), _held_samples(statement, environment)
    wanted, how = searched_text(statement), statement.get("PositionalConstraint")
    if not samples or wanted is None or taken is None:
        return Share.FEW
    on_path = field_of(statement)[0] == "UriPath"
    # Each path begins with a slash, and has no more in common.
    whole = on_path and how in ("STARTS_WITH", "CONTAINS") and wanted in {"/", ""}
    if on_path and not whole:
        if how == "ENDS_WITH" and not wanted:
            return Share.ALL
        # All that is sent on to one of the services: how much of the whole that is, the traffic tells.
        some = how != "EXACTLY" and any(holds(begin, wanted, str(how)) for begin in _routed(environment))
        return Share.OPEN if some else Share.FEW
    return _shared_by([sample in taken for sample in samples], certain=whole)


def _held_samples(statement: dict[str, Resolved], environment: Environment) -> list[str] | None:
    """Which of a field's ordinary values a comparison takes; ``None`` where its text is not known."""
    wanted, how = searched_text(statement), statement.get("PositionalConstraint")
    if wanted is None:
        return None
    lowered = "LOWERCASE" in str(statement.get("TextTransformations"))
    samples = _samples(statement, environment)
    return [each for each in samples if holds(each.lower() if lowered else each, wanted, str(how))]


def _routed(environment: Environment) -> Iterator[str]:
    """What the paths begin with that a listener sends on to one service, whatever comes after."""
    for rule in environment.resources("AWS::ElasticLoadBalancingV2::ListenerRule"):
        conditions = rule.get("Conditions")
        for each in conditions.value if isinstance(conditions, Known) and isinstance(conditions.value, list) else ():
            config = each.get("PathPatternConfig") if isinstance(each, dict) else None
            if isinstance(each, dict) and each.get("Field") == "path-pattern" and "Values" in each:
                config = each  # its older form
            listed = config.get("Values") if isinstance(config, dict) else None
            for pattern in listed if isinstance(listed, list) else ():
                begin, star, _ = str(pattern).partition("*")
                if star and begin.strip("/"):
                    yield begin


def searched_text(statement: dict[str, Resolved]) -> str | None:
    plain = statement.get("SearchString")
    if isinstance(plain, str):
        return "/" if plain == "Lw==" else plain
    encoded = statement.get("SearchStringBase64")
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return None
    return None


def holds(sample: str, wanted: str, how: str) -> bool:
    match how:
        case "EXACTLY":
            return sample == wanted
        case "STARTS_WITH":
            return sample.startswith(wanted)
        case "ENDS_WITH":
            return sample.endswith(wanted)
        case "CONTAINS":
            return wanted in sample
        case "CONTAINS_WORD":
            return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", sample) is not None
    return False


def _texts(statement: dict[str, Resolved], environment: Environment, patterns: Sequence[Resolved]) -> Share:
    samples = _samples(statement, environment)
    if not samples or not all(isinstance(each, str) for each in patterns):
        return Share.OPEN
    read = [as_comparison(str(pattern)) for pattern in patterns]
    if any(each is None for each in read):
        return Share.OPEN
    held = [any(holds(sample, each[1], each[0]) for each in read if each is not None) for sample in samples]
    if all(held):
        return Share.ALL if field_of(statement)[0] == "UriPath" else Share.MOST
    return Share.OPEN


def as_comparison(expression: str) -> tuple[str, str] | None:
    """A regular expression that is a text with nothing or anything around it, as a comparison. No other is run here:
    whoever wrote it may have made one that takes for ever."""
    match = _PLAIN.fullmatch(expression)
    if match is None:
        return None
    wanted = match["text"].replace("\\", "")
    begins = bool(match["begin"]) and not match["before"]
    ends = bool(match["end"]) and not match["after"]
    how = {(True, True): "EXACTLY", (True, False): "STARTS_WITH", (False, True): "ENDS_WITH"}
    return how.get((begins, ends), "CONTAINS"), wanted


def _size(statement: dict[str, Resolved]) -> Share:
    size, operator = as_number(statement.get("Size")), statement.get("ComparisonOperator")
    if size is None or not isinstance(operator, str):
        return Share.OPEN
    if (operator, size) == ("GE", 0) or (operator == "NE" and size < 0):
        return Share.ALL
    if (operator, size) == ("LT", 0):
        return Share.NONE
    if field_of(statement)[0] != "UriPath":
        return Share.FEW if operator in {"GT", "GE", "EQ"} and size else Share.OPEN
    # A path is never empty, and hardly ever longer than this.
    lengths = (1, 512)
    comparisons = {"EQ": (False, False), "NE": (True, True)}
    held = comparisons.get(str(operator)) or tuple(
        {"LE": length <= size, "LT": length < size, "GE": length >= size, "GT": length > size}.get(str(operator), False)
        for length in lengths
    )
    return Share.ALL if all(held) else (Share.NONE if not any(held) else Share.OPEN)


_WITH_LENGTH: Final = lazy_re.compile(r".*/(\d{1,3})", re.DOTALL)


def _addresses(addresses: Sequence[Resolved]) -> Share:
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    unseen = 0.0
    for each in addresses:
        length = _WITH_LENGTH.fullmatch(str(each)) if isinstance(each, Text) else None
        if length is not None:
            # An address that the deployment tells (of a NAT gateway): how many there are of it stands behind it.
            unseen += 0.5 ** int(length[1])
            continue
        try:
            networks.append(ipaddress.ip_network(str(each), strict=False))
        except ValueError:
            return Share.OPEN
    four = ipaddress.collapse_addresses(each for each in networks if isinstance(each, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(each for each in networks if isinstance(each, ipaddress.IPv6Network))
    share = max(sum(0.5**each.prefixlen for each in four), sum(0.5**each.prefixlen for each in six)) + unseen
    if share >= 1:
        return Share.ALL
    return Share.MOST if share >= _MANY else (Share.FEW if networks or unseen else Share.NONE)
