"""Finds the programs of a repository that apply migrations, and the tests that run their way back. Nothing is run.

A runner is told by what it does: it lists or reads ``.sql`` files and executes SQL on a database driver. It may be one
file, or several: then the file that lists them is imported by one that executes, and everything below that belongs to
the runner.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.folders import walk
from checker.collect.migrations.constraints.relied_on import may_upsert, upserts_of
from checker.collect.migrations.frameworks.connections import package_scripts, read_connections
from checker.collect.migrations.frameworks.containers import is_recipe, started_with
from checker.collect.migrations.frameworks.images import image_start
from checker.collect.migrations.frameworks.libraries import is_project, libraries_in, line_of, versions_in
from checker.collect.migrations.frameworks.shaping import (
    is_settings,
    may_shape,
    on_whose,
    shaped_by_code,
    shaped_by_settings,
)
from checker.collect.migrations.source_code import LANGUAGES, imported_by_python, source_file
from checker.errors import InputError
from checker.model.migrations.folders import (
    SQL_ENDING,
    SQL_ENDINGS,
    MigrationCode,
    MigrationRunner,
    SourceFile,
    Upsert,
    is_sql,
)
from checker.model.migrations.images import ImageStart
from checker.model.migrations.tools import about_migrations
from checker.model.sources import Problem, Spot

MAX_FILES: Final = 50_000  # the code of a large repository of many packages
MAX_BYTES: Final = 1024 * 1024
_MOST_KEPT: Final = 128 * 1024 * 1024  # characters of texts; those beyond are read again when they are asked for
_MAX_OF_RUNNER: Final = 60
_MAX_LOOKED_THROUGH: Final = 300
_TEST: Final = lazy_re.compile(
    r"(?:^|/)(?:tests?|__tests__|testing|spec|e2e|fixtures)/|(?:^|/)(?:test_[^/]*|conftest|[^/]*(?:_test|\.test|\.spec))\.\w+$"
)
_OF_TESTS: Final = ("test", "spec", "e2e", "fixtures")  # what every match of it holds
_LISTS: Final = lazy_re.compile(
    r"\b(?:readdir(?:Sync)?|readFile(?:Sync)?|listdir|scandir|iterdir|r?glob(?:Sync)?|read_text|read_bytes|ReadDir|ReadFile"
    r"|WalkDir|embed\.FS|read_dir|open)\b"
)
_OF_LISTS: Final = (
    "readdir", "readFile", "listdir", "scandir", "iterdir", "glob", "rglob", "read_text", "read_bytes", "ReadDir",
    "ReadFile", "WalkDir", "embed.FS", "read_dir", "open",
)  # fmt: skip
_EXECUTE: Final = r"\.(?:query|execute\w*|exec|Exec(?:Context)?|unsafe|raw|batch_execute|simple_query|none)\s*"
_EXECUTES: Final = lazy_re.compile(_EXECUTE + r"\(")
# What a text holds whose code executes: a comment may stand before the bracket.
_MAY_EXECUTE: Final = lazy_re.compile(_EXECUTE + r"(?:[(#]|/[/*])")
_DRIVER: Final = lazy_re.compile(
    r"\b(?:psycopg2?|asyncpg|pg8000|sqlalchemy|tokio_postgres|sqlx|pgxpool|pgx|lib/pq|database/sql|pg-promise|slonik|knex)\b"
    r"|(?:\bfrom\s+|\brequire\(\s*|\bimport\(\s*|^import\s+)['\"](?:pg|postgres|pg-pool|@neondatabase/serverless)['\"]",
    re.MULTILINE,
)
# What every match of the above holds: finding none of these is quicker than finding no match.
_OF_DRIVERS: Final = (
    "psycopg", "asyncpg", "pg8000", "sqlalchemy", "tokio_postgres", "sqlx", "pgx", "lib/pq", "database/sql",
    "pg-promise", "slonik", "knex", "pg'", 'pg"', "postgres'", 'postgres"', "pg-pool", "@neondatabase",
)  # fmt: skip
_AT_DRIVERS: Final = (*_OF_DRIVERS[:-6], "from", "require", "import")  # what they begin with
_SQL_FILES: Final = (*SQL_ENDINGS, "/migration", "'migration", '"migration', "`migration")
# A test that runs a way back: the command's word as an argument, a call by its name, or the file itself.
_BACK: Final = lazy_re.compile(
    r"['\"`](?:down|downgrade|rollback|revert|undo|redo)['\"`]|\.down\.sql\b|/down\.sql\b"
    r"|\b(?:\w*[_.])?(?:downgrade|undo|migrate_?[dD]own|down)\(|\bmigrate[:.](?:down|rollback)\b"
    r"|\bMigrator\.run\([^)\n]*:down\b"
)
_NO_QUERY: Final = lazy_re.compile(
    rf"(?:^|/)(?:[VURvur]?\d[^/]*|(?:up|down){SQL_ENDING}|[^/]*(?:seed|schema|dump|init)[^/]*)$"
)
_REMARKS: Final = lazy_re.compile(r"--[^\n]*")
_SCRIPT_IMPORT: Final = lazy_re.compile(
    r"(?:\bfrom\s*|\brequire\(\s*|\bimport\(\s*|\bimport\s+)['\"](\.{1,2}/[^'\"\n]+)['\"]"
)


def read_migration_code(root: Path) -> MigrationCode:
    """What runs the migrations of the repository at ``root``, and the tests of their way back."""
    problems: list[Problem] = []
    library = _Library(root)
    candidates: list[str] = []
    runners: dict[str, MigrationRunner] = {}
    tests: list[Spot] = []
    sources: list[str] = []
    upserts: list[Upsert] = []
    at_start: list[MigrationRunner] = []
    images: list[ImageStart] = []
    versions: list[tuple[str, int]] = []
    wanted = list(walk(root, _is_wanted, MAX_FILES, problems))
    for shown in wanted:
        if is_recipe(shown):
            image = image_start(shown, library.text(shown), library.is_file)
            images.extend([image] if image is not None else [])
            at_start.extend(started_with(shown, library.text(shown), library.found, image))
            continue
        if is_project(shown):
            versions.extend(versions_in(library.text(shown)))
            continue
        if is_settings(shown):
            continue
        if _is_query(shown):  # which a program has code made of (sqlc), or reads
            if not about_migrations(shown) and may_upsert(text := library.text(shown)):
                upserts.extend(upserts_of(shown, _REMARKS.sub("", text)))
            continue
        is_test = _is_test(shown)
        if is_test and tests:
            continue
        text = library.text(shown)
        if is_test:
            found = _BACK.search(text) if _speaks_of_migrations(shown, text) else None
            if found is not None:
                tests.append(Spot(shown, text.count("\n", 0, found.start()) + 1))
            continue
        sources.append(shown)
        if may_upsert(text) and not about_migrations(shown):
            upserts.extend(upserts_of(shown, library.file(shown).code))
        libraries = libraries_in(shown, text)
        if libraries:  # not in a comment alone
            libraries = libraries_in(shown, library.file(shown).code)
        lists = any(each in text for each in _SQL_FILES) and lazy_re.at_words(_LISTS, _OF_LISTS, text)
        if not (libraries or lists) or not _speaks_of_migrations(shown, text):
            continue
        for name in libraries:
            entry = library.file(shown)
            runners[shown] = MigrationRunner(entry, tuple(_below(entry, library)), name, (), line_of(entry, name))
        if lists:
            candidates.append(shown)
    for each in candidates:
        for runner in _runners(each, library):
            runners.setdefault(runner.entry.file, runner)
    scripts = tuple(package_scripts(root, problems))
    return MigrationCode(
        tuple(_with_callers(each, sources, library) for each in runners.values()),
        tuple(tests),
        scripts,
        (*problems, *library.problems),
        tuple(read_connections(root, [])),
        (),
        tuple(upserts),
        tuple(at_start),
        tuple(sorted(set(versions))),
        shaping=tuple(each for shown in wanted if not _is_test(shown) for each in _shaping(shown, library)),
        images=tuple(images),
    )


def _shaping(shown: str, library: _Library) -> Iterator[MigrationRunner]:
    """Whether a program, or what it is told in its settings, changes the schema when it starts."""
    if is_settings(shown):
        entry = SourceFile(shown, "other", library.text(shown))
        found = shaped_by_settings(shown, entry.code)
    elif (language := LANGUAGES.get(_suffix(shown))) is not None and may_shape(library.text(shown), language):
        entry = library.file(shown)
        found = shaped_by_code(entry)
    else:
        return
    files = (entry,) if is_settings(shown) else tuple(_below(entry, library)) if found is not None else ()
    found = on_whose(found, files) if found is not None else None
    if found is not None:
        yield MigrationRunner(entry, files, found.tool, (), found.line, found.shapes, found.doubt)


def _with_callers(runner: MigrationRunner, sources: Iterable[str], library: _Library) -> MigrationRunner:
    """The runner with the files that speak of migrations and import it, or any file of its own."""
    own = {each.file for each in runner.files}
    inside = tuple({f"{folder}/" if folder else "" for folder in map(posixpath.dirname, own)})
    # From outside of its folder, a file is imported by a path that names the folder.
    paths = [posixpath.splitext(each)[0].split("/") for each in own]
    marks = {mark for *_, folder, stem in (["", *each] for each in paths)
             for mark in (f"{folder}.{stem}", f"{folder}/{stem}", f"{folder} import")}  # fmt: skip
    names = {each[-2] if len(each) > 1 else "" for each in paths}  # looked for first: few texts have one
    marks |= {each[-2] for each in paths if len(each) > 1 and each[-1] in {"__init__", "index"}}

    def calls(shown: str) -> bool:
        text = library.text(shown)
        return (
            (shown.startswith(inside) or (any(each in text for each in names) and any(each in text for each in marks)))
            and _speaks_of_migrations(shown, text)
            and not own.isdisjoint(library.may_import(shown))
            and not own.isdisjoint(library.imports(library.file(shown)))
        )

    callers = tuple(each for each in sources if each not in own and calls(each))
    starts = tuple(library.file(each) for each in callers if each.endswith("/__main__.py") and each.startswith(inside))
    return replace(runner, callers=callers, starts=starts) if callers else runner


def _is_wanted(name: str) -> bool:
    return _suffix(name) in LANGUAGES or _is_query(name) or is_recipe(name) or is_project(name) or is_settings(name)


def _is_test(path: str) -> bool:
    return any(each in path for each in _OF_TESTS) and _TEST.search(path) is not None


def _is_query(path: str) -> bool:
    """Whether a file may hold a program's SQL: no migration has such a name, nor rows to begin with."""
    return is_sql(path) and _NO_QUERY.search(path) is None


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()


def _speaks_of_migrations(shown: str, text: str) -> bool:
    return about_migrations(text) or about_migrations(shown)


class _Library:
    """The repository's source files, each read and taken apart once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self._texts: dict[str, str] = {}
        self._kept = 0
        self._files: dict[str, SourceFile] = {}
        self._siblings: dict[str, tuple[str, ...]] = {}
        self._is_file: dict[str, bool] = {}
        self._drives: dict[str, bool] = {}
        self._sends: dict[str, bool] = {}
        self._may_import: dict[str, tuple[str, ...]] = {}
        self._within = os.path.realpath(root).rstrip("/")

    def text(self, shown: str) -> str:
        known = self._texts.get(shown)
        if known is not None:
            return known
        try:
            found = read_text(self.root / shown, shown, MAX_BYTES)
        except InputError as error:
            found = self._texts[shown] = ""
            if about_migrations(shown):
                self.problems.append(Problem(Spot(shown), error.message, error.hint))
        if self._kept + len(found) <= _MOST_KEPT:
            self._kept += len(found)
            self._texts[shown] = found
        return found

    def found(self, shown: str) -> str | None:
        """The text of a file that may not be there."""
        return self.text(shown) if self.is_file(shown) else None

    def file(self, shown: str) -> SourceFile:
        if shown not in self._files:
            self._files[shown] = source_file(shown, self.text(shown))
        return self._files[shown]

    def is_file(self, shown: str) -> bool:
        known = self._is_file.get(shown)
        if known is None:
            # Strings: of most names that an import could mean there is no file.
            whole = f"{self._within}/{shown}"
            known = (
                not shown.startswith("..")
                and os.path.isfile(whole)  # noqa: PTH113
                and os.path.realpath(whole).startswith(f"{self._within}/")
            )
            self._is_file[shown] = known
        return known

    def drives(self, shown: str) -> bool:
        """Whether a file's code uses a driver of a database. One file is below many, and most need not be taken
        apart to see that they do not."""
        known = self._drives.get(shown)
        if known is None:
            may = any(each in self.text(shown) for each in _OF_DRIVERS)
            known = self._drives[shown] = may and lazy_re.at_words(_DRIVER, _AT_DRIVERS, self.file(shown).code)
        return known

    def sends(self, shown: str) -> bool:
        """Whether a file's code sends something to one, likewise."""
        known = self._sends.get(shown)
        if known is None:
            may = _MAY_EXECUTE.search(self.text(shown)) is not None
            known = self._sends[shown] = may and _EXECUTES.search(self.file(shown).code) is not None
        return known

    def may_run(self, shown: str) -> bool:
        """Whether a file and what it imports may be a runner: most are none, and need not be taken apart to see that.

        What comments import is followed here, so that a yes is none yet; a no is one.
        """
        seen, pending = {shown}, [shown]
        executes = drives = False
        while pending:
            if len(seen) > _MAX_LOOKED_THROUGH:
                return True
            name = pending.pop()
            executes = executes or self.sends(name)
            drives = drives or self.drives(name)
            if executes and drives:
                return True
            new = [each for each in self.may_import(name) if each not in seen]
            seen.update(new)
            pending.extend(new)
        return False

    def siblings(self, shown: str) -> tuple[str, ...]:
        """The source files beside one, of its language, tests left out."""
        folder, suffix = posixpath.dirname(shown), posixpath.splitext(shown)[1]
        if folder not in self._siblings:
            found = sorted((self.root / folder).iterdir())
            self._siblings[folder] = tuple(posixpath.join(folder, path.name) for path in found if path.is_file())
        return tuple(each for each in self._siblings[folder] if each.endswith(suffix) and not _is_test(each))

    def imports(self, file: SourceFile) -> tuple[str, ...]:
        """The repository's own files that one imports."""
        return tuple(self._imports(file.file, file.code, file.language))

    def may_import(self, shown: str) -> tuple[str, ...]:
        """What a file imports; of Python also what comments say that it does, so that it need not be taken apart."""
        if shown not in self._may_import:
            python = shown.endswith(".py")
            found = self._imports(shown, self.text(shown), "python") if python else self.imports(self.file(shown))
            self._may_import[shown] = tuple(found)
        return self._may_import[shown]

    def _imports(self, shown: str, code: str, language: str) -> Iterator[str]:
        if language == "python":
            yield from imported_by_python(shown, code, self.is_file)
        elif language == "script":
            base = posixpath.dirname(shown)
            for match in _SCRIPT_IMPORT.finditer(code):
                yield from self._script(posixpath.normpath(posixpath.join(base, match[1])))
        elif language == "go":
            yield from (each for each in self.siblings(shown) if each != shown)

    def _script(self, stem: str) -> Iterator[str]:
        plain = re.sub(r"\.(?:m|c)?js$", "", stem)
        for candidate in (stem, *(plain + end for end in (".ts", ".mts", ".js", ".mjs", "/index.ts", "/index.js"))):
            if posixpath.splitext(candidate)[1] in LANGUAGES and self.is_file(candidate):
                yield candidate
                return


def _runners(shown: str, library: _Library) -> Iterator[MigrationRunner]:
    """The runner that a file which lists migrations is, or belongs to."""
    entries = [shown]
    if not library.sends(shown):
        beside = [each for each in library.siblings(shown) if each != shown]
        stem = posixpath.splitext(posixpath.basename(shown))[0]
        importers = [each for each in beside if stem in library.text(each) and shown in library.may_import(each)]
        if not importers or not any(library.drives(each) for each in beside):
            return
        entries = [each for each in importers if shown in library.imports(library.file(each))]
    best: MigrationRunner | None = None
    for entry in (library.file(each) for each in entries if library.may_run(each)):
        files = tuple(_below(entry, library))
        runs = any(library.sends(each.file) for each in files)
        if runs and any(library.drives(each.file) for each in files) and (best is None or len(files) > len(best.files)):
            best = MigrationRunner(entry, files)
    if best is not None:
        yield best


def _below(entry: SourceFile, library: _Library) -> Iterator[SourceFile]:
    seen = {entry.file}
    pending = [entry]
    while pending and len(seen) <= _MAX_OF_RUNNER:
        file = pending.pop(0)
        yield file
        for name in library.imports(file):
            if name not in seen:
                seen.add(name)
                pending.append(library.file(name))
