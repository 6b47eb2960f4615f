"""Values that are secrets whatever they are called: keys with a form of their own, addresses and connection strings.

Forms of keys: the issuers' documentation, and GitHub's list of what its secret scanning recognises
(https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re

_KEYS: Final = tuple(
    (lazy_re.compile(form), what)
    for what, form in (
        ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAGE-SECRET-KEY-1[0-9A-Z]{40,}"),
        ("a GitHub token", r"\b(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{30,})"),
        ("a GitLab token", r"\bgl(?:pat|rt|dt|ptt|soat|cbt|ft|agent|imt|oas)-[0-9A-Za-z_=-]{20,}"),
        ("a Slack token", r"\b(?:xox[abeoprs]|xapp)-[0-9A-Za-z-]{10,}"),
        ("a Stripe key", r"\b(?:[sr]k_(?:live|test)|whsec)_[0-9A-Za-z]{16,}"),
        ("a Google key", r"\bAIza[0-9A-Za-z_-]{35}\b|\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}"),
        ("a SendGrid key", r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{20,}"),
        ("a model API's key", r"\bsk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]+-|or-v1-)?[0-9A-Za-z_]{20}[0-9A-Za-z_-]*"),
        ("a model API's key", r"\b(?:hf_[A-Za-z]{30,}|(?:r8|gsk)_[0-9A-Za-z]{30,}|pplx-[0-9A-Za-z]{30,})"),
        ("a registry's token", r"\bnpm_[0-9A-Za-z]{30,}|\bpypi-AgE[0-9A-Za-z_-]{40,}|\brubygems_[0-9a-f]{40,}"),
        ("a registry's token", r"\bdckr_(?:pat|oat)_[0-9A-Za-z_-]{20,}"),
        # A container engine's config.json, npm's .npmrc and a .netrc, as their documentation has them.
        ("a registry's password", r"\"auths\"\s*:[^$]{0,400}?\"auth\"\s*:\s*\"[0-9A-Za-z+/]{8,}={0,2}\""),
        ("a registry's token", r"(?m)(?:^|[:\s\"'])_(?:authToken|auth|password)\s*=\s*[\"']?(?![$%{<*(])[^\s\"']{8,}"),
        ("a password", r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?![$%{<*(])\S{4,}"),
        ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}\b"),
        ("a DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{60,}"),
        ("a Vault token", r"\bhv[sbr]\.[0-9A-Za-z_-]{20,}"),
        ("a Grafana token", r"\bgl(?:sa|c)_[0-9A-Za-z_=+/]{30,}"),
        ("a New Relic key", r"\bNR(?:AK|JS)-[0-9A-Z]{20,}"),
        ("a Sentry token", r"\bsntry[su]_[0-9A-Za-z_=+/-]{30,}"),
        # Laravel documentation, "Encryption": what `key:generate` writes into APP_KEY, of 16 or 32 bytes.
        ("an application's key", r"\bbase64:(?=[0-9A-Za-z+/]*\d)(?:[0-9A-Za-z+/]{43}=|[0-9A-Za-z+/]{22}==)"),
        ("a Twilio key", r"\bSK[0-9a-f]{32}\b"),
        (
            "a mail service's key",
            r"\bkey-(?=[a-z]*\d)[0-9a-z]{32}\b|\b[0-9a-f]{32}-us\d{1,2}\b|\bxkeysib-[0-9a-f]{60,}",
        ),
        ("an Atlassian token", r"\b(?:ATATT3|ATCTT3|ATBB)[0-9A-Za-z_=-]{20,}"),
        ("a Square key", r"\bsq0(?:csp|atp)-[0-9A-Za-z_-]{20,}"),
        ("a Telegram bot's token", r"\b\d{8,10}:AA[0-9A-Za-z_-]{33}\b"),
        ("a Discord bot's token", r"\b[MNO][0-9A-Za-z_-]{23,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,}"),
        (
            "a service's key",
            r"\b(?:lin_api_|figd_|ntn_|PMAK-|tskey-[a-z]+-|pul-|dapi|sbp_|nfp_|pscale_(?:tkn|pw)_)(?=\D*\d)[\w.-]{30,}",
        ),
        ("a service's key", r"\bdp\.(?:st|ct|sa|pt|scim|audit)\.(?:[\w-]{1,40}\.)?[0-9A-Za-z]{40,}"),
        ("a service's key", r"\bpat-(?:na|eu|ap)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\bHRKU-[\w-]{30,}"),
        (
            "a service's key",
            r"\bre_(?=\w*[A-Z])[0-9A-Za-z]{6,}_[0-9A-Za-z]{18,}|\bph[xs]_[0-9A-Za-z]{30,}|\bEAA[0-9A-Za-z]{30,}",
        ),
        ("a service's key", r"\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{40,}|\bpat[0-9A-Za-z]{14}\.[0-9a-f]{64}\b"),
        ("a service's key", r"\b(?:sb_secret_|CFPAT-|CCIPAT_|bk[up]a_|napi_|tfp_|dt0c01\.|pnu_)(?=\D*\d)[\w.-]{24,}"),
        # Microsoft Entra documentation: a secret of an app registration.
        ("a client secret", r"(?<![\w~.-])[0-9A-Za-z_~.-]{3}\dQ~[0-9A-Za-z_~.-]{31,34}(?![\w~.-])"),
        (
            "an authorization header",
            r"(?i)\bbearer\s+(?=\S*\d)[0-9a-z._~+/=-]{20,}|\bbasic\s+(?=\S*\d)[0-9a-z+/]{12,}={0,2}(?=\\?[\"']|$)",
        ),
    )
)
_SIGNED_TOKEN: Final = lazy_re.compile(r"\beyJ[0-9A-Za-z_-]{10,}\.(eyJ[0-9A-Za-z_-]{5,})\.[0-9A-Za-z_-]{20,}")
_SHORTEST_KEY: Final = 15
# Whoever knows one of these addresses may use it: nothing else is asked for.
_HOOK: Final = lazy_re.compile(
    r"""(?ix)https://(?:
      hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[0-9a-z]+/[0-9a-z/]{8,}
    | (?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]{20,}
    | (?:[\w-]+\.webhook\.office|outlook\.office(?:365)?)\.com/webhook(?:b2)?/[\w@/-]{20,}
    | [\w.-]+\.(?:logic\.azure|powerplatform|api\.powerplatform)\.com\S*[?&]sig=[\w%-]{10,}
    | chat\.googleapis\.com/v1/spaces/[\w-]+/messages\?\S*token=[\w%-]{10,}
    | hooks\.zapier\.com/hooks/catch/\d+/\w+
    | hook\.[\w.-]*(?:make|integromat)\.com/\w{16,}
    | [\w.-]+(?::\d+)?/hooks/(?:[0-9a-z]{26}(?![\w/-])|[0-9a-f]{24}/\w{24,})
    | maker\.ifttt\.com/\S+/with/key/[\w-]{10,}
    | api\.telegram\.org/bot\d+:[\w-]{20,}
    | events\.pagerduty\.com/integration/[0-9a-f]{20,}/
    | (?:open\.feishu\.cn|open\.larksuite\.com)/open-apis/bot/v2/hook/[\w-]{16,}
    | qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[\w-]{16,}
    | oapi\.dingtalk\.com/robot/send\?access_token=\w{16,}
    | api\.(?:eu\.)?opsgenie\.com/\S*[?&]apikey=[\w-]{16,}
    )"""
)
# A password in a URL, unless it is a reference that a shell or the program fills in.
_URL_PASSWORD: Final = lazy_re.compile(
    r"[a-z][a-z0-9+.-]{0,30}://[^\s/@:]*:(?!\$|\{(?!\{resolve:)|%|\*\*)[^\s/@]+@", re.IGNORECASE
)
# The same in front of a registry's host, as container engines never take it and people write it: not a digest.
_HOST_PASSWORD: Final = lazy_re.compile(
    r"(?<![\w.+/@:-])[\w.+-]{1,64}:(?![$%{*])[^\s/@:\"']{1,200}@(?!sha\d{3}:)"
    r"(?=(?:(?:[\w-]{1,63}\.){1,8}[a-z]{2,20}(?::\d{1,5})?|[\w-]{1,63}:\d{1,5})/)",
    re.IGNORECASE,
)
# A header, quoted as a word or written as a line: the schemes are registered with IANA ("HTTP Authentication Scheme
# Registry"), but for `token` and `bot`, which GitHub's and Discord's API documentation have.
_AUTHORIZATION: Final = lazy_re.compile(
    r"""(?i)\bauthorization\\?["']?\s*[:=]\s*\\?["']?(?:(?:bearer|basic|token|bot|digest|apikey|key)\s+)?"""
    r"""(?P<value>(?![$%{<*(\[]|(?:bearer|basic|token|bot|digest|apikey|key|aws4-hmac-sha256)\b)(?=\S{0,256}\d)"""
    r"""[^\s"'`$,;\\]{6,512})"""
)
# user:password@tcp(db.example.com:3306)/app: how Go's MySQL driver takes it ("DSN (Data Source Name)" in its README).
# user/password@ after the driver's name: Oracle's thin driver (JDBC Developer's Guide, "Database URLs").
_DRIVER_PASSWORD: Final = lazy_re.compile(
    r"(?<![\w.+/@:-])[\w.+-]{1,64}:(?![$%{*])[^\s:\"']{1,200}@(?:tcp6?|unix)\("
    r"|jdbc:oracle:[a-z]{2,6}:[\w.+-]{1,64}/(?![$%{*<])[^\s@]{1,200}@"
)
# Server=db;Password=…; and host=db password=…: pairs of a name and a value. A reference or an open part is no value.
_PAIR: Final = lazy_re.compile(r"(?:^|[;,&?\s])\s*([A-Za-z][\w .-]*?)\s*=\s*('[^']*'|\"[^\"]*\"|[^;,&\s]*)")
_PASSWORD_OF_PAIR: Final = lazy_re.compile(
    r"(?i)(?:[a-z]+[ _]?)?(?:password|passwd|pwd)|(?:shared)?access ?key|account ?key"
)
_KEY_OF_QUERY: Final = lazy_re.compile(
    r"(?i)sig|signature|sharedaccesssignature|(?:access|auth|api)?[_-]?(?:token|key)|(?:client[_-]?)?secret"
)
# Headers that an exporter sends, written as pairs; a header's value may be percent-encoded. Source: OpenTelemetry
# documentation, "OTLP Exporter Configuration", OTEL_EXPORTER_OTLP_HEADERS.
_KEY_OF_HEADER: Final = lazy_re.compile(
    r"(?i)(?:[a-z0-9]+-)*(?:api-?key|(?:access|auth|api|ingest|ingestion|license|write)-(?:key|token)|authorization)"
    r"|x-honeycomb-team"
)
_SCHEME: Final = lazy_re.compile(r"(?i)^(?:bearer|basic|api-?token|token|apikey)(?:%20|\+)")
_OPEN: Final = lazy_re.compile(r"[$%{<*\[(]|\.{3}|x{4,}", re.IGNORECASE)
_RANDOM: Final = lazy_re.compile(r"(?=.*\d)(?=.*[A-Za-z])[0-9A-Za-z+/=%_.-]{16,}")
# What a thing is called: words, and a small number behind them.
_CALLED: Final = lazy_re.compile(r"[a-z]+(?:[._/-][a-z]+)+(?:[._/-]v?\d{1,3})?", re.IGNORECASE)


def format_of_secret(value: str) -> str | None:
    """What secret the form of ``value`` gives away; ``None`` where it shows none."""
    if "@" in value and _URL_PASSWORD.search(value):
        return "a URL with a password in it"
    if "@" in value and _DRIVER_PASSWORD.search(value):
        return "a connection string with a password or key in it"
    if "=" in value and _secret_of_pairs(value):
        return "a connection string with a password or key in it"
    if len(value) < _SHORTEST_KEY:
        return None
    if "=" in value and _is_key_in_header(value):
        return "a header with a key in it"
    if "https://" in value.lower() and _HOOK.search(value):
        return "the address of an incoming hook, which lets everybody in who knows it"
    if "eyJ" in value and (match := _SIGNED_TOKEN.search(value)) and not _is_public_role(match[1]):
        return "a signed token"
    return next((what for pattern, what in _KEYS if pattern.search(value)), None)


def _secret_of_pairs(value: str) -> bool:
    pairs = [(name.strip(), held.strip("'\"")) for name, held in _PAIR.findall(value)]
    address = "://" in value or value.lower().startswith("jdbc:")
    if len(pairs) < 2 and not address and "," not in value:
        return False
    for name, held in pairs:
        if not held or _OPEN.match(held):
            continue
        if _PASSWORD_OF_PAIR.fullmatch(name):
            return True
        if address and _KEY_OF_QUERY.fullmatch(name) and _RANDOM.fullmatch(held):
            return True
    return False


def _is_key_in_header(value: str) -> bool:
    pairs = ((name.strip(), _SCHEME.sub("", held.strip("'\""), 1)) for name, held in _PAIR.findall(value))
    return any(
        _KEY_OF_HEADER.fullmatch(name)
        and _RANDOM.fullmatch(held)
        and not _CALLED.fullmatch(held)
        and not held.startswith("AWS4-HMAC")
        for name, held in pairs
    )


def _is_public_role(payload: str) -> bool:
    """Whether the token says of itself that it is for everybody: what a hosted database hands to browsers."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(claims, dict) and claims.get("role") == "anon"


def spans_of_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Where in a longer text the forms of secrets stand: what has to be left out before it may be shown."""
    for pattern, _ in _KEYS:
        for match in pattern.finditer(text):
            yield match.span()
    if "@" in text:
        yield from (match.span() for match in _HOST_PASSWORD.finditer(text))
        yield from (match.span() for match in _DRIVER_PASSWORD.finditer(text))
    if "://" in text:
        yield from (match.span() for match in _HOOK.finditer(text))
        yield from (match.span() for match in _URL_PASSWORD.finditer(text))
    yield from (match.span("value") for match in _AUTHORIZATION.finditer(text))
    for match in _SIGNED_TOKEN.finditer(text):
        if not _is_public_role(match[1]):
            yield match.span()
    for match in _PAIR.finditer(text) if "=" in text else ():
        name, held = match[1].strip(), match[2].strip("'\"")
        known = _PASSWORD_OF_PAIR.fullmatch(name) or (_KEY_OF_QUERY.fullmatch(name) and _RANDOM.fullmatch(held))
        if known and held and not _OPEN.match(held) and "(" not in held:
            yield match.span(2)
