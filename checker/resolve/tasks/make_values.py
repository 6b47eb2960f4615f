"""Variables of a Makefile and make's own functions, as far as their words are known.

Source: GNU make manual, "Functions for Transforming Text", "Defining Canned Recipes", "The eval Function".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible, joined, open_text
from checker.resolve.shell.variables.outside import RUNNER_NAMES, RUNNER_PREFIXES
from checker.resolve.tasks.recipes import Line, behind, placed, put_in

_MAX_REFERENCES: Final = 1_000  # of one target's recipe: variables that name one another may double without end
_MAX_DEPTH: Final = 20
_MOST_SIGNS: Final = 10_000  # of the arguments of one call
_REFERENCE: Final = lazy_re.compile(r"\$(?:\(|\{)|\$(.)", re.DOTALL)
_FUNCTION: Final = lazy_re.compile(r"([a-z][a-z-]*)\s+(.*)", re.DOTALL)


class Rule(Struct):
    file: str
    needs: list[str] = field(default_factory=list)
    recipe: list[tuple[str, int]] = field(default_factory=list)


class Makefile(Struct):
    file: str
    variables: dict[str, str] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)  # as lines with `export` name them
    default: str = ""
    one_shell: bool = False
    shows: bool = False  # whether it only shows what it would run
    ignores: bool = False  # whether it takes no notice of commands that fail
    flags: str = ""
    beside: bool = False  # whether several recipes run at the same time
    includes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # includes of files that only the run knows
    calls: list[tuple[str, int]] = field(default_factory=list)  # lines that call functions, each with its number
    read_at_once: list[tuple[str, str, int]] = field(
        default_factory=list
    )  # that make expands while it reads, and where


class Scope(Struct):
    """The variables in one target's recipe. ``used`` are those of which only the shell knows the value."""

    read: Makefile
    given: Mapping[str, Possible]
    environment: Mapping[str, Possible]
    target: str
    needs: Sequence[str]
    stem: str
    used: dict[str, Possible] = field(default_factory=dict)
    for_make: bool = False  # whether make itself reads the text, and no shell
    spent: int = 0  # references of variables that were followed
    bound: dict[str, str] = field(default_factory=dict)  # arguments of a call, variables of a loop
    evaluated: list[str] = field(default_factory=list)  # what make is told to read
    asked: list[str] = field(default_factory=list)  # what it has a shell run, for what that prints
    files_of: Callable[[str], Sequence[str]] | None = None  # where files are named that make reads: those of a pattern

    def text(self, written: str, depth: int = 0, before: str = "") -> str:
        """A recipe's line as the shell gets it, behind what stands ``before`` it."""
        parts: list[str] = []
        position = 0
        while match := _REFERENCE.search(written, position):
            parts.append(written[position : match.start()])
            if match[1] is not None:
                parts.append("$" if match[1] == "$" else self._named(match[1], depth, before + "".join(parts)))
                position = match.end()
                continue
            end = _closing(written, match.end(), written[match.end() - 1])
            parts.append(self._named(written[match.end() : end], depth, before + "".join(parts)))
            position = end + 1
        parts.append(written[position:])
        return "".join(parts)

    def plain(self, written: str) -> str:
        """The names of targets in a rule's line: what is given is put in place, for no shell reads them."""
        return replace(self, for_make=True).text(written)

    def _named(self, name: str, depth: int, before: str) -> str:
        automatic = {"@": self.target, "<": self.needs[0] if self.needs else "", "^": " ".join(self.needs)}
        automatic |= {"*": self.stem, "+": " ".join(self.needs), "MAKE": "make", "@D": posixpath.dirname(self.target)}
        automatic |= {"@F": posixpath.basename(self.target), "MAKEFLAGS": "", "CURDIR": ".", "?": " ".join(self.needs)}
        self.spent += 1
        if self.spent > _MAX_REFERENCES:
            rest = open_text("what comes after too many variables", self.read.file)
            return self._value("MAKE_REST", rest, before) if self.spent == _MAX_REFERENCES + 1 else ""
        if name in self.bound:
            return self.bound[name]
        if name in self.given:
            value = joined([self.given[name]])
            return value if self.for_make and isinstance(value, str) else placed(name, value, before, self.used)
        if name in automatic:
            return automatic[name]
        if (match := _FUNCTION.fullmatch(name)) and depth < _MAX_DEPTH:
            answer = self._function(match[1], match[2], depth + 1, before)
            if answer is not None:
                return answer
        if name.startswith("shell "):
            if depth >= _MAX_DEPTH:
                return ""
            known = len(self.asked)
            line = self.text(name[6:], depth + 1)
            self.asked[known:] = [line]  # what that asks for is a part of it
            return f"$({line})" if self.for_make else behind(before, f"$({line})")
        written = self.read.variables.get(name)
        if written is not None and written.startswith("\0"):
            if name in self.environment:
                return self._value(name, self.environment[name], before)
            written = written[1:]
        if written is not None:
            return self.text(written, depth + 1, before) if depth < _MAX_DEPTH else ""
        if name in self.environment:
            return self._value(name, self.environment[name], before)
        if name in RUNNER_NAMES or name.startswith(RUNNER_PREFIXES):
            return behind(before, f"${{{name}}}")
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            return ""  # nothing sets it
        return self._value(f"MAKE_{len(self.used)}", open_text(f"$({name})", self.read.file), before)

    def _function(self, name: str, written: str, depth: int, before: str) -> str | None:
        """What one of make's functions comes to; ``None`` where its words are not known, or it is not followed."""
        if name == "call":
            called, *arguments = [self.text(each, depth, before) for each in _arguments(written)]
            body = self.read.variables.get(called.strip())
            numbered = {str(index): each for index, each in enumerate([called.strip(), *arguments])}
            # An argument that is not given is empty.
            numbered |= {str(index): "" for index in range(len(arguments) + 1, 10)}
            return None if body is None else self._with(numbered, body.lstrip("\0"), depth, before)
        if name == "foreach":
            variable, values, text = [*_arguments(written, 3), "", ""][:3]
            listed = self.text(values, depth, before)
            if "$" in listed:
                return None
            each_of = [self._with({variable.strip(): each}, text, depth, before) for each in listed.split()]
            return " ".join(each_of)
        if name == "eval":
            self.evaluated.append(self.text(written, depth, before))
            return ""
        if name == "wildcard" and self.files_of is not None:
            patterns = self.text(written, depth, before)
            return (
                None if "$" in patterns else " ".join(each for one in patterns.split() for each in self.files_of(one))
            )
        if name in {"info", "warning"}:
            return ""
        if name == "if":
            asked, *sides = _arguments(written, 3)
            told = self.text(asked, depth, before).strip()
            if "$" in told:
                return None
            chosen = sides[:1] if told else sides[1:2]
            return self.text(chosen[0], depth, before) if chosen else ""
        if name in {"or", "and"}:
            last = ""
            for each in _arguments(written):
                last = self.text(each, depth, before).strip()
                if "$" in last:
                    return None
                if bool(last) is (name == "or"):
                    break
            return last
        pure = _PURE.get(name)
        given = [self.text(each, depth, before) for each in _arguments(written)] if pure else []
        return None if pure is None or any("$" in each for each in given) else pure(given)

    def _with(self, values: Mapping[str, str], text: str, depth: int, before: str) -> str:
        """Text in which these names stand for these values."""
        if sum(map(len, values.values())) > _MOST_SIGNS:
            self.spent = _MAX_REFERENCES  # nothing more is followed, and what is left is said to be open
        kept = dict(self.bound)
        self.bound.update(values)
        found = self.text(text, depth, before)
        self.bound.clear()
        self.bound.update(kept)
        return found

    def _value(self, name: str, value: Possible, before: str) -> str:
        if isinstance(value, str):
            return value
        plain = put_in(re.sub(r"\W", "_", name), joined([value]), self.used)
        return f"${{{plain}}}" if self.for_make else behind(before, f"${{{plain}}}")


def shells_in(written: str) -> str:
    """The calls of a shell that stand in a line, and nothing else of it."""
    found, position = "", 0
    while (position := written.find("$(shell ", position)) >= 0:
        end = _closing(written, position + 2, "(")
        found += written[position : end + 1]
        position = end
    return found


def asked_at_once(read: Makefile, given: Mapping[str, Possible], environment: Mapping[str, Possible]) -> Iterator[Line]:
    """What make has a shell run while it reads its files, whatever the target. Its failure is taken for an empty text.
    Source: GNU make manual, "How make Reads a Makefile", "The shell Function"."""
    shell = shell_of(read, given)
    for text, file, line in read.read_at_once:
        scope = Scope(read, given, environment, "", (), "")
        scope.text(text)
        for asked in scope.asked:
            yield Line(f': "$({asked})"', file, line, dict(scope.used), exported=True, flags=read.flags, shell=shell)


def shell_of(read: Makefile, given: Mapping[str, Possible]) -> str:
    """What runs recipes: ``sh``, unless a variable says so that is never taken from the environment (GNU make manual,
    "Choosing the Shell"). Where make works it out, its text tells."""
    written = given.get("SHELL", read.variables.get("SHELL", "sh"))
    if not isinstance(written, str) or written.startswith("\0"):
        return "sh"
    return next((each for each in ("bash", "zsh", "ksh") if each in written), written)


def at_folder(folder: str, name: str) -> str:
    """A path that make is given in a folder, from the repository's root on; a whole one may name that."""
    found = posixpath.normpath(posixpath.join(folder, name))
    return "" if found == WORKSPACE else found.removeprefix(f"{WORKSPACE}/")


def _closing(text: str, position: int, opening: str) -> int:
    """Where the reference that opens before ``position`` ends."""
    closing = ")" if opening == "(" else "}"
    depth = 1
    for index in range(position, len(text)):
        if text[index] == opening:
            depth += 1
        elif text[index] == closing:
            depth -= 1
            if not depth:
                return index
    return len(text)


def fields(written: str) -> list[str]:
    """The words of a line: blanks inside of references are theirs."""
    found, depth = [""], 0
    for sign in written:
        depth += (sign in "({") - (sign in ")}")
        if sign.isspace() and depth <= 0:
            found.append("")
        else:
            found[-1] += sign
    return [each for each in found if each]


def _arguments(written: str, most: int = 0) -> list[str]:
    """The arguments of a function: commas inside of further references are theirs."""
    found: list[str] = []
    depth, begin = 0, 0
    for index, sign in enumerate(written):
        depth += (sign in "({") - (sign in ")}")
        if sign == "," and depth == 0 and (not most or len(found) < most - 1):
            found.append(written[begin:index])
            begin = index + 1
    return [*found, written[begin:]]


def _patterned(pattern: str, new: str, word: str) -> str:
    match = re.fullmatch(re.escape(pattern).replace("%", "(.*)", 1), word)
    if match is None:
        return word
    return new.replace("%", match[1], 1) if match.groups() else new


def _fits(patterns: str, word: str) -> bool:
    return any(re.fullmatch(re.escape(each).replace("%", ".*", 1), word) for each in patterns.split())


def _words(make: Callable[[str], str], text: str) -> str:
    return " ".join(make(each) for each in text.split())


# Each takes its arguments, with the empty text for those that are not given.
_PURE: Final[Mapping[str, Callable[[Sequence[str]], str]]] = {
    "strip": lambda given: " ".join(given[0].split()),
    "sort": lambda given: " ".join(sorted(set(given[0].split()))),
    "firstword": lambda given: " ".join(given[0].split()[:1]),
    "lastword": lambda given: " ".join(given[0].split()[-1:]),
    "words": lambda given: str(len(given[0].split())),
    "dir": lambda given: _words(lambda each: f"{posixpath.dirname(each)}/" if "/" in each else "./", given[0]),
    "abspath": lambda given: _words(posixpath.normpath, given[0]),  # from the folder that make runs in
    "realpath": lambda given: _words(posixpath.normpath, given[0]),
    "notdir": lambda given: _words(posixpath.basename, given[0]),
    "subst": lambda given: given[2].replace(given[0], given[1]) if len(given) > 2 else "",
    "patsubst": lambda given: (
        _words(lambda each: _patterned(given[0].strip(), given[1].strip(), each), given[2]) if len(given) > 2 else ""
    ),
    "addprefix": lambda given: _words(lambda each: given[0] + each, given[1]) if len(given) > 1 else "",
    "addsuffix": lambda given: _words(lambda each: each + given[0], given[1]) if len(given) > 1 else "",
    "filter": lambda given: " ".join(each for each in "".join(given[1:]).split() if _fits(given[0], each)),
    "filter-out": lambda given: " ".join(each for each in "".join(given[1:]).split() if not _fits(given[0], each)),
}
