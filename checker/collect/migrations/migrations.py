"""Finds folders of migrations and reads those of SQL in the order in which their tool runs them.

A folder counts when its files are named as one of the known tools names them: ``V1__x.sql`` (Flyway), ``001_x.up.sql``
and ``001_x.down.sql`` in any of the words and orders of :mod:`checker.collect.migrations.naming`,
``20240101_x/migration.sql`` (Prisma), ``x/up.sql`` (Diesel), or plainly numbered below a folder that is called
migrations; the ways back may stand in the same file (:mod:`checker.collect.migrations.sections`) or in a folder of
their own. Plans and change logs (:mod:`checker.collect.migrations.changelogs`) say themselves what is a migration. A
folder of migrations written as code counts too: Alembic's revisions (:mod:`checker.collect.migrations.revisions`),
Django's (:mod:`checker.collect.migrations.frameworks`), those of other languages' frameworks
(:mod:`checker.collect.migrations.schema_code`); any other as one that is not read. Folders of tests do not, unless
``checker.toml`` names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.exclusions import Exclusions
from checker.collect.folders import walk
from checker.collect.migrations import changelogs, flyway
from checker.collect.migrations.blocks import with_code
from checker.collect.migrations.constraints.history import with_history
from checker.collect.migrations.frameworks.code_forms import ENDINGS, is_code
from checker.collect.migrations.frameworks.django import django_folder, is_migration
from checker.collect.migrations.naming import (
    BACK,
    FORWARD,
    Named,
    from_beside,
    named,
    number_of,
    order,
    paired,
)
from checker.collect.migrations.revisions.configured import CONFIGURATIONS, revision_folders
from checker.collect.migrations.revisions.reading import is_revision, revisions
from checker.collect.migrations.sections import directions
from checker.collect.migrations.sql import parse_sql
from checker.collect.migrations.transactions import as_told_beside
from checker.collect.seen import asked
from checker.errors import InputError
from checker.model.migrations.folders import Migration, MigrationFolder, SqlFile, is_sql
from checker.model.settings import Settings
from checker.model.sources import Problem, Spot

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_FILES: Final = 20_000

_FOLDER: Final = lazy_re.compile(r"(?P<number>\d+)(?:[_-](?P<name>.*))?")
# Play calls them evolutions, and has a folder for each database (its documentation, "Managing database evolutions").
_MIGRATIONS: Final = lazy_re.compile(r"migrate|.*migrations?|evolutions", re.IGNORECASE)
# Migrations as code: Alembic's revisions, Rails', and the numbered files of Django, Knex, TypeORM, Sequelize.
_CODE: Final = lazy_re.compile(r"(?:[0-9a-f]{12}_.*\.py|\d{4,}[_-].*\.(?:py|rb|ts|js|mjs|cjs|php|cs|exs|go))", re.I)
_PLURAL: Final = lazy_re.compile(r"migrations", re.IGNORECASE)
_BESIDE: Final = (".Designer.cs", "ModelSnapshot.cs")  # what Entity Framework writes beside migrations
_TESTS: Final = frozenset({"test", "tests", "__tests__", "testing", "testdata", "fixtures", "spec", "examples"})
# Lies beside the migrations that drizzle-kit writes, whatever the folder is called (Drizzle documentation, "drizzle-kit
# generate").
_JOURNAL: Final = "meta/_journal.json"
# The file that goes there, of a folder per migration.
_THERE: Final = ("migration.sql", *sorted(f"{word}.sql" for word in FORWARD))


def read_migrations(
    root: Path, settings: Settings, exclusions: Exclusions | None = None
) -> tuple[tuple[MigrationFolder, ...], tuple[Problem, ...]]:
    """Every folder of migrations below ``root``, and those that ``checker.toml`` names; and what kept some unread."""
    problems: list[Problem] = []
    wanted = {folder.strip("/").removeprefix("./") for folder in settings.migration_folders}
    paths = [
        Path(inner)
        for inner in walk(root, _is_migration, MAX_FILES, problems, also=_may_be_code)
        if not _is_of_tests(inner)
    ]
    unseen: list[Problem] = []  # revisions that may be anywhere
    configured = {
        below
        for path in paths
        if path.name in CONFIGURATIONS and not (exclusions is not None and exclusions.leave_out(path))
        for below in revision_folders(root, root / path, unseen)
    }
    for below in sorted(configured):
        paths.extend(map(Path, walk(root, lambda name: name.endswith(".py"), MAX_FILES, problems, below)))
    for below in sorted(wanted):
        if asked(root / below).is_dir():
            paths.extend(map(Path, walk(root, _is_migration, MAX_FILES, problems, below)))
        elif (root / below).exists():  # what is not there is told of with the other names that fit nothing
            why = f"migration_folders: {below} is no folder"
            problems.append(Problem(Spot("checker.toml"), why, "Name the folder as it is."))
    by_folder: dict[str, dict[str, Path]] = {}
    for shown in paths:
        if shown.name in CONFIGURATIONS or (exclusions is not None and exclusions.leave_out(shown)):
            continue
        by_folder.setdefault(shown.parent.as_posix(), {})[shown.name] = root / shown
    reader = _Reader(root, by_folder, wanted, configured)
    found = [replace(each, migrations=with_history(with_code(each.migrations))) for each in reader.every()]
    found += [MigrationFolder(each.spot.file, "alembic", (), (each,)) for each in unseen]
    return tuple(sorted(found, key=lambda each: each.folder)), tuple(problems)


def _is_of_tests(shown: str) -> bool:
    return bool(_TESTS & {part.lower() for part in shown.split("/")[:-1]})


def _is_migration(name: str) -> bool:
    return (
        is_sql(name)
        or _CODE.fullmatch(name) is not None
        or flyway.is_flyways_code(name)
        or changelogs.is_of_tools(name)
    )


def _may_be_code(folder: str, name: str) -> bool:
    """Whether a program lies where migrations lie: its text has to tell whether it is one."""
    code = _holds_code(folder) and name.lower().endswith(ENDINGS)
    return code or name in CONFIGURATIONS or changelogs.may_be_log(folder, name)


def _holds_code(folder: str) -> bool:
    return folder.lower() == "versions" or _MIGRATIONS.fullmatch(folder) is not None


def _called_migrations(folder: str) -> bool:
    return any(_MIGRATIONS.fullmatch(part) for part in folder.split("/"))


class _Reader(Struct):
    """The files that may tell of migrations, by folder and name; each is read once."""

    root: Path
    by_folder: Mapping[str, Mapping[str, Path]]
    wanted: set[str]
    configured: set[str]  # folders of Alembic's
    taken: set[Path] = field(default_factory=set)  # what a plan, a change log or another folder has told of
    texts: dict[Path, str | InputError] = field(default_factory=dict)

    def every(self) -> Iterator[MigrationFolder]:
        yield from self._plans()
        for folder, files in self.by_folder.items():
            yield from self._change_logs(folder, files)
        backs = {folder: back for folder in self.by_folder if (back := self._back_folder(folder))}
        hosts: dict[str, list[str]] = {}
        for folder, host in backs.items():
            hosts.setdefault(host, []).append(folder)
        for folder, files in self.by_folder.items():
            if folder in backs:
                continue
            sql = {name: path for name, path in files.items() if is_sql(name) and path not in self.taken}
            read = self._folder(folder, sql, [self._sql_of(each) for each in hosts.get(folder, ())])
            if read is not None:
                yield read
            code = self._as_code(folder, files)
            if code is not None:
                yield code
        yield from self._by_folder()

    # -- files -------------------------------------------------------------------------------------

    def shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def text(self, path: Path) -> str | InputError:
        if path not in self.texts:
            try:
                self.texts[path] = read_text(path, self.shown(path), MAX_BYTES)
            except InputError as error:
                self.texts[path] = error
        return self.texts[path]

    def _read(self, path: Path | None) -> SqlFile | None:
        if path is None:
            return None
        text, shown = self.text(path), self.shown(path)
        return parse_sql(text, shown) if isinstance(text, str) else _broken(shown, text)

    def _both(self, path: Path) -> tuple[SqlFile, SqlFile | None, str]:
        text, shown = self.text(path), self.shown(path)
        return directions(text, shown) if isinstance(text, str) else (_broken(shown, text), None, "")

    def _sql_of(self, folder: str) -> dict[str, Path]:
        return {name: path for name, path in self.by_folder[folder].items() if is_sql(name)}

    # -- what tells its order itself ---------------------------------------------------------------

    def _plans(self) -> Iterator[MigrationFolder]:
        for files in self.by_folder.values():
            plan = files.get("sqitch.plan")
            read = changelogs.planned(self.root, plan) if plan is not None else None
            if read is not None:
                for migration in read.migrations:
                    ways = (migration.up, *([migration.down] if migration.down else []))
                    self.taken.update(self.root / way.file for way in ways)
                yield read

    def _change_logs(self, folder: str, files: Mapping[str, Path]) -> Iterator[MigrationFolder]:
        logs: dict[str, str] = {}
        others: dict[str, str] = {}
        for name, path in files.items():
            own = folder.rpartition("/")[2]
            if not (is_sql(name) or changelogs.is_of_tools(name) or changelogs.may_be_log(own, name)):
                continue
            text = self.text(path)
            if not isinstance(text, str):
                continue
            if is_sql(name) and changelogs.is_formatted(text):
                logs[self.shown(path)] = text
                self.taken.add(path)
            elif not is_sql(name):
                others[self.shown(path)] = text
        if logs:
            yield changelogs.change_sets(logs, folder)
        if any("databaseChangeLog" in text for text in others.values()):
            from checker.collect.migrations.schema_code.liquibase import change_logs

            yield from change_logs(folder, others, self.root)

    # -- what its names tell -----------------------------------------------------------------------

    def _back_folder(self, folder: str) -> str:
        """The folder whose ways back lie in this one (``migrations/rollback``, or beside ``up`` or it); or empty."""
        parent, _, own = folder.rpartition("/")
        if own.lower() not in BACK:
            return ""
        above = parent or "."
        beside = [f"{parent}/{word}".lstrip("/") for word in (*sorted(FORWARD), "migration", "migrations")]
        names = {_stem(name) for name in self._sql_of(folder)}
        for host in (above, *beside):
            there = {_stem(name) for name in self.by_folder.get(host, ()) if is_sql(name)}
            if names & there or {number_of(name) for name in names} & {number_of(name) for name in there} - {""}:
                return host
        return ""

    def _folder(self, folder: str, files: Mapping[str, Path], backs: list[dict[str, Path]]) -> MigrationFolder | None:
        if any(flyway.is_flyways(name) or (_called_migrations(folder) and flyway.is_version(name)) for name in files):
            return self._flyway(folder, files)
        read = {name: known for name in files if (known := named(_stem(name))) is not None}
        ways = {each.number for each in read.values() if each.back} & {
            each.number for each in read.values() if each.forward
        }
        pairs = bool(ways) or any(each.firm for each in read.values())
        told = bool(backs) or _called_migrations(folder) or (self.root / folder / _JOURNAL).is_file()
        unordered = not read and self._is_of_sql_alone(folder)
        if files and (folder in self.wanted or pairs or (read and told) or unordered):
            return self._numbered(folder, files, read, backs, pairs=pairs)
        return None

    def _is_of_sql_alone(self, folder: str) -> bool:
        """Whether a folder for migrations holds nothing but SQL, which somebody may run in whatever order."""
        inside = any(each.startswith(f"{folder}/") for each in self.by_folder)
        own = _PLURAL.fullmatch(folder.rpartition("/")[2]) is not None
        return own and not inside and all(map(is_sql, self.by_folder[folder]))

    def _numbered(
        self,
        folder: str,
        files: Mapping[str, Path],
        read: Mapping[str, Named],
        backs: list[dict[str, Path]],
        *,
        pairs: bool,
    ) -> MigrationFolder:
        tool = "drizzle" if (self.root / folder / _JOURNAL).is_file() else "pairs" if pairs else "numbered"
        problems = [
            Problem(Spot(self.shown(path)), "not named like the other migrations: not read", "Rename or move it.")
            for name, path in files.items()
            if name not in read
        ]
        there, alone = paired((known, files[name]) for name, known in read.items())
        for lying in backs:
            there, left = from_beside(there, lying)
            alone.extend(left)
        migrations: list[Migration] = []
        for each in there:
            up, down, found = self._both(each.path)
            tool = found or tool
            down = self._read(each.back) or down
            migrations.append(Migration(each.named.number, each.named.name, up, down))
        problems.extend(
            Problem(Spot(self.shown(path)), "a way back without the way there", "Add its up file.") for path in alone
        )
        problems.extend(_twice(folder, [each.number for each in migrations]))
        return MigrationFolder(folder, tool, tuple(migrations), tuple(problems))

    def _flyway(self, folder: str, files: Mapping[str, Path]) -> MigrationFolder:
        found, numbers = flyway.versions(files, self._read, lambda path: self._both(path)[0])
        return MigrationFolder(folder, "flyway", tuple(found), tuple(_twice(folder, numbers)))

    def _by_folder(self) -> Iterator[MigrationFolder]:
        """One folder per migration: Prisma's ``migration.sql``, Diesel's ``up.sql`` and ``down.sql``."""
        parents: dict[str, list[Migration]] = {}
        for folder, files in self.by_folder.items():
            parent, _, own = folder.rpartition("/")
            match = _FOLDER.fullmatch(own)
            there = next((files[name] for name in _THERE if name in files), None)
            if match is None or there is None or there in self.taken:
                continue
            back = next((path for name, path in files.items() if is_sql(name) and _stem(name).lower() in BACK), None)
            up, down, _ = self._both(there)
            ways = (as_told_beside(up, there), as_told_beside(self._read(back) or down, back or there))
            migration = Migration(match["number"], match["name"] or "", *ways)
            parents.setdefault(parent, []).append(migration)
        for parent, migrations in parents.items():
            migrations.sort(key=lambda each: (order(each.number), each.file))
            tool = "prisma" if migrations[0].up.file.endswith("migration.sql") else "diesel"
            twice = tuple(_twice(parent, [m.number for m in migrations]))
            yield MigrationFolder(parent, tool, tuple(migrations), twice)

    def _as_code(self, folder: str, files: Mapping[str, Path]) -> MigrationFolder | None:
        """A folder whose migrations are programs: some frameworks' are read."""
        if not _holds_code(folder.rsplit("/", 1)[-1]) and folder not in self.configured:
            files = {name: path for name, path in files.items() if flyway.is_flyways_code(name)}
        read = self._revisions(folder, files) or self._coded(folder, files)
        if read is not None:
            return read
        for name in sorted(name for name in files if name.lower().endswith(ENDINGS)):
            told = _CODE.fullmatch(name) is not None or flyway.is_flyways_code(name)
            text = "" if told else self.text(files[name])
            if not isinstance(text, str) or not text or is_code(text):
                problem = Problem(Spot(self.shown(files[name])), "migrations written as code are not read", "")
                return MigrationFolder(folder, "code", (), (problem,))
        return None

    def _coded(self, folder: str, files: Mapping[str, Path]) -> MigrationFolder | None:
        """Migrations in Ruby, JavaScript, TypeScript or PHP."""
        named = {
            self.shown(path): path
            for name, path in files.items()
            if name.lower().endswith(ENDINGS) and not name.endswith(_BESIDE)
        }
        texts = {file: text for file, path in named.items() if isinstance(text := self.text(path), str)}
        if not texts or len(texts) < len(named):
            return None
        from checker.collect.migrations.schema_code.reading import coded_folder  # few repositories have them

        def unclaimed(file: str) -> bool:
            return _CODE.fullmatch(file.rpartition("/")[2]) is not None or is_code(texts[file])

        return coded_folder(folder, texts, unclaimed)

    def _revisions(self, folder: str, files: Mapping[str, Path]) -> MigrationFolder | None:
        """Alembic's revisions or Django's migrations, where all of the folder's programs are that; Alembic's ``env.py``
        stands above them."""
        texts = {self.shown(path): self.text(path) for name, path in files.items() if name.endswith(".py")}
        told = {
            file: text for file, text in texts.items() if isinstance(text, str) and not file.endswith("/__init__.py")
        }
        if not told or len(told) < sum(not file.endswith("/__init__.py") for file in texts):
            return None
        if all(is_migration(text) for text in told.values()):
            return django_folder(folder, told)
        if not all(is_revision(text) for text in told.values()):
            return None
        env = self.root / folder / ".." / "env.py"
        above = self.text(env.resolve()) if env.is_file() and env.resolve().is_relative_to(self.root) else ""
        return revisions(folder, told, above if isinstance(above, str) else "")


def _broken(shown: str, error: InputError) -> SqlFile:
    return SqlFile(shown, (), (), (Problem(Spot(shown), error.message, error.hint),))


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _twice(folder: str, numbers: Iterable[str]) -> Iterable[Problem]:
    """What is told of a number that two have. Their order is that of the files' names, so nothing is missing by it."""
    seen: set[str] = set()
    for number in numbers:
        if number in seen:
            why = f"the number {number} is used twice: taken in the order of the names"
            yield Problem(Spot(folder), why, "Renumber one.", unread=False)
        seen.add(number)
