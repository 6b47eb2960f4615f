"""Which files a command changes, beside those that it prints into: editors in place, patches, downloads, copies.

Sources: POSIX, ``sed``, ``patch``, ``cp``; GNU sed manual, "Command-Line Options" (``-i``); perlrun(1), ``-i``; yq
documentation, "In-place"; moreutils, ``sponge``; curl(1), wget(1), ``-o`` and ``-O``; npm documentation, "npm pkg";
git-apply(1).
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, shown

# Programs that leave the files which they name as they are.
_READERS: Final = frozenset(
    {"chmod", "chown", "cat", "ls", "test", "[", "stat", "file", "wc", "head", "tail", "grep", "egrep", "diff", "cmp",
     "shellcheck", "echo", "printf", "sha256sum", "md5sum", "bat", "less", "export", "exit", "return", "cd", "cut",
     "uniq", "tr", "jq", "true", "realpath", "readlink", "dirname", "basename", "which"}
)  # fmt: skip
# Programs that read their first file, and may do anything to the others.
_INTERPRETERS: Final = frozenset({"bash", "sh", "dash", "zsh", "ksh", "source", ".", "python", "python3"})
# Verbs that leave the files as they are which they name, of programs that others change by.
_READING_VERBS: Final[Mapping[str, frozenset[str]]] = {
    "git": frozenset(
        {"add", "commit", "push", "tag", "config", "diff", "status", "log", "show", "update-index", "fetch"}
    ),
    "docker": frozenset({"build", "buildx", "push", "login", "tag"}),
}
# What the command line of AWS writes files with: the rest of it reads those that it names.
_STORES: Final = frozenset({"s3", "s3api"})
_WITH_VALUE: Final = frozenset({"-m", "-o", "-g", "-t", "--mode", "--owner", "--group"})
_IN_PLACE: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(("sed", "gsed"), lazy_re.compile(r"-[a-zA-Z]*i.*|--in-place.*")),
    **dict.fromkeys(("perl", "ruby"), lazy_re.compile(r"-[a-zA-Z0-9]*i.*")),
    **dict.fromkeys(("yq", "dasel", "tomlq"), lazy_re.compile(r"-[a-zA-Z]*i|--in-?place")),
}
# How programs that fill templates, bundle and convert are told where to; the value is one only where it names a file.
_OUTPUT_FILES: Final = frozenset(
    {"-o", "--output", "--out", "-out", "--outfile", "--out-file", "--output-file", "--output-template-file"}
)
_OUTPUT_FOLDERS: Final = frozenset({"--output-dir", "--output-directory", "--outdir", "--outDir", "--out-dir"})
_EDITORS: Final = frozenset({"ed", "ex", "vi", "vim", "sponge", "truncate"})
_PACKERS: Final = frozenset({"npm", "yarn", "pnpm", "bun"})
# Programs that change files of the repository which nothing has written before.
FETCHING: Final = frozenset({"curl", "wget"})
CHANGING: Final = frozenset({*_IN_PLACE, *_EDITORS, *_PACKERS, *FETCHING, "patch", "git"})
_PATCHED: Final = lazy_re.compile(r"^\+\+\+ (?:[ab]/)?([^\t\n]+)", re.MULTILINE)


def changeable(command: Command, plain: Sequence[Possible]) -> Sequence[Possible]:
    """The words of a command that may name a file of the job's own which it changes."""
    program, words = command.program, command.words[1:]
    if program in _READERS or (program == "sed" and not _in_place(command)):
        return ()
    if program in _INTERPRETERS:
        return plain[1:]
    if plain and plain[0] in _READING_VERBS.get(program, ()):
        return ()
    if program == "aws" and not any(word in _STORES for word in plain[:3]):
        return ()
    return words


def put_out(command: Command) -> Iterator[Possible]:
    """The files, and with a slash at their end folders, that a program is told to put what it makes into."""
    for before, word in itertools.pairwise((*command.words[1:], None)):
        option, equals, given = before.partition("=") if isinstance(before, str) and before[:1] == "-" else ("", "", "")
        value = given if equals else word
        if option in _OUTPUT_FILES and value:
            yield value
        elif option in _OUTPUT_FOLDERS and isinstance(value, str) and value:
            yield f"{value.rstrip('/')}/"


def edited(
    command: Command, plain: Sequence[Possible], text_of: Callable[[Possible], str | None]
) -> Iterator[Possible] | None:
    """The files, the repository's own among them, that a command changes; ``None`` where it may be any.

    ``text_of`` gives the text of a file, for a patch tells what it changes.
    """
    program = command.program
    if program in _IN_PLACE:
        return iter(plain if _in_place(command) and not _of_versions_alone(plain) else ())
    if program in _EDITORS:
        return iter(plain)
    if program in _PACKERS:
        keys = plain[2:] if plain[:1] == ["pkg"] and plain[1:2] in (["set"], ["delete"]) else ()
        return iter(["package.json"] if any("scripts" in shown(key).partition("=")[0] for key in keys) else ())
    if program == "patch" or (program == "git" and plain[:1] in (["apply"], ["am"])):
        return _patched(command, plain, text_of)
    return fetched(command, plain) if program in FETCHING else iter(())


def _in_place(command: Command) -> bool:
    wanted = _IN_PLACE[command.program]
    return any(isinstance(word, str) and wanted.fullmatch(word) for word in command.words[1:])


def _of_versions_alone(plain: Sequence[Possible]) -> bool:
    """Whether all that is changed is a package's version: its scripts stay as they are."""
    words = [word for word in plain if isinstance(word, str)]
    return words[-1:] == ["package.json"] and "version" in "".join(words) and "script" not in "".join(words)


def _patched(
    command: Command, plain: Sequence[Possible], text_of: Callable[[Possible], str | None]
) -> Iterator[Possible] | None:
    """The files that a patch names."""
    if any(word in {"--check", "--stat", "--numstat", "--summary", "--dry-run", "--cached"} for word in command.words):
        return iter(())
    fed = [each.target for each in command.writes if each.operator.startswith("<")]
    given = list(plain[1:] if command.program == "git" else plain[1:2]) or fed
    options = [word for word in command.words[1:] if isinstance(word, str)]
    if command.program == "patch":
        given = [*given, *(options[at + 1] for at, word in enumerate(options[:-1]) if word in {"-i", "--input"})]
        given = given or fed
    found: list[Possible] = list(plain[:1]) if command.program == "patch" and "-i" not in options else []
    for each in given:
        text = text_of(each)
        if text is None and isinstance(each, str) and "\n" in each:
            text = each  # what a here-document feeds
        if text is None:
            return None
        found += _PATCHED.findall(text)
    return iter(found) if given else None


def fetched(command: Command, plain: Sequence[Possible]) -> Iterator[Possible]:
    """The files that a download is written to."""
    words = command.words
    named = {"curl": ("-o", "--output"), "wget": ("-O", "--output-document")}[command.program]
    for before, word in itertools.pairwise(words):
        if before in named or (isinstance(before, str) and re.fullmatch(rf"-[a-zA-Z]+{named[0][1]}", before)):
            yield word
    if any(isinstance(word, str) and re.fullmatch(rf"-[a-zA-Z]*{named[0][1]}-", word) for word in words):
        yield "-"  # printed
        return
    remote = command.program == "wget" or any(re.fullmatch(r"-[a-zA-Z]*O|--remote-name", str(word)) for word in words)
    if remote and not any(word in named for word in words):
        yield from (posixpath.basename(str(word).partition("?")[0]) for word in plain if "://" in str(word))


def filter_of(words: Sequence[Possible]) -> list[Possible]:
    """The words of jq without its options: the filter, and the files behind it (jq manual, "Invoking jq")."""
    found: list[Possible] = []
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if isinstance(word, str) and word.startswith("-"):
            pending = pending[
                {"--arg": 2, "--argjson": 2, "--slurpfile": 2, "--rawfile": 2, "--indent": 1}.get(word, 0) :
            ]
        else:
            found.append(word)
    return found


def plain_of(words: Sequence[Possible]) -> Iterator[Possible]:
    """The words that are no options, nor the value of one."""
    value = False
    for word in words:
        if not value and not (isinstance(word, str) and word.startswith("-")):
            yield word
        value = isinstance(word, str) and word in _WITH_VALUE
