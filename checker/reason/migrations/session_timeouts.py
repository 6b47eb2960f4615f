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

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, negated, yes_if
from checker.model.environments import Project
from checker.model.migrations.folders import Connection, MigrationFolder, MigrationRunner, SourceFile, SqlFile
from checker.model.pipeline.python import nodes_of
from checker.model.values import Known
from checker.reason.migrations.runner_code import name_of, parsed
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


def is_off(value: str) -> bool:
    return _ZERO.fullmatch(value.strip().strip("'\"")) is not None


def in_text(name: str, text: str) -> bool | None:
    """Whether options, a URL or SQL set a timeout: ``True``, ``False`` to nothing, ``None`` if they do not name it."""
    found = _assigned(name).search(text) or _configured(name).search(text)
    return None if found is None else not is_off(found[1])


def _assigned(name: str) -> re.Pattern[str]:
    if name == _OF_SERVER:
        return re.compile(rf"\bSET\s+{name}\s+(-?\w+|%s|\?)", re.IGNORECASE)
    return re.compile(rf"\b{name}\s*(?:=|%3[dD]|\bTO\b)\s*'?([^\s';&\"`)]+)", re.IGNORECASE)


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
            lost = _is_unheard(line, text, file, runner) if True in answers else NO
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


_LOCAL: Final = lazy_re.compile(r"\bSET\s+LOCAL\b|set_config\([^()]*,\s*true\s*\)", re.IGNORECASE)
_BEGINS: Final = lazy_re.compile(r"\b(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_SETS: Final = lazy_re.compile(r"\s*(?:SET\b|SELECT\s+(?:pg_catalog\.)?set_config\b|$)", re.IGNORECASE)
_COMMITS: Final = lazy_re.compile(r"\bautocommit\s*=\s*True\b|isolation_level\s*=\s*(?:None\b|['\"]AUTOCOMMIT)")
_TURNS: Final = lazy_re.compile(r"\bautocommit\s*=(?!=|\s*True\b)|\bset_(?:session|isolation_level|autocommit)\s*\(")
_CONNECTS: Final = lazy_re.compile(r"\b(?:connect|create_(?:async_)?engine|create_pool|ConnectionPool)\s*\(")
_OPENS: Final = frozenset({"transaction", "begin", "begin_nested", "atomic"})
# What a `with` enters besides, and opens no transaction where each statement is one of its own.
_ENTERED: Final = frozenset(
    {"connect", "connection", "cursor", "closing", "acquire", "create_pool", "ConnectionPool", "open", "suppress"}
)


def _is_unheard(line: int, text: str, file: SourceFile, runner: MigrationRunner) -> Answer:
    """Whether a statement of Python's binds a transaction that is not open: each statement is one of its own.

    Sources: PostgreSQL documentation, "SET" (``LOCAL`` outside of a transaction has no effect), "System Administration
    Functions" (``set_config``, ``is_local``) and "Multiple Statements in a Simple Query" (they are one transaction);
    psycopg documentation, "Transactions management"; psycopg2 documentation, "with statement" (``with connection``
    begins a transaction in autocommit too, since 2.9; psycopg 3's closes the connection).
    """
    if file.language != "python" or not _LOCAL.search(text) or _BEGINS.search(text):
        return NO
    # Of several connections nothing tells which one it is about.
    alone = 0 < len(_CONNECTS.findall(file.code)) <= len(_COMMITS.findall(file.code))
    tree = parsed(file.file, file.code) if alone else None
    if tree is None or any(_BEGINS.match(other.strip()) for _, other in file.strings):
        return NO
    code = _Transactions(tree, file, runner)
    places = code.sent(line)
    if not places:
        return Open("what it is sent together with is not followed")
    within = {code.holds(each) for each in places}
    if within == {NO} and code.opened_otherwise():
        return Open("its connection is told in between when to begin transactions")
    return negated(within.pop()) if len(within) == 1 else Open("a transaction is open at some of its places")


class _Transactions:
    """The transactions that a file's code opens for a while."""

    def __init__(self, tree: ast.Module, file: SourceFile, runner: MigrationRunner) -> None:
        self._nodes = list(nodes_of(tree))
        self._above = {inner: node for node in self._nodes for inner in ast.iter_child_nodes(node)}
        self._code = file.code
        self._others = [each.code for each in runner.files if each is not file]

    def sent(self, line: int) -> list[ast.AST]:
        """Where the settings that a line writes are sent, each time by themselves; empty where that is not sure."""
        written = next((each for each in self._nodes if _is_text(each, line)), None)
        if written is None or not all(map(_SETS.match, _written(written).split(";"))):
            return []
        holder = self._above[written]
        places = [written]
        if isinstance(holder, ast.Assign) and len(holder.targets) == 1 and isinstance(holder.targets[0], ast.Name):
            name = holder.targets[0].id
            places = [
                each
                for each in self._nodes
                if isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
            ]
        return places if all(map(self._is_alone, places)) else []

    def _is_alone(self, node: ast.AST) -> bool:
        """Whether a statement does nothing but hand a text to calls, its values filled in."""
        handed = False
        while not isinstance(node, ast.stmt):
            node = self._above[node]
            filled = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)
            if not filled and not isinstance(node, ast.Call | ast.Await | ast.Attribute | ast.keyword | ast.stmt):
                return False
            handed = handed or isinstance(node, ast.Call)
        return handed and isinstance(node, ast.Expr)

    def holds(self, node: ast.AST, inside: frozenset[str] = frozenset()) -> Answer:
        """Whether a transaction is open where a node stands, or wherever its function is called."""
        found: list[Answer] = []
        while node in self._above:
            node = self._above[node]
            if isinstance(node, ast.With | ast.AsyncWith):
                found += [self._opens(each.context_expr) for each in node.items]
            elif isinstance(node, ast.Lambda):
                found.append(Open("where a function without a name is called is not followed"))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(NO if node.name in inside else self._at_calls(node, inside | {node.name}))
                break
        return either(found)

    def _at_calls(self, function: ast.FunctionDef | ast.AsyncFunctionDef, inside: frozenset[str]) -> Answer:
        name = function.name
        calls = [each for each in self._nodes if isinstance(each, ast.Call) and name_of(each.func) == name]
        named = sum(1 for each in self._nodes if isinstance(each, ast.Name | ast.Attribute) and name_of(each) == name)
        if function.decorator_list or named > len(calls) or any(name in each for each in self._others):
            return Open(f"where {name} is called is not followed")
        answers = {self.holds(each, inside) for each in calls}
        return (
            next(iter(answers), NO)
            if len(answers) <= 1
            else Open(f"{name} is called in a transaction and outside of one")
        )

    def _opens(self, entered: ast.expr) -> Answer:
        """Whether what a ``with`` enters is a transaction."""
        old = "psycopg2" in self._code
        if isinstance(entered, ast.Call):
            name = name_of(entered.func)
            if name in _OPENS:
                return YES
            return (
                NO if name in _ENTERED and not (old and name == "connect") else Open(f"what {name} opens is not known")
            )
        if not old:
            return NO
        made = re.search(rf"\b{name_of(entered)}\s*=\s*(?:\w+\.)*(connect|cursor)\(", self._code)
        return Open(f"what {name_of(entered)} is is not known") if made is None else yes_if(made[1] == "connect")

    def opened_otherwise(self) -> bool:
        """Whether transactions are opened by more than a ``with``."""
        entered = {
            id(item.context_expr)
            for each in self._nodes
            if isinstance(each, ast.With | ast.AsyncWith)
            for item in each.items
        }
        calls = (each for each in self._nodes if isinstance(each, ast.Call) and id(each) not in entered)
        return _TURNS.search(self._code) is not None or any(name_of(each.func) in _OPENS for each in calls)


def _is_text(node: ast.AST, line: int) -> bool:
    if not isinstance(node, ast.JoinedStr | ast.Constant) or _LOCAL.search(_written(node)) is None:
        return False
    return node.lineno <= line <= (node.end_lineno or line)


def _written(node: ast.AST) -> str:
    """A string's text, with ``{}`` for values that are filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(each) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


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


def in_sql(name: str, folders: Iterable[MigrationFolder]) -> Bound | None:
    """Where SQL bounds every session of a role or a database, or every single file bounds its own."""
    files = [migration.up for folder in folders for migration in folder.migrations]
    for file in files:
        for each in file.statements:
            if each.kind == "set for sessions" and each.name == name and not is_off(each.value):
                return Bound(str(each.spot))
    if files and all(_sets(name, file) for file in files):
        return Bound(f"every file of {files[0].file.rpartition('/')[0]}")
    return None


def _sets(name: str, file: SqlFile) -> bool:
    """Whether a file bounds itself before it does anything."""
    for each in file.statements:
        if each.kind == "set" and each.name == name:
            return bool(each.value) and not is_off(each.value)
        if each.effect.value != "setting":
            return False
    return file.readable and not file.statements


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
