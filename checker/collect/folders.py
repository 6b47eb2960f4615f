"""Walks a repository for files of a kind, without the folders that hold other people's code or generated files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from checker.model.sources import Problem, Spot

SKIPPED: Final = frozenset(
    {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox", ".mypy_cache",
     ".pytest_cache", ".ruff_cache", ".hypothesis", "site-packages", "vendor", "third_party", "dist", "build", "target",
     "cdk.out", ".checker", ".aws-sam", ".serverless", ".terraform", ".next", ".cache", "coverage", ".idea", ".vscode"}
)  # fmt: skip
MAX_FOLDERS: Final = 50_000
MAX_DEPTH: Final = 20


def walk(
    root: Path,
    wanted: Callable[[str], bool],
    limit: int,
    problems: list[Problem],
    below: str = "",
    *,
    passed: Callable[[Path], None] = lambda _: None,
    also: Callable[[str, str], bool] = lambda _folder, _name: False,
) -> Iterator[Path]:
    """Files below ``root`` (or ``root/below``) whose name is wanted, in order. Links are not followed out of it.

    ``also`` is asked of the others, with the name of their folder. ``passed`` is told of every folder that is passed
    over by its name.
    """
    pending: list[tuple[Path, int]] = [(root / below, 0)]
    folders = found = 0
    while pending:
        folder, depth = pending.pop()
        folders += 1
        if folders > MAX_FOLDERS or depth > MAX_DEPTH:
            where = folder.relative_to(root).as_posix()
            problems.append(
                Problem(Spot(where), "too many folders: what is below was not searched", "Name the folders.")
            )
            if folders > MAX_FOLDERS:
                return
            continue
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            where = folder.relative_to(root).as_posix()
            why = f"the folder could not be read: {error.strerror or error}"
            problems.append(Problem(Spot(where), why, "Check its permissions."))
            continue
        if any(entry.name == "pyvenv.cfg" for entry in listed):
            continue  # a virtual environment, whatever its name
        deeper: list[tuple[Path, int]] = []
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED and not entry.name.startswith("cdk.out"):
                    deeper.append((folder / entry.name, depth + 1))
                else:
                    passed(folder / entry.name)
            elif (wanted(entry.name) or also(folder.name, entry.name)) and entry.is_file(follow_symlinks=False):
                found += 1
                if found > limit:
                    where = folder.relative_to(root).as_posix()
                    problems.append(Problem(Spot(where), f"more than {limit} such files: the rest was not read", ""))
                    return
                yield folder / entry.name
        pending.extend(reversed(deeper))
