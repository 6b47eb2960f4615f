"""What an editor of text makes of a text: ``sed`` with the commands ``s`` and ``d``, and ``envsubst``.

Known is what is plain: anything else gives ``None``, and so does a pattern that might take long. Values that only the
run knows are kept where they come in. Sources: POSIX, ``sed``, "Regular Expressions"; GNU sed manual, "The "s"
Command", "Command-Line Options"; gettext manual, "Invoking the envsubst program".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, joined, marked, open_text
from checker.model.values import Text

_MOST: Final = 20_000_000  # signs that a pattern may look at, at worst
# A mark is no part of a text that anybody writes, and no pattern for letters or digits changes one into another.
_MARK: Final = lazy_re.compile("\ue000[\ue100-\uf8ff]\ue001")
_SIGNS: Final = lazy_re.compile("[\ue000\ue001]")
_COMMAND: Final = lazy_re.compile(r"\s*(?:(?P<line>[0-9]+|\$)|/(?P<address>(?:\\.|[^/\\\n])+)/)?\s*(?P<verb>[sd])")
_END: Final = lazy_re.compile(r"[ \t]*(?:[;\n]|$)")
_VARIABLE: Final = lazy_re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Marks(Struct):
    """Values that only the run knows, by the signs that stand for them in a text."""

    found: dict[str, Possible] = field(default_factory=dict)

    def text(self, value: Possible) -> str | None:
        """A text with a mark for each open value in it; ``None`` where it is not one text."""
        if isinstance(value, Text) and value.only_hole is not None:
            return self.mark(value)
        if not isinstance(value, str | Text):
            return None
        start = len(self.found)
        written = marked(value, lambda number: _mark(start + number))
        if written is None:
            return None
        self.found.update(written[1])
        return written[0]

    def mark(self, value: Possible) -> str:
        name = _mark(len(self.found))
        self.found[name] = value
        return name

    def filled(self, text: str) -> Possible | None:
        """The text with the values in it; ``None`` where one has been taken apart."""
        parts: list[Possible] = []
        at = 0
        for match in _MARK.finditer(text):
            if match[0] not in self.found:
                return None
            parts += [text[at : match.start()], self.found[match[0]]]
            at = match.end()
        whole = joined([*parts, text[at:]])
        return None if _SIGNS.search(_MARK.sub("", text)) else whole


def _mark(number: int) -> str:
    return f"\ue000{chr(0xE100 + number % 6000)}\ue001"


class _Edit(Struct, frozen=True):
    verb: str
    line: str = ""
    address: re.Pattern[str] | None = None
    pattern: re.Pattern[str] | None = None
    put: str = ""
    every: bool = False


def by_sed(command: Command, before: Possible) -> Possible | None:
    """What ``sed`` makes of a text; ``None`` where that is not known."""
    marks = Marks()
    text = marks.text(before)
    scripts = _scripts(command)
    if text is None or scripts is None:
        return None
    extended = any(word in {"-E", "-r", "--regexp-extended"} or _is_extended(word) for word in command.words[1:])
    edits: list[_Edit] = []
    for script in scripts:
        written = marks.text(script)
        found = [*_edits(written, extended=extended)] if written is not None else [None]
        for each in found:
            if each is None:
                return None
            edits.append(each)
    lines = text.removesuffix("\n").split("\n")
    patterns = [each for edit in edits for each in (edit.address, edit.pattern) if each is not None]
    if sum(len(line) ** (1 + _hungry(each.pattern)) for line in lines for each in patterns) > _MOST:
        return None
    made = "\n".join(line for line in _edited(lines, edits)) + ("\n" if text.endswith("\n") else "")
    return marks.filled(made)


def by_envsubst(command: Command, before: Possible, variables: Mapping[str, Possible]) -> Possible | None:
    """What ``envsubst`` makes of a text: variables that its word names, or all, by their values."""
    marks = Marks()
    text = marks.text(before)
    words = command.words[1:]
    if text is None or len(words) > 1 or not all(isinstance(word, str) and word[:1] != "-" for word in words):
        return None
    named = {one or other for word in words for one, other in _VARIABLE.findall(str(word))}

    def put(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if words and name not in named:
            return match[0]
        value = variables.get(name)
        if isinstance(value, str):
            return value
        return marks.mark(value if isinstance(value, Text) else open_text(f"${{{name}}}"))

    return marks.filled(_VARIABLE.sub(put, text))


def replaced(text: str, pattern: str, put: str) -> str | None:
    """A text with what a pattern of Python's finds in it replaced; ``None`` where that may take long, or is no plain
    text to be put in."""
    if "\\" in put or re.search(r"\)[*+?{]|[*+?}][*+{]|\(\?", pattern):
        return None
    try:
        made = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    parts = [text] if re.search(r"\[\^|\\[sSWD]", pattern) else text.split("\n")  # whether it goes past a line's end
    cost = sum(len(each) ** (1 + _hungry(pattern)) for each in parts)
    return made.sub(put, text) if cost <= _MOST and not _SIGNS.search(pattern) else None


def _is_extended(word: Possible) -> bool:
    return isinstance(word, str) and re.fullmatch(r"-[a-zA-Z]*[Er][a-zA-Z]*", word) is not None


def _scripts(command: Command) -> list[Possible] | None:
    """The scripts that sed is given; ``None`` where it is told something else too."""
    found: list[Possible] = []
    plain: list[Possible] = []
    pending = list(command.words[1:])
    while pending:
        word = pending.pop(0)
        if word in {"-e", "--expression"} and pending:
            found.append(pending.pop(0))
        elif isinstance(word, str) and re.fullmatch(r"-[Er]*e|-i(?:\S*)?|--in-place(?:=.*)?|-[Ersu]+[i]?", word):
            if word.endswith("e") and not word.startswith("-i") and pending:
                found.append(pending.pop(0))
        elif word in {"--regexp-extended", "--separate", "--unbuffered", "--"}:
            continue
        elif isinstance(word, str) and word.startswith("--expression="):
            found.append(word.partition("=")[2])
        elif isinstance(word, str) and word.startswith("-") and word != "-":
            return None
        elif word != "":  # BSD's sed takes an empty ending
            plain.append(word)
    return found or plain[:1] or None


def _edits(script: str, *, extended: bool) -> Iterator[_Edit | None]:
    at = 0
    while script[at:].strip(" \t\n;"):
        while script[at] in " \t\n;":
            at += 1
        match = _COMMAND.match(script, at)
        if match is None:
            yield None
            return
        at = match.end()
        address = _pattern(match["address"], extended=extended, flags=0) if match["address"] else None
        if match["address"] and address is None:
            yield None
            return
        line = match["line"] or ""
        if match["verb"] == "d":
            edit: _Edit | None = _Edit("d", line, address)
        else:
            parts = _parts(script, at)
            edit = None
            if parts is not None:
                pattern, put, flags, at = parts
                made = _pattern(pattern, extended=extended, flags=re.IGNORECASE if flags.lower().count("i") else 0)
                if made is not None and re.fullmatch("[gIi]*", flags) and not _SIGNS.search(pattern):
                    edit = _Edit("s", line, address, made, put, "g" in flags)
        end = _END.match(script, at)
        yield edit if end is not None else None
        if edit is None or end is None:
            return
        at = end.end()


def _parts(script: str, at: int) -> tuple[str, str, str, int] | None:
    """Pattern, replacement and flags of ``s``, and where it ends."""
    if at >= len(script) or script[at] in "\\\n":
        return None
    sign = script[at]
    found: list[str] = []
    part = ""
    at += 1
    while at < len(script) and len(found) < 2:
        if script[at] == "\\" and at + 1 < len(script):
            part += script[at + 1] if script[at + 1] == sign else script[at : at + 2]
            at += 2
            continue
        if script[at] == sign:
            found.append(part)
            part = ""
        else:
            part += script[at]
        at += 1
    flags = re.compile("[a-zA-Z0-9]*").match(script, at)
    return (found[0], found[1], flags[0], flags.end()) if len(found) == 2 and found[0] and flags else None


def _pattern(written: str, *, extended: bool, flags: int) -> re.Pattern[str] | None:
    """A pattern of POSIX as Python has it; ``None`` for what is not plain."""
    made, at = "", 0
    while at < len(written):
        sign = written[at]
        if sign == "[":
            end = written.find("]", at + (3 if written[at + 1 : at + 2] == "^" else 2))
            inside = written[at + 1 : end]
            if end < 0 or any(each in inside for each in ("[:", "[=", "[.", "[", "\\")):
                return None
            made += f"[{inside}]"
            at = end + 1
            continue
        if sign == "\\":
            following = written[at + 1 : at + 2]
            if not following or following in "wWsSbB<>`'123456789":
                return None
            special = following in "(){}+?|"
            made += {"n": "\n", "t": "\t"}.get(following, "") or (
                following if special and not extended else re.escape(following)
            )
            at += 2
            continue
        plain = (not extended and sign in "(){}+?|") or (sign == "*" and not made.removeprefix("^"))
        made += f"\\{sign}" if plain else sign if sign in ".*^$(){}+?|" else re.escape(sign)
        at += 1
    if re.search(r"\)[*+?{]|[*+?}][*+?{]", made):
        return None  # may take longer than a text's length says
    try:
        return re.compile(made, flags)
    except (re.error, OverflowError):
        return None


def _hungry(pattern: str) -> int:
    return 1 + len(re.findall(r"(?<!\\)[*+{]", pattern))


def _edited(lines: Sequence[str], edits: Sequence[_Edit]) -> Iterator[str]:
    last = len(lines)
    for number, line in enumerate(lines, 1):
        made: str | None = line
        for edit in edits:
            of = edit.line in {"", str(number), *(("$",) if number == last else ())}
            if made is None or not of or (edit.address is not None and not edit.address.search(made)):
                continue
            if edit.verb == "d":
                made = None
            elif edit.pattern is not None:
                made = edit.pattern.sub(_Put(edit.put), made, count=0 if edit.every else 1)
        if made is not None:
            yield made


class _Put(Struct):
    """A replacement of sed's: ``&`` and ``\\1`` stand for what was found."""

    written: str

    def __call__(self, match: re.Match[str]) -> str:
        def one(sign: re.Match[str]) -> str:
            if sign[0] == "&":
                return match[0]
            escaped = sign[0][1]
            if escaped.isdigit():
                return match[int(escaped)] or "" if int(escaped) <= (match.re.groups or 0) else ""
            return {"n": "\n", "t": "\t"}.get(escaped, escaped)

        return re.sub(r"&|\\(?s:.)", one, self.written)
