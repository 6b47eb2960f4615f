"""Commands in the little languages of text tools: sed's ``e``, awk's ``system`` and pipes, m4's ``esyscmd``.

Sources: GNU sed manual, "Commands Specific to GNU sed" and "The s Command"; POSIX, awk, "Input/Output and General
Functions" and "Expressions in awk" (a command and ``getline``); GNU m4 manual, "Running shell commands"; ed(1); dc(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.possible import plain_words
from checker.resolve.shell.handed.kinds import Handed, Told, apart, command, filled, given, line, plain, unknown

# --- sed ------------------------------------------------------------------------------------------------------------

_ADDRESS: Final = lazy_re.compile(r"(?:\d+|\$)(?:~\d+)?|[+~]\d+")
_TO_END: Final = lazy_re.compile(r"[^\n]*")
_WHOLE: Final = frozenset({".*", "^.*", "^.*$", ".*$"})
_SED_VALUES: Final = ("-e", "--expression")
_SED_FILES: Final = ("-f", "--file")


def sed(told: Told) -> Iterator[Handed]:
    """The commands that sed's scripts run."""
    if "--sandbox" in told.words:
        return
    words = apart(told.words[1:], "ef")
    scripts = [*given(words, _SED_VALUES)]
    files = [*given(words, _SED_FILES)]
    if not scripts and not files:
        scripts = [*plain_words(words, {"-l", "--line-length"})][:1]
    for script in (*scripts, *map(told.text_of, files)):
        written = plain(script)
        for each in _sed_commands(written[0]) if written is not None else ():
            yield unknown("what sed runs") if each is None else line(filled(each, written[1] if written else {}))


def _delimited(text: str, at: int, mark: str) -> int:
    """The end of what a delimiter closes; a bracket expression may hold the delimiter. -1 where nothing closes it."""
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == mark:
            return at
        at += 1
    return -1


def _sed_commands(text: str) -> Iterator[str | None]:
    """Each command that a script of sed runs; ``None`` for one that stands in the text that it works on."""
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in " \t\n;{}!,":
            at += 1
        elif letter == "#":
            at = _TO_END.match(text, at).end()  # type: ignore[union-attr]
        elif letter in "/\\":
            start = at + (1 if letter == "/" else 2)
            end = _delimited(text, start, "/" if letter == "/" else text[at + 1 : at + 2])
            if end < 0:
                return
            at = end + 1
            while text[at : at + 1] in {"I", "M"}:
                at += 1
        elif (address := _ADDRESS.match(text, at)) is not None:
            at = address.end()
        elif letter in "sy" and text[at + 1 : at + 2] not in {"", "\n"}:
            mark = text[at + 1]
            middle = _delimited(text, at + 2, mark)
            end = _delimited(text, middle + 1, mark) if middle >= 0 else -1
            if end < 0:
                return
            flags = re.compile(r"[gpeiImM\d]*").match(text, end + 1)
            assert flags is not None
            if letter == "s" and "e" in flags[0]:
                pattern, replaced = text[at + 2 : middle], text[middle + 1 : end]
                known = pattern in _WHOLE and not re.search(r"(?<!\\)&|\\\d", replaced)
                yield replaced.replace(f"\\{mark}", mark).replace("\\&", "&") if known else None
            at = flags.end()
            if text[at : at + 1] == "w":
                at = _TO_END.match(text, at).end()  # type: ignore[union-attr]
        elif letter == "e":
            rest = _TO_END.match(text, at + 1)
            assert rest is not None
            yield rest[0].strip() or None
            at = rest.end()
        elif letter in "aicrRwW":
            at = _TO_END.match(text, at).end()  # type: ignore[union-attr]
            while text[at - 1 : at] == "\\" and at < len(text):  # the text goes on in the next line
                at = _TO_END.match(text, at + 1).end()  # type: ignore[union-attr]
        elif letter in "btT:":
            at = re.compile(r"[^\n;]*").match(text, at).end()  # type: ignore[union-attr]
        else:
            at += 1


# --- awk ------------------------------------------------------------------------------------------------------------

_AWK_TOKEN: Final = lazy_re.compile(
    r'"(?:\\.|[^"\\\n])*"|#[^\n]*|\|\||\|&?|\bsystem\s*\(|\bgetline\b|@(?:load|include)\b|[\w.$]+|\s+|.', re.DOTALL
)
_BEFORE_REGEX: Final = frozenset("(,{;!~&|\n=?:}")
_ESCAPE: Final = lazy_re.compile(r"\\(.)", re.DOTALL)


def awk(told: Told) -> Iterator[Handed]:
    """The commands that awk's programs start."""
    files = [*given(told.words[1:], ("-f", "--file", "-E", "--exec"))]
    inline = [*given(told.words[1:], ("-e", "--source"))]
    if not files and not inline:
        inline = [*plain_words(told.words[1:], {"-F", "-v", "-i", "-l", "--field-separator", "--assign"})][:1]
    if {"-i", "-l", "--include", "--load"} & {word for word in told.words[1:] if isinstance(word, str)} and (
        "inplace" not in told.words
    ):
        yield "what awk loads was not followed"
    for file in files:
        text = told.text_of(file)
        if text is None:
            yield "awk runs a program that is not in the repository"
        inline.append(text or "")
    for program in inline:
        written = plain(program)
        if written is None:
            yield unknown("the program that awk is given")
            continue
        for each in _awk_commands(written[0]):
            yield unknown("what awk starts") if each is None else line(filled(each, written[1]))


def _awk_tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        before = next((each for each in reversed(found) if each != " "), "\n")
        if text[at] == "/" and (before[-1:] in _BEFORE_REGEX or before == "\n"):
            end = _delimited_regex(text, at + 1)
            if end > 0:
                found.append("/")
                at = end + 1
                continue
        match = _AWK_TOKEN.match(text, at)
        assert match is not None
        token = match[0]
        if token.isspace():
            found.append("\n" if "\n" in token else " ")
        elif not token.startswith("#"):
            found.append(token)
        at = match.end()
    return [each for each in found if each != " "]


def _delimited_regex(text: str, at: int) -> int:
    """The end of a regular expression of awk: a slash in brackets does not close it."""
    inside = False
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\":
            at += 1
        elif text[at] == "[":
            inside = True
        elif text[at] == "]":
            inside = False
        elif text[at] == "/" and not inside:
            return at
        at += 1
    return -1


def _awk_commands(text: str) -> Iterator[str | None]:
    tokens = _awk_tokens(text)
    for index, token in enumerate(tokens):
        after = tokens[index + 1 : index + 3]
        if token.startswith("system"):
            yield _string(after[0]) if len(after) == 2 and after[1] == ")" else None
        elif token in {"@load", "@include"}:
            yield None
        elif token in {"|", "|&"}:
            if after[:1] == ["getline"]:
                before = tokens[index - 1] if index else ""
                alone = index < 2 or tokens[index - 2] in {"(", "{", ";", "\n", "while", "&", "&&", "!"}
                yield _string(before) if alone else None
            else:
                ends = len(after) < 2 or after[1] in {";", "}", "\n", ")"}
                yield _string(after[0]) if after and ends else None


def _string(token: str) -> str | None:
    if not (len(token) > 1 and token.startswith('"') and token.endswith('"')):
        return None
    return _ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), token[1:-1])


# --- m4, dc, ed -----------------------------------------------------------------------------------------------------

_M4: Final = lazy_re.compile(r"\be?syscmd\s*\(\s*(?:`([^'`]*)'|([^()`'\n]*))\s*\)|\b(e?syscmd)\b")
_BANG: Final = lazy_re.compile(r"^\s*!(?!\[<>=])(.+)$", re.MULTILINE)


def m4(told: Told) -> Iterator[Handed]:
    texts = [told.fed, *(told.text_of(word) for word in told.words[1:])]
    for text in texts:
        for match in _M4.finditer(text) if isinstance(text, str) else ():
            yield unknown("what m4 runs") if match[3] else line(match[1] or match[2])


def lines_with_bang(told: Told) -> Iterator[Handed]:
    """``!command`` in what ed or dc reads."""
    for text in (told.fed, *given(told.words[1:], ("-e", "--expression"))):
        for match in _BANG.finditer(text) if isinstance(text, str) else ():
            yield from command(match[1])
