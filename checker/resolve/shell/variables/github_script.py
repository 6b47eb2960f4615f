"""What the code of a step of ``actions/github-script`` hands on to later steps: variables, and folders of ``PATH``.

A call counts for certain only where it is a statement of its own at the top of the code, and nothing before it may
leave. Behind an ``if``, in a function or as a part of another expression it may be made or not; in a comment or a
string it is none. Sources: actions/toolkit, "@actions/core" (``exportVariable``, ``addPath``); README of
actions/github-script (the code is the body of an async function, which a ``return`` leaves).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible, joined, one_of, open_text
from checker.resolve.shell.variables.search_path import BEFORE, NOT_KNOWN

_CALL: Final = lazy_re.compile(r"\bcore\s*\.\s*(exportVariable|addPath)\s*\(")
_NAME: Final = lazy_re.compile(r"\s*(?P<quote>['\"`])(?P<name>\w+)(?P=quote)\s*,")
_LITERAL: Final = lazy_re.compile(r"(?P<quote>['\"`])(?P<text>[^'\"`]*)(?P=quote)")
_JOINS: Final = lazy_re.compile(r"path\.(?:join|resolve)\((?P<given>[^()]*)\)")
_ROOT: Final = lazy_re.compile(
    r"\$\{\s*(?:process\.env\.GITHUB_WORKSPACE|process\.cwd\(\))\s*\}|process\.(?:env\.GITHUB_WORKSPACE|cwd\(\))"
)
_TOKEN: Final = lazy_re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|[\w$]+|=>|\s+|.", re.DOTALL)
_STRING: Final = lazy_re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)
_REGEX: Final = lazy_re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_IN_TEMPLATE: Final = lazy_re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_CLOSES: Final[Mapping[str, str]] = {")": "(", "]": "[", "}": "{"}
_ASKS: Final = frozenset({"if", "for", "while", "with", "catch", "switch"})
_FUNCTION: Final = "=>"
_GO_ON: Final = frozenset({"else", "do", "await", "new", "in", "of", "typeof", "void", "delete"})  # on the next line
_BEFORE_REGEX: Final = frozenset("(,=:[!&|?{};") | {"", "return", _FUNCTION}


class _Reader(Struct):
    """Goes once through code, and notes what is a comment, where statements begin and where brackets close."""

    code: str
    said: list[str] = field(default_factory=list)  # its letters, with blanks for those of comments
    plain: list[str] = field(default_factory=list)  # likewise, with blanks for those of strings
    surely: set[int] = field(default_factory=set)  # where statements begin that run whatever happens
    ends: dict[int, int] = field(default_factory=dict)  # where a bracket opens -> where it closes
    _open: list[tuple[str, int, str]] = field(default_factory=list)  # what was opened, where, and what stood before
    _last: tuple[str, str] = ("", "")  # the words before
    _behind: str = ""  # what stood before the bracket that was closed last
    _begins: bool = True  # whether a statement may begin here
    _leaves: bool = False
    _functions: int = 0  # that are open

    def read(self) -> bool:
        """Whether all brackets and strings pair: nobody knows otherwise what stands where."""
        self.said, self.plain = [*self.code], [*self.code]
        at = 0
        while at < len(self.code):
            inside = bool(self._open) and self._open[-1][0] == "`"
            end = self._in_template(at) if inside else self._string(at)
            end = self._token(at) if end == at and not inside else end
            if end <= at:
                return False
            at = end
        return not self._open

    def _in_template(self, at: int) -> int:
        match = _IN_TEMPLATE.match(self.code, at)
        end = match.end() if match is not None else at
        self.plain[at:end] = " " * (end - at)
        if end >= len(self.code):
            return -1
        if self.code[end] == "`":
            self._close(end)
            return end + 1
        self._open.append(("{", end + 1, ""))
        self._last = ("", "{")
        return end + 2

    def _string(self, at: int) -> int:
        """Behind a string or a regular expression; ``at`` where none begins, -1 where one does not end."""
        sign = self.code[at]
        is_regex = sign == "/" and self._last[1] in _BEFORE_REGEX and self.code[at + 1 : at + 2] not in {"/", "*"}
        if sign not in {"'", '"'} and not is_regex:
            return at
        match = (_REGEX if is_regex else _STRING).match(self.code, at)
        if match is None:
            return -1
        self.plain[at : match.end()] = " " * (match.end() - at)
        self._last, self._begins = (self._last[1], "'"), False
        return match.end()

    def _token(self, at: int) -> int:
        match = _TOKEN.match(self.code, at)
        part = match[0] if match is not None else self.code[at]
        end = at + len(part)
        if part.isspace() or part.startswith(("//", "/*")):
            if not part.isspace():
                self.said[at:end] = self.plain[at:end] = [each if each == "\n" else " " for each in part]
            # A line may end a statement without a semicolon.
            self._begins = self._begins or ("\n" in part and self._may_end())
            return end
        if self._begins and not self._open and not self._leaves:
            self.surely.add(at)
        self._begins = part == ";"
        if part in {"(", "[", "{", "`"}:
            before = self._last[1]
            if part == "(" and "function" in self._last:
                before = "function"
            elif part == "{" and before == ")" and self._behind == "function":
                before = _FUNCTION
            self._open.append((part, at, before))
            self._functions += (part, before) == ("{", _FUNCTION)
        elif part in _CLOSES:
            if not self._open or self._open[-1][0] != _CLOSES[part]:
                return -1
            self._close(at)
            self._begins = part == "}"
        elif part == "return":  # of a function of its own it leaves that
            self._leaves = self._leaves or not self._functions
        elif part == "exit":
            self._leaves = True
        self._last = (self._last[1], part)
        return end

    def _close(self, at: int) -> None:
        sign, where, self._behind = self._open.pop()
        self._functions -= (sign, self._behind) == ("{", _FUNCTION)
        self.ends[where] = at
        self._last = (self._last[1], self.code[at])

    def _may_end(self) -> bool:
        last = self._last[1]
        if last == ")":
            return self._behind not in _ASKS
        return last in {"'", "`", "]", "}"} or (last[-1:].isalnum() and last not in _GO_ON)


def set_by_script(code: str, before: Mapping[str, Possible], *, surely: bool = True) -> dict[str, Possible]:
    """The variables that a script for Node.js sets for later steps, and ``PATH`` with the folders that it adds: each is
    that or what it was ``before``, where the call may not be made. ``surely``: whether the step runs to its end."""
    if "core" not in code:
        return {}
    reader = _Reader(code)
    known = reader.read()
    said = "".join(reader.said)
    found: dict[str, Possible] = {}
    for match in _CALL.finditer("".join(reader.plain) if known else code):
        end = reader.ends.get(match.end() - 1) if known else None
        given = said[match.end() : end] if end is not None else None
        name, value = "PATH", given
        if match[1] == "exportVariable":
            named = _NAME.match(said, match.end())
            if named is None:
                continue
            name, value = named["name"], said[named.end() : end] if end is not None else None
        text = _text(value.strip().rstrip(",").strip()) if value is not None else None
        was = found.get(name, before.get(name, open_text(f"${{{name}}}")))
        made: Possible = text if text is not None else open_text(f"${{{name}}}")
        if match[1] == "addPath":
            was = found.get(name, before.get(name, open_text(BEFORE)))
            folder = text if text is None or text.startswith("/") else f"{WORKSPACE}/{text}"
            made = joined([open_text(NOT_KNOWN) if folder is None else folder, ":", was])
        found[name] = made if surely and known and match.start() in reader.surely else one_of([was, made])
    return found


def _text(given: str) -> str | None:
    """A literal, a template with the workspace in it, several of these joined; ``None`` for anything else."""
    joins = _JOINS.fullmatch(given)
    parts = [each.strip() for each in joins["given"].split(",")] if joins is not None else given.split("+")
    said: list[str] = []
    for part in parts:
        literal = _LITERAL.fullmatch(part.strip())
        text = literal["text"] if literal is not None else part.strip() if _ROOT.fullmatch(part.strip()) else "$"
        text = WORKSPACE if text == "__dirname" else _ROOT.sub(WORKSPACE, text)
        if "$" in text or "\\" in text:
            return None
        said.append(text)
    return ("/" if joins is not None else "").join(said)
