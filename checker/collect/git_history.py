"""What git keeps of a project's files where a change left the branch that it is to be merged into.

Reading commands of git alone, which run no hook, filter, pager or helper and fetch nothing; unlike the commit that is
checked out (:mod:`checker.collect.repository`), an older tree stands in packed objects. Source: git documentation,
"git-merge-base", "git-ls-tree", "git-cat-file".
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

_SECONDS: Final = 20
_MOST_BYTES: Final = 50_000_000  # of one file: more is no settings file
# Nothing is fetched (partial clones fetch what is missing), nothing asked, nothing written, no program of others run.
_SAFE: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
_QUIET: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}


class Blob(Struct, frozen=True):
    """A file of an older tree: its ``id`` is the hash of its content."""

    name: str
    id: str


def merge_base(project: Path, branch: str) -> str | None:
    """The commit where the checkout left ``branch``, as origin has it or else as it is here. ``None`` where that is not
    known: no git, no such branch, or a history that was not fetched."""
    for ref in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"):
        found = _git(project, "merge-base", "HEAD", ref)
        if found is not None and re.fullmatch(rb"[0-9a-f]{40,64}\n", found):
            return found.decode().strip()
    return None


def knows(project: Path, branch: str) -> bool:
    """Whether the branch is here, as origin's or as a local one."""
    refs = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
    return any(_git(project, "rev-parse", "--verify", "--quiet", ref) is not None for ref in refs)


def files_at(project: Path, commit: str, folders: Sequence[str]) -> list[Blob] | None:
    """The files in the project's folder itself, and anywhere below ``folders``; ``None`` if git cannot say."""
    direct = _git(project, "ls-tree", "-z", commit)
    below = _git(project, "ls-tree", "-r", "-z", commit, "--", *[f"{each}/" for each in folders]) if folders else b""
    if direct is None or below is None:
        return None
    return list(dict.fromkeys(_blobs(direct + below)))


def _blobs(listed: bytes) -> Iterable[Blob]:
    for entry in listed.split(b"\0"):
        kind, _, name = entry.partition(b"\t")
        mode, _, rest = kind.partition(b" ")
        if mode in {b"100644", b"100755"}:  # no folder, link or other repository
            yield Blob(os.fsdecode(name), rest.rpartition(b" ")[2].decode())


def is_as_before(project: Path, blob: Blob) -> bool:
    """Whether a file of the working tree has the content that git kept. Source: Pro Git, "Git Objects"."""
    path = project / blob.name
    try:
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    except OSError:
        return False
    if content is None:
        return False
    digest = hashlib.sha1(usedforsecurity=False) if len(blob.id) == 40 else hashlib.sha256()
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest() == blob.id


def contents(project: Path, blobs: Iterable[Blob]) -> Mapping[str, bytes] | None:
    """What the files held, by their names. ``None`` if git cannot say, or where one is too large to be of settings."""
    found: dict[str, bytes] = {}
    for each in blobs:
        size = _git(project, "cat-file", "-s", each.id)
        held = _git(project, "cat-file", "blob", each.id) if size and int(size) <= _MOST_BYTES else None
        if held is None:
            return None
        found[each.name] = held
    return found


def _git(project: Path, *words: str) -> bytes | None:
    program = shutil.which("git")
    if program is None or Path(program).resolve().is_relative_to(project.resolve()):
        return None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - git's reading commands, by a path outside of the project
            [program, *_SAFE, *words],
            cwd=project,
            env={**environment, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
