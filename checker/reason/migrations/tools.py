"""Well-known programs that apply migrations, and whether they keep a second run out by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Tool:
    """``locks``: whether a second run waits or stops by the tool's own doing; ``None`` where its documentation does not
    say. ``source`` is where that stands. ``unlocked`` matches options and variables that switch the lock off."""

    name: str
    verbs: frozenset[str]
    locks: bool | None
    source: str
    programs: tuple[str, ...] = ()  # where the program is called differently
    unlocked: str = ""


def _tool(name: str, verbs: str, locks: bool | None, source: str, programs: str = "", unlocked: str = "") -> Tool:
    return Tool(name, frozenset(verbs.split()), locks, source, tuple(programs.split()) or (name,), unlocked)


# Looked up in November 2026.
TOOLS: Final = (
    _tool("flyway", "migrate undo", True, "Flyway documentation, PostgreSQL: a lock in the database by advisory locks"),
    _tool("liquibase", "update rollback update-sql", True, "Liquibase documentation, DATABASECHANGELOGLOCK table"),
    _tool("prisma", "deploy", True, "Prisma documentation, Advisory locking", unlocked="DISABLE_ADVISORY_LOCK"),
    _tool("golang-migrate", "up down goto", True, "golang-migrate, database/postgres: pg_advisory_lock", "migrate"),
    _tool("node-pg-migrate", "up down redo", True, "node-pg-migrate documentation, option lock", unlocked="--no-lock"),
    _tool("knex", "migrate:latest migrate:up migrate:rollback migrate:down", True, "Knex documentation, lock table"),
    _tool("rails", "db:migrate db:rollback", True, "Rails Guides, advisory_locks", "rails rake"),
    _tool("atlas", "apply", True, "Atlas documentation, migrate apply: lock-timeout"),
    _tool("sqitch", "deploy revert", True, "sqitch-deploy documentation, option lock-timeout"),
    _tool("sqlx", "run revert", True, "sqlx documentation, Migrator::set_locking"),
    _tool("postgres-migrations", "", True, "postgres-migrations documentation, concurrency by an advisory lock"),
    _tool("alembic", "upgrade downgrade", False, "Alembic documentation: a run takes no lock of its own"),
    _tool("django", "migrate", False, "Django documentation: migrate takes no lock", "manage.py django-admin"),
    _tool("typeorm", "migration:run migration:revert", False, "TypeORM documentation, migrations"),
    _tool("sequelize", "db:migrate db:migrate:undo", False, "Sequelize documentation", "sequelize sequelize-cli"),
    _tool("drizzle", "migrate push", False, "Drizzle documentation, drizzle-kit migrate", "drizzle-kit"),
    _tool("umzug", "up down", False, "Umzug documentation", ""),
    _tool("goose", "up up-to up-by-one down down-to", False, "goose documentation: the command takes no session lock"),
    _tool("goose-library", "", None, "goose documentation, WithSessionLocker", ""),
    _tool("dbmate", "up migrate down rollback", None, "dbmate documentation"),
    _tool("diesel", "run revert redo", None, "Diesel documentation"),
    _tool("supabase", "push up", None, "Supabase documentation, db push"),
    _tool("psql", "", False, "PostgreSQL documentation, psql: it runs what it is given"),
)  # fmt: skip
BY_NAME: Final = {tool.name: tool for tool in TOOLS}
_BY_PROGRAM: Final = {program: tool for tool in TOOLS for program in tool.programs}
# What only looks, or writes a file.
_LOOKS: Final = frozenset(
    ["status", "plan", "diff", "lint", "validate", "info", "check", "create", "new", "make", "generate", "dev", "add",
     "history", "current", "list", "show", "pending", "--dry-run", "--help", "-h", "--check", "--plan", "verify",
     "dump", "version", "update-sql", "updatesql", "showmigrations", "makemigrations", "sqlmigrate", "init"]
)  # fmt: skip
_HARMLESS: Final = frozenset(
    ["echo", "printf", "grep", "cat", "ls", "git", "cp", "mv", "rm", "mkdir", "pip", "pytest", "test", "[", "[[", "cd",
     "find", "sed", "awk", "diff", "aws", "gh", "curl", "export", "ruff", "mypy", "eslint", "source", "sleep",
     "docker-compose"]
)  # fmt: skip
# What stands in front of the program that is run.
_LAUNCHERS: Final = frozenset(
    ["npx", "npm", "pnpm", "yarn", "bunx", "bun", "exec", "dlx", "run", "uv", "poetry", "pipenv", "bundle", "python",
     "python3", "-m", "--", "time", "sudo", "env", "timeout", "node", "ruby", "deno", "--yes", "-y", "--no-install"]
)  # fmt: skip
_LONGEST: Final = 300  # signs of a word that are looked at
_NAMED: Final = re.compile(r"(?:^|[/:_.\-])(?:db[:_-]?)?(?:migrate|migrations?|migrator)(?:$|[:_.\-])", re.IGNORECASE)
_FILE: Final = re.compile(r"migrat.*\.(?:py|js|mjs|cjs|ts|sh|rb)$", re.IGNORECASE)
_SQL_OF_MIGRATIONS: Final = re.compile(r"migrations?/.*\.sql|migrat.*\.sql", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Applied:
    """A command line that applies migrations, forwards or ``back``. ``tool`` is ``None`` for a program of its own."""

    tool: Tool | None
    back: bool = False


def applies(words: Sequence[str]) -> Applied | None:
    """Whether a command line applies migrations. What only reads, plans or writes files does not."""
    if not words:
        return None
    program = words[0].rsplit("/", 1)[-1]
    if program in _HARMLESS:
        return None
    rest = [word[:_LONGEST] for word in words if word]
    if any(part in _LOOKS for word in rest[1:] for part in (word.lower(), *word.lower().split(":")[1:])):
        return None
    index = _started(rest)
    tool = _BY_PROGRAM.get(_base(rest[index])) if index < len(rest) else None
    if tool is not None and tool.name == "psql":
        return Applied(tool) if any(_SQL_OF_MIGRATIONS.search(each) for each in rest[index:]) else None
    if tool is not None and tool.verbs & set(rest[index + 1 :]):
        return Applied(tool, _goes_back(rest[index + 1 :]))
    if program == "docker":
        return None
    own = (word for word in rest[:6] if not word.startswith("-"))
    if any(_NAMED.search(word) or _FILE.search(word) for word in own) and not program.endswith(".sql"):
        return Applied(None, _goes_back(rest))
    return None


def _started(words: Sequence[str]) -> int:
    """Where the program stands that a line ends up running: behind launchers, or as the image of ``docker run``."""
    if _base(words[0]) == "docker":
        images = (i for i, word in enumerate(words) if i > 1 and "/" in word and _base(word) in _BY_PROGRAM)
        return next(images, len(words))
    for index, word in enumerate(words):
        if _base(word) not in _LAUNCHERS and not re.fullmatch(r"\w+=.*|\d+[smh]?", word):
            return index
    return len(words)


def _base(word: str) -> str:
    """``flyway`` for ``./bin/flyway`` and for the image ``flyway/flyway:10``."""
    return word.rsplit("/", 1)[-1].partition(":")[0] if "/" in word else word


def _goes_back(words: Sequence[str]) -> bool:
    return any(
        re.fullmatch(r"(?:.*:)?(?:down|down-to|downgrade|undo|rollback|revert|redo)", word.lower()) for word in words
    )
