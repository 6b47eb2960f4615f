"""Files that a command brings from elsewhere, over those that are there: archives, copies of buckets and of other
machines.

What an archive holds only its maker knows: where it is unpacked any file may be another one after that. Not so of one
that the job itself has packed, nor of a program's release, which is built for a platform and called after it.

Sources: GNU tar manual, "Options" and "Extracting Specific Files"; unzip(1); 7z(1); gzip(1); POSIX, ``pax``, ``dd``;
AWS CLI Command Reference, "s3 cp", "s3 sync", "s3api get-object"; GitHub CLI manual, "gh release download", "gh run
download"; Docker CLI reference, "docker container cp"; scp(1), rsync(1); gcloud CLI reference, "gcloud storage cp".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, plain_words, shown
from checker.model.values import Text

# The names of platforms, as releases of programs are called by them, and where programs are handed out.
_RELEASE: Final = lazy_re.compile(
    r"linux|darwin|macos|amd64|x86[_-]64|x64|i386|arm64|aarch64|armv[67]|musl|\buname\b|RUNNER_(?:OS|ARCH)"
    r"|awscli|://github\.com/[\w.-]+/[\w.-]+/releases/(?:latest/)?download/"
    r"|://(?:[\w-]+\.)*(?:apache\.org|maven\.org|npmjs\.org|nodejs\.org|golang\.org|go\.dev)/",
    re.IGNORECASE,
)
TAR: Final = frozenset({"tar", "gtar", "bsdtar"})
_SEVEN: Final = frozenset({"7z", "7za", "7zr", "7zz"})
_SINGLE: Final = frozenset({"gunzip", "bunzip2", "unxz", "unzstd", "gzip", "bzip2", "xz", "zstd"})
_MACHINES: Final = frozenset({"scp", "rsync", "rclone", "gsutil", "s5cmd", "azcopy", "mc"})
FILLING: Final = frozenset(
    {*TAR, *_SEVEN, *_SINGLE, *_MACHINES, "unzip", "zip", "cpio", "pax", "dd", "aws", "gh", "docker", "podman",
     "kubectl", "gcloud"}
)  # fmt: skip
_PROGRAM: Final = lazy_re.compile(r"(?:/usr(?:/local)?/s?bin|/s?bin|(?:~|\$\{?HOME\}?)/\.local/bin)/[^/]+")
_TAR_VALUES: Final = frozenset(
    {"--file", "--directory", "-T", "--files-from", "-X", "--exclude-from", "--exclude", "-I", "-b", "--transform",
     "--use-compress-program", "--strip-components", "--strip", "--xform", "--owner", "--group", "--mode"}
)  # fmt: skip
# Something on another machine, or in a store.
_ELSEWHERE: Final = lazy_re.compile(r"(?:[a-z][a-z0-9+.-]*://|[^/\s]+:(?!\\)).*", re.DOTALL)


class Filled(Struct, frozen=True):
    """A file, or with a slash at its end a folder, that a command fills. ``archive``: out of which; ``-`` is what comes
    in, ``None`` where it comes from elsewhere."""

    place: Possible
    archive: Possible = None


def is_release(origin: str) -> bool:
    """Whether an archive of this name or address is a program's, as that is handed out for one platform."""
    return _RELEASE.search(origin) is not None


def is_program(key: Possible) -> bool:
    """Whether a file is one of a folder where a shell looks for programs without being told to."""
    return isinstance(key, str | Text) and _PROGRAM.fullmatch(shown(key)) is not None


def may_be_fetched(archive: Possible, origins: Mapping[Possible, str]) -> bool:
    """Whether a command has, or may have, fetched an archive: by its name, or where a name is not all known.

    ``origins``: where what the job has was fetched from, empty for what it has packed itself.
    """
    fetched = [shown(name) for name, origin in origins.items() if origin]
    name = shown(archive)
    open_name = isinstance(archive, Text) or any(sign in name for sign in "*?[")
    return bool(fetched) and (open_name or any(each == "." or _may_be(each, name) for each in fetched))


def _may_be(written: str, name: str) -> bool:
    """Whether a name with variables in it can come to this one."""
    return re.fullmatch(".*".join(map(re.escape, re.split(r"\$\{[^}]*\}", written))), name) is not None


def packed(command: Command) -> Iterator[Possible]:
    """The archives that a command makes of the job's own files."""
    words = command.words[1:]
    plain = list(plain_words(words, {"-x", "-i"}))
    if command.program in TAR:
        tar = tar_of(words)
        if "c" in tar.letters or "--create" in words:
            yield "-" if tar.archive is None else tar.archive
    elif command.program == "zip" and plain:
        yield from (plain[0], f"{shown(plain[0])}.zip")
    elif command.program in _SEVEN and plain[:1] == ["a"]:
        yield from plain[1:2]


def filled(command: Command) -> Iterator[Filled]:
    """What a command fills with files from elsewhere."""
    words, program = command.words[1:], command.program
    plain = list(plain_words(words))
    if program in TAR:
        by_variable = shown(command.environment.get("TAR_OPTIONS") or "").split()
        yield from _by_tar([*by_variable, *words] if words[:1] and shown(words[0])[:1] == "-" else words)
    elif program == "unzip":
        yield from _by_unzip(words)
    elif program in _SEVEN:
        into = next((each[2:] for each in words if isinstance(each, str) and re.match(r"-o.", each)), ".")
        if plain[:1] in (["x"], ["e"]) and len(plain) > 1:
            yield from _members(plain[2:], into, plain[1])
    elif program in _SINGLE:
        decompresses = program.startswith("un") or program in {"gunzip", "bunzip2"} or _has(words, "d", "--decompress")
        if decompresses and not _has(words, "c", "--stdout", "-t", "-l"):
            yield from (Filled(posixpath.splitext(each)[0], each) for each in plain if isinstance(each, str))
    elif program in {"cpio", "pax"}:
        if _has(words, "i", "--extract") or (program == "pax" and _has(words, "r")):
            yield Filled("./", "-")
    elif program == "dd":
        yield from (Filled(each[3:]) for each in words if isinstance(each, str) and each.startswith("of="))
    else:
        yield from _brought(program, words, plain)


class _Tar(Struct, frozen=True):
    letters: str
    archive: Possible
    into: Possible
    members: tuple[Possible, ...]


def tar_of(words: Sequence[Possible]) -> _Tar:
    letters, archive, into = "", None, "."
    members: list[Possible] = []
    pending = list(words)
    if pending and isinstance(pending[0], str) and not pending[0].startswith("-"):
        pending[0] = f"-{pending[0]}"
    while pending:
        word = pending.pop(0)
        name, equals, given = shown(word).partition("=")
        if not isinstance(word, str) or not word.startswith("-") or word == "-":
            if word != "-":
                members.append(word)
            continue
        if not word.startswith("--"):
            letters += word[1:]
        takes = name in _TAR_VALUES or (not word.startswith("--") and word[-1] in "fC")
        value: Possible = given if equals else pending.pop(0) if takes and pending else ""
        if name == "--file" or word[-1] == "f":
            archive = value
        elif name in {"--directory", "--one-top-level"} or (word[1] != "-" and word[-1] == "C"):
            into = posixpath.join(into, shown(value) or "archive")
    return _Tar(letters, archive, into, tuple(members))


def _by_tar(words: Sequence[Possible]) -> Iterator[Filled]:
    tar = tar_of(words)
    leaves = {"--list", "--to-stdout", "--keep-old-files", "--skip-old-files"} & {*words} or {*"tOk"} & {*tar.letters}
    given_on = any(shown(each).startswith("--to-command") for each in words)
    if ("x" in tar.letters or {"--extract", "--get"} & {*words}) and not leaves and not given_on:
        strips = any(shown(each).startswith(("--strip", "--transform", "--xform")) for each in words)
        yield from _members(() if strips else tar.members, tar.into, "-" if tar.archive is None else tar.archive)


def _by_unzip(words: Sequence[Possible]) -> Iterator[Filled]:
    into = next((words[at + 1] for at, each in enumerate(words[:-1]) if each == "-d"), ".")
    plain = list(plain_words(words, {"-d", "-x"}))
    if plain and not any(
        isinstance(each, str) and re.fullmatch(r"-[a-zA-Z]*[lptvZzn][a-zA-Z]*", each) for each in words
    ):
        yield from _members(plain[1:], into, plain[0])


def _members(members: Sequence[Possible], into: Possible, archive: Possible) -> Iterator[Filled]:
    """The members of an archive that are named, or the folder that any of them may go into."""
    if not isinstance(into, str):
        return
    names = [each for each in members if isinstance(each, str)]
    if not names or len(names) < len(members) or any(re.search(r"[*?\[]", each) for each in names):
        yield Filled(f"{into.rstrip('/') or '/'}/", archive)
        return
    for each in names:
        yield Filled(posixpath.join(into, each), archive)
        yield Filled(f"{posixpath.join(into, each).rstrip('/')}/", archive)


def _brought(program: str, words: Sequence[Possible], plain: Sequence[Possible]) -> Iterator[Filled]:
    """What is copied from a store or another machine: to a file, or below a folder."""
    if program == "gh":
        into = value_of(words, "-D", "--dir")
        if plain[1:2] == ["download"] and isinstance(into, str) and (plain[0] == "run" or "--clobber" in words):
            yield Filled(f"{into.rstrip('/')}/")  # without that it leaves alone what is there
        if plain[1:2] == ["download"] and into is None:
            yield Filled(".")  # files whose names only the release or the run tells, beside those that are there
        yield from (Filled(each) for each in (value_of(words, "-O", "--output"),) if each)
        return
    contents = program == "rclone"
    if program == "aws":
        contents = plain[1:2] == ["sync"] or "--recursive" in words
        if plain[:2] == ["s3api", "get-object"] and len(plain) > 2:
            yield Filled(plain[-1])
        plain = plain[2:4] if plain[:1] == ["s3"] and plain[1:2] in (["cp"], ["mv"], ["sync"]) else ()
    elif program in {"docker", "podman", "kubectl", "gcloud", "gsutil", "rclone", "s5cmd", "mc", "azcopy"}:
        at = next((at + 1 for at, each in enumerate(plain) if each in {"cp", "rsync", "sync", "copy", "mirror"}), 0)
        contents = contents or (at > 0 and plain[at - 1] in {"rsync", "sync", "mirror"})
        plain = plain[at:] if at else ()
    *sources, target = plain or [None]
    if not isinstance(target, str) or target == "-" or _ELSEWHERE.fullmatch(target):
        return
    for each in sources:
        if not isinstance(each, str | Text) or not _ELSEWHERE.fullmatch(shown(each)):
            continue
        if contents or shown(each).endswith(("/", "/.", "/*")):
            yield Filled(f"{target.rstrip('/')}/")
            continue
        beside = posixpath.join(target, posixpath.basename(shown(each)))
        yield from (Filled(target), Filled(beside), Filled(f"{beside}/"))
        if posixpath.normpath(target) != "." and program not in {"aws", "gsutil", "gcloud"}:
            yield Filled(f"{target.rstrip('/')}/")


def value_of(words: Sequence[Possible], *names: str) -> Possible:
    for at, each in enumerate(words):
        if each in names and at + 1 < len(words):
            return words[at + 1]
        if isinstance(each, str) and each.partition("=")[0] in names and "=" in each:
            return each.partition("=")[2]
    return None


def _has(words: Sequence[Possible], letter: str, *names: str) -> bool:
    return any(
        isinstance(each, str) and (each in names or re.fullmatch(rf"-[a-zA-Z]*{letter}[a-zA-Z]*", each))
        for each in words
    )
