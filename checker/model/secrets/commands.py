"""Secrets by the place where they stand in a command line, whatever they are called: behind an option of one letter, by
their position, or on the way into a program that reads them from its standard input.

Source: the programs' manual pages. A reference (``$NAME``, ``$(...)``, ``<name>``) is no secret.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import Final

from checker import lazy_re

_MOST_WORDS: Final = 1_000
_REST: Final = r"[^\n|;&]{0,256}?"  # of the same command
_VALUE: Final = r"(?P<value>(?![-$`{<(*%])[^\s'\"$`|;&<>\\]{2,512})"
# Between an option and its value: a blank, an equals sign, or the next element of a list.
_NEXT: Final = r"(?:[ \t]+|=|\\?['\"][ \t]*,[ \t]*)\\?['\"]?"
_BEFORE: Final = r"[\s'\"]"
_USER: Final = r"(?:-[BfgGiIjkLlnNOqRsSv0146#]{0,12}[uU]|-a|--(?:proxy-)?user|--auth)"
_ENGINES: Final = r"(?:docker|podman|nerdctl|buildah|skopeo|oras|g?crane(?:[ \t]+auth)?|regctl|helm|az|argocd|flux)"
_PRINTS: Final = r"\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+|'%s(?:\\n)?'[ \t]+|\"%s(?:\\n)?\"[ \t]+){0,3}\\?['\"]?"
_READS_IT: Final = r"(?:--[\w-]*(?:password|passphrase|token)[\w-]*stdin|--with-token|--passphrase-fd|\bsudo[ \t]+-S)\b"
_ACL_VALUE: Final = r"[ \t'\"](?:>(?P<value>(?![($/&])[^\s'\"$`>]{2,512})|#[0-9a-f]{64}\b)"
_ACL_RIGHT: Final = r"(?:[ '\"][~&]\S|[+-]@|allkeys|allcommands)"

# A program, and how it is told: with its options of one letter, or the words before the secret.
_FORMS: Final = (
    # curl, wget, HTTPie, xh: a name and its password, also behind curl's options that take no value (-fsSu).
    rf"\b(?:curl|wget|https?|xhs?)\b{_REST}{_BEFORE}{_USER}(?:{_NEXT}|\\?['\"])?[^\s:'\"$,]{{1,128}}:{_VALUE}",
    rf"\bhttps?[ \t]+[^\s:/'\"$]{{1,128}}:{_VALUE}[ \t]+https?://",
    rf"\b(?:redis|valkey|keydb)-cli\b{_REST}{_BEFORE}(?:-a|--pass){_NEXT}{_VALUE}",
    rf"\b(?:mysql|mariadb)(?:admin|dump|import|check|show)?\b{_REST}{_BEFORE}-p\\?['\"]?{_VALUE}",
    rf"\b(?:sqlcmd|bcp|osql)\b{_REST}{_BEFORE}-P(?:{_NEXT})?{_VALUE}",
    rf"\b(?:mongo(?:sh|dump|restore|export|import)?|cqlsh|influx|twine)\b{_REST}{_BEFORE}-p{_NEXT}{_VALUE}",
    rf"\bldap(?:search|modify|add|delete|passwd|whoami)\b{_REST}{_BEFORE}-\w{{0,8}}w(?:{_NEXT})?{_VALUE}",
    rf"\bsshpass\b{_REST}{_BEFORE}-p(?:{_NEXT})?{_VALUE}",
    rf"\b(?:zip|unzip)\b{_REST}{_BEFORE}-\w{{0,8}}P{_NEXT}{_VALUE}",
    rf"\b7z[ar]?\b{_REST}{_BEFORE}-p{_VALUE}",
    rf"\bopenssl\b{_REST}{_BEFORE}-[kK]{_NEXT}{_VALUE}",
    rf"\bopenssl\b{_REST}{_BEFORE}-pass(?:in|out)?{_NEXT}pass:{_VALUE}",
    rf"\b{_ENGINES}\b{_REST}\blogin\b{_REST}{_BEFORE}-p(?:{_NEXT})?{_VALUE}",
    rf"\bvault[ \t]+login[ \t]+(?:-\S+[ \t]+){{0,8}}(?:token=)?{_VALUE}",
    rf"\brabbitmqctl[ \t]+(?:add_user|change_password|authenticate_user)[ \t]+\S{{1,128}}[ \t]+{_VALUE}",
    rf"\bhtpasswd\b{_REST}{_BEFORE}-\w*b\w*[ \t]+\S{{1,256}}[ \t]+\S{{1,128}}[ \t]+{_VALUE}",
    rf"--oauth2-bearer{_NEXT}{_VALUE}",
    # AWS CLI: what is stored, or encrypted.
    rf"\bconfigure[ \t]+set[ \t]+[\w.-]*(?i:secret|token|password)[\w.-]*[ \t]+['\"]?{_VALUE}",
    rf"--(?:secret-string|secret-binary|plaintext){_NEXT}{_VALUE}",
    rf"\bput-parameter\b(?=[^\n]{{0,256}}SecureString)[^\n]{{0,256}}?--value{_NEXT}{_VALUE}",
    # What is printed into a program that asks for its password there.
    rf"{_PRINTS}{_VALUE}\\?['\"]?[ \t]*\|[^|\n]{{0,256}}?{_READS_IT}",
    rf"{_READS_IT}[^\n|]{{0,256}}?<<<[ \t]*['\"]?{_VALUE}",
    # A user of Redis (Redis documentation, "ACL"): its passwords, in the clear or hashed.
    rf"(?i:setuser|access-?string)[^\n]{{0,256}}?{_ACL_VALUE}",
    rf"(?i:\bon\b|\boff\b)(?=[^\n]{{0,256}}?{_ACL_RIGHT})[^\n]{{0,256}}?{_ACL_VALUE}",
)
# Each needs one of these words; most texts have none of them.
_HINT: Final = lazy_re.compile(
    r"curl|wget|http|xhs?\b|-cli\b|mysql|mariadb|sqlcmd|\bbcp\b|osql|mongo|cqlsh|influx|twine|ldap|sshpass|zip\b"
    r"|\b7z|openssl|login|rabbitmqctl|htpasswd|secret-|plaintext|SecureString|stdin|--with-token|passphrase-fd"
    r"|sudo|[ '\"]>|configure"
)


@cache
def _forms() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, _FORMS))


def secret_words(words: Sequence[object]) -> Iterator[int]:
    """Which of a command's words are secrets by their place; what is no text among them is none."""
    texts = [word if isinstance(word, str) else "" for word in words[:_MOST_WORDS]]
    ends = list(accumulate(len(text) + 1 for text in texts))
    for start, _ in spans_of_arguments(" ".join(texts)):
        yield bisect_right(ends, start)


def spans_of_arguments(text: str) -> Iterator[tuple[int, int]]:
    """Where in a command line, or in a text with some, a secret stands by its place."""
    if _HINT.search(text) is None:
        return
    for form in _forms():
        for match in form.finditer(text):
            yield match.span("value") if match["value"] else match.span()


_TAKES_ONE: Final = lazy_re.compile(r"(?i)--?[\w-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|bearer|api-?key)")


def words_to_show(words: Sequence[object]) -> list[str]:
    """A command's words that say which one it is: no options, no numbers and devices, which are their values, and no
    secrets that stand by themselves behind one."""
    hidden = {*secret_words(words)}
    found: list[str] = []
    before = ""
    for index, each in enumerate(words):
        word = each if isinstance(each, str) else ""
        told = _TAKES_ONE.fullmatch(before) is not None
        is_value = word.isdecimal() or word.startswith("/dev/")
        if word and not (word.startswith("-") or is_value or told or index in hidden):
            found.append(word)
        before = word
    return found
