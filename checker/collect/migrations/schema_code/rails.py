"""Migrations of Rails as the SQL that they come to, and that of their ways back.

Sources: Rails Guides, "Active Record Migrations" (what ``change`` can revert, which options that needs, the transaction
around each); Rails API documentation, ``ActiveRecord::ConnectionAdapters::SchemaStatements`` and
``ActiveRecord::Migration::CommandRecorder`` (https://api.rubyonrails.org). A ``default`` is the database's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from checker.collect.migrations.frameworks.changes import Change
from checker.collect.migrations.revisions.columns import Unread
from checker.collect.migrations.schema_code.columns import is_type
from checker.collect.migrations.schema_code.languages.calls import Body, Call, Code, Value
from checker.collect.migrations.schema_code.rails_operations import operation

_NOTHING: Final = frozenset(
    {"change_table_comment", "change_column_comment", "say", "puts", "say_with_time_done", "reset_column_information",
     "p", "announce", "suppress_messages_done"}
)  # fmt: skip
# Run what is handed to them, once.
_AROUND: Final = frozenset({"safety_assured", "say_with_time", "suppress_messages", "transaction", "with_lock_retries"})
_DISABLED: Final = frozenset({"disable_ddl_transaction!", "disable_ddl_transaction"})
# `include` brings in functions: what they do is asked where one is called.
_MARKS: Final = frozenset({*_DISABLED, "include", "extend"})


def is_rails(text: str) -> bool:
    return "ActiveRecord::Migration" in text and ("def change" in text or "def up" in text or "def self.up" in text)


def outside(code: Code) -> bool:
    """Whether it asks for no transaction."""
    return any(each.name in _DISABLED for each in code.marks)


def ways(code: Code) -> tuple[list[tuple[Change, int]], list[tuple[Change, int]] | None]:
    """What a migration's class does, and what its way back does: ``None`` where that is made of ``change``."""
    reader = _Rails(code.functions)
    marks = [(Change(code=f"`{each.name}`"), each.line) for each in code.marks if each.name not in _MARKS]
    if "change" in code.functions:
        return [*marks, *reader.changes(code.functions["change"].calls)], None
    up = code.functions.get("up", Body())
    down = code.functions.get("down")
    back = [*reader.changes(down.calls)] if down is not None else []
    return [*marks, *reader.changes(up.calls)], back


class _Rails(Struct):
    functions: Mapping[str, Body]
    depth: int = 0

    def changes(self, calls: tuple[Call, ...]) -> Iterator[tuple[Change, int]]:
        for each in calls:
            try:
                made = [*self._of(each)]
            except Unread:
                made = [(Change(code=_said(each), back=None), each.line)]
            yield from made

    def _of(self, call: Call) -> Iterator[tuple[Change, int]]:
        name = call.name
        if name in _NOTHING:
            return
        if name == "reversible" and call.body is not None:
            yield from self._reversible(call.body)
        elif name == "up_only" and call.body is not None:
            yield from ((Change(each.sql, (), each.code), at) for each, at in self.changes(call.body.calls))
        elif name == "revert" and call.body is not None:
            for each, at in reversed([*self.changes(call.body.calls)]):
                undone = each.back is None or each.code
                yield Change(each.back or (), each.sql, "revert" if undone else ""), at
        elif name in _AROUND and call.body is not None:
            yield from self.changes(call.body.calls)
        elif name == "change_table":
            yield from self._changed_table(call)
        elif name in self.functions and call.of is None and not call.args and self.depth < 5:
            yield from _Rails(self.functions, self.depth + 1).changes(self.functions[name].calls)
        elif call.of is not None and not _is_connection(call.of):
            raise Unread
        else:
            yield from ((each, call.line) for each in operation(call))

    def _reversible(self, body: Body) -> Iterator[tuple[Change, int]]:
        for each in body.calls:
            inner = [*self.changes(each.body.calls)] if each.body is not None else []
            if each.name not in {"up", "down"} or (each.body is None):
                yield Change(code=_said(each), back=None), each.line
            for change, at in inner:
                if each.name == "up":
                    yield Change(change.sql, (), change.code), at
                else:
                    yield Change((), ("DO ''",) if change.code else change.sql), at

    def _changed_table(self, call: Call) -> Iterator[tuple[Change, int]]:
        table = call.text(0)
        for each in call.body.calls if call.body is not None else ():
            try:
                made = [*_in_table(each, table)]
            except Unread:
                made = [Change(code=_said(each), back=None)]
            yield from ((one, each.line) for one in made)


def _said(call: Call) -> str:
    return f"{call.name}(...)" if call.name else "code"


def _is_connection(of: Value) -> bool:
    chain = [each.name for each in of.chain()] if isinstance(of, Call) else []
    return bool(chain) and chain[-1] in {"connection", "lease_connection"}


_OF_TABLE: Final[Mapping[str, str]] = {
    "remove": "remove_columns", "rename": "rename_column", "index": "add_index", "change": "change_column",
    "change_default": "change_column_default", "change_null": "change_column_null", "remove_index": "remove_index",
    "timestamps": "add_timestamps", "remove_timestamps": "remove_timestamps", "references": "add_reference",
    "belongs_to": "add_reference", "remove_references": "remove_reference", "remove_belongs_to": "remove_reference",
    "foreign_key": "add_foreign_key", "remove_foreign_key": "remove_foreign_key",
    "check_constraint": "add_check_constraint", "remove_check_constraint": "remove_check_constraint",
    "column": "add_column",
}  # fmt: skip


def _in_table(call: Call, table: str) -> Iterator[Change]:
    """A call in the block of ``change_table``: the same as the migration's own, with the table left out."""
    other = _OF_TABLE.get(call.name)
    if other is not None:
        yield from operation(Call(other, call.line, (table, *call.args), call.named))
    elif is_type(call.name):
        for name in call.args:
            yield from operation(Call("add_column", call.line, (table, name, call.name), call.named))
    else:
        raise Unread
