"""The tools that apply migrations: how each is started, whether it keeps a second run out, how code imports it.

The one place to add a tool: which commands migrate, which runner a library makes, which folder it reads and what
locks are all asked here. Looked up in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open


class MigrationTool(Struct, frozen=True):
    """One tool. Its ``name`` is also what a folder of its migrations is called (``MigrationFolder.tool``).

    ``programs`` start it, each a program and perhaps the words of a command group (``flask db``). ``forwards`` and
    ``backwards`` are the commands that change a schema; one of several words (``migrate deploy``) stands in that order
    with options between. ``locks``: whether a second run waits or stops by the tool's own doing; open where
    that is not documented, or depends on its version. ``source`` is where that stands. ``unlocked`` is the option,
    variable or setting that switches the lock off, as a regular expression, ``locked`` what switches it on.
    ``unsure`` is what code says that may hand it a lock from elsewhere; ``locks_from`` the major version from which it
    locks, where that decides. ``alone`` are programs that migrate whatever they are told; ``declares`` the commands
    that bring a database to a schema which is declared elsewhere, by no migration; ``wipes`` those that take away all
    that the database holds. ``imports`` is, by language, the module that code imports to migrate, as a regular
    expression, ``calls`` the call, where no import tells: it begins with a word of its own, which is looked for first.
    ``hook`` is the file of the repository's own that the tool runs whoever starts it. ``section`` begins the comment
    above each direction of a file that holds both. ``wraps``: it runs each migration in a transaction, unless that asks
    for none: in SQL by the comment ``outside``, a regular expression; ``unwrapped``, another one, is the option or
    setting that switches this off, ``wrapped`` the one that switches it on. ``whole``: whether it sends a file of SQL
    as it is, of which PostgreSQL makes one transaction (its documentation, "Multiple Statements in a Simple Query"),
    and not one statement after the other. ``telling``: the name's first word alone says that migrations are spoken of,
    as a task that is called ``flyway-nightly`` does; ``prisma`` may be any part of an application.
    """

    name: str
    programs: tuple[str, ...]
    forwards: tuple[tuple[str, ...], ...]
    backwards: tuple[tuple[str, ...], ...]
    locks: Answer
    source: str
    unlocked: str = ""
    locked: str = ""
    imports: Mapping[str, str] = field(default_factory=dict)
    section: str = ""
    outside: str = ""
    wraps: bool = False
    unwrapped: str = ""
    wrapped: str = ""
    whole: Answer = NO
    hook: str = ""
    telling: bool = False
    unsure: str = ""
    locks_from: int = 0
    calls: Mapping[str, str] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    declares: tuple[tuple[str, ...], ...] = ()
    wipes: tuple[tuple[str, ...], ...] = ()

    @property
    def is_client(self) -> bool:
        """Whether it is a database's client, which runs whatever SQL it is given."""
        return self.name in {"psql", "sql-client"}


def _tool(
    name: str,
    forwards: str,
    backwards: str,
    locks: Answer,
    source: str,
    *,
    programs: str | None = None,
    unlocked: str = "",
    locked: str = "",
    imports: Mapping[str, str] | None = None,
    section: str = "",
    outside: str = "",
    wraps: bool = False,
    unwrapped: str = "",
    wrapped: str = "",
    whole: Answer = NO,
    hook: str = "",
    telling: bool = False,
    unsure: str = "",
    locks_from: int = 0,
    calls: Mapping[str, str] | None = None,
    alone: str = "",
    declares: str = "",
    wipes: str = "",
) -> MigrationTool:
    started = tuple(_listed(name if programs is None else programs))
    return MigrationTool(
        name,
        started,
        (*_commands(forwards), *_commands(declares)),
        _commands(backwards),
        locks,
        source,
        unlocked,
        locked,
        imports or {},
        section,
        outside,
        wraps or bool(outside),
        unwrapped,
        wrapped,
        whole,
        hook,
        telling,
        unsure,
        locks_from,
        calls or {},
        tuple(_listed(alone)),
        _commands(declares),
        _commands(wipes),
    )


def _listed(written: str) -> list[str]:
    return [each.strip() for each in written.split(",") if each.strip()]


def _commands(written: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(each.split()) for each in _listed(written))


# Whether a tool keeps a second run out whose documentation does not say, or which does so from some version on only.
_UNTOLD: Final = Open("whether it keeps a second run out is not told by its command")

# Sent as it is until some version, and since then in parts.
_BEFORE: Final = Open("whether the file is sent as it is, or in parts, depends on the tool's version")

TOOLS: Final = (
    _tool("flyway", "migrate, clean", "undo", YES,
          "Flyway documentation, PostgreSQL: a lock in the database by advisory locks",
          imports={"other": r"org\.flywaydb"}, telling=True, wipes="clean"),
    _tool("liquibase",
          "update, update-count, update-to-tag, update-testing-rollback, "
          "updateCount, updateToTag, updateTestingRollback",  # as releases before 4.4 have them, and take them still
          "rollback, rollback-count, rollback-to-date, rollback-one-changeset, rollback-one-update, "
          "rollbackCount, rollbackToDate, rollbackOneChangeSet, rollbackOneUpdate", YES,
          "Liquibase documentation, DATABASECHANGELOGLOCK table", imports={"other": r"liquibase"}, wraps=True,
          telling=True, wipes="drop-all, dropAll, drop all"),
    _tool("prisma", "deploy, db execute, migrate reset", "", YES, "Prisma documentation, Advisory locking",
          declares="db push", wipes="migrate reset, db push --force-reset",
          unlocked="DISABLE_ADVISORY_LOCK", whole=_BEFORE),
    _tool("golang-migrate", "up, goto", "down", YES, "golang-migrate, database/postgres: pg_advisory_lock",
          programs="migrate",
          wipes="drop", unlocked=r"\bx-no-lock=true", unwrapped=r"\bx-multi-statement=true", whole=YES,
          imports={"go": r"github\.com/golang-migrate/migrate"}),
    _tool("node-pg-migrate", "up", "down, redo", YES, "node-pg-migrate documentation, option lock",
          unlocked=r"--no-lock\b|--lock[= ]false|\bnoLock['\"]?\s*:\s*true", wraps=True, whole=YES,
          imports={"script": "node-pg-migrate"}),
    _tool("knex", "migrate:latest, migrate:up", "migrate:rollback, migrate:down", YES,
          "Knex documentation, lock table", wraps=True,
          wipes="migrate:rollback --all", unwrapped=r"\bdisableTransactions['\"]?\s*:\s*true"),
    _tool("rails", "db:migrate, db:prepare", "db:rollback, db:migrate:down", YES, "Rails Guides, advisory_locks",
          programs="rails, rake",
          wipes="db:drop, db:drop:all, db:reset, db:purge, db:migrate:reset, db:schema:load, db:setup",
          unlocked=r"\badvisory_locks:\s*(?:false|off|no)\b",
          outside=r"disable_ddl_transaction!"),
    _tool("atlas", "migrate apply", "migrate down", YES, "Atlas documentation, migrate apply: lock-timeout",
          declares="schema apply", wipes="schema clean",
          outside=r"atlas:txmode[ \t]+none", unwrapped=r"--tx-mode[= ]none"),
    _tool("sqitch", "deploy", "revert", YES, "sqitch-deploy documentation, option lock-timeout", telling=True),
    _tool("sqlx", "run, database setup, database reset", "revert", YES, "sqlx documentation, Migrator::set_locking",
          outside=r"no-transaction\b", whole=_BEFORE,
          wipes="database drop, database reset", unlocked=r"\bset_locking\(\s*false",
          calls={"rust": r"sqlx::(?:migrate!|migrate::Migrator\b|\{[^}]*\bmigrate\b)"}),
    _tool("postgres-migrations", "", "", YES, "postgres-migrations documentation, concurrency by an advisory lock",
          programs="", imports={"script": "postgres-migrations"},
          outside=r"postgres-migrations[ \t]+disable-transaction", whole=YES),
    _tool("alembic", "upgrade", "downgrade", NO, "Alembic documentation: a run takes no lock of its own",
          programs="alembic, alembic.config, flask db, superset db",
          imports={"python": r"alembic(?:\.c|\s+import\s+(?:command|context)\b)"},
          outside=r"\bautocommit_block\(\)", hook="env.py", telling=True, wipes="downgrade base"),
    _tool("django", "migrate", "", NO, "Django documentation: migrate takes no lock",
          programs="manage.py, django-admin, django", wraps=True, wipes="flush, reset_db"),
    _tool("typeorm", "migration:run", "migration:revert", NO, "TypeORM documentation, migrations",
          programs="typeorm, typeorm-ts-node-commonjs, typeorm-ts-node-esm", wraps=True, declares="schema:sync",
          wipes="schema:drop",
          calls={"script": r"migrationsRun['\"]?\s*:\s*true\b"},
          unwrapped=r"\bmigrationsTransactionMode['\"]?\s*:\s*['\"]none|(?:-t|--transaction)[= ]none"),
    _tool("sequelize", "db:migrate", "db:migrate:undo, db:migrate:undo:all", NO, "Sequelize documentation",
          programs="sequelize, sequelize-cli", wipes="db:drop, db:migrate:undo:all"),
    _tool("drizzle", "migrate", "", NO, "Drizzle documentation, drizzle-kit migrate", programs="drizzle-kit",
          wraps=True, declares="push",
          imports={"script": r"drizzle-orm/[\w-]+/migrator"}),
    _tool("umzug", "up", "down", NO, "Umzug documentation", programs="", imports={"script": "umzug"}, telling=True),
    _tool("laravel", "migrate, migrate:fresh, migrate:refresh", "migrate:rollback, migrate:reset", NO,
          "Laravel documentation, Isolating Migration Execution", programs="artisan", locked="--isolated",
          wipes="migrate:fresh, migrate:refresh, migrate:reset, db:wipe",
          outside=r"\$withinTransaction\b"),
    _tool("goose", "up, up-to, up-by-one", "down, down-to, redo, reset", NO,
          "goose documentation: the command takes no session lock", wipes="reset, down-to 0", section=r"\+goose[ \t]+",
          outside=r"\+goose[ \t]+no[ \t]+transaction"),
    _tool("goose-library", "", "", NO, "goose documentation, WithSessionLocker and WithLocker", programs="",
          unsure=r"\bgoose\.NewProvider\([\s\S]{0,400}?\.\.\.",
          locked=r"\bgoose\.With(?:Session)?Locker\(", imports={"go": r"github\.com/pressly/goose"}, telling=True),
    _tool("dbmate", "up, migrate", "down, rollback", NO,
          "dbmate's issue 101, open: no lock is taken while it migrates", wipes="drop", section="migrate:",
          outside=r"migrate:\w+\b.*\btransaction:[ \t]*false", whole=YES, telling=True,
          imports={"go": r"github\.com/amacneil/dbmate"}),
    _tool("sql-migrate", "up", "down, redo", _UNTOLD, "sql-migrate documentation", section=r"\+migrate[ \t]+",
          outside=r"\+migrate\b.*\bnotransaction"),
    _tool("diesel", "run, setup, database setup, database reset", "revert, redo", NO,
          "Diesel's pull request 4863: the migrations' table is not locked", wraps=True, whole=YES,
          wipes="database reset",
          calls={"rust": r"run_pending_migrations\s*\("}),
    _tool("supabase", "push, up", "", _UNTOLD, "Supabase documentation, db push",
          wipes="db reset --linked, db reset --db-url"),
    _tool("entity-framework", "database update", "", _UNTOLD,
          "EF Core documentation, Migration locking: from version 9 on", programs="dotnet ef, dotnet-ef", wraps=True,
          locks_from=9, alone="efbundle",
          wipes="database drop, database update 0", calls={"csharp": r"Database\s*\.\s*Migrate(?:Async)?\s*\("}),
    _tool("doctrine", "doctrine:migrations:migrate, migrations:migrate, d:m:m, migrate", "", NO,
          "DoctrineMigrationsBundle's issue 196: whoever runs it on several servers has to keep the others out",
          programs="console, doctrine, doctrine-migrations", wraps=True,
          declares="doctrine:schema:update --force, d:s:u --force",
          wipes="doctrine:database:drop --force, doctrine:schema:drop --force, d:d:d --force, d:s:d --force"),
    _tool("phinx", "migrate", "rollback", _UNTOLD, "Phinx documentation", wraps=True),
    _tool("ecto", "ecto.migrate", "ecto.rollback", YES,
          "Ecto.Migration's documentation: the table schema_migrations is locked while migrations run",
          programs="mix", wipes="ecto.drop, ecto.reset", unlocked=r"\bmigration_lock:\s*false\b", wraps=True),
    _tool("yoyo", "apply, reapply, develop", "rollback", _UNTOLD, "yoyo-migrations documentation, break-lock",
          outside=r"transactional:[ \t]*false"),
    _tool("aerich", "upgrade", "downgrade", _UNTOLD, "Aerich documentation"),
    _tool("mikro-orm", "migration:up", "migration:down", _UNTOLD, "MikroORM documentation, migrations", wraps=True,
          declares="schema:update --run, schema:update -r",
          wipes="migration:fresh, schema:drop --run, schema:fresh --run"),
    _tool("kysely", "migrate:latest, migrate:up, migrate latest, migrate up", "migrate:down, migrate:rollback", _UNTOLD,
          "Kysely documentation, Migrations", wraps=True, unwrapped=r"\bdisableTransactions['\"]?\s*:\s*true"),
    _tool("hibernate", "", "", NO, "Hibernate ORM User Guide, hibernate.hbm2ddl.auto: no lock is told of", programs=""),
    _tool("sqlalchemy", "", "", NO, "SQLAlchemy documentation, MetaData.create_all: it looks, then creates",
          programs=""),
    _tool("gorm", "", "", NO, "GORM documentation, Auto Migration: no lock is told of", programs=""),
    _tool("ent", "", "", NO, "ent documentation, Automatic Migration: no lock is told of", programs=""),
    _tool("tortoise", "migrate, upgrade", "downgrade", NO, "Tortoise ORM documentation, Migrations, generate_schemas"),
    _tool("peewee", "", "", NO, "Peewee documentation, create_tables", programs=""),
    _tool("exposed", "", "", NO, "Exposed documentation, SchemaUtils", programs=""),
    _tool("evolve", "migrate", "", _UNTOLD, "Evolve documentation, EnableClusterMode: a session lock, on by default",
          programs="evolve, dotnet evolve", wipes="erase", calls={"csharp": r"EvolveDb\b"}),
    _tool("fluent-migrator", "migrate", "migrate down, rollback", _UNTOLD, "FluentMigrator documentation, dotnet fm",
          programs="dotnet fm, dotnet-fm", calls={"csharp": r"MigrateUp\s*\("}),
    _tool("dbup", "", "", _UNTOLD, "DbUp documentation", programs="", telling=True,
          calls={"csharp": r"DeployChanges\s*\.\s*To\b"}),
    _tool("grate", "", "", _UNTOLD, "grate documentation, Configuration options", programs="", telling=True,
          alone="grate, roundhouse"),
    _tool("sqlpackage", "", "", _UNTOLD, "SqlPackage documentation, Publish", programs="sqlpackage, SqlPackage",
          declares="/Action:Publish, /a:Publish, /Action:publish, /a:publish"),
    _tool("refinery", "migrate", "", _UNTOLD, "refinery documentation",
          calls={"rust": r"refinery::(?:embed_migrations!|Runner\b|config\b)"}),
    _tool("sea-orm", "migrate, migrate up, migrate fresh, migrate refresh", "migrate down, migrate reset", _UNTOLD,
          "SeaORM documentation, Running Migration", programs="sea-orm-cli",
          wipes="migrate fresh, migrate refresh, migrate reset",
          calls={"rust": r"Migrator::(?:up|fresh|refresh|reset)\s*\("}),
    _tool("piccolo", "migrations forwards, migrations forward", "migrations backwards, migrations backward", _UNTOLD,
          "Piccolo documentation, Running migrations"),
    _tool("db-migrate", "up", "down, reset", _UNTOLD, "db-migrate documentation", wipes="reset, db:drop"),
    _tool("hasura", "migrate apply, deploy", "migrate apply --down", _UNTOLD, "Hasura documentation, Migrations"),
    _tool("graphile-migrate", "migrate", "", _UNTOLD, "graphile-migrate documentation", wipes="reset --erase"),
    _tool("payload", "migrate, migrate:fresh, migrate:refresh", "migrate:down, migrate:reset", _UNTOLD,
          "Payload documentation, Migrations", wipes="migrate:fresh, migrate:refresh, migrate:reset"),
    _tool("directus", "database migrate:latest, database migrate:up, bootstrap", "database migrate:down", _UNTOLD,
          "Directus documentation, command line interface"),
    _tool("medusa", "db:migrate, migrations run", "db:rollback, migrations revert", _UNTOLD, "Medusa documentation"),
    _tool("cakephp", "migrations migrate", "migrations rollback", _UNTOLD, "CakePHP documentation, Migrations",
          programs="cake"),
    _tool("yii", "migrate, migrate/up", "migrate/down, migrate/redo", _UNTOLD, "Yii documentation, Database Migration",
          wipes="migrate/fresh"),
    _tool("craft", "migrate/all, up", "migrate/down", _UNTOLD, "Craft CMS documentation, console commands"),
    _tool("codeigniter", "migrate, migrate:refresh", "migrate:rollback", _UNTOLD, "CodeIgniter documentation",
          programs="spark", wipes="migrate:refresh"),
    _tool("magento", "setup:upgrade, setup:db-schema:upgrade", "", _UNTOLD, "Adobe Commerce documentation"),
    _tool("drupal", "updatedb, updb, deploy", "", _UNTOLD, "Drush documentation, updatedb", programs="drush"),
    _tool("hanami", "db migrate", "db rollback", _UNTOLD, "Hanami documentation, CLI commands", wipes="db drop"),
    _tool("airflow", "db migrate, db upgrade", "db downgrade", _UNTOLD, "Airflow documentation", wipes="db reset"),
    _tool("tern", "migrate", "", _UNTOLD, "tern documentation", outside=r"-*[ \t]*tern:[ \t]*disable-tx", whole=YES),
    _tool("skeema", "", "", _UNTOLD, "Skeema documentation, skeema push", declares="push"),
    _tool("pgroll", "start, migrate, complete", "rollback", _UNTOLD, "pgroll documentation, Command line reference"),
    _tool("pg-schema-diff", "", "", _UNTOLD, "pg-schema-diff documentation, apply", declares="apply"),
    _tool("gh-ost", "--execute", "", _UNTOLD, "gh-ost documentation, command line flags"),
    _tool("pt-online-schema-change", "--execute", "", _UNTOLD, "Percona Toolkit documentation"),
    _tool("schemachange", "deploy", "", _UNTOLD, "schemachange documentation"),
    _tool("rambler", "apply", "reverse", _UNTOLD, "rambler documentation"),
    _tool("shmig", "up, migrate", "down, rollback", _UNTOLD, "shmig documentation"),
    _tool("ridgepole", "", "", _UNTOLD, "Ridgepole documentation", declares="--apply, -a"),
    _tool("sql-client", "", "", NO, "the clients of other databases, which run what they are given as psql does",
          programs="usql, mysql, mariadb, sqlcmd, sqlplus, clickhouse-client, cockroach sql"),
    _tool("psql", "", "", NO, "PostgreSQL documentation, psql: it runs what it is given",
          wrapped=r"(?:^|\s)(?:-1|--single-transaction)(?=\s|$)"),
)  # fmt: skip
BY_NAME: Final = {tool.name: tool for tool in TOOLS}
_TELLING: Final = ("migrat", *sorted({tool.name.partition("-")[0] for tool in TOOLS if tool.telling}))
_ABOUT: Final = lazy_re.compile(rf"(?<![a-z])(?:{'|'.join(_TELLING[1:])})|{_TELLING[0]}")


# A release of Elixir has no Mix: it evaluates a function that its documentation gives for that ("Running migrations",
# EctoSQL), and one that goes back.
_RELEASE: Final = lazy_re.compile(
    r"\bRelease\.(?:migrate|(?P<back>rollback))\b|\bEcto\.Migrator\b(?:.*(?P<down>:down\b))?"
)


def evaluated(words: Sequence[str]) -> bool | None:
    """Whether what a release of Elixir is told to evaluate (``bin/app eval "App.Release.migrate"``) goes back;
    ``None`` where it applies no migrations."""
    code = " ".join(words[2:]) if words[1:2] in (["eval"], ["rpc"]) else ""
    found = _RELEASE.search(code)
    return None if found is None else bool(found["back"] or found["down"])


def about_migrations(text: str) -> bool:
    """Whether a text or a name speaks of migrations, by that word or a tool's."""
    lowered = text.lower()
    for word in _TELLING:  # that none is there is told much quicker than that no expression matches
        if word in lowered:
            return _ABOUT.search(lowered) is not None
    return False
