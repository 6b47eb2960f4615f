"""Bash that the grammar does not take, in another spelling that means the same.

Only text that the grammar refuses is respelled. Lines stay lines: what is found is where it was written. Where no
spelling keeps the meaning, the word becomes one that stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from checker import lazy_re

MAX_SIGNS: Final = 100_000
_MAX_STRINGS: Final = 200
_DOCUMENT: Final = lazy_re.compile(r"(?<!\d)(\d*)<<(-?)\s*(?:'([^'\n]+)'|\"([^\"\n]+)\"|(\\?)([A-Za-z_][\w.-]*))")
_REDIRECTION: Final = r"(?:\d*|&)(?:>>|>\||>|<)(?![<>(])&?\s*(?:\"[^\"\n]*\"|[^\s;|&<>()\"'`])+"
_BEFORE: Final = lazy_re.compile(rf"((?:\s+{_REDIRECTION})+)\s*$")
_FOR: Final = lazy_re.compile(r"\bfor(\s+[A-Za-z_]\w*)[ \t]+do\b")
_IN: Final = lazy_re.compile(r"\bfor[ \t]+([A-Za-z_]\w*)[ \t]*\n[ \t]*in\b([^\n;]*)\n")
_COUNTS: Final = lazy_re.compile(r"\bfor[ \t]*\(\((?:(?!\)\))[^;])*;(?:(?!\)\))[^;])*;(?:(?!\)\))[^;])*\)\)")
_NONE: Final = lazy_re.compile(r"\bfor[ \t]+[A-Za-z_]\w*[ \t]+in[ \t]*(;|\n)")
_KEY: Final = lazy_re.compile(r"\[([\w.-]+(?: +[\w.-]+)+)\](?=\+?=|\}|[:#%/^,@-])")


def respelled(text: str) -> str:
    """The same script for the grammar; the number of lines stays. Very long scripts are left as they are."""
    if len(text) > MAX_SIGNS:
        return text
    for step in (_defaults, _pieces, _documents, _descriptors, _loops, _subshells, _keys):
        text = step(text)
    return text


# The grammar takes a brace behind `!` and `time` for a command's name, without a word.
_TURNED: Final = lazy_re.compile(r"(?<![\w\\\"'=$-])(!|time(?:[ \t]+-p)?)[ \t]+\{(?=[ \t\n])")
BRACES: Final = "__braces__"  # the first command of parentheses that stand for braces


def turned_groups(text: str) -> str:
    """``! { a; b; }`` and ``time { a; }`` with parentheses, marked as braces."""
    if "{" not in text or len(text) > MAX_SIGNS or not _TURNED.search(text):
        return text
    plain = plain_signs(text)
    for match in reversed(list(_TURNED.finditer(text))):
        end = closing_brace(text, match.end() - 1, plain)
        if plain[match.start()] and end:
            opened = f"{'! ' if match[1] == '!' else ''}( {BRACES};"
            text = f"{text[: match.start()]}{opened}{text[match.end() : end]}){text[end + 1 :]}"
            plain[match.start() : match.end()] = [True] * len(opened)  # for the groups around this one
    return text


# A word of the shell that the grammar does not know: `coproc NAME { a; b; }`, `coproc ( a )`, `coproc a`. Source: Bash
# Reference Manual, "Coprocesses": the command runs beside the script, as behind `&`.
_BESIDE: Final = lazy_re.compile(
    r"(?<![^\s;&|({])coproc[ \t]+(?:(?:[A-Za-z_]\w*[ \t]+)?([({])(?=[\s(])|(?=[^\s;&|<>]))"
)
_REDIRECTED: Final = lazy_re.compile(r"(?:[ \t]*+\d*+[<>]++&?[ \t]*+[^\s;&|]++)*+[ \t]*+;?")


def coprocesses(text: str) -> str:
    """Coprocesses as what runs in the background."""
    if "coproc" not in text or len(text) > MAX_SIGNS:
        return text
    for match in reversed(list(_BESIDE.finditer(text))):
        plain = plain_signs(text)
        if not plain[match.start()]:
            continue
        if match[1] == "(":
            end = closing(text, match.end() - 1)
        elif match[1]:
            end = closing_brace(text, match.end() - 1, plain)
        else:
            ends = (at for at in range(match.end(), len(text)) if text[at] in "\n;&|" and plain[at])
            end = next(ends, len(text)) - 1
        if not 0 < end < len(text) or text[end + 1 : end + 2] in {"&", "|"}:
            continue
        begin = match.start(1) if match[1] else match.end()
        behind = _REDIRECTED.match(text, end + 1)
        rest = behind.end() if behind is not None else end + 1
        kept = text[end + 1 : rest].rstrip("; \t")
        blank = " " * (begin - match.start())
        text = f"{text[: match.start()]}{blank}{text[begin : end + 1]}{kept} &{text[rest:]}"
    return text


# A descriptor whose number goes into a variable (Bash Reference Manual, "Redirections"), and a turned command that is
# timed, which means the same as a timed one that is turned.
_NAMED: Final = lazy_re.compile(r"(?<=[ \t])\{[A-Za-z_]\w*\}(?=>>|>\||>(?!\()|<(?!\())")
_TIMED: Final = lazy_re.compile(r"(?<![^\s;&|({])(time(?:[ \t]+-p)?)([ \t]+)!(?=[ \t])")


def named_descriptors(text: str) -> str:
    """``exec {log}>> file`` with a number for the variable, ``time ! a`` as ``! time a``."""
    if len(text) > MAX_SIGNS:
        return text
    if "{" in text and _NAMED.search(text):
        text = replaced(text, _NAMED, lambda _: "9")
    return replaced(text, _TIMED, lambda match: f"!{match[2]}{match[1]}") if "time" in text else text


def closing_brace(text: str, opening: int, plain: list[bool]) -> int:
    """Where a group's brace closes, a word of its own; 0 where it does not."""
    depth = 0
    for match in re.finditer(r"(?<![^\s;&|(!])[{}](?=[\s;&|)<>]|$)", text[opening:]):
        at = opening + match.start()
        if plain[at]:
            depth += 1 if match[0] == "{" else -1
            if not depth:
                return at
    return 0


def plain_signs(text: str) -> list[bool]:
    """For each sign whether it stands outside of quotes and comments. Substitutions inside double quotes count."""
    return [not quote for quote in _quoted(text)]


def _quoted(text: str) -> list[str]:
    """For each sign the quote that it stands in; a backslash for what one escapes, a number sign for comments."""
    found = [""] * len(text)
    index, quote = 0, ""
    depth: list[int] = []  # parentheses of substitutions inside double quotes
    while index < len(text):
        sign = text[index]
        if sign == "\\" and quote != "'":
            found[index : index + 2] = ["\\"] * len(found[index : index + 2])
            index += 2
            continue
        if quote == "'":
            found[index] = "'"
            quote = "" if sign == "'" else quote
        elif quote == '"':
            if text.startswith("$(", index):
                depth.append(1)
                quote = ""
                index += 1
            else:
                found[index] = '"'
                quote = "" if sign == '"' else quote
        elif sign in "'\"":
            found[index] = sign
            quote = sign
        elif sign == "#" and (index == 0 or text[index - 1] in " \t\n;("):
            end = text.find("\n", index)
            end = len(text) if end < 0 else end
            found[index:end] = ["#"] * (end - index)
            index = end
            continue
        elif depth:
            depth[-1] += {"(": 1, ")": -1}.get(sign, 0)
            if depth[-1] == 0:
                depth.pop()
                quote = '"'
        index += 1
    return found


def replaced(text: str, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> str:
    """``pattern`` replaced where it begins outside of quotes."""
    plain = plain_signs(text)
    return pattern.sub(lambda match: new(match) if plain[match.start()] else match[0], text)


def _documents(text: str) -> str:
    """Several here-documents that begin on one line, or one of what runs beside the script: here-strings."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        line = lines[index]
        openings = [] if line.lstrip().startswith("#") else list(_DOCUMENT.finditer(line))
        openings = [each for each in openings if line[max(each.start() - 1, 0)] != "<" and each.end() <= len(line)]
        at = index + 1
        bodies: list[str] = []
        for opening in openings:
            end = opening[3] or opening[4] or opening[6]
            start = at
            while at < len(lines) and (lines[at].lstrip("\t") if opening[2] else lines[at]) != end:
                at += 1
            bodies.append("\n".join(lines[start:at]))
            at += 1
        beside = bool(openings) and _goes_on(line, openings[-1].end())
        if (len(openings) < 2 and not beside) or at > len(lines):
            index = max(at, index + 1) if openings else index + 1
            continue
        for opening, body in reversed(list(zip(openings, bodies, strict=True))):
            if opening[1] not in ("", "0"):
                string = ""
            elif opening[3] or opening[4] or opening[5]:
                string = "<<< '" + body.replace("'", "'\\''") + "'"
            else:
                string = f'<<< "{_in_quotes(body)}"'
            line = line[: opening.start()] + string + line[opening.end() :]
        taken = line.count("\n") + 1
        lines[index:at] = [*line.split("\n"), *[""] * (at - index - taken)]
        index = at
    return "\n".join(lines)


# The sign that has a command run in the background, or what goes on behind the text.
_ASIDE: Final = lazy_re.compile(r"(?<![&<>|\\])&(?![&>])|(?:\||&&)[ \t]*$")
# What ends the group that the command stands in.
_ENDED: Final = lazy_re.compile(r";[ \t]*(?:[})]|;;|(?:fi|done|esac)\b)|^[ \t]*\)")


def _goes_on(line: str, opening: int) -> bool:
    """Whether the line has more than the command behind the word that opens a here-document."""
    if _ASIDE.search(line, opening):
        return True
    return "$(" not in line and _ENDED.search(line[opening:]) is not None


def _in_quotes(body: str) -> str:
    """The text of a here-document between double quotes: its own quotes are escaped, those of its substitutions not."""
    made: list[str] = []
    index = 0
    while index < len(body):
        end = closing(body, index + 1) + 1 if body.startswith("$(", index) else index + 1
        piece = body[index:end]
        made.append('\\"' if piece == '"' else piece)
        index = end
    return "".join(made)


def _descriptors(text: str) -> str:
    """``<>``, descriptors in variables, and here-strings behind other redirections or behind groups."""
    text = replaced(text, re.compile(r"<>"), lambda _: "> ")
    text = replaced(text, re.compile(r"((?<!\d)\d*[<>])&(?=[\"$])"), lambda match: f"{match[1]} ")
    position = count = 0
    while (position := text.find("<<<", position)) >= 0 and count < _MAX_STRINGS:
        count += 1
        end = word_end(text, position + 3)
        before, string = text[:position], text[position:end]
        match = _BEFORE.search(before, max(before.rfind("\n"), 0))
        command = before[: match.start()] if match is not None else before
        if _ends_a_group(command) or _NUMBERED.search(before):
            made = "$(" in string or "`" in string  # of what a command says, which is run
            string = f"< <(cat {string})" if made else "</dev/null" + "\n" * string.count("\n")
            text = before + string + text[end:]
            end = position + len(string)
        elif match is not None:
            text = f"{command} {string}{match[1]}{text[end:]}"
        position = end
    return text


_LOOP: Final = lazy_re.compile(r"(?<![^\s;&|({])(?:for|select|while|until|done)(?=[\s;<>|&)]|$)")


# The descriptor that a here-string is read by, where that is another than the standard input.
_NUMBERED: Final = lazy_re.compile(r"(?<=[ \t])[1-9]\d*$")


def _ends_a_group(text: str) -> bool:
    """Whether a text ends in a compound command that the grammar gives no here-string."""
    return text.rstrip()[-1:] in {")", "}"} or _ends_a_list(text) or _ESAC.search(text) is not None


_ESAC: Final = lazy_re.compile(r"(?<=[\s;])esac\s*$")


def _ends_a_list(text: str) -> bool:
    """Whether a text ends in the ``done`` of a loop over words, which the grammar gives no here-string."""
    open_loops = 0
    for match in reversed(list(_LOOP.finditer(text.rstrip()))) if text.rstrip().endswith("done") else ():
        open_loops += 1 if match[0] == "done" else -1
        if not open_loops:
            return match[0] in {"for", "select"}
    return False


def word_end(text: str, position: int) -> int:
    """Where the word ends that begins at or behind ``position``."""
    while position < len(text) and text[position] in " \t":
        position += 1
    quote, depth = "", 0
    while position < len(text):
        sign = text[position]
        if sign == "\\" and quote != "'":
            position += 2
            continue
        if text.startswith("$(", position) and quote != "'":
            position = closing(text, position + 1) + 1
            continue
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in " \t\n;|&)<>" and not depth:
            break
        position += 1
    return min(position, len(text))


def closing(text: str, opening: int) -> int:
    """Where the parenthesis that opens at ``opening`` closes; the end of the text where it does not."""
    depth, quote, index = 0, "", opening
    while index < len(text):
        sign = text[index]
        if sign == "\\" and quote != "'":
            index += 2
            continue
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if not depth:
                return index
        index += 1
    return len(text)


# What stands in place of a value, as in `"${LIST:-["a"]}"`: the grammar takes signs of it for the shell's own.
_DEFAULT: Final = lazy_re.compile(r"\$\{!?(?:\w+|[@*])(?:\[[@*\w$]+\])?:?[-=?+](?![\"}])")
_OWN_SIGNS: Final = lazy_re.compile(r"[\[\]{}|;&<>()']")


# A piece of a value, from where a variable says: `${x:$n}`, `${x:$n:$m}`.
_PIECE: Final = lazy_re.compile(r"\$\{(?:\w+|[@*])(?:\[[^\]\n]*\])?:[ ]?(?=[^}\n]*\$[\w#])(?![-=?+])[^{}\n]*\}")


def _pieces(text: str) -> str:
    """The variable in braces, which the grammar takes for a number."""
    return _PIECE.sub(lambda match: match[0][:2] + re.sub(r"\$(\w+|#)", r"${\1}", match[0][2:]), text)


def _defaults(text: str) -> str:
    """Defaults with such signs, quoted once more: inside of double quotes that changes nothing."""
    found = list(_DEFAULT.finditer(text))
    quoted = _quoted(text) if found else []
    for match in reversed(found):
        end = _closing_default(text, match.end())
        if quoted[match.start()] == '"' and end and _OWN_SIGNS.search(text, match.end(), end):
            text = f'{text[: match.end()]}"{text[match.end() : end]}"{text[end:]}'
    return text


def _closing_default(text: str, start: int) -> int:
    """Where the brace closes that opened before ``start``; 0 where it does not, or has quotes of its own inside."""
    depth, index = 1, start
    while index < len(text):
        sign = text[index]
        if sign == "\\":
            index += 2
            continue
        if sign == '"':
            return 0
        if text.startswith("$(", index):
            index = closing(text, index + 1) + 1
            continue
        depth += text.startswith("${", index) - (sign == "}")
        if not depth:
            return index
        index += 1
    return 0


def _loops(text: str) -> str:
    text = replaced(text, _COUNTS, lambda match: match[0].replace("\n", " ") + "\n" * match[0].count("\n"))
    text = replaced(text, _NONE, lambda match: f"while false{match[1]}")  # over nothing
    text = replaced(text, _IN, lambda match: f"for {match[1]} in{match[2]}\n\n")
    return replaced(text, _FOR, lambda match: f"for{match[1]}; do")


def _subshells(text: str) -> str:
    """``((a); (b))`` is no arithmetic: two groups."""
    plain = plain_signs(text)
    for match in reversed(list(re.finditer(r"\(\((?!\()", text))):
        inner = closing(text, match.start() + 1)
        if plain[match.start()] and text[inner + 1 : inner + 2] != ")":
            text = f"{text[: match.start() + 1]} {text[match.start() + 1 :]}"
    return text


def _keys(text: str) -> str:
    return _KEY.sub(lambda match: f"[{match[1].replace(' ', '_')}]", text)
