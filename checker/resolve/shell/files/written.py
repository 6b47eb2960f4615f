"""Files that a job's own commands write and later ones run: ``cat > x.sh <<EOF``, ``printf ... > x``, ``tee``, ``cp``.

What a file holds is known where every command that wrote it tells what it prints; what another program did to it is not
known. Files are those of a job: a step may run what one before it has written. Source: Bash Reference Manual,
"Redirections", "Bash Builtin Commands" (``echo``, ``printf``); POSIX, ``tee``, ``cp``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker.model.pipeline.scripts import Command, Write
from checker.model.possible import Possible, joined, shown
from checker.model.values import Text
from checker.resolve.shell.state import WORKSPACE, Fed

_MAX_TEXT: Final = 100_000
_HERE: Final = frozenset({"<<", "<<-", "<<<"})
_ESCAPE: Final = re.compile(r"\\(?:([abefnrtv\\\"'])|0?([0-7]{1,3})|x([0-9a-fA-F]{1,2}))")
_SIGNS: Final = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_FORMAT: Final = re.compile(r"%(%|[-0-9.]*[sbdi])")
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
# Verbs of git that bring other files into the folder, whatever they name.
_BRINGING: Final = frozenset(
    {"checkout", "switch", "restore", "reset", "apply", "am", "merge", "pull", "rebase", "stash", "clean", "revert",
     "cherry-pick", "read-tree", "checkout-index"}
)  # fmt: skip
# What the command line of AWS writes files with: the rest of it reads those that it names.
_FETCHING: Final = frozenset({"s3", "s3api"})
_COPIES: Final = frozenset({"cp", "mv", "install", "ln"})
_WITH_VALUE: Final = frozenset({"-m", "-o", "-g", "-t", "--mode", "--owner", "--group"})


class Written(Struct):
    """What the files hold that a job has written so far; ``None`` for one whose text is not known."""

    texts: dict[Possible, Possible | None] = field(default_factory=dict)
    # Redirections that have been made, by their identity: one of a group of commands is made once.
    _seen: dict[int, Write] = field(default_factory=dict)

    def text(self, target: Possible, folder: str | None) -> Possible | None:
        """What a file holds; empty where the job has not written it, ``None`` where that is not known."""
        return self.texts.get(place(target, folder), "")

    def has(self, target: Possible, folder: str | None) -> bool:
        return bool(self.texts) and place(target, folder) in self.texts

    def copy(self) -> Written:
        """The same files, for another way through what comes."""
        return Written(dict(self.texts), dict(self._seen))

    def note(self, command: Command, fed: Fed | None) -> None:
        """A command of the job has run, with this input."""
        outputs = [each for each in command.writes if not each.operator.startswith("<") and each.descriptor in {1, -1}]
        if not outputs and not self.texts and command.program not in {"tee"}:
            return
        surely = command.certain and not command.reached.on_failure
        for write in outputs:
            again = ">>" in write.operator or id(write) in self._seen
            self._seen[id(write)] = write
            target = place(write.target, command.folder)
            if target is not None and write.operator != ">&":
                self._keep(target, _printed(command, fed) if write is outputs[-1] else "", again=again, surely=surely)
        plain = list(_plain(command.words[1:]))
        if command.program == "tee":
            again = any(each in {"-a", "--append"} for each in command.words)
            for word in plain:
                self._keep(place(word, command.folder), _input(command, fed), again=again, surely=surely)
        elif command.program in _COPIES and len(plain) == 2:
            self._copy(command, plain)
        elif command.program == "rm":
            for word in plain:
                self.texts.pop(place(word, command.folder), None)
        elif command.program == "git" and plain[:1] and plain[0] in _BRINGING:
            tracked = [each for each in self.texts if isinstance(each, str) and not each.startswith(("/", ".git/"))]
            self.texts.update(dict.fromkeys(tracked))
        else:
            for word in _changeable(command, plain):
                named = [word, word.partition("=")[2]] if isinstance(word, str) else [word]
                self.texts.update((key, None) for each in named if (key := place(each, command.folder)) in self.texts)

    def _keep(self, target: Possible, text: Possible | None, *, again: bool, surely: bool) -> None:
        if target is None:
            return
        before = self.texts.get(target, "")
        whole = text
        if again and target in self.texts:
            whole = joined([before, text]) if before is not None and text is not None else None
        if not surely and target in self.texts and self.texts[target] != whole:
            whole = None
        self.texts[target] = whole if len(shown(whole)) <= _MAX_TEXT else None

    def _copy(self, command: Command, plain: Sequence[Possible]) -> None:
        source, target = (place(each, command.folder) for each in plain)
        name = posixpath.basename(shown(source))
        beside = f"{target}/{name}" if isinstance(target, str) else None  # where the target is a folder
        if source in self.texts:
            for each in (target, beside):
                self.texts[each] = self.texts[source]
            if command.program == "mv":
                self.texts.pop(source, None)
        elif target in self.texts:
            self.texts[target] = None


def _changeable(command: Command, plain: Sequence[Possible]) -> Sequence[Possible]:
    """The words of a command that may name a file which it changes."""
    program, words = command.program, command.words[1:]
    if program in _READERS or (program == "sed" and not _in_place(command.words)):
        return ()
    if program in _INTERPRETERS:
        return plain[1:]
    if plain and plain[0] in _READING_VERBS.get(program, ()):
        return ()
    if program == "aws" and not any(word in _FETCHING for word in plain[:3]):
        return ()
    return words


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


def interpreter(text: Possible) -> str:
    """The program that the first line of a file names; empty where it names none."""
    first = text if isinstance(text, str) else text.parts[0] if isinstance(text, Text) else ""
    line = first.partition("\n")[0] if isinstance(first, str) else ""
    words = [word.rsplit("/", 1)[-1] for word in line[2:].split()] if line.startswith("#!") else []
    return next((word for word in words if word != "env" and not word.startswith("-")), "")


def _plain(words: Sequence[Possible]) -> Iterator[Possible]:
    value = False
    for word in words:
        if not value and not (isinstance(word, str) and word.startswith("-")):
            yield word
        value = isinstance(word, str) and word in _WITH_VALUE


def _in_place(words: Sequence[Possible]) -> bool:
    return any(isinstance(each, str) and each.startswith(("-i", "--in-place")) for each in words)


def _input(command: Command, fed: Fed | None) -> Possible | None:
    """What a command reads from its standard input."""
    here = next((each for each in reversed(command.writes) if each.operator in _HERE), None)
    if here is not None:
        return joined([here.target, "\n"]) if here.operator == "<<<" else _ended(here.target)
    return _ended(fed.text) if fed is not None and fed.text is not None else None


def _ended(text: Possible) -> Possible:
    """A text with the end of its last line."""
    last = text if isinstance(text, str) else text.parts[-1] if isinstance(text, Text) else ""
    return text if isinstance(last, str) and last.endswith("\n") else joined([text, "\n"])


def _printed(command: Command, fed: Fed | None) -> Possible | None:
    """What a command prints, to the last sign; ``None`` where only running it tells."""
    words = list(command.words[1:])
    if command.program == "cat" and not [*_plain(words)]:
        return _input(command, fed)
    if command.program == "echo":
        options = ""
        while words and isinstance(words[0], str) and re.fullmatch(r"-[neE]+", words[0]):
            options += str(words.pop(0))[1:]
        parts = [_escaped(each) if "e" in options else each for each in words]
        line = [part for index, each in enumerate(parts) for part in ([" ", each] if index else [each])]
        return joined([*line, *([] if "n" in options else ["\n"])])
    if command.program == "printf":
        words = words[1:] if words[:1] == ["--"] else words
        return _formatted(words[0], words[1:]) if words and isinstance(words[0], str) else None
    return "" if command.program in {"true", ":", "exec"} else None


def _formatted(form: str, given: list[Possible]) -> Possible | None:
    found: list[Possible] = []
    for _ in range(200):
        at = 0
        for match in _FORMAT.finditer(form):
            found.append(_escaped(form[at : match.start()]))
            at = match.end()
            if match[1] == "%":
                found.append("%")
            else:
                value = given.pop(0) if given else ""
                found.append(_escaped(value) if match[1].endswith("b") else value)
        rest = form[at:]
        if "%" in rest:
            return None
        found.append(_escaped(rest))
        if not given or not _FORMAT.search(form.replace("%%", "")):
            return joined(found)
    return None


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
