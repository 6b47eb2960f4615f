"""Text that is about to be shown, without what may be a secret in it: messages, and lines of sources.

A message keeps its words and loses the value. A line of a source is left out whole: what stands around a secret tells
about it, and a reader who may see the file has the line's number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.secrets.commands import spans_of_arguments
from checker.model.secrets.formats import spans_of_secrets
from checker.model.secrets.values import is_secret_name, looks_secret

NOT_SHOWN: Final = "(not shown: may be a secret)"
_VALUE: Final = r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&|"'`()\[\]{}<>]++(?![(\[]))"""
_NAME: Final = r"(?P<name>[A-Za-z_][\w.-]{1,80})"
# NAME=value, "name": "value", --name value, PASSWORD 'value'.
_SET: Final = lazy_re.compile(rf"{_NAME}[\"']?(?:\s*=>?\s*|\s*:\s*(?=[\"']))[fru]?{_VALUE}")
_FLAG: Final = lazy_re.compile(rf"--{_NAME}(?:[ =]+|\\?[\"'],\s*(?=\\?[\"'])\\?){_VALUE}")
_SQL: Final = lazy_re.compile(r"\b(?P<name>PASSWORD|IDENTIFIED\s+BY)\s+(?P<value>'[^']*'|\"[^\"]*\")", re.IGNORECASE)
_YAML: Final = lazy_re.compile(rf"{_NAME}[\"']?\s*:\s+{_VALUE}")
# What every match of these holds, one of it at the least: to find none is much quicker than to find no match.
_MARKS: Final = {_SET: ("=", ":"), _FLAG: ("--",), _SQL: ("'", '"'), _YAML: (":",)}
# What a line says of the line after it, or of a value beside it: a name alone.
_NAMED: Final = lazy_re.compile(
    r"""(?i)["']?\b(?:name|key|parameterkey|variable)\\?["']?\s*[:=]\s*\\?["']?(?P<name>[\w./-]+)"""
)
_LITERAL: Final = r"(?:'(?P<value>[^']+)'|\"(?P<other>[^\"]+)\")"
_QUOTED: Final = r"""["'](?P<name>[A-Za-z][\w./-]{1,80})["']"""
# A name and its value as two literals: `('smtp_password', 'x')`, `setdefault("DB_PASSWORD", "x")`; and the other way
# round, `SET value = 'x' WHERE name = 'smtp_password'`.
_PAIRED: Final = lazy_re.compile(rf"{_QUOTED}\s*,\s*{_LITERAL}")
_ASSIGNED: Final = lazy_re.compile(rf"(?i){_LITERAL}\s+WHERE\b[^;]{{0,512}}?{_QUOTED}")
_VALUED: Final = lazy_re.compile(r"""(?i)["']?\b(?:value|parametervalue|default|plaintext|valuefrom)["']?\s*[:=]""")
# An option that is an element of a list: the next one is its value.
_OPTION: Final = lazy_re.compile(r"""^\s*(?:-\s+)?["']?--?(?P<name>[A-Za-z][\w-]*)["']?,?\s*$""")
# A line break that a string of JSON or of a program has in it.
_ESCAPED: Final = lazy_re.compile(r"\\[nrt]")
_OPENS: Final = lazy_re.compile(
    r"""["']?(?P<name>[\w.-]+)["']?\s*(?:[:=]\s*+(?:[|>][+-]?\d?)?|[ =]\\)\s*+[("\[{]?\s*$"""
)
# Long and mixed as nobody writes words; a commit's SHA, a digest or an integrity hash is no secret.
_RANDOM: Final = lazy_re.compile(
    r"(?<![0-9A-Za-z+/=])(?=[0-9A-Za-z+/=]*[a-z])(?=[0-9A-Za-z+/=]*[A-Z])(?=[0-9A-Za-z+/=]*\d)[0-9A-Za-z+/=]{28,}"
)
# What CDK ends a generated name with: the rest of such a name is words.
_NAME_HASH: Final = lazy_re.compile(r"[0-9A-F]{8}$")
_SHORTEST_SCRIPT: Final = 8
_DIGITS: Final = lazy_re.compile(r"\d+")
_PATH: Final = lazy_re.compile(r"[\w.-]*+(?:/(?=[\w.-]*[a-z]{3})[\w.-]++){2,}+")
# What stands in where a secret could not be fetched: `DB_PASSWORD=$(aws ... || echo VALUE)`, whatever it is stored in.
_PRINTED_INSTEAD: Final = r"""\|\|\s*(?:echo|printf|print)\s+(?:-\S+\s+)*["']?"""
_STANDS_IN: Final = lazy_re.compile(rf"""{_PRINTED_INSTEAD}[^\s"'$&>|)]""")
# One word with letters and digits, as nobody writes an answer.
_GENERATED_STANDS_IN: Final = lazy_re.compile(
    rf"""{_PRINTED_INSTEAD}(?P<value>(?=[^\s"')]*\d)(?=[^\s"')]*[A-Za-z])[^\s"'$&>|)]{{8,}})["']?\s*(?:[)`;]|$)"""
)
_TAKEN: Final = lazy_re.compile(r"(?P<name>[A-Za-z_]\w*)=[\"']?(?:\$\(|`)")
_FETCHES: Final = lazy_re.compile(
    r"get-secret-value|get-parameters?\b|\bkms\s+decrypt|\bop\s+read|vault\s+(?:kv\s+get|read)"
)
# The key of a mapping whose value stands inside of it: ``deploy_password: {default: x}``.
_HOLDS: Final = lazy_re.compile(r"""["']?(?P<name>[\w.-]+)["']?\s*:\s*(?:\{|$)""")
_WHOLE_KEY: Final = lazy_re.compile("-----BEGIN [A-Z ]*PRIVATE KEY.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)
_KEY_BEGINS, _KEY_ENDS = (
    lazy_re.compile("-----BEGIN [A-Z ]*PRIVATE KEY"),
    lazy_re.compile("-----END [A-Z ]*PRIVATE KEY"),
)


@lru_cache(maxsize=8192)
def without_secrets(text: str) -> str:
    """The message without the values in it that may be secrets."""
    spans = sorted({*spans_of_secrets(text), *spans_of_arguments(text), *_set(text), *_random(text)})
    if not spans:
        return text
    kept, at = [], 0
    for start, end in spans:
        if end <= at:
            continue
        if start >= at:
            kept += [text[at:start], NOT_SHOWN]
        at = end
    return "".join([*kept, text[at:]])


def _random(text: str) -> Iterator[tuple[int, int]]:
    """Whole keys, and long runs of characters that nobody would write: digits among the letters again and again. Short
    ones are enough where they are printed in the place of an answer."""
    yield from (match.span("value") for match in _GENERATED_STANDS_IN.finditer(text))
    if "PRIVATE KEY" in text:
        yield from (match.span() for match in _WHOLE_KEY.finditer(text))
    for match in _RANDOM.finditer(text):
        if not _PATH.fullmatch(match[0]) and len(_DIGITS.findall(_NAME_HASH.sub("", match[0]))) > 3:
            yield match.span()


def _set(text: str, *patterns: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for pattern in patterns or (_SET, _FLAG, _SQL):
        for match in pattern.finditer(text) if any(each in text for each in _MARKS[pattern]) else ():
            name, value = match["name"], match["value"].strip("\"'")
            inside = match["value"][1:-1]
            if len(inside) > _SHORTEST_SCRIPT and match["value"][0] in "\"'":  # it may be a script, or JSON in a word
                yield from (
                    (match.start("value") + 1 + start, match.start("value") + 1 + end) for start, end in _set(inside)
                )
            if value != NOT_SHOWN and (pattern is _SQL or looks_secret(name, value)) and not value.startswith("(not "):
                yield match.span("value")


def shown_lines(lines: Sequence[str], first: int, last: int, keys: Set[int]) -> tuple[str | None, ...]:
    """Lines ``first`` to ``last`` (from 0, the last one too) of a source; ``None`` for one that may hold a secret.

    ``keys``: the source's :func:`lines_of_keys`, which are looked for once.
    """
    return tuple(
        None if index in keys or _hides(lines, index) else lines[index]
        for index in range(first, min(last + 1, len(lines)))
    )


def lines_of_keys(lines: Sequence[str]) -> Set[int]:
    """The lines of a source (from 0) that stand inside of a private key."""
    found, open_ = set[int](), False
    for index, line in enumerate(lines):
        open_ = open_ or _KEY_BEGINS.search(line) is not None
        if open_:
            found.add(index)
            open_ = _KEY_ENDS.search(line) is None
    return found


def _hides(lines: Sequence[str], index: int) -> bool:
    line = _ESCAPED.sub("  ", lines[index])
    if _hides_by_itself(line) or ('\\"' in line and _hides_by_itself(line.replace('\\"', '"'))):  # JSON in a string
        return True
    near = lines[max(index - 2, 0) : index + 3]
    if _VALUED.search(line) and any(_names_secret(each, _NAMED) or _calls_for(each, line) for each in near):
        return True
    if _VALUED.search(line) and any(_names_secret(each, _HOLDS) for each in lines[max(index - 3, 0) : index + 1]):
        return True
    before = lines[index - 1] if index else ""
    return bool(line.strip()) and (_names_secret(before, _OPENS) or _names_secret(before, _OPTION))


@lru_cache(maxsize=8192)  # most lines of a template are there many times
def _hides_by_itself(line: str) -> bool:
    if (
        next(spans_of_arguments(line), None)
        or next(spans_of_secrets(line), None)
        or next(_set(line, _SET, _FLAG, _SQL, _YAML), None)
        or next(_random(line), None)
        or _tells_beside(line)
    ):
        return True
    stands_in = "||" in line and _STANDS_IN.search(line) is not None
    return stands_in and (_FETCHES.search(line) is not None or _names_secret(line, _TAKEN))


def _tells_beside(line: str) -> bool:
    """Whether a literal of the line is a secret by the name in another one."""
    if line.count("'") + line.count('"') < 4:
        return False
    return any(
        looks_secret(match["name"], match["value"] or match["other"])
        for pattern in (_PAIRED, _ASSIGNED)
        for match in pattern.finditer(line)
    )


def _calls_for(named: str, valued: str) -> bool:
    """Whether a name near by may call for a secret, and what stands here looks like one."""
    value = valued[match.end() :].strip().strip("\"',\\") if (match := _VALUED.search(valued)) else ""
    return any(looks_secret(match["name"], value) for match in _NAMED.finditer(named))


def _names_secret(line: str, pattern: re.Pattern[str]) -> bool:
    return any(is_secret_name(match["name"]) for match in pattern.finditer(line))
