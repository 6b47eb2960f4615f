"""Alembic's revisions: what their ``upgrade`` and ``downgrade`` do, put as the SQL that Alembic makes of it.

Calls of ``op`` (and of a batch on one table) with values that stand in the file are read; a loop over such values is
unrolled, functions of the file are entered. Anything else is a statement of which nothing is known. Source: Alembic
documentation, "Operation Reference" and "MigrationContext.autocommit_block"; https://alembic.sqlalchemy.org.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.collect.migrations.revisions.columns import Unread, constant, quoted, sql_text
from checker.collect.migrations.revisions.operations import operation, table_of
from checker.collect.migrations.sql import parse_sql
from checker.collect.migrations.sql_context import in_context
from checker.model.migrations.folders import Effect, Migration, MigrationFolder, SqlFile, Statement
from checker.model.sources import Problem, Spot

_DEPTH: Final = 8
_DECLARES: Final = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)
_MOST: Final = 2_000  # statements of one direction
_CALLED: Final[Mapping[type[ast.stmt], str]] = {
    ast.Expr: "an expression", ast.Assign: "an assignment", ast.AnnAssign: "an assignment",
    ast.FunctionDef: "a function inside of it",
}  # fmt: skip
_SAYS: Final = frozenset({"print", "info", "debug", "warning", "get_bind", "get_context", "f", "inspect", "getLogger"})
_ACTS: Final = frozenset({"execute", "scalar", "commit", "run", "exec_driver_sql"})
_OUTSIDE: Final = ("AUTOCOMMIT", "transactional_ddl")  # an env.py that speaks of these may run revisions in none


def is_revision(text: str) -> bool:
    return "down_revision" in text and "revision" in text and ("def upgrade" in text or "def downgrade" in text)


def revisions(folder: str, texts: Mapping[str, str], env: str) -> MigrationFolder | None:
    """The revisions of a folder in the order in which they build on each other; ``None`` where they are none of
    Alembic's. ``env`` is the text of the ``env.py`` above them."""
    outside = any(word in env for word in _OUTSIDE)
    read = [_revision(file, text, outside) for file, text in sorted(texts.items())]
    known = [each for each in read if isinstance(each, _Revision)]
    if len(known) < len(read) or not known:
        return None
    ordered, problems = _ordered(known, folder)
    files = [each.migration.file.rsplit("/", 1)[-1] for each in ordered]
    shown = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    problems.append(Problem(Spot(folder), f"took {shown} for Alembic's revisions: their calls are read", "", False))
    return MigrationFolder(folder, "alembic", tuple(each.migration for each in ordered), tuple(problems))


class _Revision(Struct, frozen=True):
    name: str
    after: tuple[str, ...]
    migration: Migration


def _revision(file: str, text: str, outside: bool) -> _Revision | None:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = dict(_assigned(module.body))
    try:
        own = constant(names["revision"], {}) if "revision" in names else None
        before = constant(names["down_revision"], {}) if "down_revision" in names else ()
    except Unread:
        return None
    functions = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
    if not isinstance(own, str) or "upgrade" not in functions:
        return None
    header = tuple(_header(module, text, file))
    imported = [alias for each in module.body if isinstance(each, ast.ImportFrom) for alias in each.names]
    op = frozenset({"op", *(alias.asname for alias in imported if alias.name == "op" and alias.asname)})
    loaded = [each for each in module.body if not isinstance(each, _DECLARES) and not _is_text(each)]
    up = _direction("upgrade", functions, names, file, header, outside=outside, op=op, loaded=loaded)
    back = functions.get("downgrade")
    down = None
    if back is not None and not any(isinstance(each, ast.Raise) for each in back.body):  # which says: no way back
        down = _direction("downgrade", functions, names, file, (), outside=outside, op=op, loaded=())
    title = (ast.get_docstring(module) or "").partition("\n")[0]
    several = before if isinstance(before, tuple) else (before,)
    after = tuple(each for each in several if isinstance(each, str))
    return _Revision(own, after, Migration(own, title, up, down))


def _ordered(known: list[_Revision], folder: str) -> tuple[list[_Revision], list[Problem]]:
    """Each behind those that it builds on; of those that nothing orders, by their names."""
    left, done, found = list(known), set[str](), list[_Revision]()
    names = {each.name for each in known}
    while left:
        ready = [each for each in left if all(name in done or name not in names for name in each.after)]
        if not ready:
            why = "its revisions build on each other in a circle: taken in the order of their names"
            return [*found, *left], [Problem(Spot(folder), why, "Correct down_revision.", unread=False)]
        found.append(ready[0])
        done.add(ready[0].name)
        left.remove(ready[0])
    return found, []


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for each in body:
        if isinstance(each, ast.Assign):
            yield from ((target.id, each.value) for target in each.targets if isinstance(target, ast.Name))
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            yield each.target.id, each.value


def _header(module: ast.Module, text: str, file: str) -> Iterator[tuple[Spot, str]]:
    """The comments at the top, and what a line of the docstring there promises."""
    first = next((each for each in module.body if not _is_text(each)), None)
    for index, line in enumerate(text.splitlines()[: first.lineno - 1 if first is not None else None]):
        said = line.strip().strip("\"'")
        if said.startswith(("#", "migrate:", "-- migrate:")):
            yield Spot(file, index + 1), said.lstrip("#- ").strip()


def _only_adds(statement: Statement) -> bool:
    return statement.effect is Effect.EXPAND and not statement.inside


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _direction(
    name: str,
    functions: Mapping[str, ast.FunctionDef],
    names: Mapping[str, ast.expr],
    file: str,
    header: tuple[tuple[Spot, str], ...],
    *,
    outside: bool,
    op: frozenset[str],
    loaded: Sequence[ast.stmt],
) -> SqlFile:
    reader = _Reader(file, functions, dict(names), op=op)
    reader.block(functions[name].body)
    reader.beside([*functions[name].decorator_list, *loaded])
    return SqlFile(file, tuple(in_context(reader.found)), header, tuple(reader.problems), outside)


class _Reader(Struct):
    """Goes through one direction of one revision."""

    file: str
    functions: Mapping[str, ast.FunctionDef]
    names: dict[str, Any]  # name -> the expression that it was set to
    found: list[Statement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    op: frozenset[str] = frozenset({"op"})  # what Alembic's operations are called here
    batches: dict[str, str] = field(default_factory=dict)  # name of a batch -> its table
    depth: int = 0

    def block(self, body: Iterable[ast.stmt]) -> None:
        for each in body:
            if len(self.found) > _MOST:
                self._opaque(each)
                return
            try:
                self._statement(each)
            except Unread:
                self._opaque(each)

    def beside(self, each: Iterable[ast.stmt | ast.expr]) -> None:
        """What decorates the function, or runs when the file is loaded: not read."""
        self.found.extend(Statement("code around it", Effect.OTHER, Spot(self.file, one.lineno)) for one in each)

    def _opaque(self, at: ast.stmt) -> None:
        """On record by what is called alone: the values may be secrets."""
        held = getattr(at, "value", None)
        shown = _CALLED.get(type(at), type(at).__name__.lower())
        if isinstance(held, ast.Call):
            shown = (
                f"{ast.unparse(held.func)[:40]}(...)" if isinstance(held.func, ast.Name | ast.Attribute) else "a call"
            )
        self.found.append(Statement(shown, Effect.OTHER, Spot(self.file, at.lineno)))

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Pass() | ast.Return(value=None) | ast.Import() | ast.ImportFrom():
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                self.names.update(_assigned([statement]))
                if isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "create_table":
                    self._call(value)  # the table, for rows that are put in later
                elif any(isinstance(each, ast.Call) and self._acts(each) for each in ast.walk(value)):
                    raise Unread
            case ast.For(target=ast.Name(id=name), iter=values, body=body, orelse=[]):
                listed = constant(values, self.names)
                if not isinstance(listed, tuple):
                    raise Unread
                for each in listed:
                    self.names[name] = ast.Constant(each)
                    self.block(body)
            case ast.If(test=test) if (told := self._told(test)) is not None:
                self.block(statement.body if told else statement.orelse)
            case ast.If() | ast.Try():
                before = len(self.found)
                handlers = statement.handlers if isinstance(statement, ast.Try) else []
                self.block([*statement.body, *(each for one in handlers for each in one.body), *statement.orelse])
                self.block(statement.finalbody if isinstance(statement, ast.Try) else ())
                maybe = self.found[before:]
                asked = [statement.test] if isinstance(statement, ast.If) else []
                if any(isinstance(each, ast.Call) and self._acts(each) for one in asked for each in ast.walk(one)):
                    raise Unread
                if isinstance(statement, ast.If) and not statement.orelse and all(map(_only_adds, maybe)):
                    # As with IF NOT EXISTS: whether or not it happens, nothing is taken away.
                    self.found[before:] = [replace(each, if_exists=True, types=(), checks=()) for each in maybe]
                elif maybe:
                    self._opaque(statement)  # whether it happens is not known
            case ast.With(items=[item], body=body):
                self._inside(item, body, statement)
            case _:
                raise Unread

    def _told(self, test: ast.expr) -> bool | None:
        """Whether a condition holds, where it stands in the file; ``None`` where it does not."""
        try:
            found = constant(test, self.names)
        except Unread:
            return None
        return found if isinstance(found, bool) else None

    def _acts(self, call: ast.Call) -> bool:
        """Whether a call whose answer is kept may change something: anything but a question and a description."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        holder = call.func.value if isinstance(call.func, ast.Attribute) else None
        of_op = isinstance(holder, ast.Name) and (holder.id in self.op or holder.id in self.batches)
        own = isinstance(call.func, ast.Name) and name in self.functions
        return own or (of_op and name not in _SAYS) or name in _ACTS

    def _inside(self, item: ast.withitem, body: list[ast.stmt], at: ast.With) -> None:
        call = item.context_expr
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            raise Unread
        if call.func.attr == "batch_alter_table" and isinstance(item.optional_vars, ast.Name):
            self.batches[item.optional_vars.id] = table_of(call, self.names)
            self.block(body)
        elif call.func.attr == "autocommit_block":
            self._transaction("end", at.lineno)
            self.block(body)
            self._transaction("begin", at.lineno)
        elif call.func.attr in {"begin", "begin_nested", "begin_transaction"}:
            self.block(body)
        else:
            raise Unread

    def _transaction(self, value: str, line: int) -> None:
        self.found.append(Statement("transaction", Effect.SETTING, Spot(self.file, line), value=value))

    def _call(self, call: ast.Call) -> None:
        match call.func:
            case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder in self.op:
                self._operation(name, call, "")
            case ast.Attribute(value=ast.Name(id=batch), attr=name) if batch in self.batches:
                self._operation(name, call, self.batches[batch])
            case ast.Attribute(attr="execute" | "exec_driver_sql"):
                self._sql(call.args[0] if len(call.args) == 1 else None)
            case ast.Attribute(value=held, attr="create" | "drop" as way) if (of_enum := self._enum(held)) is not None:
                made = "CREATE TYPE {} AS ENUM ()" if way == "create" else "DROP TYPE {}"
                read = parse_sql(made.format(quoted(of_enum)), self.file, call.lineno)
                self.found.extend(read.statements)
                self.problems.extend(read.problems)
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in _SAYS:
                given = [*call.args, *(each.value for each in call.keywords)]
                if any(isinstance(each, ast.Call) and self._acts(each) for inner in given for each in ast.walk(inner)):
                    raise Unread
            case ast.Name(id=name) if name in self.functions and not call.args and not call.keywords:
                self.depth += 1
                if self.depth > _DEPTH:
                    raise Unread
                self.block(self.functions[name].body)
                self.depth -= 1
            case _:
                raise Unread

    def _enum(self, held: ast.expr) -> str | None:
        """The name of an enumeration that makes or drops its own type (SQLAlchemy documentation, "ENUM")."""
        made = self.names.get(held.id) if isinstance(held, ast.Name) else held
        if not isinstance(made, ast.Call):
            return None
        kind = made.func.attr if isinstance(made.func, ast.Attribute) else getattr(made.func, "id", "")
        name = next((each.value for each in made.keywords if each.arg == "name"), None)
        told = constant(name, self.names) if name is not None and kind in {"Enum", "ENUM"} else None
        return told if isinstance(told, str) else None

    def _sql(self, written: ast.expr | None) -> None:
        if written is None:
            raise Unread
        text = sql_text(written, self.names)
        read = parse_sql(text, self.file, written.lineno)
        self.found.extend(read.statements)
        self.problems.extend(read.problems)

    def _operation(self, name: str, call: ast.Call, table: str) -> None:
        if name == "execute":
            self._sql(call.args[0] if call.args else next((each.value for each in call.keywords), None))
            return
        if name == "bulk_insert":
            self.found.append(Statement("insert", Effect.DATA, Spot(self.file, call.lineno)))
            return
        if name in {"create_table_comment", "drop_table_comment"} or name in _SAYS:
            return
        for sql, was in operation(name, call, table, self.names):
            read = parse_sql(sql, self.file, call.lineno)
            if read.problems:
                if not any(each.fix == "Correct the statement." for each in read.problems):
                    self.problems.extend(read.problems)  # the grammar is missing
                raise Unread
            at = Spot(self.file, call.lineno)
            self.found.extend(
                replace(each, spot=at, was=was if each.kind == "alter type" else "") for each in read.statements
            )
