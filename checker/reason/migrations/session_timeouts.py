"""What bounds the statements of a migration and their waits for locks: in code, in SQL, in variables, in templates.

PostgreSQL bounds neither by itself: ``statement_timeout`` and ``lock_timeout`` are 0, that is off, until somebody sets
them (PostgreSQL documentation, "Client Connection Defaults"). Other systems call it otherwise: MySQL waits for a
table's lock for ``lock_wait_timeout``, a year unless set, and bounds no statement that changes anything
(``max_execution_time`` is for SELECT alone; MySQL Reference Manual, "Server System Variables"). MariaDB has
``max_statement_time`` for those, off unless set (MariaDB documentation, "Server System Variables"). SQL Server waits
for ``LOCK_TIMEOUT`` (``SET LOCK_TIMEOUT 5000``), for ever unless set, and leaves statements to the client (Transact-SQL
reference, "SET LOCK_TIMEOUT"). Oracle refuses at once what changes a table in use, unless ``DDL_LOCK_TIMEOUT`` says
otherwise (Oracle Database Reference), and has no bound of a session for statements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, negated, yes_if
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.migrations.folders import Connection, MigrationFolder, MigrationRunner, SourceFile, SqlFile
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import options, shown
from checker.model.values import Known
from checker.reason.migrations.at_hand import driven_by, handed
from checker.reason.migrations.migrating import Migrating, tool_of
from checker.reason.migrations.transactions import HERE, is_unheard
from checker.reason.workloads.variables import environment_variables

STATEMENT: Final = "statement_timeout"
LOCK: Final = "lock_timeout"
_OF_SERVER: Final = "LOCK_TIMEOUT"  # SQL Server's, which is set without a sign between
# System -> what its sessions call either bound; empty where it has none.
_CALLED: Final[Mapping[str, Mapping[str, str]]] = {
    "PostgreSQL": {STATEMENT: STATEMENT, LOCK: LOCK},
    "MySQL": {STATEMENT: "", LOCK: "lock_wait_timeout"},
    "MariaDB": {STATEMENT: "max_statement_time", LOCK: "lock_wait_timeout"},
    "SQL Server": {STATEMENT: "", LOCK: _OF_SERVER},
    "Oracle": {STATEMENT: "", LOCK: ""},
}
_WHY_NOT: Final[Mapping[tuple[str, str], str]] = {
    (
        "MySQL",
        STATEMENT,
    ): "MySQL bounds no statement that changes anything: its max_execution_time is for SELECT alone.",
    (
        "SQL Server",
        STATEMENT,
    ): "SQL Server has no bound of a session for its statements: the client's command timeout is one.",
    ("Oracle", STATEMENT): "Oracle has no bound of a session for its statements.",
    ("Oracle", LOCK): "Oracle refuses at once what changes a table in use, unless DDL_LOCK_TIMEOUT says otherwise.",
}
_SYSTEMS: Final = (
    ("PostgreSQL", lazy_re.compile(r"postg|psycopg|pgsql|\bpg\b", re.IGNORECASE)),
    ("MariaDB", lazy_re.compile(r"mariadb", re.IGNORECASE)),
    ("MySQL", lazy_re.compile(r"mysql|trilogy|^aurora$", re.IGNORECASE)),
    ("SQL Server", lazy_re.compile(r"sql ?server|mssql|tedious|sqlsrv|pyodbc", re.IGNORECASE)),
    ("Oracle", lazy_re.compile(r"\b(?:cx_)?oracle", re.IGNORECASE)),
)
# The one that counts where a file lists a connection for every system (Laravel documentation, "Database").
_CHOSEN: Final = lazy_re.compile(r"env\(\s*['\"]DB_CONNECTION['\"]\s*,\s*['\"](\w+)['\"]\s*\)")
_IMPORTS: Final = lazy_re.compile(r"^[ \t]*(?:import|from)\b.*|^.*\brequire\(.*", re.MULTILINE)
_ZERO: Final = lazy_re.compile(r"-1|0+(?:\.0*)?\s*(?:us|ms|s|min|h|d)?", re.IGNORECASE)
# What stands in a statement for a value that is given apart from it, and where that is given.
_PLACE: Final = lazy_re.compile(r"%s|%\(\w+\)?s?|\$\d+|\?|:\w+")
_GIVEN: Final = lazy_re.compile(r"['\"`]{1,3}\s*\)?\s*,\s*[\[({]?(?P<arguments>[^\])}]*)")
_GROUPS: Final = ("AWS::RDS::DBParameterGroup", "AWS::RDS::DBClusterParameterGroup")


class Bound(Struct, frozen=True):
    """Where a timeout is set; ``off`` where it is set to nothing. ``where`` is ``FILE:LINE`` or a name.

    ``undone`` is where the same code sets it to nothing: which of the two is in force, the order tells. ``unheard``:
    whether it is set for a transaction alone, and none is open there.
    """

    where: str
    off: bool = False
    undone: str = ""
    unheard: Answer = NO


def system_of(
    project: Project,
    connections: Iterable[Connection],
    folders: Iterable[MigrationFolder],
    runners: Iterable[MigrationRunner],
) -> str:
    """The database system that is migrated: by its connections, by the databases in the templates, by its SQL, by the
    drivers of its runners. PostgreSQL where they do not agree on another."""
    texts = [chosen[1] if (chosen := _CHOSEN.search(each.text)) else each.text for each in connections]
    for each in project.resources("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        engine = each.get("Engine")
        texts.append(str(engine.value) if isinstance(engine, Known) else "")
    texts.extend(migration.up.system for folder in folders for migration in folder.migrations)
    texts.extend(line for runner in runners for file in runner.files for line in _IMPORTS.findall(file.code))
    found = {system for text in texts for system, pattern in _SYSTEMS if pattern.search(text)}
    if found == {"MySQL", "MariaDB"}:  # MariaDB's clients are MySQL's
        return "MariaDB"
    return found.pop() if len(found) == 1 else "PostgreSQL"


def called(name: str, system: str) -> str:
    """What a system's sessions call ``statement_timeout`` or ``lock_timeout``; empty where they have none."""
    return _CALLED[system][name]


def why_not(name: str, system: str) -> str:
    """Why a system's sessions have no such bound."""
    return _WHY_NOT[system, name]


def in_force(*bounds: Bound | None) -> Bound | None:
    """The first of several bounds that is surely heard, or else the first that there is."""
    given = [each for each in bounds if each is not None]
    return next((each for each in given if each.unheard is NO), next(iter(given), None))


def is_set(
    place: Command | AwsCall | MigrationFolder | MigrationRunner, sub: str, name: str, found: Bound, fix: str
) -> Judgement:
    """What is said of a bound; where it is for a transaction that may not be open, the role may have one too."""
    if found.unheard is NO:
        return place.passes(sub, f"{name} is set ({found.where}).")
    open_one = found.unheard.why if isinstance(found.unheard, Open) else "none is open there"
    why = f"{found.where} sets {name} for a transaction alone (SET LOCAL), and {open_one}"
    return place.undecided(sub, why, fix=fix)


def for_transactions(name: str, texts: Iterable[str], wrapped: str) -> bool:
    """Whether texts that psql is given set a timeout for transactions alone, and none of them begins one. ``wrapped``:
    the option with which psql does."""
    said = list(texts)
    others = [_LOCALLY.sub("SET LOCAL", each) for each in said]
    return not any(in_text(name, each) for each in others) and not any(
        _BEGINS.search(each) or re.search(wrapped, each) for each in said
    )


_LOCALLY: Final = lazy_re.compile(r"\bSET\s+LOCAL\s+\w+", re.IGNORECASE)
_BEGINS: Final = lazy_re.compile(r"\b(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)


def is_off(value: str) -> bool:
    return _ZERO.fullmatch(value.strip().strip("'\"")) is not None


def in_text(name: str, text: str) -> bool | None:
    """Whether options, a URL or SQL set a timeout: ``True``, ``False`` to nothing, ``None`` if they do not name it."""
    found = _assigned(name).search(text) or _configured(name).search(text)
    return None if found is None else not is_off(found[1])


def _assigned(name: str) -> re.Pattern[str]:
    if name == _OF_SERVER:
        return re.compile(rf"\bSET\s+{name}\s+(-?\w+|%s|\?)", re.IGNORECASE)
    # In a URL signs are escaped: a blank before the name, and behind the value (RFC 3986, "Percent-Encoding").
    value = r"%?[^\s';&\"`)%]+"
    return re.compile(rf"(?:\b|(?<=%20)){name}\s*(?:=|%3D|\bTO\b)\s*'?({value})", re.IGNORECASE)


def _configured(name: str) -> re.Pattern[str]:
    return re.compile(rf"set_config\(\s*'{name}'\s*,\s*'?([^\s',)]+)", re.IGNORECASE)


def _as_key(name: str, language: str) -> re.Pattern[str]:
    quoted = rf"['\"]{name}['\"]"
    key = quoted if language != "script" else rf"(?:{quoted}|\b{name}\b)"
    return re.compile(rf"{key}\s*\]?\s*(?::|=(?!=))\s*['\"]?([^\s'\",)}}]+)")


def in_code(name: str, runner: MigrationRunner) -> Bound | None:
    """Where a runner's code sets a timeout on its session, and where it switches it off."""
    on: Bound | None = None
    off: Bound | None = None
    unheard: Bound | None = None
    for file in runner.files:
        said: list[tuple[int, bool]] = []
        for line, text in file.strings:
            answers = list(_in_string(name, text, file))
            lost = is_unheard(line, text, file, runner) if True in answers else NO
            if lost is not NO:
                if unheard is None or unheard.unheard is YES:
                    unheard = Bound(f"{file.file}:{line}", unheard=lost)
            else:
                said += [(line, answer) for answer in answers]
        found = _as_key(name, file.language).finditer(file.code)
        said += [(file.line_at(match.start()), not is_off(match[1])) for match in found]
        for line, answer in said:
            if answer:
                on = on or Bound(f"{file.file}:{line}")
            else:
                off = off or Bound(f"{file.file}:{line}", off=True)
    return replace(on, undone=off.where) if on is not None and off is not None else on or off or unheard


def _in_string(name: str, text: str, file: SourceFile) -> Iterable[bool]:
    """As :func:`in_text`; where a placeholder stands for the value, by what the code gives for that: each value that
    its name is set to."""
    found = _assigned(name).search(text) or _configured(name).search(text)
    if found is None or _PLACE.fullmatch(found[1]) is None:
        answer = in_text(name, text)
        return () if answer is None else (answer,)
    at = file.code.find(text)
    given = _GIVEN.match(file.code, at + len(text)) if at >= 0 else None
    if given is None:
        return (True,)
    place, arguments = found[1], [each.strip() for each in given["arguments"].split(",")]
    named = place.strip("%:()s") if not place.startswith("$") else ""
    if place.startswith("$"):
        index = int(place[1:]) - 1
    elif named:
        keys = [re.match(rf"['\"]?{re.escape(named)}['\"]?\s*[:=]", each) for each in arguments]
        index = next((number for number, each in enumerate(keys) if each is not None), len(arguments))
    else:
        index = sum(1 for each in _PLACE.finditer(text, 0, found.start(1)))
    value = re.sub(r"^['\"]?\w+['\"]?\s*[:=]\s*", "", arguments[index]) if index < len(arguments) else ""
    set_to = [value]
    if value.isidentifier():
        set_to = re.findall(rf"^\s*(?:const|let|var|final)?\s*{value}\b[^=\n]*?=\s*([^\n;]+)", file.code, re.MULTILINE)
    return [not is_off(each) for each in set_to] or (True,)


def in_connections(name: str, tool: str, connections: Iterable[Connection]) -> Bound | None:
    """Where the settings of a tool's connections bound its sessions; in all of its files, or in none."""
    own = [each for each in connections if each.tool == tool]
    found = [bound for each in own if (bound := _in_connection(name, each)) is not None]
    off = next((each for each in found if each.off), None)
    return off or (found[0] if found and len(found) == len(own) else None)


def _in_connection(name: str, connection: Connection) -> Bound | None:
    lines = connection.text.splitlines()
    for number, line in enumerate(lines, 1):
        written = _COMMENT.sub("", line)
        match = _assigned(name).search(written) or _keyed(name).search(written)
        if match is not None:
            return Bound(f"{connection.file}:{number}", off=is_off(match[1]))
    return None


_COMMENT: Final = lazy_re.compile(r"(?:^|\s)(?:#|//).*")


def _keyed(name: str) -> re.Pattern[str]:
    return re.compile(rf"['\"]?\b{name}['\"]?\s*(?::|=>)\s*['\"]?([^\s'\",)}}]+)")


def in_sql(
    name: str, folders: Iterable[MigrationFolder], wrapped: Callable[[MigrationFolder, SqlFile], Answer]
) -> Bound | None:
    """Where SQL bounds every session of a role or a database, or every single file bounds its own. ``wrapped``:
    whether a file is run in a transaction."""
    files = [(folder, migration.up) for folder in folders for migration in folder.migrations]
    for _, file in files:
        for each in file.statements:
            if each.kind == "set for sessions" and each.name == name and not is_off(each.value):
                return Bound(str(each.spot))
    if files and all(_sets(name, file) is not None for _, file in files):
        lost = (negated(wrapped(folder, file)) for folder, file in files if _sets(name, file) is Scope.TRANSACTION)
        return Bound(f"every file of {files[0][1].file.rpartition('/')[0]}", unheard=either(lost))
    return None


class Scope(Enum):
    """For how long a file bounds itself: a transaction of which it does not say that it begins, or as it needs."""

    TRANSACTION = "transaction"
    ENOUGH = "enough"


def _sets(name: str, file: SqlFile) -> Scope | None:
    """Whether a file bounds itself before it does anything."""
    begun = False
    for each in file.statements:
        if each.kind == "set" and each.name == name:
            own = Scope.TRANSACTION if each.local and not begun else Scope.ENOUGH
            return own if each.value and not is_off(each.value) else None
        if each.effect.value != "setting":
            return None
        begun = begun or (each.kind == "transaction" and each.value == "begin")
    return Scope.ENOUGH if file.readable and not file.statements else None


def in_templates(name: str, project: Project) -> Bound | None:
    """A database's own default, or options that a container is given."""
    for group in project.resources(*_GROUPS):
        value = group.get(f"Parameters.{name}")
        if isinstance(value, Known) and isinstance(value.value, str | int) and not is_off(str(value.value)):
            return Bound(f"{group.logical_id}")
    for environment in project.environments:
        for variable in environment_variables(environment):
            if variable.name == "PGOPTIONS" and in_text(name, str(variable.value)):
                return Bound(f"{variable.owner.logical_id}, PGOPTIONS")
    return None


def switched_off(name: str, folder: MigrationFolder) -> Iterator[tuple[int, int]]:
    """The files of a folder that take a bound away: index of the migration, line."""
    for index, migration in enumerate(folder.migrations):
        for each in migration.up.statements:
            if each.name == name and each.kind.startswith("set") and each.value and is_off(each.value):
                yield index, each.spot.line
                break


def given_to(name: str, step: Migrating, pipeline: Pipeline) -> Bound | None:
    """A bound that the command line or the environment of a step that migrates gives."""
    texts = [step.action.text()] if isinstance(step.action, Command) else [step.action.source]
    if isinstance(step.action, Command):
        texts.extend(shown(each.target) for each in step.action.writes if each.operator in HERE)
        texts.extend(shown(text) for kind, text in handed(step, pipeline) or () if kind == "c")
        texts.extend(driven_by(step, pipeline))
    given = dict(step.step.env) if step.step is not None else {}
    given |= step.action.environment if isinstance(step.action, Command) else {}
    for value in given.values():
        texts.extend(shown(option) for option in options(value) or ())
    if True not in [in_text(name, text) for text in texts]:
        return None
    tool = tool_of(step, pipeline)
    alone = tool is not None and tool.name == "psql" and for_transactions(name, texts, tool.wrapped)
    return Bound(str(step.action.spot), unheard=yes_if(alone))
