"""What simple programs print, as far as their words alone tell, and where it goes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.handling import Handling, Stream
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command, Output, Write
from checker.model.possible import OneOf, Possible, joined, mapped, one_of, open_text
from checker.model.values import Hole, Text, pieces, split, text
from checker.resolve.shell.dialects.patterns import ANYTHING
from checker.resolve.shell.files.json_made import made_json


def output_of(command: Command) -> Possible | None:
    """What a command prints, ``None`` where only running it tells."""
    words = list(command.words)
    match command.program:
        case "echo":
            while len(words) > 1 and words[1] in {"-n", "-e", "-ne", "-en"}:
                del words[1]
            return _spaced(words[1:])
        case "printf":
            return _formatted(words[1:])
        case "pwd":
            return None if command.folder is None else _workspace(command.folder)
        case "dirname" | "basename" if len(words) >= 2:
            change = _dirname if command.program == "dirname" else _basename
            return mapped(words[1], lambda value: change(value, command))
        case "realpath" | "readlink" if len(words) >= 2:
            return words[-1]
        case "git" if words[1:3] == ["rev-parse", "--show-toplevel"]:
            return WORKSPACE
        case "jq":
            return made_json(words[1:])
    return None


def _spaced(words: list[Possible]) -> Possible:
    return joined([part for index, word in enumerate(words) for part in ([" "] if index else []) + [word]])


_DIRECTIVE: Final = lazy_re.compile(r"(%%|%s|%d|\\n|\\t|\\\\)")
_MEANT: Final = {"%%": "%", "\\n": "\n", "\\t": "\t", "\\\\": "\\"}
_MOST_WORDS: Final = 200


def _formatted(words: list[Possible]) -> Possible | None:
    """What ``printf`` prints: its format, as often as there are words for it (POSIX, "printf"); without the last line's
    end."""
    if not words or not isinstance(words[0], str) or len(words) > _MOST_WORDS:
        return None
    pattern = [part for part in _DIRECTIVE.split(words[0]) if part]
    if any(("%" in part or "\\" in part) and not _DIRECTIVE.fullmatch(part) for part in pattern):
        return None
    left = words[1:]
    printed: list[Possible] = []
    while True:
        wanted = len(left)
        for part in pattern:
            if part in {"%s", "%d"}:
                printed.append(left.pop(0) if left else "")
            else:
                printed.append(_MEANT.get(part, part))
        if not left or len(left) == wanted:
            break
    if printed and isinstance(printed[-1], str):
        printed[-1] = printed[-1].removesuffix("\n")
    return joined(printed)


def _workspace(folder: str) -> str:
    return f"{WORKSPACE}/{folder}" if folder else WORKSPACE


def _dirname(value: object, command: Command) -> Possible:
    if isinstance(value, str):
        return posixpath.dirname(value) or "."
    return open_text(f"$(dirname {value})", command.spot.file) if isinstance(value, Text) else "."


def _basename(value: object, command: Command) -> Possible:
    if isinstance(value, str):
        name = posixpath.basename(value)
        suffix = command.words[2] if len(command.words) > 2 else ""
        return name.removesuffix(suffix) if isinstance(suffix, str) else name
    return open_text(f"$(basename {value})", command.spot.file) if isinstance(value, Text) else ""


_SIMPLE: Final = lazy_re.compile(r"[^(){}+?*]*|(?:[^(){}+?*]|\.\*|\([\w |:.-]*\))*")  # no pattern that takes long
_MAX_PATTERN: Final = 200


def found_in(said: str | Text, words: Sequence[Possible]) -> bool | None:
    """Whether ``grep`` with these words finds a line in a text; ``None`` where its pattern is more than a simple one,
    or what it looks for may stand in an open part.

    Source: GNU grep manual, "Basic vs Extended Regular Expressions".
    """
    options = "".join(each[1:] for each in words[1:] if isinstance(each, str) and re.fullmatch(r"-[a-zA-Z]+", each))
    plain = [each for each in words[1:] if not (isinstance(each, str) and each.startswith("-"))]
    pattern = plain[0] if len(plain) == 1 else None
    if not isinstance(pattern, str) or set(options) - set("qiEFwsxv") or len(pattern) > _MAX_PATTERN:
        return None
    if words[0] == "fgrep" or "F" in options:
        pattern = re.escape(pattern)
    else:
        if words[0] != "egrep" and "E" not in options:
            pattern = re.sub(r"\\([|+?(){}])|([|+?(){}])", lambda each: each[1] or f"\\{each[2]}", pattern)
        if _SIMPLE.fullmatch(pattern) is None:
            return None
    pattern = rf"\b(?:{pattern})\b" if "w" in options else pattern
    try:
        asked = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    except re.error:
        return None
    search = asked.fullmatch if "x" in options else asked.search
    filled = "".join(ANYTHING if isinstance(part, Hole) else part for part in pieces(said))
    if "v" in options:  # a line that the pattern does not fit is found; what is open may fit
        found = any(ANYTHING not in line and not search(line) for line in filled.splitlines())
    else:
        found = any(search(line) for line in filled.splitlines())
    return True if found else None if isinstance(said, Text) else False


_BEGUN: Final = lazy_re.compile(r"([A-Za-z_][\w-]*)<<(\S+)")
_ASSIGNED: Final = lazy_re.compile(r"([A-Za-z_][\w-]*)=", re.DOTALL)
# How outputs were set before there was a file for them; runners still take it (GitHub Changelog, "GitHub Actions:
# Deprecating save-state and set-output commands": its end is put off).
_SAID: Final = lazy_re.compile(r"::set-output name=([A-Za-z_][\w-]*)::")


class Unfinished(Struct):
    """A value of several lines that is written line by line: ``name<<END``, its lines, ``END``."""

    name: str = ""
    end: str = ""
    lines: list[Possible] = field(default_factory=list)
    target: str = ""
    piped: Possible | None = None  # what the command before a pipe prints


# The name of variables that a step hands on, whatever they are called.
UNTOLD: Final = ""


def outputs_of(
    command: Command, unfinished: Unfinished, held: Callable[[str], str | None] = lambda _: None
) -> Iterator[Output]:
    """What a command writes to its step's outputs, and to the job's environment (an output of no step); :data:`UNTOLD`
    where it is not known which variables. ``held`` gives a file's text by its path in the repository.

    Source: GitHub documentation, "Workflow commands for GitHub Actions", "Multiline strings", "Adding a system path".
    """
    before, unfinished.piped = unfinished.piped, output_of(command) if command.handling.piped else None
    copies = command.program == "tee"
    for target in (*(each.target for each in command.writes), *(command.words[1:] if copies else ())):
        name = target.only_hole.shown if isinstance(target, Text) and target.only_hole else ""
        if name not in {"${GITHUB_OUTPUT}", "${GITHUB_ENV}", "${GITHUB_PATH}"}:
            continue
        if command.program == "cat":
            printed = next((each.target for each in command.writes if each.operator.startswith("<<")), None)
            if printed is None and len(command.words) == 2:
                printed = _held(command.words[1], command.folder, held)
        else:
            printed = before if copies else output_of(command)
        if name == "${GITHUB_PATH}":
            for folder in _lines(printed if printed is not None else open_text(f"$({command.program} ...)")):
                yield Output("", "PATH", joined([folder, ":", open_text("${PATH}")]), command.spot)
            continue
        step = command.step.step.id if command.step and name == "${GITHUB_OUTPUT}" else ""
        if name == "${GITHUB_OUTPUT}" and not step:
            continue
        for key, value in _several_lines(printed, name, unfinished):
            if key != UNTOLD or not step:
                yield Output(step, key, value, command.spot, command.reached.certain)
    yield from _said(command)


def _held(word: Possible, folder: str | None, held: Callable[[str], str | None]) -> str | None:
    path = posixpath.normpath(posixpath.join(folder or "", word)) if isinstance(word, str) and word else ".."
    return None if folder is None or path.startswith(("/", "..")) else held(path)


def _said(command: Command) -> Iterator[Output]:
    """The output that a line on standard output sets: ``echo "::set-output name=image::$IMAGE"``."""
    if command.program != "echo" or command.step is None or not command.step.step.id:
        return
    printed = output_of(command) if command.handling.stdout is Stream.SHOWN and not command.handling.piped else None
    parts = pieces(printed) if isinstance(printed, str | Text) else []
    found = _SAID.match(parts[0]) if parts and isinstance(parts[0], str) else None
    if found is not None:
        rest: list[Possible] = [str(parts[0])[found.end() :]]
        rest += [Text((part,)) if isinstance(part, Hole) else part for part in parts[1:]]
        if isinstance(rest[-1], str):
            rest[-1] = rest[-1].rstrip("\n")
        yield Output(command.step.step.id, found[1], joined(rest), command.spot, command.reached.certain)


def _several_lines(printed: Possible | None, target: str, unfinished: Unfinished) -> Iterator[tuple[str, Possible]]:
    """The assignments of a text that may begin, go on with or end a value of several lines."""
    if isinstance(printed, OneOf) and unfinished.target != target:
        found: dict[str, list[Possible]] = {}
        for option in printed.options:
            for name, value in _several_lines(option, target, Unfinished()):
                found.setdefault(name, []).append(value)
        yield from ((name, one_of(values)) for name, values in found.items())
        return
    for line in _lines(printed):
        if unfinished.target == target:
            if line == unfinished.end:
                inner = [part for each in unfinished.lines for part in (each, "\n")]
                yield unfinished.name, joined(inner[:-1])
                unfinished.target = ""
            else:
                unfinished.lines.append(line)
        elif isinstance(line, str) and (begun := _BEGUN.fullmatch(line)):
            unfinished.name, unfinished.end, unfinished.lines, unfinished.target = begun[1], begun[2], [], target
        else:
            yield from _assigned(line)


def _lines(printed: Possible | None) -> list[Possible]:
    if not isinstance(printed, str | Text):
        return [open_text("a part of it") if printed is None else printed]
    lines: list[Possible] = [text(parts) for parts in split(printed, "\n")]
    return lines[:-1] if lines[-1:] == [""] else lines


def _assigned(line: Possible) -> Iterator[tuple[str, Possible]]:
    """What a line of the form ``name=value`` says; one of which the name is not known says something of any."""
    first, *rest = pieces(line) if isinstance(line, str | Text) else [None]
    match = _ASSIGNED.match(first) if isinstance(first, str) else None
    if match is not None and isinstance(first, str):
        yield match[1], text([first[match.end() :], *rest])
    elif not isinstance(first, str) or (rest and not first.lstrip().startswith("#")):
        yield UNTOLD, line


def streams(handling: Handling, writes: Sequence[Write]) -> Handling:
    """Where the outputs go after these redirections, in order."""
    stdout, stderr = handling.stdout, handling.stderr
    for write in writes:
        if write.operator.startswith("<"):
            continue
        target = write.target
        sink = Stream.DISCARDED if target == "/dev/null" else Stream.FILE
        if write.operator == ">&" and target in ("1", "2"):
            if write.descriptor == 2 and target == "1":
                stderr = stdout if stdout in {Stream.DISCARDED, Stream.FILE} else Stream.MERGED
            elif write.descriptor == 1 and target == "2":
                stdout = Stream.FILE if stderr is Stream.SHOWN else stderr
            continue
        if write.descriptor == -1 or write.operator.startswith("&>"):
            stdout = stderr = sink
        elif write.descriptor == 1:
            stdout = sink
        elif write.descriptor == 2:
            stderr = sink
    return replace(handling, stdout=stdout, stderr=stderr)
