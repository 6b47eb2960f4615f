"""Facts of the git repository that a project is, read from its files: no git command is run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from checker.collect.folders import top_of
from checker.collect.kept.states import state_of

_WORKFLOWS: Final = Path(".github/workflows")


def commit(project: Path) -> str:
    """The commit that is checked out, empty where the folder is no repository."""
    git = _git_folder(project)
    if git is None:
        return ""
    head = _read(git / "HEAD")
    if not head.startswith("ref: "):
        return _digits(head)
    name = head.removeprefix("ref: ")
    if not re.fullmatch(r"refs/[\w./+@%-]+", name) or ".." in name:
        return ""
    common = git / _read(git / "commondir") if (git / "commondir").exists() else git
    loose = _digits(_read(git / name)) or _digits(_read(common / name))
    if loose:
        return loose
    packed = re.search(rf"^([0-9a-f]{{40,64}}) {re.escape(name)}$", _read(common / "packed-refs"), re.MULTILINE)
    return packed.group(1) if packed else ""


def slug(project: Path) -> str:
    """``OWNER/REPO`` of the remote ``origin`` where that is on GitHub, else empty."""
    git = _git_folder(project)
    config = _read(git / "config") if git else ""
    section = re.search(r'\[remote "origin"\](.*?)(?:\n\[|\Z)', config, re.DOTALL)
    url = re.search(r"^[ \t]*url[ \t]*=[ \t]*(\S+)", section.group(1), re.MULTILINE) if section else None
    found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url.group(1)) if url else None
    return found.group(1) if found else ""


def default_branch(project: Path) -> tuple[str, bool]:
    """The branch that the remote ``origin`` serves by default, and whether a clone has kept it as a fact.

    Where it has not, ``main`` or ``master`` is a guess: of origin's branches before those that are only here. Empty
    where neither is there.
    """
    git = _git_folder(project)
    if git is None:
        return "", False
    common = git / _read(git / "commondir") if (git / "commondir").exists() else git
    head = re.fullmatch(r"ref: refs/remotes/origin/([\w./-]+)", _read(common / "refs/remotes/origin/HEAD"))
    if head:
        return head.group(1), True
    packed = _read(common / "packed-refs")
    for place in ("refs/remotes/origin", "refs/heads"):
        for name in ("main", "master"):
            if (common / place / name).is_file() or re.search(rf" {place}/{name}$", packed, re.MULTILINE):
                return name, False
    return "", False


def state(project: Path) -> tuple[str, ...]:
    """All that is asked of git here, to tell one state of a checkout from another; the index by its size and times."""
    git = _git_folder(project)
    index = state_of(str(git / "index")) if git is not None else ""
    branch, is_fact = default_branch(project)
    around = workflows_around(project) if project.is_dir() else ""
    return str(top_of(project)), commit(project), slug(project), branch, str(is_fact), around, index


def is_committed(project: Path, name: str) -> bool:
    """Whether git keeps a file of the project, as its index tells (git documentation, "index-format", versions 2 and 3:
    an entry ends in its whole path). A checkout gives what git keeps the time of the checkout, and no other."""
    for folder in (project, *project.parents):
        if (folder / ".git").exists():
            git = _git_folder(project)
            inner = (project / name).relative_to(folder).as_posix()
            try:
                index = (git / "index").read_bytes() if git else b""
            except OSError:
                return False
            return f"{inner}\0".encode() in index
    return False


def workflows_around(project: Path) -> str:
    """Where the workflows of the repository are that a project is a folder of; empty where it has its own, or is the
    repository itself."""
    top = top_of(project)
    if top.samefile(project) or (project / _WORKFLOWS).is_dir():
        return ""
    folder = top / _WORKFLOWS
    some = any(each.suffix in {".yml", ".yaml"} for each in folder.iterdir()) if folder.is_dir() else False
    return Path(os.path.relpath(folder, os.path.realpath(project))).as_posix() if some else ""


def _git_folder(project: Path) -> Path | None:
    for folder in (project, *project.parents):
        git = folder / ".git"
        if git.is_dir():
            return git
        if git.is_file():  # a worktree: the file names the folder
            return (folder / _read(git).removeprefix("gitdir: ")).resolve()
    return None


def _digits(text: str) -> str:
    """A commit's digits; nothing where a file that is called as one of git's holds something else."""
    return text if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() if path.stat().st_size < 10_000_000 else ""
    except (OSError, UnicodeDecodeError):
        return ""
