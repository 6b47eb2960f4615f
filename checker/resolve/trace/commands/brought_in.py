"""Files that a job brings in from outside of the repository, and clients of databases that are given one of them.

Such a file may hold a client's own commands (``\\!`` of psql and mysql, ``.shell`` of sqlite3) beside SQL that nobody
has read. A file that the job made by itself (``pg_dump > d.sql``) is nothing of the kind, nor is one of the repository.

Sources: curl(1), ``-o``, ``-O``, ``--output-dir``; GNU Wget manual, "Download Options"; AWS CLI Command Reference,
``s3 cp``, ``s3 sync``, ``s3api get-object``; GitHub CLI manual, ``gh release download``, ``gh run download``;
PostgreSQL documentation, "psql"; MySQL Reference Manual, "mysql Client Commands"; SQLite documentation, "Command Line
Shell For SQLite".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.data.harmless import installed
from checker.model.pipeline.jobs import WORKSPACE, EffectiveStep
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, plain_words, shown
from checker.model.sources import Problem
from checker.model.values import RunValue, Text
from checker.resolve.shell.handed.kinds import apart, given
from checker.resolve.shell.printing import output_of
from checker.resolve.shell.variables.exported import STARTS_NONE
from checker.resolve.shell.variables.search_path import added_folders
from checker.resolve.trace.commands.foreign import not_read

CLIENTS: Final = frozenset(
    {
        "psql",
        "mysql",
        "mariadb",
        "sqlite3",
        "usql",
        "duckdb",
        "sqlcmd",
        "sqlplus",
        "mongosh",
        "mongo",
        "pgcli",
        "mycli",
        "pg_restore",
    }
)
_FILES: Final = ("-f", "--file", "-i", "--input-file", "-init", "--init")
_STATEMENTS: Final = ("-c", "--command", "-e", "--execute", "-Q", "--init-command", "-cmd", "--eval")
# What a client is told to read by a word of its own.
_READS: Final = lazy_re.compile(
    r"(?:\\ir?|\\include(?:_relative)?|\\\.|(?:^|;)\s*\.read|(?:^|;)\s*source)\s+['\"]?([^\s'\";]+)"
)
_FETCHERS: Final = frozenset(
    {"curl", "wget", "wget2", "aria2c", "axel", "http", "https", "xh", "aws", "gh", "scp", "sftp", "rsync",
     "gsutil", "gcloud", "az", "azcopy", "rclone", "s5cmd", "s3cmd", "mc", "oras", "lftp", "ftp"}
)  # fmt: skip
_FETCHED: Final = lazy_re.compile(rf"^[<$]\(.*?\b(?:{'|'.join(sorted(_FETCHERS))})\b", re.DOTALL)
_DUMPS: Final = lazy_re.compile(r"\b(?:pg_dump(?:all)?|mysqldump|mariadb-dump|mongodump)\b")
# What the run alone gives a value to: nobody knows the first word of a statement that begins with it.
_OPEN: Final = lazy_re.compile(r"\s*\$(?:\{\{|\{?\w)")
_UNPACKS: Final = frozenset(
    {"tar", "bsdtar", "unzip", "gunzip", "gzip", "bunzip2", "bzip2", "unxz", "xz", "zstd", "unzstd", "7z",
     "7za", "cpio"}
)  # fmt: skip
# What an archive from somewhere else puts in front of AWS's own CLI is nobody's guess.
_EVERYWHERE: Final = STARTS_NONE - {"aws"} | frozenset(
    {"awk", "basename", "bash", "dirname", "env", "find", "sh", "tar", "unzip", "wget"}
)
_COPIES: Final = frozenset({"cp", "mv", "ln", "install", "tee"})
_UNKNOWN: Final = "a statement that only the run knows"
_DOWNLOADS: Final = lazy_re.compile(r"download", re.IGNORECASE)


class BroughtIn(Struct):
    """What a job has brought in so far: names of files, and folders of which it may be any file."""

    is_file: Callable[[str], bool]  # whether the repository has a file at a path
    _names: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)
    _made: set[str] = field(default_factory=set)  # files that its own commands named
    _carried: str = ""  # what a pipe carries, where that was fetched or only the run knows it
    _noted: int = 0

    def unread(
        self, command: Command, path: Possible, actions: Sequence[object], steps: Sequence[EffectiveStep]
    ) -> Iterator[Problem]:
        """What a command runs that was brought in, behind all that its job did before. ``path``: where its shell looks
        for programs."""
        client, looked_in = command.program in CLIENTS, [*added_folders(command.program, path)]
        if not client and not looked_in:
            return
        self._note_all(command, actions, steps)
        if client and (what := self.reads(command)):
            said = f"`{command.program}` is given {what}: its lines were not read, and may run commands"
            yield not_read(command, said)
        if any(self._is_program(command, folder) for folder in looked_in):
            yield not_read(command, f"`{command.program}` is a program that was fetched, and was not read")

    def _note_all(self, command: Command, actions: Sequence[object], steps: Sequence[EffectiveStep]) -> None:
        end = len(actions) - (1 if actions and actions[-1] is command else 0)  # it is noted when the next one asks
        before = actions[self._noted : end]
        self._noted = end
        for step in steps:
            if step.uses and (command.step is None or step.index < command.step.index):
                self._note_action(step)
        for each in before:
            if isinstance(each, Command) and each is not command:
                self._note(each)

    def _is_program(self, command: Command, folder: str) -> bool:
        """Whether a program is one that was fetched into a folder, or may be: what an archive holds nobody knows, but
        for names that are on every machine."""
        if not command.words or command.words[0] != command.program or not command.program:
            return False
        whole = f"{folder}/{command.program}"
        if installed(whole.replace("${HOME}", "~")) is not None:
            return False
        key = _key(Text((RunValue(whole),)) if "$" in whole else whole, "")
        unpacked = key not in self._made and any(each and _is_below(key, each) for each in self._folders)
        return key in self._names or (unpacked and command.program not in _EVERYWHERE)

    def _note(self, command: Command) -> None:
        """A command of the job has run."""
        fed, self._carried = self._carried, ""
        program = command.program
        if program in CLIENTS:
            return
        words = [word for word in command.words[1:] if isinstance(word, str | Text)]
        outputs = [each.target for each in command.writes if each.operator.startswith(">") and each.descriptor == 1]
        fetches = program in _FETCHERS and not any(_DUMPS.search(shown(word)) for word in words)
        if not (
            fetches
            or fed
            or any(self._has(word, command) for word in words)
            or any(self._has(each.target, command) for each in command.writes if each.operator == "<")
        ):
            named = {_key(each, command.folder) for word in (*words, *outputs) for each in _spelled(word)}
            self._made |= named
            self._names -= {_key(each, command.folder) for each in outputs}
            if command.handling.piped and _is_open(output_of(command)):
                self._carried = _UNKNOWN
            return
        for name, is_folder in _kept(command) if fetches else _passed_on(command):
            (self._folders if is_folder else self._names).add(_key(name, command.folder))
        self._names.update(_key(each, command.folder) for each in outputs)
        self._carried = (fed or "what was fetched") if command.handling.piped and not outputs else ""

    def _note_action(self, step: EffectiveStep) -> None:
        """A step has used an action: one that fetches another run's files, or another repository."""
        action = step.step.action.lower()
        if action == "actions/checkout":
            foreign = shown(step.with_.get("repository", "")) not in {"", "${{ github.repository }}"}
        elif action == "actions/download-artifact":
            foreign = bool({"run-id", "repository"} & set(step.with_))
        else:
            foreign = _DOWNLOADS.search(action) is not None
        if foreign:
            self._folders.add(_key(step.with_.get("path", "") or "", ""))

    def reads(self, command: Command) -> str:
        """What a client of a database is given that was brought in, or that the run alone knows; empty where that is
        nothing of the kind."""
        words = apart(command.words[1:], "cfie")
        files = [*given(words, _FILES)]
        if command.program == "pg_restore":  # its -f names what it writes
            files = [word for word in words if not shown(word).startswith("-") and word not in files]
        statements = [*given(words, _STATEMENTS)]
        if command.program in {"sqlite3", "duckdb"}:
            statements += [*plain_words(words)][1:]  # the first is the database
        texts = [*statements]
        read = [each.target for each in command.writes if each.operator == "<"][-1:]
        if command.program in {"sqlite3", "duckdb", "mongosh", "mongo", "sqlplus"}:
            files += [word for word in words if isinstance(word, str) and not word.startswith("-")][1:]
            files += [word[1:] for word in words if isinstance(word, str) and word.startswith("@")]
        texts += [each.target for each in command.writes if each.operator.startswith("<<")][-1:]
        for text in texts:
            files += list(_READS.findall(text)) if isinstance(text, str) else []
        if any(self._has(file, command) for file in (*files, *read)):
            return "a file that was fetched"
        if self._carried and not read and not given_any(words):
            return self._carried
        lines = [each.target for each in command.writes if each.operator.startswith("<<")][-1:]
        return _UNKNOWN if any(map(_is_open, statements)) or any(map(_has_open_line, lines)) else ""

    def _has(self, word: Possible, command: Command) -> bool:
        """Whether a word names something that was brought in."""
        if not isinstance(word, str | Text):
            return False
        if isinstance(word, Text) and _FETCHED.match(shown(word)) and not _DUMPS.search(shown(word)):
            return True
        for each in _spelled(word):
            key = _key(each, command.folder)
            if key in self._names:
                return True
            if key in self._made or not self._folders or (isinstance(each, str) and self.is_file(key)):
                continue
            if "." in posixpath.basename(key) and any(_is_below(key, folder) for folder in self._folders):
                return True
        return False


def given_any(words: Sequence[Possible]) -> bool:
    """Whether a client is told by its words what to do, and reads nothing that comes in."""
    files = [*given(words, ("-f", "--file"))]
    return bool([*given(words, _STATEMENTS)] or files) and "-" not in files


def _is_open(text: Possible | None) -> bool:
    """Whether nobody knows the first word of a statement."""
    if not isinstance(text, Text) or isinstance(text.parts[0], str):
        return False
    spelled = shown(text)
    if _DUMPS.search(spelled):
        return False
    return _OPEN.match(spelled) is not None or _FETCHED.match(spelled) is not None


def _has_open_line(text: Possible) -> bool:
    """Whether one of several lines begins with what nobody knows."""
    if not isinstance(text, Text):
        return False
    before = ("", *text.parts[:-1])
    return any(
        (isinstance(last, str) and (not last or last.endswith("\n"))) and _is_open(Text((part,)))
        for last, part in zip(before, text.parts, strict=True)
        if not isinstance(part, str)
    )


def _spelled(word: Possible) -> Iterator[Possible]:
    """A word, and what stands behind an equals sign in it."""
    yield word
    if isinstance(word, str) and "=" in word:
        yield word.partition("=")[2]


def _key(word: Possible, folder: str | None) -> str:
    """A file's name such that two ways to write it are the same: from the repository's root on, where that is known."""
    if isinstance(word, str):
        inside = word.removeprefix(f"{WORKSPACE}/") if word.startswith(f"{WORKSPACE}/") else ""
        found = posixpath.normpath(inside or posixpath.join(folder or "", word or "."))
        return "" if found == "." else found
    spelled = shown(word)
    return posixpath.normpath(repr(word) if "$(" in spelled else re.sub(r"\$\{(\w+)\}", r"$\1", spelled))


def _is_below(key: str, folder: str) -> bool:
    return key.startswith(f"{folder}/") if folder else not key.startswith(("/", "$", "-", "~"))


_AWS_VALUES: Final = frozenset(
    {"--region", "--profile", "--endpoint-url", "--bucket", "--key", "--exclude", "--include", "--query", "--output",
     "--range", "--version-id", "--cli-read-timeout", "--request-payer", "--expected-bucket-owner"}
)  # fmt: skip


def _kept(command: Command) -> Iterator[tuple[Possible, bool]]:
    """The files that a command fetches, and whether one is a folder."""
    words = apart(command.words[1:], "oOPD")
    match command.program:
        case "aws":
            plain = [*plain_words(words, _AWS_VALUES)]
            if plain[:2] == ["s3api", "get-object"]:
                yield plain[-1], False
            elif plain[:1] == ["s3"] and len(plain) > 3 and not shown(plain[-1]).startswith("s3://"):
                yield plain[-1], False
                yield plain[-1], True
        case "gh":
            if command.words[2:3] == ("download",):
                files = [*given(words, ("-O", "--output"))]
                yield from ((each, False) for each in files)
                if not files:
                    yield next(iter(given(words, ("-D", "--dir"))), ""), True
        case "curl" | "wget" | "wget2" | "aria2c" | "axel" | "http" | "https" | "xh":
            yield from _downloaded(command.program, words)
        case "az":
            yield from ((each, False) for each in given(words, ("-f", "--file")))
        case _:
            plain = [*plain_words(words)]
            if plain and ":" not in shown(plain[-1]):
                yield plain[-1], False
                yield plain[-1], True


def _downloaded(program: str, words: Sequence[Possible]) -> Iterator[tuple[Possible, bool]]:
    wget = program.startswith("wget")
    files = [*given(words, ("-O", "--output-document") if wget else ("-o", "--output", "--out"))]
    yield from ((each, False) for each in files)
    by_itself = wget or program in {"aria2c", "axel"} or bool({"-O", "--remote-name", "--download"} & set(words))
    if by_itself and not files:
        where = ("-P", "--directory-prefix") if wget else ("--output-dir", "-d", "--dir")
        yield next(iter(given(words, where)), ""), True


def _passed_on(command: Command) -> Iterator[tuple[Possible, bool]]:
    """The files that a command makes of what was fetched."""
    words = apart(command.words[1:], "Cdo")
    if command.program in _UNPACKS:
        yield next(iter(given(words, ("-C", "-d", "--directory"))), ""), True
    elif command.program in _COPIES:
        plain = [*plain_words(words)]
        yield from ((each, False) for each in (plain if command.program == "tee" else plain[-1:]))
        yield from ((each, True) for each in plain[-1:] if command.program != "tee")
    else:
        yield from ((each, False) for each in given(words, ("-o", "--output", "--out", "-out")))
