"""Files of an image that the commands of its recipe change, or put somewhere else, once they are copied.

Told by the words of the commands alone: what an editor, a redirection or a download writes to; where a copy goes. A
program that is none of these changes nothing here. Sources: Dockerfile reference, "RUN"; GNU sed manual, "Invoking
sed"; perlrun(1), ``-i``; POSIX, ``cp``, ``mv``, ``tee``, ``find``, ``xargs``; patch(1); curl(1); GNU Wget manual.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from checker import lazy_re

_MAY_CHANGE: Final = lazy_re.compile(
    r">|\b(?:g?sed|perl|ruby|tee|cp|mv|install|ln|rsync|patch|apply|truncate|dd|curl|wget)\b"
)
_FLAG: Final = lazy_re.compile(r"\s*--(?:mount|network|security|device)=\S+")
_OPERATORS: Final = frozenset("();<>|&")
_COPIES: Final = frozenset({"cp", "mv", "install", "ln", "rsync"})
_EDITORS: Final = frozenset({"sed", "gsed", "perl", "ruby"})
_IN_PLACE: Final = lazy_re.compile(r"-[a-zA-Z]*i.*|--in-place.*")
# The ends of lines as Windows writes them: the script is the same without them.
_ONLY_ENDS: Final = lazy_re.compile(r"\$?s(.)(?:\\r|\r|\^M)(?:\\?[+*])?\$?\1\1g?")
_LEFT_OPEN: Final = lazy_re.compile(r"[*?\[$]")
_TO: Final = {
    "curl": lazy_re.compile(r"-[a-zA-Z]*o|--output"),
    "wget": lazy_re.compile(r"-[a-zA-Z]*O|--output-document"),
}
_IN_FRONT: Final = frozenset({"sudo", "then", "do", "else", "if", "while", "!", "{", "exec", "env", "time", "command"})
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash"})
_MOST_TEXT: Final = 100_000
_MOST_DEPTH: Final = 3


class Change(Struct, frozen=True):
    """A file of the image, with one star for any part of its name, that is changed; or that gets what ``source``
    has."""

    path: str
    source: str = ""


def changes_of(run: str, folder: str, depth: int = 0) -> Iterator[Change]:
    """What an instruction's commands change, from a folder of the image on."""
    text = run[_flags_end(run) :].strip()
    if _MAY_CHANGE.search(text) is None:
        return
    if depth > _MOST_DEPTH or len(text) > _MOST_TEXT:
        yield Change("/*")  # it may be any
        return
    for spelled, targets in _commands(_as_line(text)):
        yield from (Change(_placed(each, folder)) for each in targets if not each.startswith(("/dev/", "&")))
        words = _program(spelled)
        if words[:1] == ["cd"] and len(words) == 2:
            folder = _placed(words[1], folder)
        elif words:
            yield from _of_command(words, folder, depth)


def _flags_end(run: str) -> int:
    at = 0
    while (match := _FLAG.match(run, at)) is not None:
        at = match.end()
    return at


def _as_line(text: str) -> str:
    """An instruction in the exec form as the line that it is."""
    if not text.startswith("["):
        return text
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return shlex.join(map(str, listed)) if isinstance(listed, list) else text


def _commands(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The commands of a line: their words, and what their output goes to."""
    reader = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=True)
    reader.whitespace_split, reader.commenters = True, ""
    try:
        tokens = [*reader]
    except ValueError:
        tokens = text.split()
    words: list[str] = []
    targets: list[str] = []
    into = ""
    for token in (*tokens, ";"):
        if not token or not _OPERATORS.issuperset(token):
            if into in {"", ">", ">>", ">|"}:
                (targets if into else words).append(token)
            into = ""
            continue
        into = token if token in {">", ">>", ">|", ">&", "<"} else ""
        if into and words[-1:] and words[-1].isdigit():
            words.pop()  # a descriptor
        if not into:
            yield words, targets
            words, targets = [], []


def _program(words: Sequence[str]) -> list[str]:
    """The words from the program on."""
    at = 0
    while at < len(words) and (words[at] in _IN_FRONT or ("=" in words[at] and "/" not in words[at].partition("=")[0])):
        at += 1
    return [*words[at:]]


def _of_command(words: Sequence[str], folder: str, depth: int) -> Iterator[Change]:
    if depth > _MOST_DEPTH:
        yield Change("/*")  # it may be any
        return
    name = words[0].rpartition("/")[2]
    plain = [each for each in words[1:] if not each.startswith("-")]
    if name in _SHELLS and "-c" in words and words.index("-c") + 1 < len(words):
        yield from changes_of(words[words.index("-c") + 1], folder, depth + 1)
    elif name in _EDITORS:
        yield from (Change(_placed(each, folder)) for each in _edited(name, words))
    elif name in _COPIES and len(plain) > 1:
        *sources, target = plain
        for each in sources:
            source, to = _placed(each, folder), _placed(target, folder)
            yield Change(to, source)
            yield Change(posixpath.join(to, posixpath.basename(source)), source)
    elif name in {"tee", "truncate"}:
        yield from (Change(_placed(each, folder)) for each in plain)
    elif name == "dd":
        yield from (Change(_placed(each[3:], folder)) for each in plain if each.startswith("of="))
    elif name in _TO:
        given = pairwise(words)
        yield from (Change(_placed(to, folder)) for sign, to in given if _TO[name].fullmatch(sign))
    elif name == "patch" or (name == "git" and plain[:1] == ["apply"]):
        yield Change(_placed(plain[0] if name == "patch" and plain else "*", folder))
    elif name == "find" and {"-exec", "-execdir"} & {*words}:
        at = next(index for index, each in enumerate(words) if each in {"-exec", "-execdir"})
        named = next((after for before, after in pairwise(words) if before == "-name"), "*")
        root = _placed(words[1], folder) if len(words) > 1 and not words[1].startswith("-") else folder
        every = posixpath.join(root, "*" + named.rpartition("*")[2])
        inner = [every if each == "{}" else each for each in words[at + 1 :] if each not in {"+", ";"}]
        yield from _of_command(inner, folder, depth + 1) if inner else ()
    elif name == "xargs":
        at = next((index for index, each in enumerate(words) if each.rpartition("/")[2] in _EDITORS), len(words))
        yield from _of_command([*words[at:], posixpath.join(folder, "*")], folder, depth) if at < len(words) else ()


def _edited(name: str, words: Sequence[str]) -> Iterator[str]:
    """The files that sed or perl changes in place, for more than the ends of their lines."""
    if not any(map(_IN_PLACE.fullmatch, words[1:])):
        return
    scripts: list[str] = []
    files: list[str] = []
    pending = [*words[1:]]
    while pending:
        word = pending.pop(0)
        ends = word[-1:] if word.startswith("-") and not word.startswith(("--", "-i")) else ""
        if word in {"--expression", "--file"} or ends == "e" or (ends == "f" and name not in {"perl", "ruby"}):
            scripts += [pending.pop(0)] if pending else []
        elif word.startswith("--expression="):
            scripts.append(word.partition("=")[2])
        elif not word.startswith("-"):
            files.append(word)
    scripts = scripts or [files.pop(0) if files else ""]
    if not all(map(_ONLY_ENDS.fullmatch, scripts)):
        yield from files or ["*"]


def _placed(path: str, folder: str) -> str:
    """A path from the root on, with one star for all that a pattern leaves open."""
    whole = posixpath.normpath(posixpath.join(folder, path))
    first = _LEFT_OPEN.search(whole)
    if first is None:
        return whole
    rest = whole.rpartition("*")[2] if "*" in whole else ""
    return f"{whole[: first.start()]}*{rest if _LEFT_OPEN.search(rest) is None else ''}"
