"""Finds folders of migrations and reads those of SQL in the order in which their tool runs them.

A folder counts when its files are named as one of the known tools names them: ``V1__x.sql`` (Flyway), ``001_x.up.sql``
and ``001_x.down.sql`` (golang-migrate and others), ``20240101_x.sql`` with comments such as ``-- +goose Down`` or
``-- migrate:down`` inside, ``20240101_x/migration.sql`` (Prisma), ``x/up.sql`` (Diesel), or plainly numbered below a
folder that is called migrations. A folder of migrations written as code (Alembic, Django, Rails, Knex) counts too, as
one that is not read. Folders of tests do not, unless ``checker.toml`` names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from checker.collect.documents import read_text
from checker.collect.folders import walk
from checker.collect.migrations.sql import parse_sql
from checker.errors import InputError
from checker.model.migrations.folders import Migration, MigrationFolder, SqlFile
from checker.model.migrations.tools import TOOLS
from checker.model.settings import Settings
from checker.model.sources import Problem, Spot

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_FILES: Final = 5_000

_FLYWAY: Final = re.compile(r"(?P<kind>[VUR])(?P<number>[\d._]*)__(?P<name>.*)\.sql", re.IGNORECASE)
_PAIR: Final = re.compile(r"(?P<number>\d+)[_.-]?(?P<name>.*)\.(?P<direction>up|down)\.sql", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"(?P<number>\d+)[_.-](?P<name>.*)\.sql", re.IGNORECASE)
_FOLDER: Final = re.compile(r"(?P<number>\d+)[_-](?P<name>.*)")
_MIGRATIONS: Final = frozenset({"migrations", "migration", "migrate", "db-migrations"})
# Migrations as code: Alembic's revisions, Rails', and the numbered files of Django, Knex, TypeORM, Sequelize.
_CODE: Final = re.compile(r"(?:[0-9a-f]{12}_.*\.py|\d{4,}[_-].*\.(?:py|rb|ts|js|mjs|cjs))", re.IGNORECASE)
_CODE_FOLDERS: Final = _MIGRATIONS | {"versions"}
_TESTS: Final = frozenset({"test", "tests", "__tests__", "testing", "testdata", "fixtures", "spec", "examples"})
# The comments above the directions of a file that holds both, by the tool that reads them.
_SECTIONS: Final = {
    tool.name: re.compile(rf"^[ \t]*--[ \t]*{tool.section}(?P<way>up|down)\b.*$", re.IGNORECASE | re.MULTILINE)
    for tool in TOOLS
    if tool.section
}


def read_migrations(root: Path, settings: Settings) -> tuple[tuple[MigrationFolder, ...], tuple[Problem, ...]]:
    """Every folder of migrations below ``root``, and those that ``checker.toml`` names; and what kept some unread."""
    problems: list[Problem] = []
    named = {folder.strip("/").removeprefix("./") for folder in settings.migration_folders}
    paths = [
        path for path in walk(root, _is_migration, MAX_FILES, problems) if not _is_of_tests(path.relative_to(root))
    ]
    for below in sorted(named):
        if (root / below).is_dir():
            paths.extend(walk(root, _is_migration, MAX_FILES, problems, below))
        else:
            why = f"migration_folders: {below} is no folder"
            problems.append(Problem(Spot("checker.toml"), why, "Name the folder as it is."))
    by_folder: dict[str, dict[str, Path]] = {}
    for path in paths:
        shown = path.relative_to(root)
        by_folder.setdefault(shown.parent.as_posix(), {})[shown.name] = path
    found = [
        read for folder, files in by_folder.items() if (read := _folder(folder, files, folder in named)) is not None
    ]
    found.extend(_by_folder(by_folder))
    return tuple(sorted(found, key=lambda each: each.folder)), tuple(problems)


def _is_of_tests(shown: Path) -> bool:
    return bool(_TESTS & {part.lower() for part in shown.parent.parts})


def _is_migration(name: str) -> bool:
    return name.lower().endswith(".sql") or _CODE.fullmatch(name) is not None


def _as_code(folder: str, files: Mapping[str, Path]) -> MigrationFolder | None:
    """A folder whose migrations are programs: what they do to the schema is not read."""
    own = folder.rsplit("/", 1)[-1].lower()
    listed = sorted(name for name in files if not name.lower().endswith(".sql"))
    if not listed or own not in _CODE_FOLDERS:
        return None
    return MigrationFolder(
        folder, "code", (), (Problem(Spot(f"{folder}/{listed[0]}"), "migrations written as code are not read", ""),)
    )


def _folder(folder: str, everything: Mapping[str, Path], named: bool) -> MigrationFolder | None:
    files = {name: path for name, path in everything.items() if name.lower().endswith(".sql")}
    if any(_FLYWAY.fullmatch(name) for name in files):
        return _flyway(folder, files)
    if any(_PAIR.fullmatch(name) for name in files):
        return _pairs(folder, files)
    if any(_NUMBERED.fullmatch(name) for name in files) and (named or _called_migrations(folder)):
        return _numbered(folder, files)
    if named and files:
        return _numbered(folder, files)
    return _as_code(folder, everything)


def _called_migrations(folder: str) -> bool:
    return any(part.lower() in _MIGRATIONS for part in folder.split("/"))


def _order(number: str) -> tuple[tuple[int, ...], str]:
    """Numbers by value, so that 10 comes after 9 and 1.10 after 1.9."""
    return tuple(int(part) for part in re.findall(r"\d+", number)), number


def _read(folder: str, path: Path) -> SqlFile:
    shown = f"{folder}/{path.name}" if folder != "." else path.name
    try:
        text = read_text(path, shown, MAX_BYTES)
    except InputError as error:
        return SqlFile(shown, (), (), (Problem(Spot(shown), error.message, error.hint),))
    return parse_sql(text, shown)


def _flyway(folder: str, files: Mapping[str, Path]) -> MigrationFolder:
    matches = [(match, path) for name, path in files.items() if (match := _FLYWAY.fullmatch(name))]
    undo = {match["number"]: path for match, path in matches if match["kind"].upper() == "U"}
    ups = sorted(((m, p) for m, p in matches if m["kind"].upper() == "V"), key=lambda pair: _order(pair[0]["number"]))
    repeatable = sorted((p for m, p in matches if m["kind"].upper() == "R"), key=lambda path: path.name)
    migrations = [
        Migration(
            m["number"], m["name"], _read(folder, p), _read(folder, undo[m["number"]]) if m["number"] in undo else None
        )
        for m, p in ups
    ]
    migrations += [Migration("R", path.stem.partition("__")[2], _read(folder, path)) for path in repeatable]
    return MigrationFolder(folder, "flyway", tuple(migrations), tuple(_twice(folder, [m["number"] for m, _ in ups])))


def _pairs(folder: str, files: Mapping[str, Path]) -> MigrationFolder:
    ups: list[tuple[str, str, Path]] = []
    downs: dict[str, Path] = {}
    problems: list[Problem] = []
    for name, path in files.items():
        match = _PAIR.fullmatch(name)
        if match is None:
            shown = f"{folder}/{name}"
            problems.append(Problem(Spot(shown), "not named like the other migrations: not read", "Rename or move it."))
        elif match["direction"].lower() == "up":
            ups.append((match["number"], match["name"], path))
        else:
            downs[match["number"]] = path
    ups.sort(key=lambda each: _order(each[0]))
    numbers = [number for number, _, _ in ups]
    for number, path in downs.items():
        if number not in numbers:
            problems.append(
                Problem(Spot(f"{folder}/{path.name}"), "a way back without the way there", "Add its up file.")
            )
    migrations = [
        Migration(number, name, _read(folder, path), _read(folder, downs[number]) if number in downs else None)
        for number, name, path in ups
    ]
    problems.extend(_twice(folder, numbers))
    return MigrationFolder(folder, "pairs", tuple(migrations), tuple(problems))


def _numbered(folder: str, files: Mapping[str, Path]) -> MigrationFolder:
    tool = "numbered"
    listed: list[Migration] = []
    problems: list[Problem] = []
    for name, path in files.items():
        match = _NUMBERED.fullmatch(name)
        if match is None:
            problems.append(Problem(Spot(f"{folder}/{name}"), "not numbered: its order is not known", "Number it."))
            continue
        migration, found = _sections(folder, path, match["number"], match["name"])
        tool = found or tool
        listed.append(migration)
    listed.sort(key=lambda each: _order(each.number))
    problems.extend(_twice(folder, [each.number for each in listed]))
    return MigrationFolder(folder, tool, tuple(listed), tuple(problems))


def _sections(folder: str, path: Path, number: str, name: str) -> tuple[Migration, str]:
    """A file that holds both directions, told apart by its comments; and the tool that reads them so."""
    shown = f"{folder}/{path.name}" if folder != "." else path.name
    try:
        text = read_text(path, shown, MAX_BYTES)
    except InputError as error:
        broken = SqlFile(shown, (), (), (Problem(Spot(shown), error.message, error.hint),))
        return Migration(number, name, broken), ""
    tool, marks = next(
        ((tool, marks) for tool, mark in _SECTIONS.items() if (marks := list(mark.finditer(text)))), ("", [])
    )
    if not marks:
        return Migration(number, name, parse_sql(text, shown)), ""
    parts: dict[str, SqlFile] = {}
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(text)
        direction = mark["way"].lower()
        line = text.count("\n", 0, mark.start()) + 1
        parts[direction] = replace(parse_sql(text[mark.start() : end], shown, line), down_section=direction == "down")
    up = parts.get("up", SqlFile(shown, ()))
    up = replace(up, header=(*parse_sql(text[: marks[0].start()], shown).header, *up.header))
    down = parts.get("down")
    return Migration(number, name, up, down if down is not None and down.statements else None), tool


def _by_folder(by_folder: Mapping[str, Mapping[str, Path]]) -> Iterable[MigrationFolder]:
    """One folder per migration: Prisma's ``migration.sql``, Diesel's ``up.sql`` and ``down.sql``."""
    parents: dict[str, list[Migration]] = {}
    for folder, files in by_folder.items():
        parent, _, own = folder.rpartition("/")
        match = _FOLDER.fullmatch(own)
        up = files.get("migration.sql") or files.get("up.sql")
        if match is None or up is None:
            continue
        down = files.get("down.sql")
        migration = Migration(
            match["number"], match["name"], _read(folder, up), _read(folder, down) if down is not None else None
        )
        parents.setdefault(parent, []).append(migration)
    for parent, migrations in parents.items():
        migrations.sort(key=lambda each: _order(each.number))
        tool = "prisma" if migrations[0].up.file.endswith("migration.sql") else "diesel"
        yield MigrationFolder(parent, tool, tuple(migrations), tuple(_twice(parent, [m.number for m in migrations])))


def _twice(folder: str, numbers: Iterable[str]) -> Iterable[Problem]:
    seen: set[str] = set()
    for number in numbers:
        if number in seen:
            yield Problem(Spot(folder), f"the number {number} is used twice: their order is not known", "Renumber one.")
        seen.add(number)
