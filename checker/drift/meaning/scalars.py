"""When two single values mean the same: what services do to strings, numbers and names between being told and asked.

:func:`same` goes through :data:`_FORMS`, an ordered list of small functions; each says why a service answers so. Values
are compared, never guessed: what is merely similar is different.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_interface, ip_network
from typing import Final

from checker import lazy_re
from checker.data.type_facts import TypeFacts
from checker.model.resources import Raw
from checker.model.secrets.values import NOT_KEPT

# Words that leave the choice to the service: what it then shows is its choice (ECS PlatformVersion, engines). With a
# dollar they are names that stay as they are (Lambda's and EC2's unpublished versions).
_SERVICE_PICKS: Final = frozenset({"LATEST", "latest"})
_NOT_SET_WORDS: Final = frozenset(
    {"", "0", "false", "none", "off", "disabled", "disable", "inactive", "not_set", "null"}
)
# IANA protocol numbers that EC2 shows by name.
_WORD: Final = lazy_re.compile(r"[A-Za-z][\w.-]*")
# Properties that hold what people wrote, where case is meant.
_TEXT: Final = frozenset(
    [
        "Value",
        "Key",
        "Description",
        "Comment",
        "Path",
        "Prefix",
        "Pattern",
        "Text",
        "Password",
        "Variables",
        "Tags",
        "Labels",
        "Environment",
        "Parameters",
    ]
)
_PROTOCOLS: Final = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}
_DOMAIN: Final = lazy_re.compile(r"[\w*\\-]+(\.[\w*\\-]+)+\.?")
# A number as text, up to what a floating-point number tells apart. What begins with further zeros is an id.
_NUMBER: Final = lazy_re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?")
_WHOLE: Final = lazy_re.compile(r"-?\d{1,40}")
_OCTAL: Final = lazy_re.compile(r"[0-7]{3,4}")
_TIME: Final = lazy_re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def same(expected: Raw, live: Raw, pattern: str, facts: TypeFacts) -> bool:
    """Whether two scalars mean the same at ``pattern``, a property's path with ``*`` for items of lists."""
    if expected == live and isinstance(expected, bool) == isinstance(live, bool):
        return True
    one, other = _written(expected), _written(live)
    if one == other:
        return True
    if not (isinstance(expected, str) and isinstance(live, str)):
        return _same_number(one, other)
    leaf = pattern.rpartition(".")[2]
    if one.lower() == other.lower() and (pattern in facts.caseless or _one_case(other, pattern)):
        return True
    prefix = facts.prefixes.get(pattern)
    if prefix and other.removeprefix(prefix) == one.removeprefix(prefix):
        return True
    if one in _SERVICE_PICKS and pattern not in facts.caseless and not pattern.endswith(".*"):
        return True  # where the schema lists what may stand there, and in a list, the word is one of the choices
    return any(form(one, other, leaf) for form in _FORMS)


def is_neutral(value: Raw) -> bool:
    """Whether a value says no more than its absence would: empty, off, zero, all the way down."""
    if value is None:
        return True
    if isinstance(value, dict):
        return all(map(is_neutral, value.values()))
    if isinstance(value, list):
        return all(map(is_neutral, value))
    return _written(value).lower() in _NOT_SET_WORDS


def is_masked(value: Raw) -> bool:
    """Services answer ``****`` for what they keep secret, and a snapshot keeps no value that may be one."""
    return isinstance(value, str) and ((len(value) > 2 and not value.strip("*")) or NOT_KEPT in value)


def names_of(arn: str) -> set[str]:
    """The ids and names that an ARN stands for: what other APIs of the same service call the resource."""
    resource = arn.split(":", 5)[-1].removesuffix(":*")
    found = {resource, resource.rpartition("/")[2], resource.rpartition(":")[2]}
    for sign in ("/", ":"):
        if sign in resource:
            found.add(resource.split(sign, 1)[1])
    return found - {"", "*"}


def is_arn(value: Raw) -> bool:
    return isinstance(value, str) and value.startswith("arn:") and value.count(":") >= 5


def _written(value: Raw) -> str:
    """Templates write booleans and numbers as strings at will, and so do services."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _same_number(one: str, other: str) -> bool:
    """``"True"`` for ``true``, ``"1.0"`` for ``1``, where at least one of the two is no string."""
    if one.lower() == other.lower():
        return True
    if _WHOLE.fullmatch(one) and _WHOLE.fullmatch(other):
        return int(one) == int(other)
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _one_case(live: str, pattern: str) -> bool:
    """Many services store keywords and identifiers in one case, whichever they were given in. Text stays as it is."""
    return (
        _TEXT.isdisjoint(pattern.split("."))
        and live in {live.lower(), live.upper()}
        and _WORD.fullmatch(live) is not None
    )


def _public_key(one: str, other: str, _: str) -> bool:
    """EC2 replaces the comment of a public key by the name of the key pair."""
    first, second = one.split(), other.split()
    return len(first) >= 2 and first[0].startswith(("ssh-", "ecdsa-")) and first[:2] == second[:2]


def _trimmed(one: str, other: str, _: str) -> bool:
    """Certificates, keys, documents and expressions lose or gain line breaks and spaces."""
    return one.split() == other.split()


def _arn_or_name(one: str, other: str, _: str) -> bool:
    """A resource is named by ARN, by name or by id, whichever the API that answers prefers."""
    for arn, name in ((one, other), (other, one)):
        if is_arn(arn):
            if is_arn(name):
                return arn.removesuffix(":*") == name.removesuffix(":*")
            if len(name) > 1 and name in names_of(arn):
                return True
    return False


def _with_prefix(one: str, other: str, _: str) -> bool:
    """``/hostedzone/Z1`` is ``Z1`` (Route 53), ``https://host`` is ``host`` (IAM's OIDC providers), and a place in a
    bucket is the same without ``s3://`` (Synthetics)."""
    short, long = sorted((one, other), key=len)
    return bool(short) and long in {f"{prefix}{short}" for prefix in ("/hostedzone/", "https://", "/change/", "s3://")}


def _address(one: str, other: str, _: str) -> bool:
    """The slash at the end of a URL or of a place in a bucket is added or dropped."""
    return "://" in one and one.rstrip("/") == other.rstrip("/")


def _settings_in_a_row(one: str, other: str, _: str) -> bool:
    """``a=1;b=2``: services add settings of their own and keep no order (DMS ExtraConnectionAttributes)."""
    if "=" not in one or ";" not in one + other:
        return False
    ours, theirs = ({each.strip() for each in text.split(";") if each.strip()} for text in (one, other))
    return bool(ours) and ours <= theirs


def _numbers(one: str, other: str, leaf: str) -> bool:
    """``1``, ``1.0`` and ``1e0`` as text, but not where parts of a version or the digits of an id are meant."""
    if "Version" in leaf or not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
        return False
    return float(one) == float(other)


def _mode(one: str, other: str, leaf: str) -> bool:
    """Permissions of a file as octal numbers: EFS writes ``755`` as ``0755``."""
    return (
        leaf == "Permissions"
        and bool(_OCTAL.fullmatch(one) and _OCTAL.fullmatch(other))
        and int(one, 8) == int(other, 8)
    )


def _escaped(one: str, other: str, _: str) -> bool:
    """API Gateway writes ``/`` in a method's path as ``~1``, JSON Pointer's way."""
    return "~1" in one + other and one.replace("~1", "/").lstrip("/") == other.replace("~1", "/").lstrip("/")


def _access(one: str, other: str, leaf: str) -> bool:
    """Redis ACLs start from nothing; ElastiCache and MemoryDB say so (``-@all``)."""
    if leaf != "AccessString":
        return False
    first, second = ([each for each in text.split() if each != "-@all"] for text in (one, other))
    return first == second


def _version(one: str, other: str, leaf: str) -> bool:
    """A version may be given by its beginning; the service shows the one that it chose (RDS, ElastiCache, MSK)."""
    if "Version" not in leaf:
        return False
    return other.startswith(f"{one}.") or (one[:1].isdigit() and one.startswith(f"{other}."))


def _domain_name(one: str, other: str, _: str) -> bool:
    """DNS names end in a dot or not, and have no case; Route 53 writes ``*`` as ``\\052``."""
    if not (_DOMAIN.fullmatch(one) and _DOMAIN.fullmatch(other)) or one.endswith(".") == other.endswith("."):
        return one.replace("\\052", "*") == other.replace("\\052", "*")
    first, second = (each.rstrip(".").replace("\\052", "*").lower() for each in (one, other))
    return first == second


def _network(one: str, other: str, _: str) -> bool:
    """EC2 clears the host part of a block and shortens IPv6."""
    if not (("." in one or ":" in one) and ("." in other or ":" in other)):
        return False
    if "/" not in one or "/" not in other:
        try:
            return ":" in one and ip_interface(one) == ip_interface(other)
        except ValueError:
            return False
    try:
        return ip_network(one, strict=False) == ip_network(other, strict=False)
    except ValueError:
        return False


def _protocol(one: str, other: str, leaf: str) -> bool:
    if "Protocol" not in leaf:
        return False
    return _PROTOCOLS.get(one.lower(), one.lower()) == _PROTOCOLS.get(other.lower(), other.lower())


def _window(one: str, other: str, leaf: str) -> bool:
    """``Mon:05:00-Mon:06:00`` comes back in lower case."""
    return leaf.endswith("Window") and one.lower() == other.lower()


def _moment(one: str, other: str, _: str) -> bool:
    """The same moment with or without fractions, ``Z`` or an offset."""
    if not (_TIME.fullmatch(one) and _TIME.fullmatch(other)):
        return False
    first, second = _time(one), _time(other)
    return first is not None and first == second


def _time(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


_FORMS: Final[tuple[Callable[[str, str, str], bool], ...]] = (
    _public_key,
    _trimmed,
    _arn_or_name,
    _with_prefix,
    _address,
    _settings_in_a_row,
    _numbers,
    _mode,
    _escaped,
    _access,
    _version,
    _domain_name,
    _network,
    _protocol,
    _window,
    _moment,
)
