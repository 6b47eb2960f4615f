"""Liquibase's change logs in XML, YAML and JSON: each change set as the SQL that its changes come to.

A way back is what ``rollback`` says, or Liquibase's own where each change has one. Sources: Liquibase documentation,
"Change Types" (which have an automatic roll-back), "Rollback" and "include". A change log that is not understood has a
problem; ``preConditions``, contexts and labels are passed over: what a change set does is what it may do.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.documents import read_text
from checker.collect.migrations.frameworks.changes import Change, only_adds, statements
from checker.collect.migrations.revisions.columns import Column, Unread, quoted
from checker.collect.migrations.schema_code.columns import altered, created, index, table_name, type_of
from checker.collect.migrations.sql import parse_sql
from checker.collect.migrations.sql_context import in_context
from checker.collect.seen import asked
from checker.collect.yaml_nodes import construct
from checker.errors import InputError
from checker.model.migrations.folders import Effect, Migration, MigrationFolder, SqlFile, Statement
from checker.model.sources import Problem, Spot

_MAX_NODES: Final = 200_000
_TYPE: Final = lazy_re.compile(r"(?:java\.sql\.Types\.)?([A-Za-z_][\w ]*?)\s*(?:\(\s*(\d+)(?:\s*,\s*(\d+))?[^)]*\))?")
_WITH_ZONE: Final = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}
_NOTHING: Final = frozenset(
    {"tagDatabase", "empty", "output", "comment", "validCheckSum", "preConditions", "rollback", "property",
     "setTableRemarks", "setColumnRemarks", "modifySql"}
)  # fmt: skip
_DEFAULTS: Final = ("defaultValue", "defaultValueNumeric", "defaultValueBoolean", "defaultValueDate",
                    "defaultValueComputed", "defaultValueSequenceNext")  # fmt: skip
Read = Callable[[str], str | None]


class _Node(Struct):
    """An element, or a key with what stands below it."""

    name: str
    line: int
    given: dict[str, str] = field(default_factory=dict)
    below: list[_Node] = field(default_factory=list)
    text: str = ""

    def get(self, name: str) -> str:
        """A value that it must have. Raises :class:`Unread`."""
        found = self.given.get(name)
        if not found:
            raise Unread
        return found

    def every(self, name: str) -> Iterator[_Node]:
        return (each for each in self.below if each.name == name)

    @property
    def table(self) -> str:
        schema = self.given.get("schemaName")
        return f"{schema}.{self.get('tableName')}" if schema else self.get("tableName")


# -- reading ---------------------------------------------------------------------------------------


def _from_xml(text: str) -> _Node | None:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None  # what it declares may be anything, and a lot of it
    root = _Node("", 1)
    open_ones = [root]
    parser = expat.ParserCreate()

    def begins(name: str, given: Mapping[str, str]) -> None:
        node = _Node(name.rpartition(":")[2], parser.CurrentLineNumber, dict(given))
        open_ones[-1].below.append(node)
        open_ones.append(node)

    def ends(_: str) -> None:
        open_ones.pop()

    def says(data: str) -> None:
        open_ones[-1].text += data

    parser.StartElementHandler = begins
    parser.EndElementHandler = ends
    parser.CharacterDataHandler = says
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except (expat.ExpatError, ValueError):
        return None
    return root.below[0] if root.below and root.below[0].name == "databaseChangeLog" else None


def _from_yaml(text: str, file: str) -> _Node | None:
    try:
        data, lines = construct(text, file, _MAX_NODES, yaml_1_2_booleans=True)
    except InputError:
        return None
    listed = data.get("databaseChangeLog") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None
    root = _Node("databaseChangeLog", 1)
    _put(root, listed, ("databaseChangeLog",), lines)
    return root


def _put(node: _Node, value: Any, path: tuple[str, ...], lines: Mapping[tuple[str | int, ...], int]) -> None:
    """What stands below a key. ``changes``, ``columns`` and ``where`` only hold what belongs to it."""
    if isinstance(value, list):
        for position, each in enumerate(value):
            _put(node, each, (*path, str(position)), lines)
    elif isinstance(value, dict):
        for key, each in value.items():
            at = (*path, key)
            if key in {"changes", "columns"}:
                _put(node, each, at, lines)
            elif isinstance(each, dict | list) or key in {"rollback", "sql"}:
                inner = _Node(str(key), lines.get(at, node.line))
                _put(inner, each, at, lines)
                if key == "sql" and node.name == "sql":
                    node.text = inner.text
                else:
                    node.below.append(inner)
            elif each is not None:
                node.given[str(key)] = str(each).lower() if isinstance(each, bool) else str(each)
    elif value is not None:
        node.text += str(value)


# -- change sets -----------------------------------------------------------------------------------


def change_logs(folder: str, texts: Mapping[str, str], root: Path) -> Iterator[MigrationFolder]:
    """The change sets of a folder's change logs, in the order in which one of them includes the others, or else of
    their names; nothing where they hold none. ``root`` is the repository's."""

    def read(path: str) -> str | None:
        for each in (root / path, root / "src/main/resources" / path):
            if asked(each).is_file() and each.resolve().is_relative_to(root.resolve()):
                try:
                    return read_text(each, path)
                except InputError:
                    return None
        return None

    found: dict[str, _Node] = {}
    problems: list[Problem] = []
    for file, text in sorted(texts.items()):
        if "databaseChangeLog" not in text:
            continue
        top = _from_xml(text) if file.endswith(".xml") else _from_yaml(text, file)
        if top is None:
            problems.append(Problem(Spot(file), "a change log that is not understood is not read", "Correct it."))
        else:
            found[file] = top
    included = [path for file, top in found.items() for path in _included(file, top, found)]
    order = dict.fromkeys([*included, *found])
    migrations = [each for file in order for each in _sets(file, found[file], read)]
    if migrations:
        shown = ", ".join(file.rpartition("/")[2] for file in [*order][:3])
        more = f" and {len(order) - 3} more" if len(order) > 3 else ""
        problems.append(Problem(Spot(folder), f"took {shown}{more} for Liquibase's change logs", "", False))
    if problems:
        yield MigrationFolder(folder, "liquibase", tuple(migrations), tuple(problems))


def _included(file: str, root: _Node, known: Mapping[str, _Node]) -> Iterator[str]:
    for each in root.every("include"):
        path = each.given.get("file", "").removeprefix("classpath:").lstrip("/")
        name = path.rpartition("/")[2]
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        yield from [beside] if beside in known else [one for one in known if one.rpartition("/")[2] == name]


def _sets(file: str, root: _Node, read: Read) -> Iterator[Migration]:
    sets = list(root.every("changeSet"))
    for each in sets:
        number = each.given.get("id", "")
        yield Migration(number, "", *_ways(file, each, read), part=number if len(sets) > 1 else "")


def _ways(file: str, node: _Node, read: Read) -> tuple[SqlFile, SqlFile | None]:
    done = [(change, each.line) for each in node.below for change in _changes(each, file, read)]
    up = tuple(in_context([each for change, at in done for each in statements(change.sql, change.code, file, at)]))
    header = tuple((Spot(file, each.line), each.text.strip()) for each in node.every("comment"))
    there = SqlFile(file, up, header, (), node.given.get("runInTransaction") == "false")
    told = list(node.every("rollback"))
    if not told:
        if only_adds(up) or any(change.back is None for change, _ in done):
            return there, None
        back = [
            each
            for change, at in reversed(done)
            for each in (*_unread(change, file, at), *statements(change.back or (), "", file, at))
        ]
        return there, SqlFile(file, tuple(in_context(back)))
    if any({"changeSetId", "changeSetPath"} & {*each.given} for each in told):
        problem = Problem(Spot(file, told[0].line), "its way back is another change set: not read", "Write it out.")
        return there, SqlFile(file, (), (), (problem,))
    back = [each for one in told for each in _rolled_back(one, file, read)]
    return there, SqlFile(file, tuple(in_context(back))) if back else None


def _unread(change: Change, file: str, at: int) -> Iterator[Statement]:
    if change.code:
        yield Statement(f"the way back of {change.code}", Effect.OTHER, Spot(file, at))


def _rolled_back(node: _Node, file: str, read: Read) -> Iterator[Statement]:
    if node.text.strip():
        yield from statements((node.text,), "", file, node.line)
    for each in node.below:
        for change in _changes(each, file, read):
            yield from statements(change.sql, change.code, file, each.line)


def _changes(node: _Node, file: str, read: Read) -> Iterator[Change]:
    if node.name in _NOTHING:
        return
    try:
        made = list(_change(node, file, read))
    except Unread:
        made = [Change(code=f"{node.name}", back=None)]
    yield from made


def _change(node: _Node, file: str, read: Read) -> Iterator[Change]:
    """What one change comes to."""
    name = node.name
    if name == "createTable":
        columns = [_column(each) for each in node.every("column")]
        exists = node.given.get("ifNotExists") == "true"
        yield Change((created(node.table, columns, exists=exists),), (f"DROP TABLE {table_name(node.table)}",))
    elif name == "addColumn":
        for each in map(_column, node.every("column")):
            at = altered(node.table)
            yield Change((f"{at} ADD COLUMN {each.definition}",), (f"{at} DROP COLUMN {quoted(each.name)}",))
    elif name == "dropColumn":
        named = [each.get("name") for each in node.every("column")] or [node.get("columnName")]
        yield Change(tuple(f"{altered(node.table)} DROP COLUMN {quoted(each)}" for each in named), None)
    elif name == "mergeColumns":
        whole = node.get("finalColumnName")
        parts = [each for each in (node.get("column1Name"), node.get("column2Name")) if each != whole]
        at, kind = altered(node.table), _type(node.get("finalColumnType"), node.line)
        made = f"{at} ADD COLUMN {Column(whole, kind).definition}"
        filled = _FILLS.format(table_name(node.table), quoted(whole))
        yield Change((made, filled, *(f"{at} DROP COLUMN {quoted(each)}" for each in parts)), None)
    elif name in _TABLES:
        yield _of_table(node)
    elif name in {"createIndex", "dropIndex"}:
        own = quoted(node.get("indexName"))
        if name == "dropIndex":
            yield Change((f"DROP INDEX {own}",), None)
            return
        columns_of = tuple(each.get("name") for each in node.every("column"))
        unique = node.given.get("unique") == "true"
        yield Change((index(node.table, columns_of, node.get("indexName"), unique=unique),), (f"DROP INDEX {own}",))
    elif name in {"sql", "sqlFile"}:
        yield Change((_sql(node, file, read),), None)
    elif name in {"insert", "loadData", "loadUpdateData", "update", "delete"}:
        yield Change((_rows(node),), None)
    elif name == "createView":
        made = f"CREATE OR REPLACE VIEW {table_name(node.get('viewName'))} AS {node.text.strip()}"
        yield Change((made,), (f"DROP VIEW {table_name(node.get('viewName'))}",))
    elif name in {"dropView", "dropSequence"}:
        kind = name.removeprefix("drop")
        yield Change((f"DROP {kind.upper()} {table_name(node.get(f'{kind.lower()}Name'))}",), None)
    elif name == "createSequence":
        own = table_name(node.get("sequenceName"))
        yield Change((f"CREATE SEQUENCE {own}",), (f"DROP SEQUENCE {own}",))
    else:
        raise Unread


_FILLS: Final = "UPDATE {} SET {} = NULL"
_TABLES: Final = frozenset(
    {"dropTable", "renameTable", "renameColumn", "addNotNullConstraint", "dropNotNullConstraint", "modifyDataType",
     "addDefaultValue", "dropDefaultValue", "addUniqueConstraint", "dropUniqueConstraint", "addPrimaryKey",
     "dropPrimaryKey", "addForeignKeyConstraint", "dropForeignKeyConstraint"}
)  # fmt: skip


def _of_table(node: _Node) -> Change:
    """A change of a table that is there."""
    match node.name:
        case "dropTable":
            return Change((f"DROP TABLE {table_name(node.table)}",), None)
        case "renameTable":
            old, new = node.get("oldTableName"), node.get("newTableName")
            back = f"{altered(new)} RENAME TO {quoted(old)}"
            return Change((f"{altered(old)} RENAME TO {quoted(new)}",), (back,))
        case "addForeignKeyConstraint" | "dropForeignKeyConstraint":
            at, own = altered(node.get("baseTableName")), quoted(node.get("constraintName"))
            if node.name.startswith("drop"):
                return Change((f"{at} DROP CONSTRAINT {own}",), None)
            to, columns = table_name(node.get("referencedTableName")), _listed(node.get("baseColumnNames"))
            key = f"FOREIGN KEY ({columns}) REFERENCES {to}"
            return Change((f"{at} ADD CONSTRAINT {own} {key}",), (f"{at} DROP CONSTRAINT {own}",))
    at = altered(node.table)
    match node.name:
        case "renameColumn":
            old, new = quoted(node.get("oldColumnName")), quoted(node.get("newColumnName"))
            return Change((f"{at} RENAME COLUMN {old} TO {new}",), (f"{at} RENAME COLUMN {new} TO {old}",))
        case "addUniqueConstraint" | "addPrimaryKey":
            kind = "UNIQUE" if node.name == "addUniqueConstraint" else "PRIMARY KEY"
            own = quoted(node.given.get("constraintName") or f"{node.table}_{kind}")
            columns = _listed(node.get("columnNames"))
            return Change((f"{at} ADD CONSTRAINT {own} {kind} ({columns})",), (f"{at} DROP CONSTRAINT {own}",))
        case "dropUniqueConstraint" | "dropPrimaryKey":
            own = quoted(node.given.get("constraintName") or f"{node.table}_pkey")
            return Change((f"{at} DROP CONSTRAINT {own}",), None)
    column = f"{at} ALTER COLUMN {quoted(node.get('columnName'))}"
    match node.name:
        case "addNotNullConstraint":
            return Change((f"{column} SET NOT NULL",), (f"{column} DROP NOT NULL",))
        case "dropNotNullConstraint":
            return Change((f"{column} DROP NOT NULL",), (f"{column} SET NOT NULL",))
        case "addDefaultValue":
            return Change((f"{column} SET DEFAULT (now())",), (f"{column} DROP DEFAULT",))
        case "dropDefaultValue":
            return Change((f"{column} DROP DEFAULT",), None)
    return Change((f"{column} TYPE {_type(node.get('newDataType'), node.line)}",), None)


def _column(node: _Node) -> Column:
    name, told = node.get("name"), {k: v for each in node.every("constraints") for k, v in each.given.items()}
    filled = any(each in node.given for each in _DEFAULTS) or node.given.get("autoIncrement") == "true"
    null, key = told.get("nullable", "true"), told.get("primaryKey") == "true"
    if null not in {"true", "false"}:
        raise Unread
    kind = _type(node.get("type"), node.line)
    return Column(name, kind, null == "true", filled, key, told.get("unique") == "true")


def _type(written: str, line: int) -> str:
    match = _TYPE.fullmatch(written.strip())
    if match is None:
        return quoted(written)
    name = _WITH_ZONE.get(match[1].lower(), match[1].lower())
    return type_of(name, int(match[2]) if match[2] else None, int(match[3]) if match[3] else None, line)


def _listed(names: str) -> str:
    return ", ".join(quoted(each.strip()) for each in names.split(","))


def _sql(node: _Node, file: str, read: Read) -> str:
    text: str | None = node.text or node.given.get("sql", "")
    if node.name == "sqlFile":
        path = node.get("path").removeprefix("classpath:").lstrip("/")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        text = read(beside) if node.given.get("relativeToChangelogFile") == "true" else read(path) or read(beside)
    if not text or parse_sql(text, file, node.line).problems:
        raise Unread
    return text


def _rows(node: _Node) -> str:
    table = table_name(node.table)
    written = ", ".join(f"{quoted(each.get('name'))} = NULL" for each in node.every("column"))
    made = {"delete": "DELETE FROM {}", "update": "UPDATE {} SET {}"}.get(node.name, "INSERT INTO {} DEFAULT VALUES")
    return made.format(table, written or '"some of it" = NULL')
