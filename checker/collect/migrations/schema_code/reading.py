"""Folders of migrations in Ruby, JavaScript, TypeScript, PHP, Elixir and C#: each file's calls as statements, in order.

A folder is taken where all that may be migrations there is of one framework; a file that its grammar does not
understand has a problem of its own. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.frameworks.changes import Change, only_adds, statements
from checker.collect.migrations.schema_code import rails
from checker.collect.migrations.schema_code.builders import IMPLIED
from checker.collect.migrations.schema_code.ecto import called_of, ecto, is_ecto
from checker.collect.migrations.schema_code.entity_framework import entity_framework, is_entity_framework
from checker.collect.migrations.schema_code.kysely import kysely
from checker.collect.migrations.schema_code.languages import csharp, elixir, php, ruby, script
from checker.collect.migrations.schema_code.languages.calls import Body, Call, Code
from checker.collect.migrations.schema_code.pg_migrate import pg_migrate
from checker.collect.migrations.schema_code.phinx import phinx
from checker.collect.migrations.schema_code.schemas import knex, laravel, of_body, queries, sequelize
from checker.collect.migrations.schema_code.typeorm import typeorm
from checker.collect.migrations.sql_context import in_context
from checker.errors import InputError
from checker.model.migrations.folders import Effect, Migration, MigrationFolder, SqlFile, Statement
from checker.model.sources import Problem, Spot

_NAME: Final = lazy_re.compile(r"(?:Version)?(?P<number>\d[\d_]*?\d*)(?:[_.-](?P<name>.*))?")
_HEADER: Final = lazy_re.compile(r"^\s*(?:#|//|\*|/\*+)\s?(?P<said>.*?)(?:\*/)?\s*$")
_SCRIPTS: Final = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts")


class Ways(Struct, frozen=True):
    """What a file does, with lines, and what its way back does: ``None`` where it has none; ``derived`` where the
    framework makes it of the changes."""

    up: list[tuple[Change, int]]
    down: list[tuple[Change, int]] | None
    derived: bool = False
    outside: bool = False
    unlocked: bool = False  # it asks its framework to run it without its lock


class Framework(Struct, frozen=True):
    """One framework: its endings, how a text says that it is one of its migrations, and how that is read."""

    name: str
    called: str
    endings: tuple[str, ...]
    is_one: Callable[[str], bool]
    read: Callable[[str], Ways | None]


def _rails(text: str) -> Ways | None:
    code = ruby.ruby_code(text)
    if code is None or not {"up", "change"} & {*code.functions}:
        return None
    up, down = rails.ways(code)
    up += [(Change(code="code around it"), line) for line in code.loose]
    refused = code.gives_up("down") or ("change" not in code.functions and "down" not in code.functions)
    return Ways(up, None if refused else down, down is None, rails.outside(code))


def _of(code: Code | None, make: Callable[[Call], Iterator[Change]]) -> Ways | None:
    if code is None or "up" not in code.functions:
        return None
    up = [*of_body(code.functions["up"], make)]
    up += [(Change(code="code around it"), line) for line in code.loose]
    back = code.functions.get("down")
    config = code.names.get("config")
    alone = (config if isinstance(config, dict) else code.names).get("transaction") is False
    outside = alone or code.names.get("withinTransaction") is False
    down = [*of_body(back, make)] if back is not None and not code.gives_up("down") else None
    return Ways(up, down, outside=outside)


def _knex(text: str) -> Ways | None:
    return _of(script.script_code(text), knex)


def _sequelize(text: str) -> Ways | None:
    return _of(script.script_code(text), sequelize)


def _typeorm(text: str) -> Ways | None:
    return _of(script.script_code(text), typeorm)


def _pg_migrate(text: str) -> Ways | None:
    code = script.script_code(text)
    found = _of(code, pg_migrate)
    if code is None or found is None:
        return None
    calls = [each for body in code.functions.values() for each in body.calls]
    outside = any(each.name == "noTransaction" for each in calls)
    derived = "down" not in code.functions and code.names.get("down", True) is not False
    return replace(found, derived=derived, outside=outside)


def _kysely(text: str) -> Ways | None:
    return _of(script.script_code(text), kysely)


def _mikro_orm(text: str) -> Ways | None:
    found = _of(script.script_code(text), queries)
    return replace(found, outside=_IN_NONE.search(text) is not None) if found is not None else None


def _laravel(text: str) -> Ways | None:
    return _of(php.php_code(text), laravel)


# The same of MikroORM's.
_IN_NONE: Final = lazy_re.compile(r"\bisTransactional\s*\([^)]*\)[^{]*\{\s*return\s+false\b")
_NOT_TRANSACTIONAL: Final = lazy_re.compile(
    r"\bfunction\s+isTransactional\s*\([^)]*\)[^{]*\{\s*return\s+false\b", re.IGNORECASE
)


def _doctrine(text: str) -> Ways | None:
    code = php.php_code(text)
    if code is None:
        return None
    # What only describes it, and what it asks before.
    around = {"getDescription", "isTransactional", "preUp", "postUp", "preDown", "postDown"}
    found = _of(Code({k: v for k, v in code.functions.items() if k not in around}, (), code.names), queries)
    if found is not None and _NOT_TRANSACTIONAL.search(text) is not None:
        found = replace(found, outside=True)
    more = any(code.functions[each].calls for each in around & {*code.functions} if each.startswith(("pre", "post")))
    if found is None or not more:
        return found
    return replace(found, up=[*found.up, (Change(code="code before or after it"), 1)])


_PGM: Final = lazy_re.compile(r"\bpgm\b|\bMigrationBuilder\b")


def _phinx(text: str) -> Ways | None:
    code = php.php_code(text)
    if code is None:
        return None
    outside = _NO_TRANSACTIONS.search(text) is not None
    if "change" in code.functions and "up" not in code.functions:
        return Ways([*of_body(code.functions["change"], phinx)], None, derived=True, outside=outside)
    found = _of(code, phinx)
    return replace(found, outside=outside) if found is not None else None


def _ecto(text: str) -> Ways | None:
    code = elixir.elixir_code(text)
    if code is None:
        return None
    set_ = {each.name for each in code.marks if each.args == (True,)}
    own = {"outside": "@disable_ddl_transaction" in set_, "unlocked": "@disable_migration_lock" in set_}
    bodies = {name: called_of(code.functions, body) for name, body in code.functions.items()}
    loose = [(Change(code="code around it"), line) for line in code.loose]
    if "change" in bodies:
        return Ways([*of_body(bodies["change"], ecto), *loose], None, derived=True, **own)
    if "up" not in bodies:
        return None
    down = [*of_body(bodies["down"], ecto)] if "down" in bodies and not _raises(bodies["down"]) else None
    return Ways([*of_body(bodies["up"], ecto), *loose], down, **own)


def _entity_framework(text: str) -> Ways | None:
    code = csharp.csharp_code(text)
    if code is None or "Up" not in code.functions:
        return None
    back = code.functions.get("Down")
    down = [*of_body(back, entity_framework)] if back is not None and not _raises(back) else None
    return Ways([*of_body(code.functions["Up"], entity_framework)], down)


def _raises(body: Body) -> bool:
    return any(each.name == "raise" for each in body.calls)


_NO_TRANSACTIONS: Final = lazy_re.compile(
    r"\bfunction\s+useTransactions\s*\([^)]*\)[^{]*\{\s*return\s+false\b", re.IGNORECASE
)
_CONTEXT: Final = lazy_re.compile(r"\(\s*\{\s*context\s*(?::\s*\w+\s*)?\}")
_TYPES: Final = lazy_re.compile(r"\bup\b[^({\n]{0,40}\(\s*\w+\s*,\s*(\w+)\s*\)[\s\S]*?\b\1\.[A-Z]{3,}\b")
_UP: Final = lazy_re.compile(r"\bexports\.up\b|\b(?:function|const|let|async)\s+up\b|\bup\s*[:(]")


def _is_knex(text: str) -> bool:
    return ("schema" in text or "knex" in text) and _OTHERS.search(text) is None and _UP.search(text) is not None


# Builders that are called as Knex's are, and do not work as they do.
_OTHERS: Final = lazy_re.compile(r"queryInterface|\b[Kk]ysely\b|\bdrizzle\b|@mikro-orm/")


def _is_kysely(text: str) -> bool:
    return (
        re.search(r"""from\s+['"]kysely['"]|require\(['"]kysely['"]\)""", text) is not None
        and _UP.search(text) is not None
    )


def _is_mikro_orm(text: str) -> bool:
    return "@mikro-orm/migrations" in text and _UP.search(text) is not None


def _is_pg_migrate(text: str) -> bool:
    return _PGM.search(text) is not None and _UP.search(text) is not None


def _is_typeorm(text: str) -> bool:
    return "MigrationInterface" in text and _UP.search(text) is not None


def _is_sequelize(text: str) -> bool:
    # Umzug hands the interface over as its context, under any name (Umzug's README, "Getting started"); Sequelize's own
    # command in front of what has the types of columns.
    handed = "queryInterface" in text or _CONTEXT.search(text) is not None or _TYPES.search(text) is not None
    return handed and _UP.search(text) is not None


def _is_doctrine(text: str) -> bool:
    return "AbstractMigration" in text and "addSql" in text


def _is_phinx(text: str) -> bool:
    return _PHINX.search(text) is not None and ("function change" in text or "function up" in text)


_PHINX: Final = lazy_re.compile(r"\bextends\s+(?:AbstractMigration|BaseMigration)\b(?![\s\S]*->addSql\()")


def _is_laravel(text: str) -> bool:
    return "extends Migration" in text and "function up" in text


_FRAMEWORKS: Final = (
    Framework("rails", "Rails' migrations", (".rb",), rails.is_rails, _rails),
    Framework("typeorm", "TypeORM's migrations", _SCRIPTS, _is_typeorm, _typeorm),
    Framework("sequelize", "Sequelize's migrations", _SCRIPTS, _is_sequelize, _sequelize),
    Framework("kysely", "Kysely's migrations", _SCRIPTS, _is_kysely, _kysely),
    Framework("mikro-orm", "MikroORM's migrations", _SCRIPTS, _is_mikro_orm, _mikro_orm),
    Framework("node-pg-migrate", "node-pg-migrate's migrations", _SCRIPTS, _is_pg_migrate, _pg_migrate),
    Framework("knex", "Knex's migrations", _SCRIPTS, _is_knex, _knex),
    Framework("doctrine", "Doctrine's migrations", (".php",), _is_doctrine, _doctrine),
    Framework("ecto", "Ecto's migrations", (".exs",), is_ecto, _ecto),
    Framework("entity-framework", "Entity Framework's migrations", (".cs",), is_entity_framework, _entity_framework),
    Framework("phinx", "Phinx's migrations", (".php",), _is_phinx, _phinx),
    Framework("laravel", "Laravel's migrations", (".php",), _is_laravel, _laravel),
)


def framework_of(name: str, text: str) -> Framework | None:
    """The framework whose migration a file is."""
    if name.endswith(".d.ts"):
        return None
    return next((each for each in _FRAMEWORKS if name.endswith(each.endings) and each.is_one(text)), None)


def coded_folder(folder: str, texts: Mapping[str, str], unclaimed: Callable[[str], bool]) -> MigrationFolder | None:
    """The migrations of a folder; ``None`` where it holds none of one of these frameworks alone. ``unclaimed`` tells
    of a file of no framework whether it is a migration all the same."""
    of = {file: framework_of(file, text) for file, text in texts.items()}
    found = {each.name: each for each in of.values() if each is not None}
    if len(found) != 1:
        return None
    ((name, framework),) = found.items()
    for file in [file for file, each in of.items() if each is None and unclaimed(file)]:
        # One tool runs a folder: what does not say whose it is goes like the others.
        if not file.endswith(framework.endings) or not _UP.search(texts[file]):
            return None
        of[file] = framework
    files = sorted(file for file, each in of.items() if each is not None)
    filled: set[tuple[str, str]] = set()
    migrations = tuple(_migration(file, texts[file], framework, filled) for file in files)
    shown = ", ".join(file.rpartition("/")[2] for file in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    note = Problem(Spot(folder), f"took {shown}{more} for {framework.called}: their calls are read", "", False)
    return MigrationFolder(folder, name, migrations, (note,))


def _migration(file: str, text: str, framework: Framework, filled: set[tuple[str, str]]) -> Migration:
    """One file. ``filled`` are the columns that may not be empty so far, and those that have a default."""
    match = _NAME.fullmatch(file.rpartition("/")[2].rpartition(".")[0])
    number, name = (match["number"], match["name"] or "") if match is not None else (file.rpartition("/")[2], "")
    header = tuple(_header(text, file))
    try:
        ways = framework.read(text)
        problem = Problem(Spot(file), f"not understood as one of {framework.called}", "Waive what this leaves open.")
    except InputError as error:
        ways, problem = None, Problem(Spot(file), error.message, error.hint)
    if ways is None:
        return Migration(number, name, SqlFile(file, (), header, (problem,)))
    told = [(change, at) for each, at in ways.up for change in (_as_it_was(each, filled),)]
    up = tuple(in_context([each for change, at in told for each in statements(change.sql, change.code, file, at)]))
    down = _derived(ways.up, up, file) if ways.derived else None
    if not ways.derived and ways.down is not None:
        down = [each for change, at in ways.down for each in statements(change.sql, change.code, file, at)]
    back = SqlFile(file, tuple(in_context(down)), (), (), ways.outside) if down is not None else None
    return Migration(number, name, SqlFile(file, up, header, (), ways.outside, unlocked=ways.unlocked), back)


_FILLED: Final = lazy_re.compile(r'"([^"]+)" (?:\([^()]*\)|[^,()])*?\bNOT NULL')
_DEFAULTED: Final = lazy_re.compile(r'"([^"]+)" (?:\([^()]*\)|[^,()])*?\bDEFAULT \(now')
_OF_DEFAULT: Final = lazy_re.compile(r'ALTER COLUMN ("[^"]+") (SET|DROP) DEFAULT')
_OF: Final = lazy_re.compile(r'^(?:CREATE|ALTER) TABLE (?:IF NOT EXISTS )?("[^"]+"(?:\."[^"]+")?)')
_NAMED: Final = lazy_re.compile(r'ALTER COLUMN ("[^"]+") (SET|DROP) NOT NULL')


def _as_it_was(change: Change, filled: set[tuple[str, str]]) -> Change:
    """The change without what a column was before already."""
    kept: list[str] = []
    for sql in change.sql:
        of, named, default = _OF.match(sql), _NAMED.search(sql), _OF_DEFAULT.search(sql)
        table = of[1] if of is not None else ""
        if default is not None:
            key = (table, f"{default[1]} default")
            if sql.endswith(IMPLIED) and key not in filled:
                continue  # none that is known of goes
            (filled.add if default[2] == "SET" else filled.discard)(key)
        elif named is not None and named[2] == "SET":
            if (table, named[1]) in filled:
                continue
            filled.add((table, named[1]))
        elif named is not None:
            filled.discard((table, named[1]))
        elif of is not None:
            filled.update((table, f'"{each[1]}"') for each in _FILLED.finditer(sql, of.end()))
            filled.update((table, f'"{each[1]}" default') for each in _DEFAULTED.finditer(sql, of.end()))
        kept.append(sql)
    return Change(tuple(kept), change.back, change.code)


def _derived(ways: list[tuple[Change, int]], up: tuple[Statement, ...], file: str) -> list[Statement] | None:
    """The way back that the framework makes itself, where one is needed and everything can be undone."""
    if only_adds(up) or any(change.back is None for change, _ in ways):
        return None
    back: list[Statement] = []
    for change, at in reversed(ways):
        if change.code:
            back.append(Statement(f"the way back of {change.code}", Effect.OTHER, Spot(file, at)))
        back += statements(change.back or (), "", file, at)
    return back


def _header(text: str, file: str) -> Iterator[tuple[Spot, str]]:
    """The comments in front of what is declared, where a mark stands."""
    for number, line in enumerate(text.splitlines(), 1):
        match = _HEADER.match(line)
        if match is not None:
            yield Spot(file, number), match["said"].removeprefix("--").strip()
        elif line.strip() and not line.startswith(("<?php", "use ", "import ", "require", "const ", "'use strict'")):
            return
