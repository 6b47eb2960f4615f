"""What brings another commit's files to a job after its checkout: into the workspace, or into a folder beside it.

``git`` in all of its ways (checkout, pull, merge, restore, archive, worktree, clone ...), and the repository's own
files as GitHub serves them; and what is fetched from anywhere over a file that the repository has. Fetching alone
changes no file. Whose code a ref is that a command names is asked elsewhere.

Sources: git's manual pages; GitHub Docs, "Downloading source code archives", "Get repository content".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, Open
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Change, Command, Trace
from checker.model.possible import Possible, joined, plain_words, shown
from checker.model.values import ABSENT, Absent, Hole, Text, Unknown, pieces, text
from checker.reason.deploys.code.brought import (
    CODE,
    INSTALLERS,
    READ_BY_PEOPLE,
    VALUES,
    Brought,
    archived_in,
    lands,
    lies,
    option_of,
    verb_of,
)
from checker.reason.deploys.code.head_names import names_head
from checker.reason.deploys.code.trees import copied_into, folder_named, goes_to, stands_in_other
from checker.reason.deploys.http_requests import request_of

_STAYS: Final = frozenset({"HEAD", "@", "HEAD~0", "HEAD^0", "ORIG_HEAD"})
# A call of a library for git of Node.js that changes the tree (simple-git, README, "API"; isomorphic-git, "checkout").
_MOVES_TREE: Final = lazy_re.compile(
    r"""(?s)['"](?:simple-git(?:/promise)?|isomorphic-git|nodegit|dugite)['"].*?\.(?:checkout\w*|pull|merge\w*|reset|rebase|clone)\("""
)
_ADDRESS: Final = lazy_re.compile(r"(?:https?|ssh|git)://|[\w.-]+@[\w.-]+:")
_GOES_ON: Final = frozenset({"--abort", "--continue", "--quit", "--skip", "--edit-todo"})
_PATH: Final = lazy_re.compile(r"\.{1,2}/?|.*/|.*\.[a-z]{1,5}")
_FETCHERS: Final = frozenset({"curl", "wget", "gh", "scp", "sftp", "rsync", "gsutil", "gcloud", "az", "rclone"})
_OWN: Final = lazy_re.compile(r"github\.repository\b(?!_)|GITHUB_REPOSITORY\b(?!_)|\{owner\}/\{repo\}|:owner/:repo")
# Where GitHub serves files of a repository, the ref as a group; an archive without one is of the default branch.
_SERVED: Final = (
    r"raw\.githubusercontent\.com/{own}/(?:refs/(?:heads|tags)/)?(?P<ref>[^/]+)/(?P<path>[^?]*)",
    r"github\.com/{own}/(?:raw|blob)/(?:refs/(?:heads|tags)/)?(?P<ref>[^/]+)/(?P<path>[^?]*)",
    r"github\.com/{own}/(?:archive|zipball|tarball)/(?:refs/(?:heads|tags)/)?(?P<ref>.+?)(?:\.tar\.gz|\.zip)?$",
    r"github\.com/{own}/(?:legacy\.)?(?:tar\.gz|zip)/(?:refs/(?:heads|tags)/)?(?P<ref>.+)",
    r"repos/{own}/(?:tarball|zipball)(?:/(?P<ref>[^?]+))?",
    r"repos/{own}/contents/(?P<path>[^?]*)(?:\?ref=(?P<ref>.+))?",
)
_OF_ORAS: Final = frozenset({"-o", "--output", "-u", "--username", "-p", "--password", "--config", "--platform"})
_HOLE: Final = "\x00"
_OF_GIT: Final = lazy_re.compile(
    r"(?:[\w.-]+ ?@ ?|[\w.-]+@)?(?:git\+(?:https|ssh)://(?:[\w.-]+@)?github\.com/|github:)(?P<name>[\w.-]+/[\w-]+(?:\.[\w-]+)*?)"
    r"(?:\.git)?(?:[@#](?P<ref>[\w./-]+))?(?:#.*)?"
)
PINNED: Final = lazy_re.compile(r"[0-9a-f]{40}|(?:refs/tags/)?v?\d+(?:\.\d+)*(?:-[\w.]+)?")


def brought_by(trace: Trace, own: str, paths: Collection[str] = ()) -> list[tuple[int, Brought]]:
    """All that a job's commands bring, with the place among its actions. ``own`` is the repository's name, ``paths``
    are the folders of the workspace into which steps check it out."""
    found: list[tuple[int, Brought]] = []
    trees = {path: path for path in paths if path}
    fetched: Possible | None = None
    over = _overwritten(trace)
    programs = {id(command): code for command, code in trace.javascript}
    others: set[str] = set()  # the folders that clones of other repositories lie in
    for index, action in enumerate(trace.actions):
        if not isinstance(action, Command) or action.step is None:
            continue
        if action.program == "git":
            verb, words, _ = verb_of(action)
            if (folder := _cloned_beside(action, verb, words, own)) is not None:
                others.add(folder)
                continue
            if others and stands_in_other(action, others, trees):
                continue
            if verb == "fetch":
                fetched = _source([*plain_words(words, VALUES)][1:2])
                continue
            each = _by_git(action, verb, words, own)
            if each is not None and shown(each.ref) == "FETCH_HEAD":
                each = replace(each, ref=fetched)
        elif (code := programs.get(id(action))) is not None and _MOVES_TREE.search(code):
            each = Brought(action, Unknown(f"which commit `{action.spelled}` checks out by its library for git"))
        else:
            each = _by_github(action, own) or copied_into(action, trace, index, trees)
        landing = lands(each, trace, index) if each is not None else NO
        if each is not None:
            each = None if landing is NO else replace(each, doubt=landing.why) if isinstance(landing, Open) else each
        if each is None and id(action) in over:
            each = _written_over(action, *over[id(action)], own)
        if each is None:
            continue
        if not each.folder and (tree := goes_to(each, trace, index, trees)):
            each = replace(each, folder=trees[tree], place=tree)
        if each.place:
            trees[each.place] = each.folder
        found.append((index, each))
    return found


def _overwritten(trace: Trace) -> dict[int, tuple[Command, str]]:
    """The commands that put something over code of the repository which nobody can read here: by whom it was made, for
    a copy, and over which file."""
    found: dict[int, tuple[Command, str]] = {}
    for index, change in enumerate(trace.changes):
        path, by = change.path, change.by
        if not change.own or not isinstance(path, str) or not CODE.fullmatch(path) or not isinstance(by, Command):
            continue
        maker = _maker_of(trace.changes[: index + 1], trace.actions)
        if maker is not None:
            found[id(by)] = (maker, path)
    return found


def _maker_of(changes: Sequence[Change], actions: Sequence[object]) -> Command | None:
    """What made the file that the last of these copies, one after the other, where nobody knows what it holds."""
    last = changes[-1]
    if last.edits or not last.of:
        return last.by if last.text is None and last.edits is None and isinstance(last.by, Command) else None
    before = next((at for at in reversed(range(len(changes) - 1)) if changes[at].path == last.of), None)
    if before is not None:
        return _maker_of(changes[: before + 1], actions)
    earlier = takewhile(lambda each: each is not last.by, actions)
    fetching = [each for each in earlier if isinstance(each, Command) and last.of in map(shown, each.words[2:])]
    return fetching[-1] if fetching else None


def _written_over(command: Command, origin: Command, path: str, own: str) -> Brought | None:
    """What a command puts over a file of the checkout: the repository's own of another commit, or anybody's."""
    each = _by_git(origin, *verb_of(origin)[:2], own) if origin.program == "git" else _by_github(origin, own)
    if each is not None:
        return Brought(command, each.ref)
    stores = origin.program == "aws" and {"s3", "s3api"}.intersection(map(shown, origin.words[1:4]))
    if stores or origin.program in _FETCHERS:
        return Brought(command, Unknown(f"whose code `{origin.spelled}` puts over {path}"))
    return None


def is_own(repository: str | Text, own: str) -> bool:
    """Whether a repository's name, or its address, is this one's."""
    spelled = shown(repository).removesuffix(".git").rstrip("/")
    last = "/".join(re.split(r"[/:]", spelled)[-2:]).lower()
    return bool(_OWN.search(spelled)) or (bool(own) and last == own.lower())


def is_checkout(step: EffectiveStep, own: str) -> bool:
    """Whether a step checks out this repository."""
    if step.step.action.lower() != "actions/checkout" or step.runs is NO:
        return False
    repository = step.with_.get("repository", ABSENT)
    if isinstance(repository, Absent) or repository == "":
        return True
    return isinstance(repository, str | Text) and is_own(repository, own)


def folder_of(step: EffectiveStep) -> str:
    """The folder that is checked out into, empty for the workspace itself."""
    return shown(step.with_.get("path", "")).removeprefix("./").strip("/").removeprefix(".")


# -- git ---------------------------------------------------------------------------------------------


def _source(refspec: Sequence[Possible]) -> Possible | None:
    """What a refspec brings: the side left of the colon."""
    if not refspec or not isinstance(refspec[0], str):
        return refspec[0] if refspec else None
    return refspec[0].removeprefix("+").partition(":")[0]


def _by_git(command: Command, verb: str, words: list[Possible], own: str) -> Brought | None:
    before = list(takewhile(lambda each: each != "--", words))
    plain = [*plain_words(before, VALUES)]
    first = plain[0] if plain else None
    match verb:
        case "checkout" | "switch":
            paths = [*plain[1:], *words[len(before) + 1 :]]
            read = bool(paths) and all(map(_is_read, paths))
            return None if first is None or read or _is_path(first) else _of(command, first, whole=not paths)
        case "reset" if {"--hard", "--merge", "--keep"}.intersection(map(shown, before)):
            return _of(command, first, whole=True)
        case "restore":
            paths = [*plain, *words[len(before) + 1 :]]
            return None if paths and all(map(_is_read, paths)) else _of(command, option_of(words, "-s", "--source"))
        case "pull":
            return Brought(command, _source(plain[1:2]))
        case "merge" | "rebase" | "cherry-pick" | "read-tree" if not _GOES_ON.intersection(map(shown, before)):
            return _of(command, plain[-1] if plain and verb == "read-tree" else first)
        case "archive":
            return _of(command, first) if command.handling.piped or archived_in(command, words) is not None else None
        case "show" | "cat-file":
            ref, path = _halves(plain[-1] if plain else "")
            return None if path is None or READ_BY_PEOPLE.fullmatch(path) else _of(command, ref)
        case "worktree" if first == "add" and len(plain) > 1:
            return _in_place(_of(command, plain[2] if len(plain) > 2 else None, folder_named(plain[1])), plain[1])
        case "apply" | "am" if not plain or first == "-":
            return Brought(command, Unknown("whose changes git apply is given"))
        case "submodule" if "--remote" in before:
            return Brought(command, None)
        case "clone" if isinstance(first, str | Text) and is_own(first, own):
            into = plain[1] if len(plain) > 1 else shown(first).removesuffix(".git").rpartition("/")[2]
            return _in_place(Brought(command, option_of(words, "-b", "--branch"), folder_named(into)), into)
    return None


def _cloned_beside(command: Command, verb: str, words: list[Possible], own: str) -> str | None:
    """Where a clone of another repository comes to lie; ``None`` of any other command."""
    plain = [*plain_words(words, VALUES)] if verb == "clone" else []
    if not plain or not isinstance(plain[0], str) or is_own(plain[0], own) or not _ADDRESS.match(plain[0]):
        return None
    into = plain[1] if len(plain) > 1 else plain[0].removesuffix(".git").rstrip("/").rpartition("/")[2]
    found = _in_place(Brought(command, None, folder_named(into)), into)
    return found.place or None if found is not None else None


def _in_place(brought: Brought | None, folder: Possible) -> Brought | None:
    """With where that folder is; in one outside of the repository, as the script has written that."""
    if brought is None:
        return None
    at, away = lies(shown(folder), brought.command), brought.command.away
    return replace(brought, place=at or (posixpath.normpath(f"{away}/{shown(folder)}") if away and at is None else ""))


def _of(command: Command, ref: Possible | None, folder: str = "", *, whole: bool = False) -> Brought | None:
    """What a command brings of a ref; nothing where none is named, or the one that is there."""
    return None if ref is None or ref in _STAYS or names_head(ref) else Brought(command, ref, folder, whole)


def _is_read(path: Possible) -> bool:
    return READ_BY_PEOPLE.fullmatch(shown(path)) is not None


def _is_path(word: Possible) -> bool:
    return isinstance(word, str) and not word.startswith(("origin/", "refs/")) and _PATH.fullmatch(word) is not None


def _halves(name: Possible) -> tuple[Possible | None, str | None]:
    """``REF:PATH``; no path where there is no colon."""
    if not isinstance(name, str | Text):
        return None, None
    parts = list(pieces(name))
    for index, part in enumerate(parts):
        if isinstance(part, str) and ":" in part:
            head, _, tail = part.partition(":")
            rest = tail + "".join(each if isinstance(each, str) else each.shown for each in parts[index + 1 :])
            return text([*parts[:index], head]), rest
    return None, None


# -- the repository's files from GitHub --------------------------------------------------------------


def _by_github(command: Command, own: str) -> Brought | None:
    if command.program in INSTALLERS:
        return _installed(command, own)
    if command.program == "oras":
        return _pulled(command)
    if command.program == "gh":
        words = list(command.words[1:])
        plain = [each for each in words if not (isinstance(each, str) and each.startswith("-"))]
        if plain[:2] == ["run", "download"]:
            own_run = any("run_id" in shown(each).lower() for each in plain[2:])
            return None if own_run else Brought(command, Unknown("whose code the artifact of another run is"))
        if plain[:2] == ["pr", "checkout"]:
            return Brought(command, joined(["pull request ", *plain[2:3]]), whole=True)
        if plain[:2] == ["repo", "clone"] and len(plain) > 2 and isinstance(plain[2], str | Text):
            into = plain[3] if len(plain) > 3 else shown(plain[2]).rpartition("/")[2]
            cloned = Brought(command, option_of(words, "-b", "--branch"), folder_named(into))
            return _in_place(cloned, into) if is_own(plain[2], own) else None
        urls = plain[1:2] if plain[:1] == ["api"] else []
    else:
        made = request_of(command) if command.program in {"curl", "wget", "http"} else None
        urls = [made.url] if made is not None and made.method == "GET" else []
    return next((each for url in urls if (each := _served(command, url, own)) is not None), None)


def _pulled(command: Command) -> Brought | None:
    """Files that a registry keeps under a tag (ORAS documentation, "oras pull")."""
    plain = [*plain_words(command.words[1:], _OF_ORAS)]
    name = plain[1] if plain[:1] == ["pull"] and len(plain) > 1 else None
    if not isinstance(name, str | Text):
        return None
    holes = [each for each in pieces(name) if isinstance(each, Hole)]
    into = option_of(command.words, "-o", "--output")
    named = bool(holes) and not shown(name).endswith(":latest")
    ref = text([*holes[-1:]]) if named else Unknown(f"whose files {shown(name)} has")
    return Brought(command, ref, folder_named(into) if into is not None and shown(into) != "." else "")


def _installed(command: Command, own: str) -> Brought | None:
    """The repository itself, installed as a package at a branch (pip documentation, "VCS Support"; npm documentation,
    "npm install", ``<git remote url>``)."""
    for match in (_OF_GIT.fullmatch(shown(word)) for word in command.words[1:]):
        if match is None or not is_own(match["name"], own) or PINNED.fullmatch(match["ref"] or ""):
            continue
        return Brought(command, match["ref"])
    return None


def _served(command: Command, url: Possible, own: str) -> Brought | None:
    """The repository's files at a URL, with the ref whose they are."""
    if not isinstance(url, str | Text):
        return None
    spelled, holes = _marked(url, own)
    names = "|".join([r"\{owner\}/\{repo\}", ":owner/:repo", *([re.escape(own)] if own else [])])
    for pattern in _SERVED:
        found = re.search(pattern.replace("{own}", f"(?:{names})"), spelled, re.IGNORECASE)
        if found is None:
            continue
        groups = found.groupdict()
        if groups.get("path") is not None and READ_BY_PEOPLE.fullmatch(groups["path"]):
            return None
        ref = groups.get("ref")
        return Brought(command, None if ref is None else text(list(_unmarked(ref, holes))))
    return None


def _marked(url: str | Text, own: str) -> tuple[str, list[Hole]]:
    """A URL as one line, with a mark for each hole that is not the repository's own name, and those holes."""
    line, holes = "", []
    for part in pieces(url):
        if isinstance(part, str):
            line += part.replace(_HOLE, "")
        elif _OWN.search(part.shown):
            line += own or "{owner}/{repo}"
        else:
            holes.append(part)
            line += f"{_HOLE}{len(holes) - 1}{_HOLE}"
    return line, holes


def _unmarked(line: str, holes: Sequence[Hole]) -> Iterator[str | Hole]:
    for index, part in enumerate(line.split(_HOLE)):
        if index % 2 and part.isdigit() and int(part) < len(holes):
            yield holes[int(part)]
        elif part:
            yield part
