"""What a script keeps in files on one way through it: a status that it writes down, and reads again later.

A file that the script has not written is not known. What is written by a program whose output nobody knows is open.
Source: Bash Reference Manual, "Redirections", "Bash Conditional Expressions" (``-e``, ``-f``, ``-s``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Write
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.values import Text
from checker.resolve.shell.printing import found_in
from checker.resolve.shell.state import State

_MAX_TEXT: Final = 8_000
_THERE: Final = frozenset({"-e", "-f", "-r", "-w", "-a"})
_FILLED: Final = "-s"
_FOR_LATER: Final = lazy_re.compile(r"GITHUB_(OUTPUT|ENV)\b")
_NAMED: Final = lazy_re.compile(r"^([A-Za-z_][\w-]*)(?:=|<<)", re.MULTILINE)
_UNKNOWN: Final = open_text("what a file holds")


class Files(Struct):
    """The files that a script has written so far; ``None`` for one that it has removed."""

    held: dict[Possible, Possible] = field(default_factory=dict)
    _begun: dict[int, tuple[Write, int]] = field(default_factory=dict)  # how far an input of several lines is read

    def opened(self, writes: Iterable[Write]) -> None:
        """Redirections are made: ``>`` leaves the file empty."""
        for write in writes:
            if write.operator in {">", ">|", "&>"} and (name := _name(write.target)) is not None:
                self.held[name] = ""

    def wrote(self, writes: Sequence[Write], printed: Possible | None, said: str = "") -> None:
        """A command has printed something, and said something on standard error."""
        where = _targets(writes)
        for descriptor, text in ((1, printed), (2, said)):
            name = where.get(descriptor)
            if name is not None and text != "":
                self.append(name, _UNKNOWN if text is None else text)

    def append(self, name: Possible, text: Possible) -> None:
        before = self.held.get(name)
        whole = joined([*([before] if before is not None else []), text, "\n"])
        self.held[name] = whole if len(shown(whole)) <= _MAX_TEXT else _UNKNOWN

    def tee(self, words: Sequence[Possible], text: Possible | None) -> None:
        """``tee [-a] file`` keeps what comes in."""
        appends = any(word in {"-a", "--append"} for word in words)
        for word in _plain(words[1:]):
            name = _name(word)
            if name is not None:
                if not appends:
                    self.held[name] = ""
                if text != "":
                    self.append(name, _UNKNOWN if text is None else text)

    def touch(self, words: Sequence[Possible]) -> None:
        for word in _plain(words[1:]):
            if (name := _name(word)) is not None and self.held.get(name) is None:
                self.held[name] = ""

    def remove(self, words: Sequence[Possible]) -> None:
        for word in _plain(words[1:]):
            if (name := _name(word)) is not None:
                self.held[name] = None

    def content(self, target: Possible) -> Possible | None:
        """What a file holds; ``None`` where the script has not written it."""
        name = _name(target)
        return self.held.get(name) if name is not None else None

    def printed(self, words: Sequence[Possible], writes: Sequence[Write]) -> Possible | None:
        """What a program prints of files that are known: ``cat``, ``head``, ``tail``, ``wc -l``, ``grep -c``."""
        program = words[0]
        if program == "grep":
            return self._counted(words)
        if program not in {"cat", "head", "tail", "wc"}:
            return None
        named = [word for word in _plain(words[1:]) if not (isinstance(word, str) and word.isdigit())]
        sources = named or [each.target for each in writes if each.operator == "<"][-1:]
        texts = [self.content(each) for each in sources]
        known = [each for each in texts if each is not None]
        if not known or len(known) < len(texts):
            return None
        whole = joined(known)
        lines = whole.splitlines() if isinstance(whole, str) else None
        if program == "wc":
            return str(len(lines)) if lines is not None and "-l" in words and len(sources) == 1 else None
        if program != "cat" and lines is not None and len(lines) > 1:
            return lines[0] if program == "head" else lines[-1]
        return whole.removesuffix("\n") if isinstance(whole, str) else _trimmed(whole)

    def _counted(self, words: Sequence[Possible]) -> Possible | None:
        if "-c" not in words or self.found([each for each in words if each != "-c"]) is not False:
            return None
        return "0"

    def found(self, words: Sequence[Possible]) -> bool | None:
        """Whether ``grep PATTERN file`` finds a line; ``None`` where the file or the pattern tells nothing."""
        plain = _plain(words[1:])
        if len(plain) < 2:
            return None
        texts = [self.content(each) for each in plain[1:]]
        asked = [word for word in words if word not in plain[1:]]
        answers = [_found(each, asked) if each is not None else None for each in texts]
        return True if True in answers else None if None in answers else False

    def next_line(self, writes: Sequence[Write], own: Sequence[Write]) -> tuple[str] | tuple[()] | None:
        """The next line of what a file gives as input, nothing at its end; ``None`` where that is not known."""
        write = next((each for each in reversed(writes) if each.operator == "<"), None)
        text = self.content(write.target) if write is not None else None
        if write is None or not isinstance(text, str):
            return None
        lines = text.splitlines()
        at = 0 if any(write is each for each in own) else self._begun.get(id(write), (write, 0))[1]
        self._begun[id(write)] = (write, at + 1)
        return (lines[at],) if at < len(lines) else ()

    def decided(self, words: Sequence[Possible]) -> list[Possible]:
        """The words of a test, with what it asks of files that are known answered."""
        left = list(words)
        given: list[Possible] = []
        while left:
            operator = left[0]
            name = _name(left[1]) if len(left) > 1 else None
            if name is not None and name in self.held and (operator in _THERE or operator == _FILLED):
                text = self.held[name]
                holds = text is not None and (operator != _FILLED or text != "")
                given.append("1" if holds else "")
                left = left[2:]
            else:
                given.append(left.pop(0))
        return given

    def differing(self, others: Sequence[Mapping[Possible, Possible]]) -> Iterator[str]:
        """The names under which something is left that is there in none of the others: files, outputs, variables."""
        for name, text in self.held.items():
            if any(name in other and other[name] == text for other in others):
                continue
            later = _FOR_LATER.search(shown(name))
            if later is None:
                if text is not None:
                    yield posixpath.basename(shown(name))
                continue
            known = {line for other in others for line in shown(other.get(name)).splitlines()}
            for line in shown(text).splitlines():
                if line not in known and (named := _NAMED.match(line)):
                    yield named[1]


def _name(target: Possible) -> Possible:
    """By what a file is known; ``None`` for what keeps nothing."""
    if isinstance(target, str):
        if not target or target.startswith("/dev/") or target.isdigit():
            return None
        return posixpath.normpath(target.removeprefix(f"{WORKSPACE}/"))
    return target if isinstance(target, Text) else None


def _targets(writes: Sequence[Write]) -> dict[int, Possible]:
    """The file that each output goes to in the end."""
    where: dict[int, Possible] = {}
    for write in writes:
        if write.operator.startswith("<"):
            continue
        if write.operator == ">&" and isinstance(write.target, str) and write.target.isdigit():
            where[write.descriptor] = where.get(int(write.target))
        elif write.descriptor == -1 or write.operator.startswith("&"):
            where[1] = where[2] = _name(write.target)
        else:
            where[write.descriptor] = _name(write.target)
    return where


def _plain(words: Sequence[Possible]) -> list[Possible]:
    return [word for word in words if not (isinstance(word, str) and word.startswith("-"))]


def _found(text: Possible, words: Sequence[Possible]) -> bool | None:
    if isinstance(text, str):
        return found_in(text, words)
    known = [part for part in text.parts if isinstance(part, str)] if isinstance(text, Text) else []
    return True if any(found_in(each, words) for each in known) else None


def _trimmed(text: Possible) -> Possible:
    """Without the line break at its end."""
    if isinstance(text, Text) and isinstance(text.parts[-1], str) and text.parts[-1].endswith("\n"):
        return joined(
            [Text((part,)) if not isinstance(part, str) else part for part in text.parts[:-1]]
            + [text.parts[-1].removesuffix("\n")]
        )
    return text


def taken(words: list[Possible], line: tuple[str] | tuple[()], state: State) -> str:
    """Give the words of a line to the variables of ``read``; its status."""
    names = [word for word in words[1:] if isinstance(word, str) and word.isidentifier()]
    rest = line[0] if line else ""
    for index, name in enumerate(names):
        first, _, after = rest.strip().partition(" ") if index < len(names) - 1 else (rest, "", "")
        state.set(name, first)
        rest = after
    return "0" if line else "1"
