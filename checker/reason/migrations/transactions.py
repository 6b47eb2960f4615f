"""Whether PostgreSQL refuses a migration because it builds in a transaction what cannot be built in one.

The transaction is the file's own, the one that its tool runs each file in unless the file asks for none, or the one
that PostgreSQL makes of statements that are sent together (documentation, "Multiple Statements in a Simple Query").
Flyway tells by itself what runs in none, and refuses a file that has both (Flyway documentation, "Mixed").
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, negated, yes_if
from checker.model.migrations.folders import (
    MigrationFolder,
    MigrationRunner,
    SourceFile,
    SqlFile,
    Statement,
    is_program,
)
from checker.model.migrations.tools import BY_NAME, MigrationTool
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.python import nodes_of
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible
from checker.reason.migrations.lock_values import POOLER, VARYING
from checker.reason.migrations.migrating import migrating, tool_of, tools_run
from checker.reason.migrations.runner_code import name_of, parsed

# Folders whose files are named as those of several tools, or of a program of the repository's own.
_ANY: Final = frozenset({"pairs", "numbered", "sections", "diesel"})
_MIXED: Final = r"(?i)(?:\b|_)mixed['\"]?\s*[=:]\s*['\"]?true|(?:\b|_)execute_?In_?Transaction\s*=\s*['\"]?false"


def tool_for(folder: MigrationFolder, pipeline: Pipeline) -> MigrationTool | None:
    """The tool that runs a folder: by its files' names, or the only one that the repository runs."""
    if folder.tool not in _ANY:
        return BY_NAME.get(folder.tool)
    run = {tool.name for step in migrating(pipeline) if (tool := tool_of(step, pipeline)) is not None}
    run |= {each.library for each in pipeline.migration_code.runners}
    run = run or tools_run(pipeline)  # what tests run migrations with, the deployment will
    return BY_NAME.get(next(iter(run)) if len(run) == 1 else folder.tool if not run else "")


def refused_in(file: SqlFile, tool: MigrationTool | None, pipeline: Pipeline) -> tuple[Statement, str | Open] | None:
    """The first statement that is refused, and whose transaction it stands in, or why that is open; ``None`` where
    none is."""
    if not any(each.alone for each in file.statements):
        return None
    switched = tool is not None and bool(tool.unwrapped) and _is_set(tool.unwrapped, tool.name, pipeline)
    asked = tool is not None and bool(tool.wrapped) and _is_set(tool.wrapped, tool.name, pipeline)
    own = tool is not None and (asked or (tool.wraps and not file.outside and not switched))
    around = f"{tool.name} runs the file in one" if tool is not None and own else ""
    sent: str | Open = "it is sent together with other statements, of which PostgreSQL makes one"
    whole = YES if is_program(file.file) else tool.whole if tool is not None and not switched else NO
    mixes = tool is not None and tool.name == "flyway" and not file.outside and not _is_set(_MIXED, tool.name, pipeline)
    if mixes and any(not each.alone for each in file.statements if each.value not in {"begin", "end"}):
        return next(each for each in file.statements if each.alone), "Flyway refuses to mix it with what runs in one"
    for each in file.statements:
        if each.kind == "transaction" and each.value in {"begin", "end"}:
            around = f"one begins in line {each.spot.line}" if each.value == "begin" else ""
        elif each.alone and around:
            return each, around
        elif each.alone and each.together and whole is not NO:
            return each, whole if isinstance(whole, Open) else sent
    return None


def is_wrapped(folder: MigrationFolder, file: SqlFile, pipeline: Pipeline) -> Answer:
    """Whether a file's statements are one transaction: its tool's, or PostgreSQL's of what is sent together. A program
    of the repository's own sends a file as it is."""
    if pipeline.migration_code.runners or is_program(file.file):
        return YES
    tool = tool_for(folder, pipeline)
    if tool is None:
        return Open("what runs them is not known")
    switched = bool(tool.unwrapped) and _is_set(tool.unwrapped, tool.name, pipeline)
    asked = bool(tool.wrapped) and _is_set(tool.wrapped, tool.name, pipeline)
    by_default = tool.wraps or (tool.name == "flyway" and not _is_set(_MIXED, tool.name, pipeline))
    if asked or (by_default and not file.outside and not switched):
        return YES
    if switched:
        return NO
    if by_default or tool.is_client or tool.whole is not NO:
        return tool.whole
    return Open(f"whether {tool.name} runs each file in one is not known")


@lru_cache(maxsize=32)  # asked for each migration
def _is_set(pattern: str, tool: str, pipeline: Pipeline) -> bool:
    """Whether a command of a tool, its environment or the settings of its connection say so."""
    texts = [each.text for each in pipeline.migration_code.connections if each.tool == tool]
    for step in migrating(pipeline):
        of = tool_of(step, pipeline)
        if of is not None and of.name == tool:
            texts.append(step.action.text() if isinstance(step.action, Command) else step.action.source)
            texts += [f"{name}={value}" for name, value in (step.step.env.items() if step.step is not None else ())]
    return any(re.search(pattern, text) is not None for text in texts)


_ASKS: Final = lazy_re.compile(r"\bpg_advisory_(?P<scope>xact_)?lock\s*\(", re.IGNORECASE)
_LETS_GO: Final = lazy_re.compile(r"\bpg_advisory_unlock(?:_all)?\s*\(", re.IGNORECASE)
_CHANGES_NOTHING: Final = lazy_re.compile(r"\s*(?:(?:SET|SHOW|SELECT)\b|\\|$)", re.IGNORECASE)
_OPEN: Final = "what only the run knows"  # no statement, and nothing that changes nothing
_BEGINS: Final = lazy_re.compile(r"\s*(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_COMMITS: Final = lazy_re.compile(r"\s*(?:COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)
STOPS: Final = lazy_re.compile(r"\bON_ERROR_STOP(?:[\s=]+(?:1|on|true|yes))?\s*$", re.IGNORECASE)
_TIMES_OUT: Final = lazy_re.compile(r"\b(?:lock|statement)_timeout\s*(?:=|\bTO\b)\s*'?[1-9]", re.IGNORECASE)
_COMMENT: Final = lazy_re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_INCLUDES: Final = lazy_re.compile(r"\s*\\(?:i|ir|include|include_relative)\b")
_GIVEN: Final = lazy_re.compile(
    r"(?:-[A-Za-z]*?(?P<short>[cf])|--(?P<long>command|file))(?:=?(?P<value>.+))?", re.DOTALL
)


# A here-document, and one in a string.
HERE: Final = frozenset({"<<", "<<-", "<<<"})


_LEAVES: Final = lazy_re.compile(r"\s*\\(?:c|connect|if|elif|else|endif)\b")


def locked_first(
    command: Command, handed: Sequence[tuple[str, Possible]], drivers: Mapping[str, str]
) -> tuple[bool, str]:
    """Whether psql takes an advisory lock and holds it while it goes through its files, and why one that it takes keeps
    nobody out; ``handed`` is what it reads from a pipe (:func:`checker.reason.migrations.at_hand.handed`), ``drivers``
    are files that include others or take a lock.

    All that ``-c`` and ``-f`` give is done in one session, in their order, and so is what it reads where there is
    neither; with ``--single-transaction`` in one transaction, as long as which its locks last. Where a wait for the
    lock may time out, psql goes on without it unless ``ON_ERROR_STOP`` is set or its transaction fails as a whole.
    Source: PostgreSQL documentation, "psql", Options and Variables.
    """
    about = [*command.words, *command.handed.values()]
    stops = any(STOPS.search(str(each)) for each in about)
    times_out = _TIMES_OUT.search(str(command.handed.get("PGOPTIONS", ""))) is not None
    fault = ""
    whole = bool({"-1", "--single-transaction"} & {word for word in command.words if isinstance(word, str)})
    begun = held = ends = changes = False  # a transaction, a lock, whether that lasts as long, and what it is for
    given = [*in_order(command.words)] or [*read_in(command, handed)]
    for kind, written in (part for each in given for part in _driven(each, command.folder, drivers)):
        text = _COMMENT.sub(" ", written)
        asks = _ASKS.search(text) if kind == "c" else None
        if asks is not None:
            ends = bool(asks["scope"])
            times_out = times_out or _TIMES_OUT.search(text, 0, asks.start()) is not None
            held = (whole or begun or not ends) and not VARYING.search(text[asks.end() :])
            if held and times_out and not (stops or whole or begun):
                held, fault = False, "its wait may time out, and psql goes on without it (no ON_ERROR_STOP)"
        elif kind == "c" and (_LETS_GO.search(text) or (ends and _COMMITS.match(text))):
            held = begun = False
        elif kind == "c" and _BEGINS.match(text):
            begun = True
        elif kind == "c" and _LEAVES.match(text):
            return False, fault  # another session, or a part that is perhaps not run
        elif kind == "f" or not _CHANGES_NOTHING.match(text):
            changes = True
            if not held:
                return False, fault
        elif kind == "c":
            stops, times_out = stops or bool(STOPS.search(text)), times_out or bool(_TIMES_OUT.search(text))
    port = str(command.handed.get("PGPORT", ""))
    if changes and (port in {"6432", "6543"} or any(POOLER.search(str(each)) for each in about)):
        return False, "it connects through a pooler, which gives the lock's session to others"
    return changes, fault


def _driven(given: tuple[str, str], folder: str | None, drivers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What a file that includes others or takes a lock has psql do; what is given itself, where it is no such file."""
    kind, written = given
    path = posixpath.normpath(posixpath.join(folder or "", written)) if kind == "f" else ""
    yield from _in_text(drivers[path]) if path in drivers else (given,)


def includes_others(text: str) -> bool:
    """Whether a file has psql go through others."""
    return any(_INCLUDES.match(line) for line in text.splitlines())


def asks_for_lock(text: str) -> bool:
    """Whether a file has an advisory lock taken."""
    return _ASKS.search(_COMMENT.sub(" ", text)) is not None


def read_in(command: Command, handed: Sequence[tuple[str, Possible]]) -> Iterator[tuple[str, str]]:
    """What it reads, as :func:`in_order` says it: statements, and files that are included."""
    here = (("c" if each.operator in HERE else "f", each.target) for each in command.writes if each.descriptor == 0)
    for kind, text in (*here, *handed):
        written = text if isinstance(text, str) else _OPEN if kind == "c" else ""
        yield from _in_text(written) if kind == "c" else [("f", written)]


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    statement = ""
    for line in text.splitlines():
        if line.lstrip().startswith("\\"):  # psql's own, which its line ends
            yield "f" if _INCLUDES.match(line) else "c", line.strip()
            continue
        *done, statement = f"{statement}\n{line}".split(";")
        yield from (("c", each) for each in done if each.strip())
    if statement.strip():
        yield "c", statement


def in_order(words: Sequence[Possible]) -> Iterator[tuple[str, str]]:
    """What ``-c`` and ``-f`` give: the option's letter, with its text; of what only the run knows there is none."""
    for index, word in enumerate(words):
        found = _GIVEN.fullmatch(word) if isinstance(word, str) else None
        if found is not None:
            following = words[index + 1] if index + 1 < len(words) else ""
            given = found["value"] or following
            yield found["short"] or found["long"][0], given if isinstance(given, str) else _OPEN


# -- settings for one transaction ------------------------------------------------------------------------

_LOCAL: Final = lazy_re.compile(r"\bSET\s+LOCAL\b|set_config\([^()]*,\s*true\s*\)", re.IGNORECASE)
_BEGINS_SOMEWHERE: Final = lazy_re.compile(r"\b(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_SETS: Final = lazy_re.compile(r"\s*(?:SET\b|SELECT\s+(?:pg_catalog\.)?set_config\b|$)", re.IGNORECASE)
_BY_ITSELF: Final = lazy_re.compile(r"\bautocommit\s*=\s*True\b|isolation_level\s*=\s*(?:None\b|['\"]AUTOCOMMIT)")
_TURNS: Final = lazy_re.compile(r"\bautocommit\s*=(?!=|\s*True\b)|\bset_(?:session|isolation_level|autocommit)\s*\(")
_CONNECTS: Final = lazy_re.compile(r"\b(?:connect|create_(?:async_)?engine|create_pool|ConnectionPool)\s*\(")
_OPENING: Final = frozenset({"transaction", "begin", "begin_nested", "atomic"})
# What a `with` enters besides, and opens no transaction where each statement is one of its own.
_ENTERED: Final = frozenset(
    {"connect", "connection", "cursor", "closing", "acquire", "create_pool", "ConnectionPool", "open", "suppress"}
)


def is_unheard(line: int, text: str, file: SourceFile, runner: MigrationRunner) -> Answer:
    """Whether a statement of Python's binds a transaction that is not open: each statement is one of its own.

    Sources: PostgreSQL documentation, "SET" (``LOCAL`` outside of a transaction has no effect), "System Administration
    Functions" (``set_config``, ``is_local``) and "Multiple Statements in a Simple Query" (they are one transaction);
    psycopg documentation, "Transactions management"; psycopg2 documentation, "with statement" (``with connection``
    begins a transaction in autocommit too, since 2.9; psycopg 3's closes the connection).
    """
    if file.language != "python" or not _LOCAL.search(text) or _BEGINS_SOMEWHERE.search(text):
        return NO
    # Of several connections nothing tells which one it is about.
    alone = 0 < len(_CONNECTS.findall(file.code)) <= len(_BY_ITSELF.findall(file.code))
    tree = parsed(file.file, file.code) if alone else None
    if tree is None or any(_BEGINS_SOMEWHERE.match(other.strip()) for _, other in file.strings):
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
            if name in _OPENING:
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
        return _TURNS.search(self._code) is not None or any(name_of(each.func) in _OPENING for each in calls)


def _is_text(node: ast.AST, line: int) -> bool:
    if not isinstance(node, ast.JoinedStr | ast.Constant) or _LOCAL.search(_written(node)) is None:
        return False
    return node.lineno <= line <= (node.end_lineno or line)


def _written(node: ast.AST) -> str:
    """A string's text, with ``{}`` for values that are filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(each) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""
