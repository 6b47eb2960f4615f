"""Secrets that a project's own files hold in plain text: known by the names that they are set under, and then left out
wherever they have come to be quoted.

``DB_PASSWORD='x'`` and ``tool "$DB_PASSWORD"`` come to a message about ``tool x``, in which nothing tells that ``x``
is a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.secrets.values import looks_secret
from checker.model.shown.secret_text import NOT_SHOWN

Told = TypeVar("Told")

_VALUE: Final = (
    r"""(?:[fru]?(?P<quote>["'])(?P<quoted>[^"'\n]{6,}?)\\?(?P=quote)|(?P<bare>[^\s"'`,;&|()\[\]{}<>]{6,}))"""
)
# NAME=value, name: value, "name": "value", name: str = 'value', d["name"] = "value"; --name value. Megabytes of code
# are looked at: the value is found first, and the name is read backwards from there. What stands
# behind a colon itself is a part of an address: arn:aws:secretsmanager:eu-west-1:111111111111:secret:NAME.
_SET: Final = lazy_re.compile(rf"(?:=>?[ \t]*|:(?:[ \t]+|(?=\\?[\"'])))\\?{_VALUE}")
_EMAN: Final = lazy_re.compile(r"""[ ]?(?:\w+[ ]?:)?\]?["']?\\?(?P<eman>[\w.-]{1,80}[A-Za-z_])(?![\w:/])""")
_LONGEST_NAME: Final = 120
_FLAG: Final = lazy_re.compile(r"--(?P<name>[A-Za-z][\w.-]{1,80}+)[ \t]+\\?" + _VALUE)
# Two words of a call: setdefault("NAME", "value").
_PAIR: Final = lazy_re.compile(rf"""\(\s*["'](?P<name>[A-Za-z_][\w.-]{{1,80}}+)["']\s*,\s*{_VALUE}""")
_CALLS_FOR: Final = lazy_re.compile(
    r"(?i)pass|pat|pswd|pw|secret|token|key|auth|cred|login|hmac|pepper|salt|sign|cookie"
)
# A word or a name says too much else: "postgres" is a password often enough.
_MIXED: Final = lazy_re.compile(r"(?=.*\d)(?=.*[A-Za-z]).{6,}", re.DOTALL)
_LONG: Final = lazy_re.compile(r"[a-z]{16,}|[a-z]+(?:-[a-z]+){3,}")
_COLUMN: Final = lazy_re.compile(r"\w+\([\d, ]+\)")
_FILLED_IN: Final = ("${", "$(", "{{")
_MOST: Final = 1000


def secrets_set(texts: Iterable[str]) -> frozenset[str]:
    """The values in texts of code and configuration that may be secrets by the names they are set under.

    None that is no more than a word: it would be left out of what has nothing to do with it.
    """
    found = dict.fromkeys(value for text in texts for name, value in _named(text) if _may_be_secret(name, value))
    return frozenset(list(found)[:_MOST])


def _named(text: str) -> Iterator[tuple[str, str]]:
    """Values, each with the name that it is set under."""
    for match in _SET.finditer(text):
        value = match["quoted"] or match["bare"]
        if _tells(value):
            before = text[max(match.start() - _LONGEST_NAME, 0) : match.start()][::-1]
            if name := _EMAN.match(before):
                yield name["eman"][::-1], value
    for form in (_FLAG, _PAIR):
        yield from ((match["name"], match["quoted"] or match["bare"]) for match in form.finditer(text))


def _may_be_secret(name: str, value: str) -> bool:
    return _tells(value) and _CALLS_FOR.search(name) is not None and looks_secret(name, value)


def _tells(value: str) -> bool:
    is_more = _MIXED.fullmatch(value) or _LONG.fullmatch(value)
    return is_more is not None and _COLUMN.fullmatch(value) is None and not any(each in value for each in _FILLED_IN)


def without_known(told: Told, secrets: Iterable[str]) -> Told:
    """Plain data and facts, their texts without these secrets."""
    longest_first = sorted(secrets, key=len, reverse=True)
    any_of_them = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in longest_first))
    found: Told = _without(told, any_of_them)
    return found


def _without(told: Any, secrets: re.Pattern[str]) -> Any:
    if type(told) is str:  # a word of an enumeration stays one
        return secrets.sub(NOT_SHOWN, told)
    if isinstance(told, Struct):
        before = {name: getattr(told, name) for name in told.__struct_fields__}
        after = {name: _without(each, secrets) for name, each in before.items()}
        return replace(told, **after) if after != before else told
    if isinstance(told, tuple | list):
        return getattr(told, "_make", type(told))(_without(each, secrets) for each in told)
    if isinstance(told, Mapping):
        return {_without(key, secrets): _without(each, secrets) for key, each in told.items()}
    return told
