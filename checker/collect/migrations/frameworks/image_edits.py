"""Files of an image that the commands of its recipe change, or put somewhere else, once they are copied.

Told by the words of the commands alone: what an editor, a redirection or a download writes to; where a copy goes. A
program that is none of these changes nothing here. Sources: Dockerfile reference, "RUN"; GNU sed manual, "Invoking
sed"; perlrun(1), ``-i``; POSIX, ``cp``, ``mv``, ``rm``, ``tee``, ``find``, ``xargs``, ``eval``; patch(1); curl(1); GNU
Wget manual; sudo(8), env(1), timeout(1), nice(1); su(1).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.written.shell_lines import line_in, listed

_MAY_CHANGE: Final = lazy_re.compile(
    r">|\b(?:g?sed|perl|ruby|tee|sponge|cp|mv|install|ln|rsync|patch|apply|truncate|dd|curl|wget|rm|unlink|ed|ex)\b|-delete\b"
)
_FLAG: Final = lazy_re.compile(r"\s*--(?:mount|network|security|device)=\S+")
_OPERATORS: Final = frozenset("();<>|&")
_COPIES: Final = frozenset({"cp", "mv", "install", "ln", "rsync"})
_EDITORS: Final = frozenset({"sed", "gsed", "perl", "ruby"})
_IN_PLACE: Final = lazy_re.compile(r"-[a-zA-Z]*i.*|--in-place.*")
# The ends of lines as Windows writes them: the script is the same without them.
_ONLY_ENDS: Final = lazy_re.compile(r"\$?s(.)(?:\\r|\r|\^M)(?:\\?[+*])?\$?\1\1g?")
# What only the run knows of a path, and the values of variables that nobody has set here.
_LEFT_OPEN: Final = lazy_re.compile(r"\$\([^)]*\)?|`[^`]*`?|\$\{[^}]*\}?|\$\w*|\[[^\]]*\]?|\{[^}]*\}?|[*?]")
_OF_A_VARIABLE: Final = lazy_re.compile(r"[$`]")
_VARIABLE: Final = lazy_re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_SET: Final = lazy_re.compile(r"(\w+)=(.*)", re.DOTALL)
_TO: Final = {
    "curl": lazy_re.compile(r"-[a-zA-Z]*o|--output"),
    "wget": lazy_re.compile(r"-[a-zA-Z]*O|--output-document"),
}
_IN_FRONT: Final = frozenset({"then", "do", "else", "elif", "if", "while", "until", "!", "{"})
# What starts the program behind it: which of its options take a value, and how many words it takes itself.
_STARTERS: Final[Mapping[str, tuple[str, int]]] = {
    **dict.fromkeys(("command", "nohup", "setsid", "busybox", "builtin"), ("", 0)),
    **dict.fromkeys(("gosu", "su-exec"), ("", 1)),
    "sudo": ("ugCDhprtTR", 0),
    "doas": ("uC", 0),
    "env": ("uCS", 0),
    "exec": ("a", 0),
    "time": ("fo", 0),
    "nice": ("n", 0),
    "ionice": ("cnpPu", 0),
    "stdbuf": ("ioe", 0),
    "timeout": ("sk", 1),
}
_LONG_WITH_VALUE: Final = frozenset(
    {"--user", "--group", "--chdir", "--unset", "--signal", "--kill-after", "--adjustment", "--format", "--output"}
)
_TAKES_AWAY: Final = frozenset({"rm", "unlink", "shred"})
_MOST_VALUES: Final = 50  # of a variable, one after the other
_LONGEST: Final = 4096  # of a word with the values in it
_MOST_TEXT: Final = 100_000
_MOST_DEPTH: Final = 3


class Change(Struct, frozen=True):
    """A file of the image, with one star for any part of its name, that is changed; or that gets what ``source`` has;
    ``below``: what lies in it gets what lies in that."""

    path: str
    source: str = ""
    below: bool = False


def changes_of(run: str, folder: str, variables: Mapping[str, str] | None = None, depth: int = 0) -> Iterator[Change]:
    """What an instruction's commands change, from a folder of the image on. ``variables``: what the recipe sets."""
    text = run[_flags_end(run) :].strip()
    if _MAY_CHANGE.search(text) is None:
        return
    if depth > _MOST_DEPTH or len(text) > _MOST_TEXT:
        yield Change("/*")  # it may be any
        return
    if (words := listed(text)) is not None:
        yield from _of_command(_program(words), folder, {}, depth) if words else ()
        return
    known: dict[str, tuple[str, ...]] = {name: (value,) for name, value in (variables or {}).items()}
    for spelled, targets in _commands(text):
        given = [one for each in targets for one in _filled(each, known)]
        yield from (Change(_placed(each, folder)) for each in given if not each.startswith(("/dev/", "&")))
        told = [match for each in spelled if (match := _SET.fullmatch(each)) is not None]
        if told and len(told) == len(spelled):
            known |= {each[1]: tuple(_filled(each[2], known)) for each in told}
        elif spelled[:1] == ["for"] and spelled[2:3] == ["in"]:
            known[spelled[1]] = tuple(one for each in spelled[3:] for one in _filled(each, known))
        else:
            words = _program([one for each in spelled for one in _filled(each, known)])
            if words[:1] in (["cd"], ["pushd"]) and len(words) == 2:
                folder = _placed(words[1], folder)
            elif words:
                yield from _of_command(words, folder, variables or {}, depth)


def _filled(word: str, known: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A word with each of the values of a variable in it; as it stands where nobody knows them."""
    match = _VARIABLE.search(word)
    values = known.get(match[1] or match[2]) if match is not None else None
    if match is None or values is None:
        yield word
        return
    rest = _VARIABLE.sub(lambda each: (known.get(each[1] or each[2]) or (each[0],))[0], word[match.end() :])
    for value in values[:_MOST_VALUES]:
        whole = f"{word[: match.start()]}{value}{rest}"
        yield whole if len(whole) <= _LONGEST else word


def _flags_end(run: str) -> int:
    at = 0
    while (match := _FLAG.match(run, at)) is not None:
        at = match.end()
    return at


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
    """The words from the program on that is started in the end."""
    at = 0
    while at < len(words):
        word = words[at]
        starter = _STARTERS.get(word.rpartition("/")[2])
        if starter is not None:
            at = _behind(words, at + 1, *starter)
        elif word in _IN_FRONT or ("=" in word and "/" not in word.partition("=")[0]):
            at += 1
        else:
            break
    return [*words[at:]]


def _behind(words: Sequence[str], at: int, with_value: str, own: int) -> int:
    """Where the words begin that one of them starts, behind its options and ``own`` words."""
    while at < len(words) and words[at].startswith("-"):
        takes = words[at] in _LONG_WITH_VALUE if words[at].startswith("--") else words[at][1:][-1:] in {*with_value}
        at += 2 if takes else 1
    return at + own


def _of_command(words: Sequence[str], folder: str, variables: Mapping[str, str], depth: int) -> Iterator[Change]:
    if depth > _MOST_DEPTH:
        yield Change("/*")  # it may be any
        return
    name = words[0].rpartition("/")[2]
    plain = [each for each in words[1:] if not each.startswith("-")]
    line = line_in(words)
    if name in {"su", "runuser"}:
        line = next((after for before, after in pairwise(words) if before in {"-c", "--command"}), "")
    elif name == "eval":
        line = " ".join(words[1:])
    if line:
        yield from changes_of(line, folder, variables, depth + 1)
    elif name in _EDITORS:
        yield from (Change(_placed(each, folder)) for each in _edited(name, words))
    elif name in _COPIES and len(plain) > 1:
        yield from _copied(name, words, plain, folder)
    elif name in _TAKES_AWAY:
        for each in plain:
            # What a variable names that nobody has set is most often a folder of the build's own.
            if _OF_A_VARIABLE.match(each) is None:
                yield from (Change(_placed(each, folder)), Change(_placed(f"{each}/*", folder)))
    elif name in {"tee", "truncate", "sponge", "ed", "ex"}:
        yield from (Change(_placed(each, folder)) for each in plain)
    elif name == "dd":
        yield from (Change(_placed(each[3:], folder)) for each in plain if each.startswith("of="))
    elif name in _TO:
        given = pairwise(words)
        yield from (Change(_placed(to, folder)) for sign, to in given if _TO[name].fullmatch(sign))
    elif name == "patch" or (name == "git" and plain[:1] == ["apply"]):
        yield Change(_placed(plain[0] if name == "patch" and plain else "*", folder))
    elif name == "find":
        at = next((index for index, each in enumerate(words) if each in {"-exec", "-execdir", "-delete"}), len(words))
        named = next((after for before, after in pairwise(words) if before in {"-name", "-iname", "-path"}), "*")
        root = _placed(words[1], folder) if len(words) > 1 and not words[1].startswith("-") else folder
        every = posixpath.join(root, "*" + named.rpartition("*")[2])
        inner = [every if each == "{}" else each for each in words[at + 1 :] if each not in {"+", ";"}]
        inner = ["rm", every] if words[at : at + 1] == ["-delete"] else inner
        yield from _of_command(_program(inner), folder, variables, depth + 1) if inner else ()
    elif name == "xargs":
        of = _EDITORS | _TAKES_AWAY
        at = next((index for index, each in enumerate(words) if each.rpartition("/")[2] in of), len(words))
        every = posixpath.join(folder, "*")
        yield from _of_command([*words[at:], every], folder, variables, depth) if at < len(words) else ()


def _copied(name: str, words: Sequence[str], plain: Sequence[str], folder: str) -> Iterator[Change]:
    """What a copy, a move or a link puts where: to a file, into a folder, or all that one folder has into another."""
    into = next((after for before, after in pairwise(words) if before in {"-t", "--target-directory"}), "")
    into = next((each.partition("=")[2] for each in words if each.startswith("--target-directory=")), into)
    *sources, target = [*(each for each in plain if each != into), into] if into else plain
    to = _placed(target, folder)
    for each in sources:
        source = _placed(each, folder)
        if each.endswith("/.") or (name == "rsync" and each.endswith("/")):
            yield Change(to, source, below=True)
        else:
            yield Change(to, source)
            yield Change(posixpath.join(to, posixpath.basename(source)), source)


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
    """A path from the root on, with one star for all that is left open, which may be where it begins."""
    begins_open = _OF_A_VARIABLE.match(path) is not None
    whole = posixpath.normpath(path if begins_open else posixpath.join(folder, path))
    left = list(_LEFT_OPEN.finditer(whole))
    return f"{whole[: left[0].start()]}*{whole[left[-1].end() :]}" if left else whole
