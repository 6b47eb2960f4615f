"""Whether a migration can be taken back: what its down file leaves behind, and what a header promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.migrations.folders import Effect, Migration, MigrationFolder, SqlFile, Statement, Upsert, is_sql
from checker.model.sources import Spot

# `contract of 0007 released in v1.2.0`, `contracts: 0007, released: v1.2.0`, `contract (expand 0007, release v1.2.0)`.
_CONTRACT: Final = lazy_re.compile(r"\bcontracts?\b", re.IGNORECASE)
_EXPAND: Final = lazy_re.compile(r"^(?:[\w-]+\s*:\s*)?expand\b(?!\s*/)", re.IGNORECASE)
_NUMBER: Final = lazy_re.compile(r"(?<![\w.])[Vv]?(\d+)(?![\w.]*\.\d)")
# A revision of Alembic's is named by hexadecimal digits.
_REVISION: Final = lazy_re.compile(r"\bof\s+(?:revision\s+)?((?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{4,40})\b")
_RELEASE: Final = lazy_re.compile(r"\breleased?\b\s*(?:in|with|by|:|=)?\s*([\w.+-]*\d[\w.+-]*)", re.IGNORECASE)


class Promise(Struct, frozen=True):
    """What a migration's header says: that it expands, or which expand it is the contract half of, and its release."""

    kind: str  # "expand" or "contract"
    spot: Spot
    expand: str = ""
    release: str = ""


def promise_of(file: SqlFile) -> Promise | None:
    """The header's promise; ``None`` where it makes none."""
    for spot, line in file.header:
        if _CONTRACT.search(line) and (":" in line or line.lower().startswith("contract")):
            release = _RELEASE.search(line)
            rest = line[: release.start()] + line[release.end() :] if release else line
            number = _REVISION.search(rest) or _NUMBER.search(rest)
            return Promise("contract", spot, number[1] if number else "", release[1] if release else "")
        if _EXPAND.search(line):
            return Promise("expand", spot)
    return None


def takes_away(file: SqlFile) -> tuple[Statement, ...]:
    """The statements that break code which is still running."""
    return tuple(each for each in file.statements if each.effect is Effect.CONTRACT and not each.new_table)


def opaque(file: SqlFile) -> tuple[Statement, ...]:
    """The statements whose effect on the schema cannot be told."""
    return tuple(each for each in file.statements if each.effect is Effect.OTHER)


def unread(file: SqlFile) -> tuple[Statement, ...]:
    """Those of which it is not told either what the loss would be."""
    return tuple(each for each in opaque(file) if each.kind not in _CONCERNS)


def taken_by_code(file: SqlFile) -> tuple[Statement, ...]:
    """What a block of code, or a function that the file calls, takes away."""
    return tuple(
        inner
        for each in file.statements
        for inner in each.inside
        if inner.effect is Effect.CONTRACT and not inner.new_table
    )


def changes_rows(file: SqlFile) -> tuple[Statement, ...]:
    """The statements that change or delete rows which were there before."""
    return tuple(
        each
        for one in file.statements
        for each in (one, *one.inside)
        if each.effect is Effect.DATA and each.kind in {"update", "delete", "merge", "upsert"} and not each.new_table
    )


def fills_what_was_added(statement: Statement, earlier: Sequence[Migration]) -> bool:
    """Whether an update writes columns only that an earlier migration has added to a table that was there."""
    added = {
        (each.table, column)
        for migration in earlier
        for each in migration.up.statements
        if each.kind == "add column"
        for column in each.columns
    }
    return bool(statement.columns) and all((statement.table, each) in added for each in statement.columns)


def does_nothing(file: SqlFile) -> bool:
    """Whether a way back changes nothing at all."""
    return all(each.effect is Effect.SETTING or each.kind == "select" for each in file.statements)


def rolled_back_from_outside(file: SqlFile) -> Statement | None:
    """The ROLLBACK of a file that has not begun the transaction: what stands before it is taken back where somebody
    else has, and is not where nobody has."""
    first = next((each for each in file.statements if each.value in {"begin", "end"}), None)
    return first if first is not None and first.name == "rollback" else None


def fails_always(file: SqlFile) -> Statement | None:
    """A block of code that ends in an error whatever it finds."""
    return next((each for each in file.statements if each.kind == "do" and each.value == "error"), None)


def _in_the_end(down: SqlFile, up: SqlFile) -> SqlFile:
    """A way back without what it takes back itself: what it makes and drops then, or drops and makes again."""
    before = {_thing(each) for each in up.statements if each.kind.startswith("drop ")}
    last = {(each.kind.split()[0], _thing(each)): at for at, each in enumerate(down.statements)}

    def stays(at: int, each: Statement) -> bool:
        verb, thing = each.kind.split()[0], _thing(each)
        other = {"create": "drop", "add": "drop", "drop": "add" if each.kind == "drop column" else "create"}.get(verb)
        if verb == "drop" and thing in before:
            return True
        return other is None or not any(thing) or last.get((other, thing), -1) < at

    return replace(down, statements=tuple(each for at, each in enumerate(down.statements) if stays(at, each)))


def _thing(each: Statement) -> tuple[str, str, str]:
    """What a statement makes or drops."""
    kind = each.kind.partition(" ")[2]
    if kind == "column":
        return kind, _last(each.table), each.columns[0] if each.columns else ""
    return kind, "", _last(each.name or each.table)


def left_behind(migration: Migration) -> Iterator[Statement]:
    """What the up file does and the down file does not undo."""
    if migration.down is None:
        return
    down, made_here = _in_the_end(migration.down, migration.up), set[str]()
    undoing = [*_in_schemas(down)]
    for each, schema in _in_schemas(migration.up):
        its_own = each.kind.startswith("drop ") and _last(each.name) in made_here
        same = [one for one, other in undoing if not (schema and other) or schema == other]
        if not each.new_table and not its_own and not _is_undone(each, replace(down, statements=tuple(same))):
            yield each
        if each.kind.startswith(("create ", "rename ")):
            made_here.add(_last(each.name))


# What is dropped by its name alone, with that of its table in front or without.
_OF_A_TABLE: Final = ("policy", "trigger", "constraint", "rule", "schema", "owned")


def _in_schemas(file: SqlFile) -> Iterator[tuple[Statement, str]]:
    """Statements, each with the schema that it is about: its name's own, or what ``search_path`` has been set to; empty
    where that is not told, or it is about none."""
    path = ""
    for each in file.statements:
        if each.effect is Effect.SETTING and each.name == "search_path":
            first = each.value.partition(",")[0].strip(" '\"")
            path = "" if first in {"$user", "public"} else first
        named = each.table or each.name
        of_none = each.effect is Effect.SETTING or not named or (not each.table and each.kind.endswith(_OF_A_TABLE))
        yield each, "" if of_none else named.rpartition(".")[0] or path


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_undone(done: Statement, down: SqlFile) -> bool:
    table, name, columns = _last(done.table), _last(done.name), set(done.columns)

    def any_of(*kinds: str, named: str = "", on: str = "", of: set[str] | None = None) -> bool:
        return any(
            each.kind in kinds
            and (not named or _last(each.name) == named)
            and (not on or _last(each.table) == on)
            and (of is None or of & set(each.columns))
            for each in down.statements
        )

    schema = (done.table or done.name).rpartition(".")[0]  # of a bare name it is not told
    if any_of("drop owned") or any_of("drop schema", named=schema):
        return True
    gone = any_of("drop table", "drop view", on=table) if table else False
    match done.kind:
        case "update" | "delete" | "merge" | "upsert" if table and is_sql(down.file):
            # Which rows it was only the run knows: what takes them back is about the same table, or is code.
            return gone or bool(opaque(down)) or any_of("rename table") or _is_about(table, down)
        case "create table" | "create view":
            return gone or any_of("rename table", on=table) or any_of("create view", on=table) or done.if_exists
        case "add column":
            of_types = {_last(kind) for _, kind in done.types}
            with_it = any(each.value == "cascade" and _last(each.name) in of_types for each in down.statements)
            return gone or with_it or any_of("drop column", "rename column", on=table, of=columns)
        case "create index":
            undone = any_of("drop index", "drop constraint", named=name) if name else any_of("drop index")
            return gone or undone or any_of("drop column", on=table, of=columns) or done.if_exists
        case "drop column":
            named_so = any(any_of("rename column", on=table, named=each) for each in columns)
            return named_so or any_of("add column", on=table, of=columns) or any_of("create table", on=table)
        case "drop table":
            return any_of("create table", "rename table", on=name) or any_of("rename table", named=name)
        case "rename column":
            return any_of("rename column", on=table, of={done.name}) or any_of("drop column", on=table, of={done.name})
        case "rename table":
            return any_of("rename table", on=name)
        case "alter type":
            return any_of("alter type", "add column", on=table, of=columns)
        case "set not null":
            return gone or any_of("drop not null", "drop column", on=table, of=columns)
        case "drop expression":
            return gone or any_of("set expression", "drop column", "add column", on=table, of=columns)
        case "disable trigger" | "disable rule":
            on = [each for each in down.statements if each.kind == done.kind.replace("disable", "enable")]
            same = (each for each in on if _last(each.table) == table and each.name in {"", done.name})
            return gone or any(each.value in {"all", done.value} for each in same)
        case "enable row security":
            return gone or any_of("disable row security", on=table)
        case "force row security":
            return gone or any_of("no force row security", "disable row security", on=table)
        case _ if done.kind.startswith("add ") and done.kind.endswith(" constraint") and name:
            # An index that a constraint has made is the constraint in MySQL; PostgreSQL drops it with that alone.
            kinds = ("drop constraint",) if _is_for_postgresql(down) else ("drop constraint", "drop index")
            dropped = any_of(*kinds, named=name)
            return gone or dropped or any_of("drop column", on=table, of=columns)
        case "create trigger":
            replaced = any_of("drop function", "create trigger", named=name)
            return not name or gone or replaced or _drops_of_table("trigger", name, table, down)
        case "create type" | "create sequence" | "create function":
            kind = done.kind.removeprefix("create ")
            return not name or gone or any_of(f"drop {kind}", "drop function", done.kind, named=name)
        case "create policy":
            return gone or _drops_of_table("policy", name, table, down) or any_of("disable row security", on=table)
    if not is_sql(down.file) or done.if_exists or not name:  # a framework makes its way back itself
        return True
    made = [each for each in down.statements if not each.name or _last(each.name) == name]
    match done.kind:
        case "drop index" | "drop constraint":
            again = (each.kind == "create index" or each.kind.startswith(("add ", "rename ")) for each in made)
            return any(again) or any_of("create table", on=table)
        case "drop view" | "drop function" | "drop type" | "drop sequence" | "drop trigger" | "drop policy":
            return any(each.kind == done.kind.replace("drop", "create") for each in made)
    return True


def _is_about(table: str, down: SqlFile) -> bool:
    return any(_last(each.table or each.name) == table for one in down.statements for each in (one, *one.inside))


def _drops_of_table(kind: str, name: str, table: str, down: SqlFile) -> bool:
    """Whether a trigger or a policy goes that others may have the name of: each table has its own ones."""
    named = (each.name.rpartition(".") for each in down.statements if each.kind == f"drop {kind}")
    return any(each[2] == name and (down.system or _last(each[0]) in {"", table}) for each in named)


def _is_for_postgresql(file: SqlFile) -> bool:
    """Whether SQL is written for PostgreSQL; what a framework's code is for is not told."""
    return is_sql(file.file) and not file.system


_GRANTS: Final = frozenset({"grant", "revoke"})
_RIGHTS: Final = frozenset(
    {"select", "insert", "update", "delete", "truncate", "references", "trigger", "execute", "usage", "create"}
)


def lost_rights(migration: Migration, earlier: Sequence[Migration]) -> Statement | None:
    """What takes away from a role what an earlier migration has given it, and nothing here gives back: somebody works
    with it. Whom the loss of any other right concerns is not told."""
    given: dict[tuple[str, str], set[str]] = {}
    for each in (each for one in earlier for each in one.up.statements if each.kind in _GRANTS):
        for role in each.columns:
            held = given.setdefault((each.table, role), set())
            held |= _rights(each) if each.kind == "grant" else set()
            held -= _rights(each) if each.kind == "revoke" else set()
    lost: dict[tuple[str, str], tuple[set[str], Statement]] = {}
    for each in migration.up.statements if given else ():
        for role in each.columns if each.kind in _GRANTS and not each.new_table else ():
            # What was given on every table of a schema is no right on a function, ``function f``.
            own = given.get((each.table, role), set()) | (set() if " " in each.table else given.get(("", role), set()))
            before, first = lost.get((each.table, role), (set(), each))
            now = before - _rights(each) if each.kind == "grant" else before | (own & _rights(each))
            lost[each.table, role] = now, first if before else each
    return next((each for rights, each in lost.values() if rights), None)


def _rights(statement: Statement) -> set[str]:
    return {each for each in statement.value.lower().split(",") if each} or set(_RIGHTS)


# --- row security -----------------------------------------------------------------------------------------------------

# A table's owner goes past it until it is forced, whoever migrates owns what the migrations make, and most programs
# connect as just that role. Source: PostgreSQL documentation, "Row Security Policies": "Table owners normally bypass
# row security as well, though a table owner can choose to be subject to row security with ALTER TABLE ... FORCE ROW
# LEVEL SECURITY."
# What there is only where somebody other than the owner works with the tables, or where the owner is bound too.
_OTHERS: Final = frozenset({"force row security", "grant", "revoke", "create role", "alter default privileges"})
_HIDES: Final = frozenset({"enable row security", "create policy"})
_OWNER: Final = "the program may connect as the table's owner, whom row security does not bind until it is forced"


def for_owners(folder: MigrationFolder) -> MigrationFolder:
    """The folder, with what row security takes away left open where nothing in it shows who is bound."""
    statements = [each for migration in folder.migrations for each in migration.up.statements]
    if any(_is_for_others(each) for each in statements) or not any(each.kind in _HIDES for each in statements):
        return folder
    return replace(folder, migrations=tuple(map(_left_open, folder.migrations)))


def binds_whom(file: SqlFile) -> Statement | None:
    """What takes away where it is open whether it concerns the program: by row security, for one."""
    return next((each for each in opaque(file) if each.kind in {*_HIDES, *_CONCERNS}), None)


def for_upserts(folder: MigrationFolder, upserts: Sequence[Upsert]) -> MigrationFolder:
    """The folder, with what drops a unique key taken for what takes away where a program's insert names that key."""
    gone = any(each.keys and each.kind in _KEYS_GO for one in folder.migrations for each in one.up.statements)
    if not upserts or not gone:
        return folder
    return replace(folder, migrations=tuple(_relied_on(each, upserts) for each in folder.migrations))


_KEYS_GO: Final = frozenset({"drop constraint", "drop index"})
_CONCERNS: Final = _KEYS_GO | {"change owner"}


def _relied_on(migration: Migration, upserts: Sequence[Upsert]) -> Migration:
    statements = tuple(
        _of_upserts(each, upserts) if each.keys and each.kind in _KEYS_GO else each for each in migration.up.statements
    )
    return replace(migration, up=replace(migration.up, statements=statements))


def _of_upserts(statement: Statement, upserts: Sequence[Upsert]) -> Statement:
    (key,) = statement.keys
    table, columns = _last(statement.table), {*key.columns}
    found = [
        each
        for each in upserts
        if each.table in {"", table}
        and (each.constraint == key.name if each.constraint else columns <= {*each.columns})
        and (not each.sure or each.constraint or columns == {*each.columns})
    ]
    surely = next((each for each in found if each.sure and (each.table or each.constraint)), None)
    if surely is not None:
        why = f"ON CONFLICT at {surely.spot} finds no key then"
        return replace(statement, effect=Effect.CONTRACT, why=why)
    if found:
        return replace(statement, effect=Effect.OTHER, why=f"the upsert at {found[0].spot} may name this key")
    return statement


def _is_for_others(each: Statement) -> bool:
    return each.kind in _OTHERS or (each.kind == "create policy" and each.value == "roles")


def _left_open(migration: Migration) -> Migration:
    statements = tuple(
        replace(each, effect=Effect.OTHER, why=f"{each.why}, and {_OWNER}")
        if each.kind in _HIDES and each.effect is Effect.CONTRACT and not each.new_table
        else each
        for each in migration.up.statements
    )
    return replace(migration, up=replace(migration.up, statements=statements))
