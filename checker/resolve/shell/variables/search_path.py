"""Where a shell looks for a program that it is given by its name: the folders of ``PATH``, in order.

What a folder in front has is taken for the program, whatever that is called: ``tools/aws`` of the repository is no AWS
CLI. Behind the system's folders it is found only where the system has no program of the name. Sources: Bash Reference
Manual, "Command Search and Execution"; GitHub documentation, "Workflow commands for GitHub Actions", "Adding a system
path" (a folder that is added goes first); actions/runner-images, "Installed Software" (what the machines have).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible, joined, open_text, options
from checker.model.values import Text, pieces

HERE: Final = lazy_re.compile(r"\$\{PWD\?\}|\$\{?PWD\}?|\$\(pwd\)")
ELSEWHERE: Final = "${PWD?}"  # of a shell that is in a folder which nobody knows
AT_TOP: Final = lazy_re.compile(r"\$\{\{ *github\.workspace *\}\}")
BEFORE: Final = "${PATH}"  # what it was before
NOT_KNOWN: Final = "a folder that core.addPath is given"
_SYSTEM: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/snap/bin")
_PUT_INTO: Final = (joined([open_text("${HOME}"), "/.local/bin/"]), "~/.local/bin/", "/usr/local/bin/", "/usr/bin/")
_INSTALLED: Final = frozenset(
    ["awk", "aws", "az", "base64", "basename", "bash", "bzip2", "cat", "chmod", "chown", "cp", "curl", "cut", "date",
     "diff", "dirname", "docker", "docker-compose", "du", "env", "expr", "find", "gcloud", "gh", "git", "grep", "gzip",
     "head", "helm", "id", "install", "jq", "kubectl", "ln", "ls", "make", "mkdir", "mktemp", "mv", "mysql", "node",
     "npm", "npx", "openssl", "perl", "php", "pip", "pip3", "pipx", "podman", "psql", "python", "python3", "realpath",
     "rm", "rsync", "ruby", "sam", "scp", "sed", "seq", "sh", "sha256sum", "sleep", "sort", "ssh", "stat", "sudo",
     "tail", "tar", "tee", "timeout", "touch", "tr", "uname", "uniq", "unzip", "wc", "wget", "xargs", "yarn", "yq",
     "zip"]
)  # fmt: skip


class Files(Protocol):
    def is_file(self, path: str) -> bool: ...


class Held(Protocol):
    """The files that the job has written."""

    @property
    def is_empty(self) -> bool: ...

    def has(self, name: Possible, folder: str | None) -> bool: ...


class Process(Protocol):
    """A shell as far as it names files."""

    @property
    def folder(self) -> str | None: ...

    @property
    def written(self) -> Held | None: ...

    def path(self, written: Possible) -> str | None: ...


def folders(path: Possible) -> Iterator[str]:
    """The folders that are looked in; all of the system's are :data:`BEFORE`."""
    parts = pieces(path) if isinstance(path, str | Text) else ()
    spelled = AT_TOP.sub(WORKSPACE, "".join(part if isinstance(part, str) else part.shown for part in parts))
    for each in spelled.split(":"):
        if each:
            yield BEFORE if each.rstrip("/") in _SYSTEM else each.rstrip("/")


def added_folders(name: str, path: Possible) -> Iterator[str]:
    """The folders that are looked in for a program beside the system's: only those in front of these where the system
    has a program of the name. One that a shell in an unknown folder names is taken for the workspace's."""
    for way in (options(path) or (path,)) if path is not None else ():
        for each in folders(way):
            if each == BEFORE and name in _INSTALLED:
                break
            if each != BEFORE:
                yield HERE.sub(WORKSPACE, each)


def own_programs(name: str, path: object, process: Process, files: Files) -> set[Possible]:
    """The file that a name is found to be, where that is one of the repository or one that the job has written;
    ``None`` where it is none. More than one where nobody knows which."""
    if not name or "/" in name or isinstance(path, tuple):
        return {None}
    ways = options(path) if path is not None else None  # type: ignore[arg-type]
    return {each for way in ways or (BEFORE,) for each in _own(name, way, process, files)}


def _own(name: str, path: Possible, process: Process, files: Files) -> Iterator[Possible]:
    written = process.written
    for folder in folders(path):
        if folder == BEFORE:
            if (found := _put_there(name, process)) is not None or name in _INSTALLED:
                yield found
                return
            continue
        whole = HERE.sub(WORKSPACE, f"{folder}/{name}")
        held, own = written is not None and written.has(whole, process.folder), process.path(whole)
        if held or (own and files.is_file(own)):
            yield whole if held else f"{WORKSPACE}/{own}"
            if ELSEWHERE not in folder and "$(pwd)" not in folder:  # else it may be that one
                return
    yield None


def _put_there(name: str, process: Process) -> Possible:
    """A program that the job has put into a folder of the system."""
    written = process.written
    if written is None or written.is_empty:
        return None
    for folder in _PUT_INTO:
        whole = joined([folder, name])
        if written.has(whole, process.folder):
            return whole
    return None


def with_before(path: Possible, before: Possible) -> Possible:
    """A path that names what it was before, with that in its place."""
    if not isinstance(path, Text):
        return path
    holes = {part: before if part.shown == BEFORE else Text((part,)) for part in path.holes}
    return joined([part if isinstance(part, str) else holes[part] for part in pieces(path)])
