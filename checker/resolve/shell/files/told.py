"""What a command prints by its words and its input alone, and by what names files are known.

Sources: Bash Reference Manual, "Bash Builtin Commands" (``echo``, ``printf``); POSIX, ``cat``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Protocol

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.sources import brief
from checker.model.values import CallPlace, Text
from checker.resolve.shell.files.changing import filter_of, plain_of
from checker.resolve.shell.state import Fed

_RECURSIVE: Final = lazy_re.compile(r"-[a-zA-Z]*[aRr][a-zA-Z]*|--recursive|--archive")
_HERE: Final = frozenset({"<<", "<<-", "<<<"})
_ESCAPE: Final = lazy_re.compile(r"\\(?:([abefnrtv\\\"'])|0?([0-7]{1,3})|x([0-9a-fA-F]{1,2}))")
_SIGNS: Final = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_FORMAT: Final = lazy_re.compile(r"%(%|[-0-9.]*[sbdi])")


class Files(Protocol):
    """The files of the repository."""

    def text(self, path: str) -> str | None: ...

    def is_file(self, path: str) -> bool: ...


class OwnFiles(Files, Protocol):
    def files_below(self, folder: str) -> tuple[str, ...]:
        """The files of a folder and those below it, as far as they are not vendored or generated."""
        ...


def coming_in(command: Command, fed: Fed | None) -> Possible | None:
    """What a command reads from its standard input."""
    here = next((each for each in reversed(command.writes) if each.operator in _HERE), None)
    if here is not None:
        return joined([here.target, "\n"]) if here.operator == "<<<" else _ended(here.target)
    return _ended(fed.text) if fed is not None and fed.text is not None else None


def _ended(text: Possible) -> Possible:
    """A text with the end of its last line."""
    last = text if isinstance(text, str) else text.parts[-1] if isinstance(text, Text) else ""
    return text if isinstance(last, str) and last.endswith("\n") else joined([text, "\n"])


def printed(command: Command, fed: Fed | None) -> Possible | None:
    """What a command prints by its words and its input alone."""
    words = list(command.words[1:])
    if command.program == "cat" and not [*plain_of(words)]:
        return coming_in(command, fed)
    if command.program == "echo":
        options = ""
        while words and isinstance(words[0], str) and re.fullmatch(r"-[neE]+", words[0]):
            options += str(words.pop(0))[1:]
        parts = [_escaped(each) if "e" in options else each for each in words]
        line = [part for index, each in enumerate(parts) for part in ([" ", each] if index else [each])]
        return joined([*line, *([] if "n" in options else ["\n"])])
    if command.program == "printf":
        words = words[1:] if words[:1] == ["--"] else words
        return formatted(words[0], words[1:]) if words and isinstance(words[0], str) else None
    return "" if command.program in {"true", ":", "exec"} else None


def formatted(form: str, given: list[Possible]) -> Possible | None:
    """What ``printf`` prints."""
    found: list[Possible] = []
    for _ in range(200):
        at = 0
        for match in _FORMAT.finditer(form):
            found.append(_escaped(form[at : match.start()]))
            at = match.end()
            if match[1] == "%":
                found.append("%")
            else:
                value = _laid_out(given.pop(0) if given else "", match[1])
                if value is None:
                    return None
                found.append(value)
        rest = form[at:]
        if "%" in rest:
            return None
        found.append(_escaped(rest))
        if not given or not _FORMAT.search(form.replace("%%", "")):
            return joined(found)
    return None


def printed_of_files(
    command: Command, fed: Fed | None, held: Callable[[Possible, str | None], Possible | None]
) -> Possible | None:
    """What a command prints, to the last sign, where files are ``held`` so; ``None`` where only running it tells."""
    plain = list(plain_of(command.words[1:]))
    if command.program == "cat" and plain:
        each = [held(word, command.folder) for word in plain]
        return joined(each) if None not in each else None
    if command.program == "jq":
        plain = filter_of(command.words[1:])
    if command.program == "jq" and len(plain) == 2 and "script" not in shown(plain[0]):
        named = str(plain[1]).rpartition("/")[2] == "package.json"
        versions = named and re.search(r"version|depend|\.name\b", shown(plain[0]))
        return held(plain[1], command.folder) if versions else None
    return _one_answer(command) if command.program == "aws" else printed(command, fed)


def call_place(command: Command) -> CallPlace:
    """The AWS call that a command of the AWS CLI makes."""
    plain = [word for word in command.words[1:] if isinstance(word, str) and not word.startswith("-")]
    service, operation = (*plain, "", "")[:2]
    return CallPlace(service, operation, command.spot.file, command.spot.line, command.reached.via)


def _one_answer(command: Command) -> Possible | None:
    """What a call answers as one value: with ``--query``, as text. A document is told of elsewhere, with what is made
    of it. Source: AWS CLI User Guide, "Setting the output format in the AWS CLI"."""
    words = [shown(word) for word in command.words]
    as_text = "--output=text" in words or ("--output", "text") in pairwise(words)
    if not as_text or not any(word.startswith("--query") for word in words):
        return None
    value = open_text(f"$({brief(' '.join(words), 200)})", call=call_place(command))
    return joined([value, "\n"])


_LAYOUT: Final = lazy_re.compile(r"(-?)(0?)(\d{0,3})(?:\.(\d{0,3}))?([sbdi])")


def _laid_out(value: Possible, directive: str) -> Possible | None:
    """A value as one directive prints it; ``None`` where that is not worked out."""
    match = _LAYOUT.fullmatch(directive)
    if match is None:
        return None
    left, zeros, width, precision, kind = match.groups()
    shown = _escaped(value) if kind == "b" else value
    if kind in {"d", "i"} and isinstance(shown, str):
        if precision is not None or not re.fullmatch(r"-?(?:0|[1-9]\d{0,17})|", shown):
            return None
        shown = shown or "0"
    if not width and precision is None:
        return shown
    if not isinstance(shown, str):
        return None
    shown = shown[: int(precision or 0)] if precision is not None else shown
    if zeros and not left and kind in {"d", "i"}:
        return shown.zfill(int(width or 0))
    return shown.ljust(int(width or 0)) if left else shown.rjust(int(width or 0))


def _escaped(value: Possible) -> Possible:
    if isinstance(value, str):
        return _ESCAPE.sub(_sign, value)
    if isinstance(value, Text):
        return joined([_ESCAPE.sub(_sign, part) if isinstance(part, str) else Text((part,)) for part in value.parts])
    return value


def _sign(match: re.Match[str]) -> str:
    if match[1]:
        return _SIGNS.get(match[1], match[1])
    return chr(int(match[2], 8) if match[2] else int(match[3], 16))


def place(target: Possible, folder: str | None) -> Possible:
    """By what a file is known: its path below the repository, or the whole path elsewhere; ``None`` for no file."""
    if isinstance(target, Text):
        return target
    if not isinstance(target, str) or not target or target.startswith("/dev/"):
        return None
    if target == WORKSPACE or target.startswith(f"{WORKSPACE}/"):
        return posixpath.normpath(target[len(WORKSPACE) + 1 :] or ".")
    if target.startswith("/") or folder is None:
        return posixpath.normpath(target) if target.startswith("/") else None
    return posixpath.normpath(posixpath.join(folder, target))


def put_into(target: Possible, source: Possible) -> Possible:
    """Where a file goes to, if the target is a folder."""
    name = posixpath.basename(shown(source))
    whole = posixpath.normpath(f"{target}/{name}") if isinstance(target, str) else None
    return joined([target, f"/{name}"]) if isinstance(target, Text) else whole


def interpreter(text: Possible) -> str:
    """The program that the first line of a file names; empty where it names none."""
    first = text if isinstance(text, str) else text.parts[0] if isinstance(text, Text) else ""
    line = first.partition("\n")[0] if isinstance(first, str) else ""
    words = [word.rsplit("/", 1)[-1] for word in line[2:].split()] if line.startswith("#!") else []
    return next((word for word in words if word != "env" and not word.startswith("-")), "")


def archive_place(name: Possible, command: Command) -> Possible:
    """Where an archive lies; `-` for what comes in."""
    return "-" if name == "-" else place(name, command.folder)


def is_sure(command: Command) -> bool:
    """Whether a command surely has run by then, and come to its end."""
    return command.certain_in_job and not command.reached.on_failure


def copies_folders(words: Sequence[Possible]) -> bool:
    return any(isinstance(each, str) and _RECURSIVE.fullmatch(each) for each in words)


def is_below(key: Possible, folder: str) -> bool:
    """Whether a file of the repository lies in a folder of it."""
    return folder == "." or str(key).startswith(f"{folder}/")
