"""Which command lines apply migrations: a known tool's, however it is started, or a program of the repository's own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.data.harmless import program_is_harmless
from checker.model.environment_words import words as parts_of
from checker.model.migrations.folders import SQL_ENDING, is_sql
from checker.model.migrations.tools import BY_NAME, TOOLS, MigrationTool, evaluated
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, shown
from checker.model.written.shell_lines import SHELLS, line_in

# program -> of each tool that it starts the words of the command group, and the tool.
_BY_PROGRAM: Final[dict[str, list[tuple[tuple[str, ...], MigrationTool]]]] = {}
for _each in TOOLS:
    for _program in _each.programs:
        _BY_PROGRAM.setdefault(_program.split()[0], []).append((tuple(_program.split()[1:]), _each))
_ALONE: Final = {program: tool for tool in TOOLS for program in tool.alone}
# Build tools that a migration tool is a plug-in of: a task's name holds both (flywayMigrate, flyway:migrate).
_BUILDS: Final = frozenset({"gradle", "gradlew", "mvn", "mvnw", "sbt"})
# Programs that are given several tasks at once.
_SEVERAL: Final = _BUILDS | {"rails", "rake"}
# What runs a command somewhere else, behind one of these words; or on another machine, as words or as one text.
_CONTAINERS: Final = frozenset({"docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl"})
_INSIDE: Final = frozenset({"run", "exec"})
_ELSEWHERE: Final = frozenset({"ssh", "heroku", "fly", "flyctl", "railway", "copilot"})
# What only looks, or writes a file.
_LOOKS: Final = frozenset(
    ["status", "plan", "diff", "lint", "validate", "info", "check", "create", "new", "make", "generate", "dev", "add",
     "history", "current", "list", "show", "pending", "--dry-run", "--help", "-h", "--check", "--plan", "verify",
     "dump", "version", "update-sql", "updatesql", "showmigrations", "makemigrations", "sqlmigrate", "init",
     "--pretend", "resolve", "--sql", "script", "ecto.migrations", "abort_if_pending_migrations", "--version",
     "-version", "currentversion", "unlock"]
)  # fmt: skip
_MAKES_NONE: Final = frozenset({"--dry-run", "--help", "create", "new", "generate", "--pretend"})
# The same of programs, by the first word of their names.
_TELLS: Final = frozenset(
    ["notify", "wait", "await", "report", "announce", "comment", "print", "count", "test", "find"]
)
_HARMLESS: Final = frozenset(
    ["echo", "printf", "grep", "cat", "ls", "git", "cp", "mv", "rm", "mkdir", "pip", "pytest", "test", "[", "[[", "cd",
     "find", "sed", "awk", "diff", "aws", "gh", "curl", "export", "ruff", "mypy", "eslint", "source", "sleep"]
)  # fmt: skip
# What stands in front of the program that is run.
_LAUNCHERS: Final = frozenset(
    ["npx", "npm", "pnpm", "yarn", "bunx", "bun", "exec", "dlx", "run", "uv", "uvx", "poetry", "pipenv", "bundle",
     "java", "time", "sudo", "env", "timeout", "nohup", "node", "ruby", "deno", "php", "go", "cargo"]
)  # fmt: skip
_STARTERS: Final = (
    _CONTAINERS | SHELLS | _LAUNCHERS | {"xargs", "parallel", "watch", "entr", "nodemon", "make", "just", "task", "nx"}
)
# Versions of an interpreter, and what is written between a launcher and its program: options, variables, a duration.
_BETWEEN: Final = lazy_re.compile(r"python[\d.]*|-.*|\w+=.*|\d+[smh]?")
_LONGEST: Final = 300  # signs of a word that are looked at
_NAMED: Final = lazy_re.compile(
    r"(?:^|[/:_.\-])(?:db[:_-]?)?(?:migrate|migrations?|migrator|dbup)(?:$|[:_.\-])", re.IGNORECASE
)
_FILE: Final = lazy_re.compile(r"migrat.*\.(?:py|js|mjs|cjs|ts|sh|rb)$", re.IGNORECASE)
_SQL_OF_MIGRATIONS: Final = lazy_re.compile(rf"(?:migrations?/|migrat).*{SQL_ENDING}", re.IGNORECASE)
# Rows for a try-out, which no schema waits for.
_SEEDS: Final = lazy_re.compile(r"(^|[/_.-])(seeds?|seeders?|fixtures?)([/_.-]|$)", re.IGNORECASE)
_SQL_FILE: Final = lazy_re.compile(rf"{SQL_ENDING}\s*$", re.IGNORECASE)
_STATEMENT: Final = lazy_re.compile(
    r"\b(?:create|alter|drop|truncate|grant|revoke|reindex|insert\s+into|delete\s+from|update\s+\S+\s+set|comment\s+on)\b",
    re.IGNORECASE,
)
# A file whose name is the run's own, in a folder or not: the sign of a loop over files.
_EACH: Final = lazy_re.compile(rf"(?:[\w./-]*/)?\$\{{?\w+\}}?(?:{SQL_ENDING})?|a word that xargs reads")
_CLEANS: Final = lazy_re.compile(r"--clean|-[abCeORsvwWx1]*c[a-zA-Z1]*")
_INTERPRETER: Final = lazy_re.compile(r"python[\d.]*|node|ruby|perl|php|deno|bun")
_TAKES_AWAY: Final = lazy_re.compile(
    r"\b(?:DROP\s+(?:TABLE|SCHEMA|DATABASE|VIEW|COLUMN|TYPE|SEQUENCE|OWNED)|TRUNCATE\s+(?:TABLE\s+)?\w+|DELETE\s+FROM)\b",
    re.IGNORECASE,
)
_BACK: Final = lazy_re.compile(r"(?:.*:)?(?:down|down-to|downgrade|undo|rollback|revert|redo)", re.IGNORECASE)


class Applied(Struct, frozen=True):
    """A command line that applies migrations, forwards or ``back``. ``tool`` is ``None`` for a program of its own;
    ``contained`` is true where it runs in a container, which has only the variables that it is handed."""

    tool: MigrationTool | None
    back: bool = False
    contained: bool = False


@lru_cache(maxsize=16_384)  # several rules ask about each command
def applied_by(command: Command) -> Applied | None:
    """Whether a command of a script applies migrations, by its words or by the file that it is fed."""
    fed = [write.target for write in command.writes if write.operator.startswith("<")]
    found = _of_words(tuple(word if isinstance(word, str) else shown(word) for word in (*command.words, *fed)))
    return found or _one_by_one(command)


def _one_by_one(command: Command) -> Applied | None:
    """Whether a database's client is given file after file, whose names only the run knows: ``ls migrations | while
    read f; do psql -f "$f"; done``, ``... | xargs -n1 psql -f``."""
    client = _known([command.program])[1]
    if client is None or not client.is_client:
        return None
    words = command.words
    files = [after for before, after in pairwise(words) if before in {"-f", "--file"}]
    files += [write.target for write in command.writes if write.operator == "<"]
    around = any(loop.kind in {"each", "while"} for loop in command.reached.loops)
    each = any(_EACH.fullmatch(shown(file)) and (around or not shown(file).endswith("}")) for file in files)
    return Applied(client) if each else None


def applied_behind(actions: Sequence[object], index: int) -> Applied | None:
    """Whether a database's client, the action at ``index``, changes one by what the commands of its pipeline hand it.

    ``cat schema.sql | psql``, ``envsubst < schema.sql | psql``, ``cat schema.sql | sed s/a/b/ | psql``.
    """
    command = actions[index]
    if not isinstance(command, Command):
        return None
    client = _known([command.program])[1]
    if client is None or not client.is_client:
        return None
    handed: list[Possible] = []
    for at in range(index - 1, -1, -1):
        before = actions[at]
        if not isinstance(before, Command) or not before.handling.piped or before.step is not command.step:
            break
        handed += [*before.words[1:], *(write.target for write in before.writes if write.operator.startswith("<"))]
    return applied_by(replace(command, words=(*command.words, *handed))) if handed else None


def declares(command: Command) -> bool:
    """Whether a command brings a database to a schema that is declared elsewhere: what that takes away stands in no
    migration."""
    applied = applied_by(command)
    words = [shown(word) for word in command.words[1:]]
    asked = applied.tool.declares if applied is not None and applied.tool is not None else ()
    return any(_in_order(each, words) for each in asked)


ALL_IT_HOLDS: Final = "what the database holds"


def destroys(command: Command) -> tuple[str, bool] | None:
    """What a program that is neither a client nor a migration takes away from a database, and whether it surely does.
    Sources: PostgreSQL documentation, "dropdb", "pg_restore" (``--clean``; without ``--dbname`` it writes a script);
    MySQL Reference Manual, "mysqladmin"."""
    program, given = _base(command.program), [shown(word) for word in command.words[1:]]
    wiping = _wiping([word[:_LONGEST] for word in (command.program, *given) if word])
    if wiping is not None:
        # Rails asks the database whether it is production's, and refuses then, unless it is told not to ask (Rails API
        # documentation, ``ActiveRecord::ProtectedEnvironmentError``).
        asks = wiping.name == "rails" and "DISABLE_DATABASE_ENVIRONMENT_CHECK" not in command.environment
        return ALL_IT_HOLDS, not asks
    if (program == "dropdb" and not {"--help", "--version"} & set(given)) or (
        program == "mysqladmin" and "drop" in given
    ):
        return "a database", True
    if program == "pg_restore":
        cleans = any(map(_CLEANS.fullmatch, given)) and any(word.startswith(("-d", "--dbname")) for word in given)
        return ("what it restores over", False) if cleans else None
    if not _INTERPRETER.fullmatch(program):
        return None
    code = [after for before, after in pairwise(given) if before in {"-c", "-e", "-r"}]
    code += [shown(write.target) for write in command.writes if write.operator in {"<<", "<<-", "<<<"}]
    taken = next((match[0] for text in code if (match := _TAKES_AWAY.search(text)) is not None), "")
    return (f"what `{taken}` in its code says", False) if taken else None


def is_contained(command: Command) -> bool:
    """Whether it applies migrations in a container, which has only the variables that it is handed."""
    applied = applied_by(command)
    return applied is not None and applied.contained


def _wiping(line: Sequence[str]) -> MigrationTool | None:
    """The tool that a command line has take away all that a database holds, in a container or not."""
    behind = line[_started(line) :]
    if behind and _base(behind[0]) in _CONTAINERS:
        inside = (_wiped_by(inner[_started(inner) :]) for inner in _inside(behind))
        return next((each for each in inside if each is not None), None)
    return _wiped_by(behind)


def _wiped_by(line: Sequence[str]) -> MigrationTool | None:
    if not line or any(word in _MAKES_NONE for word in line):
        return None
    if _base(line[0]) in _BUILDS:
        tasks = (parts_of(word) for word in line[1:] if not word.startswith("-"))
        named = ((BY_NAME[word], task) for task in tasks for word in task if word in BY_NAME)
        return next((tool for tool, task in named if any(_in_order(each, task) for each in tool.wipes)), None)
    group, tool = _known(line)
    if tool is None or not any(_in_order((*group, *each), line[1:]) for each in tool.wipes):
        return None
    return tool


@lru_cache(maxsize=16_384)  # jobs run the same commands over and over
def _of_words(words: tuple[str, ...]) -> Applied | None:
    return applies(words)


def applies(words: Sequence[str]) -> Applied | None:
    """Whether a command line applies migrations. What only reads, plans or writes files does not."""
    line = [word[:_LONGEST] for word in words if word]
    if not line:
        return None
    program = _base(line[0])
    if program in _HARMLESS or _only_named(program, line):
        return None
    behind = line[_started(line) :]
    if behind and _base(behind[0]) in _CONTAINERS:
        return next((each for inner in _inside(behind) if (each := _inner(inner)) is not None), None)
    if behind and _base(behind[0]) in _ELSEWHERE and (there := _there(behind)) is not None:
        return there
    group, known = _known(behind)
    if _only_looks(line) and not (known is not None and known.is_client):  # `mysql -h HOST`
        return _of_tasks(behind)
    found = _by_tool(behind)
    if found is not None:
        return found
    if (known is not None and known.is_client) or is_sql(program):
        return None
    if known is not None and group and _in_order(group, behind[1:]):
        return None  # another command of the tool's own group: `dotnet ef migrations bundle`, `flask db migrate`
    return _by_name(line)


def looks(words: Sequence[str]) -> bool:
    """Whether a command line has a known tool look at migrations, and do no more."""
    behind = words[_started(words) :]
    tool = _known(behind)[1]
    return tool is not None and not tool.is_client and _only_looks(behind) and applies(words) is None


def _of_tasks(line: Sequence[str]) -> Applied | None:
    """What those of several tasks do that do not only look: ``rails db:create db:migrate``."""
    if not line or _base(line[0]) not in _SEVERAL or any(word in _LOOKS for word in line if word.startswith("-")):
        return None
    return _by_tool([line[0], *(word for word in line[1:] if not _only_looks(["", word]))])


def _by_name(line: Sequence[str]) -> Applied | None:
    """Whether a command line runs a program of the repository's own that is called by what it does."""
    named = (word for word in line[:6] if word[0] != "-" and (_NAMED.search(word) or _FILE.search(word)))
    if any(not _is_file_that_looks(word) for word in named):
        return Applied(None, any(_BACK.fullmatch(word) for word in line))
    return None


def _is_file_that_looks(word: str) -> bool:
    """Whether a program, by the first word of its name, only looks at migrations or tells of them."""
    spoken = parts_of(word.rpartition("/")[2]) if _FILE.search(word) else []
    return bool(spoken) and spoken[0] in _LOOKS | _TELLS


def _only_named(program: str, line: Sequence[str]) -> bool:
    """Whether a command has to do with a file of migrations and runs none of it: ``dirname db/migrate.sh``, ``chmod +x
    migrate.sh``. What starts other programs is not one of these."""
    starts = program in _STARTERS or program in _BY_PROGRAM or program in _BUILDS
    return not starts and program_is_harmless(line)


def _inner(line: Sequence[str]) -> Applied | None:
    """What a container runs, by a known tool, or by the name of a script that a launcher is told: the name of an image
    or of a service tells no program."""
    if (told := line_in(line)) != "":
        inside = (_inner(words) for words in _commands(told))
        return next((each for each in inside if each is not None), None)
    if _only_looks(line):
        return None
    found = _by_tool(line[(started := _started(line)) :]) or (_by_name(line) if started else None)
    return None if found is None else replace(found, contained=True)


def _commands(text: str) -> Iterator[Sequence[str]]:
    """The command lines of a shell's text, roughly: a container's ``sh -c "cd app && alembic upgrade head"``."""
    for part in re.split(r"&&|\|\||[;|\n]", text):
        try:
            words = shlex.split(part)
        except ValueError:
            continue
        if words:
            yield words


def _inside(line: Sequence[str]) -> Iterator[Sequence[str]]:
    """The command lines that a container may be started with: which word is its name depends on the options."""
    verb = next((index for index, word in enumerate(line) if word in _INSIDE), len(line))
    for index in range(verb + 1, len(line)):
        if not line[index].startswith("-") and (index > verb + 1 or "/" in line[index]):
            yield line[index:]


def _there(line: Sequence[str]) -> Applied | None:
    """What another machine runs: ``ssh -p 22 HOST 'cd app && alembic upgrade head'``."""
    told = (words for index in range(1, len(line)) for words in _commands(" ".join(line[index:])))
    inner = (applies(words) if _base(words[0]) in _CONTAINERS else _inner(words) for words in told)
    return next((each for each in inner if each is not None), None)


def _only_looks(line: Sequence[str]) -> bool:
    for before, word in pairwise(line):
        own, *parts = word.lower().split(":")
        # By itself it is an environment's name: `./migrate.sh dev`; `prisma migrate dev` is for one's own machine.
        alone = own == "dev" and not parts and (before != "migrate" or not any("prisma" in each for each in line))
        if not alone and any(part in _LOOKS for part in (word.lower(), *parts)):
            return True
    return False


def _by_tool(line: Sequence[str]) -> Applied | None:
    if not line:
        return None
    program = _base(line[0])
    if program in _ALONE:
        return Applied(_ALONE[program])
    if (back := evaluated(line)) is not None:
        return Applied(BY_NAME["ecto"], back)
    if program in _BUILDS:
        named = any(word.startswith(("-PrunList", "-Pliquibase")) for word in line)
        found = next((each for task in line[1:] if (each := _by_task(task)) is not None), None)
        return found or (liquibase_of_gradle(line) if named else None)
    group, tool = _known(line)
    if tool is None:
        return None
    if tool.is_client:
        return Applied(tool) if any(_changes(each) for each in line[1:]) else None
    return _direction(tool, line[1:], group)


def _changes(word: str) -> bool:
    """Whether what a client is given changes the database: a file of SQL, or a statement that is no question."""
    of_a_file = _SQL_FILE.search(word) and not _SEEDS.search(word)
    return bool(of_a_file or _SQL_OF_MIGRATIONS.search(word) or _STATEMENT.search(word))


def _direction(tool: MigrationTool, words: Sequence[str], group: tuple[str, ...] = ()) -> Applied | None:
    if tool.name == "rails":
        words = [_ONE_OF_SEVERAL.sub(r"db:\1", word) for word in words]
    if any(_in_order((*group, *command), words) for command in tool.backwards):
        return Applied(tool, back=True)
    return Applied(tool) if any(_in_order((*group, *command), words) for command in tool.forwards) else None


def liquibase_of_gradle(line: Sequence[str]) -> Applied | None:
    """What Liquibase's plug-in for Gradle does, whose tasks are called as Liquibase's commands are (its README,
    "Usage"): only for a build that has it."""
    if not line or _base(line[0]) not in {"gradle", "gradlew"} or _only_looks(line):
        return None
    tasks = [parts_of(word.rpartition(":")[2]) for word in line[1:] if not word.startswith("-")]
    each = (_direction(BY_NAME["liquibase"], ["-".join(task)]) for task in tasks)
    return next((one for one in each if one is not None), None)


def _by_task(task: str) -> Applied | None:
    spoken = parts_of(task)
    tool = next((BY_NAME[word] for word in spoken if word in BY_NAME), None)
    # `liquibase:updateSQL` writes the statements to a file (Liquibase documentation, "update-sql").
    only_writes = tool is not None and tool.name == "liquibase" and spoken[-1:] == ["sql"]
    return None if tool is None or task.startswith("-") or only_writes else _direction(tool, spoken)


def _known(line: Sequence[str]) -> tuple[tuple[str, ...], MigrationTool | None]:
    """The tool that a command line starts, with the words of its group: of several tools of one program (``dotnet``)
    that whose group the line names."""
    each = _BY_PROGRAM.get(_base(line[0]), ()) if line else ()
    return next((one for one in each if _in_order(one[0], line[1:])), each[0] if each else ((), None))


# A database of several is named behind the task (Rails Guides, "Multiple Databases with Active Record").
_ONE_OF_SEVERAL: Final = lazy_re.compile(r"db:(migrate|rollback|prepare):(?!status$|down$|up$|redo$|reset$)\w+")


def _in_order(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words stand in a line in this order, options and their values between them."""
    rest = iter(words)
    return all(word in rest for word in wanted)


def _started(line: Sequence[str]) -> int:
    """Where the program stands that a line ends up running, behind launchers."""
    for index, word in enumerate(line):
        if _base(word) not in _LAUNCHERS and not _BETWEEN.fullmatch(_base(word)):
            return index
    return len(line)


def _base(word: str) -> str:
    """``flyway`` for ``./bin/flyway``, for the image ``flyway/flyway:10`` and for the module ``.../flyway@v1``."""
    name = re.split("[:@]", word.rpartition("/")[2], maxsplit=1)[0] if "/" in word else word
    return name.removesuffix(".jar")
