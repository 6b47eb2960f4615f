"""Alembic's revisions as the statements that they come to."""

from __future__ import annotations

import pytest

from checker.collect.migrations.revisions.reading import revisions
from checker.model.migrations.folders import MigrationFolder

_HEAD = "import sqlalchemy as sa\nfrom alembic import op\nT = 'users'\nrevision = 'a1'\ndown_revision = None\n"


def _read(*lines: str) -> MigrationFolder:
    body = "\n".join(f"    {line}" for line in lines)
    found = revisions("versions", {"versions/a1.py": f"{_HEAD}def upgrade():\n{body}\n"}, "")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("op.create_table(T, sa.Column('id', sa.Integer(), primary_key=True))", ["expand create table users"]),
        ("op.create_table(T, *columns())", ["expand create table users"]),
        ("op.drop_table('users', schema='shop')", ["contract drop table shop.users"]),
        (
            "op.add_column(T, sa.Column('a', sa.Text, sa.ForeignKey('b.id'), nullable=True))",
            ["expand add column users"],
        ),
        ("op.add_column(T, sa.Column('a', sa.Text, nullable=False))", ["contract add column users"]),
        ("op.add_column(T, sa.Column('a', sa.Text, nullable=False, server_default=''))", ["expand add column users"]),
        ("op.add_column(table_name=T, column=sa.Column('a', sa.Text))", ["expand add column users"]),
        ("op.add_column(T, mixin.a)", ["other op.add_column(...)"]),
        (
            "op.alter_column(T, 'a', new_column_name='b', nullable=False, server_default=None)",
            ["contract set not null users", "contract drop default users", "contract rename column users"],
        ),
        ("op.alter_column(T, 'a', existing_type=sa.Text(), existing_nullable=False)", []),
        ("op.create_index('i', T, [sa.text('lower(a)'), 'b'], unique=True)", ["contract create index users"]),
        ("op.drop_index('i', table_name=T)", ["expand drop index"]),
        ("op.create_unique_constraint(None, T, ['a'])", ["contract add unique constraint users"]),
        ("op.create_check_constraint('c', T, 'a > 0')", ["contract add check constraint users"]),
        ("op.create_check_constraint('c', T, sa.column('a') > 0)", ["other op.create_check_constraint(...)"]),
        ("op.create_foreign_key('f', T, 'other', ['a'], ['id'])", ["contract add foreign constraint users"]),
        ("op.drop_constraint('c', T, type_='check')", ["expand drop constraint users"]),
        ("op.bulk_insert(table, [{'a': 1}])", ["data insert"]),
        ("op.execute(f'DROP TABLE {T}')", ["contract drop table users"]),
        ("op.execute(sa.text('DELETE FROM users WHERE a = :a').bindparams(a=1))", ["data delete users"]),
        ("op.execute(users.update().values(a=1))", ["other op.execute(...)"]),
        ("[op.drop_column(T, each) for each in names()]", ["other an expression"]),
        ("globals()['upgrade_x']()", ["other a call"]),
        ("kept = op.get_bind()", []),
        ("made = op.create_table(T, sa.Column('id', sa.Integer()))", ["expand create table users"]),
        ("gone = op.drop_table(T)", ["other op.drop_table(...)"]),
        ("gone = [op.drop_table(T)]", ["other an assignment"]),
        ("sa.Enum('x', name='kind').create(op.get_bind(), checkfirst=True)", ["expand create type"]),
        ("postgresql.ENUM(name='kind').drop(op.get_bind())", ["contract drop type"]),
        ("sa.Enum(Kind).create(op.get_bind())", ["other sa.Enum(Kind).create(...)"]),
        ("metadata.create(op.get_bind())", ["other metadata.create(...)"]),
        ("print('begun')", []),
        ("print(op.drop_table(T))", ["other print(...)"]),
    ],
)
def test_an_operation(line: str, said: list[str]) -> None:
    (migration,) = _read(line).migrations
    found = [f"{each.effect.value} {each.kind} {each.table}".strip() for each in migration.statements]
    assert found == said
    assert {each.spot.line for each in migration.statements} <= {7}


def test_what_may_happen_is_said_to_be_open() -> None:
    (migration,) = _read("if op.get_bind().dialect.name == 'postgresql':", "    op.drop_column(T, 'a')").migrations
    assert [each.kind for each in migration.statements] == ["drop column", "if"]


def test_what_only_adds_may_happen_or_not() -> None:
    asked = "if T not in sa.inspect(op.get_bind()).get_table_names():"
    (migration,) = _read(asked, "    op.create_table(T)").migrations
    assert [(each.kind, each.if_exists) for each in migration.statements] == [("create table", True)]
    (migration,) = _read("if asked():", "    op.create_table(T)", "else:", "    op.create_table('b')").migrations
    assert [each.kind for each in migration.statements] == ["create table", "create table", "if"]


def test_a_function_of_the_file_whose_answer_is_kept() -> None:
    for line in ("gone = drop()", "if drop(): pass", "gone = str(drop())"):
        text = f"{_HEAD}def drop():\n    op.drop_table(T)\ndef upgrade():\n    {line}\n"
        found = revisions("v", {"v/a1.py": text}, "")
        assert found is not None
        assert found.migrations[0].statements, line


def test_what_is_around_it_is_open() -> None:
    head = "from alembic import op as o\nrevision = 'a1'\ndown_revision = None\n"
    for written, said in (
        ("def upgrade():\n    o.drop_table('a')\n", ["drop table"]),
        ("def upgrade():\n    try:\n        o.drop_table('a')\n    finally:\n        pass\n", ["drop table", "try"]),
        ("@mine\ndef upgrade():\n    pass\n", ["code around it"]),
        ("o.drop_table('a')\ndef upgrade():\n    pass\n", ["code around it"]),
    ):
        found = revisions("v", {"v/a1.py": head + written}, "")
        assert found is not None
        assert [each.kind for each in found.migrations[0].statements] == said


def test_functions_that_call_themselves_end() -> None:
    (migration,) = _read("upgrade()").migrations
    assert [each.effect.value for each in migration.statements] == ["other"]


@pytest.mark.parametrize(
    "text",
    ["def upgrade(:\n", "revision = make()\ndown_revision = None\ndef upgrade(): pass\n", "revision = 'a'\n", ""],
)
def test_what_is_no_revision_is_left_to_others(text: str) -> None:
    assert revisions("versions", {"versions/x.py": text}, "") is None


def test_a_circle_is_said() -> None:
    texts = {
        f"v/{one}.py": f"revision = '{one}'\ndown_revision = '{two}'\ndef upgrade(): pass\n"
        for one, two in ("ab", "ba")
    }
    found = revisions("v", texts, "")
    assert found is not None
    assert any("in a circle" in each.message for each in found.problems)
