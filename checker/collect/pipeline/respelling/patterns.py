"""Patterns and conditions of bash that the grammar does not take, in another spelling that means the same.

As ``shell_spellings``: lines stay lines, and where no spelling keeps the meaning, a variable that nothing sets stands
for the pattern, so that nothing is decided by it.
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.collect.pipeline.shell_spellings import MAX_SIGNS, closing, plain_signs, replaced

# A variable that nothing sets.
_OPEN: Final = "$a_pattern"
_EXTENDED: Final = lazy_re.compile(r"[!*?+@]\(")
_TEST: Final = lazy_re.compile(
    r"(?<![\[\w$])\[(?: |[ \t]*\\\n)(?!\[)"
    r"((?:(?! \])(?:\\\n|[^\n]))*?(?:\\[()<>]|[\"'][()][\"'])(?:\\\n|[^\n])*?) \](?!\])"
)
_PARENTHESIS: Final = lazy_re.compile(r"\"[()]\"|'[()]'|\\[()]")
_CONDITION: Final = lazy_re.compile(r"(?<![\w$\[])\[\[\s(?:\\\n|[^\n])*?\s\]\](?![\w\]])")
_EXPRESSION: Final = lazy_re.compile(r"(?<=\s=~)[ \t]+(?=\S)")
# A comparison with a pattern of extglob.
_COMPARED: Final = lazy_re.compile(r"(?<=\s)(==?|!=)\s+((?:[^\s()]|\([^()]*\))*[!*?+@]\((?:[^\s()]|\([^()]*\))*\)\S*)")
_ONE_GROUP: Final = lazy_re.compile(r"[!*?+@]\([^()]*\)")
# An expansion that takes something off a value or replaces it, up to the pattern.
_TAKES: Final = lazy_re.compile(r"\$\{!?(?:\w+|[@*])(?:\[[^\]\n]*\])?(?:%%?|##?|//?[#%]?)")
_QUOTED: Final = lazy_re.compile(r"\"([^\"$`\\\n]*)\"|'([^'\n]*)'")
_CLASS: Final = lazy_re.compile(r"\[[!^]?\]?(?:\[:\w+:\]|\\.|[^\]\\\n])*\]")
# Where the patterns of `case` begin: a line, `in`, the end of the branch before.
_BRANCH: Final = lazy_re.compile(r";;&?|;&|\bin\s|\n|^\s*\(")
_ARGUMENT: Final = lazy_re.compile(r"[^\s|]\s+[^\s|]*$")


def plain_patterns(text: str) -> str:
    """The same script for the grammar; the number of lines stays. Very long scripts are left as they are."""
    if len(text) > MAX_SIGNS:
        return text
    for step in (_tests, _taken_off, _conditions, _brackets, _extended):
        text = step(text)
    return text


def _tests(text: str) -> str:
    """``[`` with parentheses or comparisons that are escaped: the command ``test``."""
    return replaced(text, _TEST, lambda match: f"test {match[1]}")


def _conditions(text: str) -> str:
    """What ``[[`` compares with: regular expressions, patterns, parentheses in quotes."""

    def inside(match: re.Match[str]) -> str:
        condition = match[0]
        for found in reversed(list(_EXPRESSION.finditer(condition))):
            end = _expression_end(condition, found.end())
            condition = f"{condition[: found.end()]}{_expression(condition[found.end() : end])}{condition[end:]}"
        condition = _COMPARED.sub(lambda found: f"{found[1].ljust(2, '=')} {_whole(found[2])}", condition)
        return _PARENTHESIS.sub('"$a_parenthesis"', condition)

    return _CONDITION.sub(inside, text)


def _whole(pattern: str) -> str:
    """A pattern of extglob: the grammar knows one that is a group by itself."""
    return pattern if _ONE_GROUP.fullmatch(pattern) else _OPEN


def _expression_end(text: str, start: int) -> int:
    """Where the word of a regular expression ends: at a blank outside of quotes, parentheses and classes."""
    at, depth = start, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        skipped = _QUOTED.match(text, at) or _CLASS.match(text, at)
        if skipped is not None:
            at = skipped.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if text[at].isspace() and not depth:
            break
        at += 1
    return min(at, len(text))


def _expression(written: str) -> str:
    """Quoted parts, which stand for themselves, sign by sign; a bracket that is the first of its class, escaped."""
    if not re.search(r"[\"']|\[\^?\]", written):
        return written
    made: list[str] = []
    at = 0
    while at < len(written):
        if written[at] == "\\":
            made.append(written[at : at + 2])
            at += 2
            continue
        quoted, signs = _QUOTED.match(written, at), _CLASS.match(written, at)
        if quoted is not None:
            made.append(re.sub(r"([^\w])", r"\\\1", quoted[1] if quoted[2] is None else quoted[2]))
            at = quoted.end()
        elif signs is not None:
            made.append(re.sub(r"^(\[\^?)\]", r"\1\\]", signs[0]))
            at = signs.end()
        else:
            made.append(written[at])
            at += 1
    return "".join(made)


def _taken_off(text: str) -> str:
    """Brackets and braces in what an expansion takes off a value: ``${x%]}``, ``${x//[^]]/}``."""
    for match in reversed(list(_TAKES.finditer(text))):
        end = _pattern_end(text, match.end(), replaces="/" in match[0])
        pattern = text[match.end() : end]
        if "]" in pattern or "{" in pattern:
            text = f"{text[: match.end()]}{_plain_pattern(pattern)}{text[end:]}"
    return text


def _pattern_end(text: str, start: int, *, replaces: bool) -> int:
    at, quote = start, ""
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\" and quote != "'":
            at += 2
            continue
        if text.startswith(("$(", "${"), at):
            return start  # a pattern that is made elsewhere is left as it is
        if quote:
            quote = "" if text[at] == quote else quote
        elif text[at] in "\"'":
            quote = text[at]
        elif text[at] == "}" or (replaces and text[at] == "/"):
            return at
        at += 1
    return start


def _plain_pattern(pattern: str) -> str:
    made: list[str] = []
    at = 0
    while at < len(pattern):
        signs, quoted = _CLASS.match(pattern, at), _QUOTED.match(pattern, at)
        if quoted is not None:
            made.append(quoted[0])
            at = quoted.end()
        elif pattern.startswith("\\]", at) or pattern.startswith("[]]", at):
            made.append('"]"')
            at += 2 if pattern[at] == "\\" else 3
        elif pattern[at] == "\\":
            made.append(pattern[at : at + 2])
            at += 2
        elif signs is not None:
            made.append(_OPEN if re.match(r"\[[!^]?\]", signs[0]) or "\\]" in signs[0] else signs[0])
            at = signs.end()
        else:
            made.append({"]": '"]"', "{": "\\{"}.get(pattern[at], pattern[at]))
            at += 1
    return "".join(made)


# A bracket that is escaped, or the first of its class, in a pattern of ``case`` or ``[[``.
_BRACKET: Final = lazy_re.compile(r"\\\]|\[[!^]?\](?:\[:\w+:\]|[^\]\s])*\]")
_IN_PATTERN: Final = lazy_re.compile(r"(?:==?|!=)[ \t]+\S*$|(?:^|;;|\bin[ \t]|\|)[ \t]*\(?[^\s()]*$")


def _brackets(text: str) -> str:
    plain = plain_signs(text)
    for match in reversed(list(_BRACKET.finditer(text))):
        start = match.start()
        # An escaped sign is told by that before it: the sign itself counts as quoted.
        outside = plain[max(start - 1, 0)] if match[0] == "\\]" else plain[start]
        if outside and _IN_PATTERN.search(_line_before(text, start)):
            stands = '"]"' if match[0] in {"\\]", "[]]"} else _OPEN
            text = f"{text[:start]}{stands}{text[match.end() :]}"
    return text


def _line_before(text: str, at: int) -> str:
    """What stands before a place on its line, as far as that matters."""
    return text[max(text.rfind("\n", 0, at) + 1, at - _NEAR) : at]


_NEAR: Final = 400


# The begin of a pattern in front of a group, as the grammar takes none: `*.@(sh|bash)`.
_BEGUN: Final = lazy_re.compile(r"[\w.?-]*\*[\w.*?-]*$")


def _extended(text: str) -> str:
    """Patterns of extglob among a command's words; those of ``case`` and ``[[`` the grammar knows."""
    plain = plain_signs(text)
    for match in reversed(list(_EXTENDED.finditer(text))):
        start = match.start()
        end = closing(text, match.end() - 1)
        line = text[text.rfind("\n", 0, start) + 1 : start]
        follows = text[end + 1 : end + 3].strip(" ")[:1]
        negates = (
            text[start] == "!" and not line.strip().endswith("/") and re.search(r"(?:^|[;&|]|\bif|\bwhile)\s*$", line)
        )
        before = _BRANCH.split(_line_before(text, start))[-1]
        of_case = follows in {")", "|"} and not _ARGUMENT.search(before)
        begun = _BEGUN.search(before)
        if of_case and begun is not None and plain[start]:
            text = f"{text[: start - len(begun[0])]}{_OPEN}{text[end + 1 :]}"
        elif plain[start] and end < len(text) and not of_case and "[[" not in line and not negates:
            text = f"{text[:start]}*{text[end + 1 :]}"
    return text
