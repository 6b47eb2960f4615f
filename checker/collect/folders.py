"""Walks a repository for files of a kind, without the folders that hold other people's code or generated files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct, field

from checker.collect.seen import UNTOLD, Listing, ask, seen
from checker.model.sources import Problem, Spot

# What tools keep for themselves, too.
_FOREIGN: Final = UNTOLD | {"coverage", ".idea", ".vscode"}
SKIPPED: Final = _FOREIGN | {
    "vendor", "third_party", "dist", "build", "target", "cdk.out", ".checker", ".aws-sam", ".serverless"
}  # fmt: skip
MAX_FOLDERS: Final = 50_000
MAX_DEPTH: Final = 20

LEADS_OUT: Final = "a link that leads out of the repository: what is there was not read"
LEADS_NOWHERE: Final = "a link to nothing: what it was to be was not read"
_INSTEAD: Final = "Put the files into the repository, or leave it out below [exclude] in checker.toml."


class _Found(NamedTuple):
    """A folder or file that a search met: under which name below the root, where it is in truth, and how deep."""

    inner: str
    real: str
    depth: int

    def within(self, name: str) -> _Found:
        return _Found(self.path_of(name), f"{self.real}/{name}", self.depth + 1)

    def path_of(self, name: str) -> str:
        return f"{self.inner}/{name}" if self.inner else name


_NOTHING: Final = Listing()


def walk(
    root: Path,
    wanted: Callable[[str], bool],
    limit: int,
    problems: list[Problem],
    below: str = "",
    *,
    passed: Callable[[str], None] = lambda _: None,
    also: Callable[[str, str], bool] = lambda _folder, _name: False,
) -> Iterator[str]:
    """Files below ``root`` (or ``root/below``) whose name is wanted, in order: their paths below ``root``, with ``/``.

    ``also`` is asked of the others, with the name of their folder. ``passed`` is told of every folder that is passed
    over by its name. What a link leads to comes last, and only where it was not met under its own name; a link that
    leads out of the repository is a problem, and nothing behind it is looked at.
    """
    search = _Search(root, wanted, also, problems, passed)
    for number, inner in enumerate(search.files(root / below)):
        if number == limit:
            search.problem(inner.rpartition("/")[0], f"more than {limit} such files: the rest was not read", "")
            return
        yield inner


class _Search(Struct):
    root: Path
    wanted: Callable[[str], bool]
    also: Callable[[str, str], bool]
    problems: list[Problem]
    passed: Callable[[str], None]
    met: set[str] = field(default_factory=set)  # folders and files, by where they are in truth
    links: deque[_Found] = field(default_factory=deque)

    def problem(self, inner: str, why: str, fix: str) -> None:
        self.problems.append(Problem(Spot(inner or "."), why, fix))

    def files(self, start: Path) -> Iterator[str]:
        inner = start.relative_to(self.root).as_posix()
        if not is_inside(start, self.root):
            self.problem(inner, LEADS_OUT, _INSTEAD)
            return
        pending = [_Found("" if inner == "." else inner, os.path.realpath(start), 0)]
        folders = 0
        while pending or self.links:
            behind_link = not pending
            each = self.links.popleft() if behind_link else pending.pop()
            if each.real in self.met:
                continue
            self.met.add(each.real)
            if behind_link and not Path(each.real).is_dir():
                yield each.inner
                continue
            folders += 1
            if folders > MAX_FOLDERS or each.depth > MAX_DEPTH:
                self.problem(each.inner, "too many folders: what is below was not searched", "Name the folders.")
                if folders > MAX_FOLDERS:
                    return
                continue
            deeper: list[_Found] = []
            yield from self.files_in(each, deeper)
            pending.extend(reversed(deeper))

    def files_in(self, folder: _Found, deeper: list[_Found]) -> Iterator[str]:
        """The wanted files of one folder; fills ``deeper`` with the folders in it."""
        listing = _listing(self.root, folder)
        if listing.fault:
            self.problem(folder.inner, f"the folder could not be read: {listing.fault}", "Check its permissions.")
        for name in listing.links:
            self.link(folder.within(name))
        for name in listing.folders:
            if _is_skipped(name):
                self.passed(folder.path_of(name))
            else:
                deeper.append(folder.within(name))
        own = self.name_of(folder.inner)
        for name in listing.files:
            if self.wanted(name) or self.also(own, name):
                self.met.add(f"{folder.real}/{name}")
                yield folder.path_of(name)

    def name_of(self, inner: str) -> str:
        return inner.rpartition("/")[2] or self.root.name

    def link(self, link: _Found) -> None:
        """Keep a link for later, or say why nothing behind it is read where somebody may miss it."""
        folder, _, name = link.inner.rpartition("/")
        real = Path(os.path.realpath(self.root / link.inner))
        is_folder, is_file = os.path.isdir(real), os.path.isfile(real)  # noqa: PTH112, PTH113 - no error for a ring
        missed = name.startswith("cdk.out") or self.wanted(name) or self.also(self.name_of(folder), name)
        if not is_inside(real, self.root):
            if missed or (is_folder and not _is_skipped(name)):
                self.problem(link.inner, LEADS_OUT, _INSTEAD)
        elif not (is_folder or is_file):
            if missed:
                self.problem(link.inner, LEADS_NOWHERE, _INSTEAD)
        elif is_folder and _is_skipped(name):
            self.passed(link.inner)
        elif (is_folder or missed) and not _FOREIGN.intersection(real.relative_to(top_of(self.root)).parts):
            self.links.append(link._replace(real=str(real)))


def _listing(root: Path, folder: _Found) -> Listing:
    run = seen()
    known = run.listings.get(folder.real) if run is not None else None
    if known is None:
        ask(folder.real)
        known = _listed(root / folder.inner)
        if run is not None:
            run.listings[folder.real] = known
    return known


def _listed(folder: Path) -> Listing:
    links, folders, files = list[str](), list[str](), list[str]()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return _NOTHING
    except OSError as error:
        return Listing(fault=error.strerror or str(error))
    # A virtual environment, whatever its name, holds other people's code.
    if any("pyvenv.cfg" in each for each in (links, folders, files)):
        return _NOTHING
    return Listing(tuple(sorted(links)), tuple(sorted(folders)), tuple(sorted(files)))


def _is_skipped(name: str) -> bool:
    return name in SKIPPED or name.startswith(("cdk.out", "bazel-"))


def is_inside(path: Path, root: Path) -> bool:
    """Whether a path, links followed, stays in the repository that ``root`` belongs to."""
    return Path(os.path.realpath(path)).is_relative_to(top_of(root))


def top_of(root: Path) -> Path:
    """The folder of the repository that a project lies in; the project's own where it is in none."""
    real = Path(os.path.realpath(root))
    return next((each for each in (real, *real.parents) if (each / ".git").exists()), real)
