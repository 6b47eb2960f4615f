"""Migrations that a job changes before it runs them, and such as it writes: as they are by then, or left open."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec.structs import replace

from checker.model.migrations.folders import Migration, MigrationFolder, SqlFile, is_sql
from checker.model.pipeline.changes import Held, held_by
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Change
from checker.model.sources import Problem, Spot, brief

_FIX = "Keep the migration in the repository as it is run."
# Bookkeeping of a folder, which no tool takes for a migration.
_OTHERS = (".md", ".txt", ".conf", ".toml", ".ini", ".env", ".lock", ".log", ".gitkeep")


def with_changes(pipeline: Pipeline) -> tuple[MigrationFolder, ...]:
    """The folders of migrations with what jobs have made of their files by the time that they migrate."""
    if not pipeline.migrations or not any(trace.changes for trace in pipeline.traces.values()):
        return pipeline.migrations
    from checker.reason.migrations.migrating import migrating

    held: dict[str, Held] = {}
    written: dict[str, Held] = {}
    for step in migrating(pipeline):
        trace = pipeline.trace(step.job)
        for change in trace.changes:
            for path in _files_of(change, pipeline.migrations):
                if (found := held_by(trace, path, step.action)) is not None:
                    held.setdefault(path, found)
            one = isinstance(change.path, str) and not change.path.endswith("/")
            if one and (found := held_by(trace, str(change.path), step.action)) is not None:
                written.setdefault(str(change.path), found)
    return (
        tuple(_changed(folder, held, written) for folder in pipeline.migrations)
        if written or held
        else pipeline.migrations
    )


def _files_of(change: Change, folders: tuple[MigrationFolder, ...]) -> Iterator[str]:
    """The files of migrations that a change is of, or may be of."""
    path = change.path
    if not isinstance(path, str):
        return
    inside = "" if path == "./" else path
    for folder in folders:
        for migration in folder.migrations:
            for file in (migration.up, migration.down):
                if file is not None and (file.file == path or (path.endswith("/") and file.file.startswith(inside))):
                    yield file.file


def _changed(folder: MigrationFolder, held: dict[str, Held], written: dict[str, Held]) -> MigrationFolder:
    migrations = tuple(_migration(each, held) for each in folder.migrations)
    own = {file for each in folder.migrations for file in (each.file, each.down.file if each.down is not None else "")}
    new = [
        Problem(Spot(path, 1), brief(f"{each.by} writes it, a migration that is not in the repository"), _FIX)
        for path, each in written.items()
        if folder.tool not in {"given", "code"}
        and path not in own
        and posixpath.dirname(path) == folder.folder
        and not path.endswith(_OTHERS)
    ]
    return replace(folder, migrations=migrations, problems=(*folder.problems, *new))


def _migration(migration: Migration, held: dict[str, Held]) -> Migration:
    up = _file(migration.up, held)
    down = _file(migration.down, held) if migration.down is not None else None
    return migration if up is migration.up and down is migration.down else replace(migration, up=up, down=down)


def _file(file: SqlFile, held: dict[str, Held]) -> SqlFile:
    found = held.get(file.file)
    if found is None:
        return file
    if isinstance(found.text, str) and not found.edits and is_sql(file.file):
        from checker.collect.migrations.sql import parse_sql

        return parse_sql(found.text, file.file)
    said = brief(f"{found.by} changes it before it is run, and what it holds by then is not known")
    return replace(file, problems=(*file.problems, Problem(Spot(file.file, 1), said, _FIX)))
