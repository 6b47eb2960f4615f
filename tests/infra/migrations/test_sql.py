"""Where statements begin and end, and what is known of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.migrations import sql
from infra.migrations.errors import SetupError
from infra.migrations.sql import IndexBuild, IndexDrop

HOSTILE = {
    "plain": "SELECT 1; SELECT 2",
    "empty statements": ";; SELECT 1 ;;; SELECT 2;",
    "semicolon in a string": "SELECT 'a;b'; SELECT 'it''s;';",
    "backslash is no escape in a plain string": r"SELECT 'a\'; SELECT 'b';",
    "backslash escapes in an E string": r"SELECT E'a\'; b'; SELECT 2;",
    "E string that goes on in the next line": "SELECT E'a'\n 'b\\'; c'; SELECT 2;",
    "word that ends in e before a string": "SELECT date'2026-01-01'; SELECT 2;",
    "quoted name": 'CREATE TABLE "a;""b;" (x int); SELECT 2;',
    "line comment": "SELECT 1 -- no; end\n; SELECT 2;",
    "quote in a comment": "SELECT 1; -- it's\nSELECT 2;",
    "nested comment": "SELECT /* a; /* b; */ c; */ 1; SELECT 2;",
    "dollar quotes": "DO $$ BEGIN PERFORM 1; END $$; SELECT 2;",
    "tagged dollar quotes": "DO $a$ BEGIN PERFORM '$$;'; END; $a$; SELECT 2;",
    "dollar inside a name": "SELECT a$b$c FROM t; SELECT d$b$;",
    "rule with several actions": "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM u; DELETE FROM v); SELECT 2;",
    "body": "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 3; END; SELECT 2;",
    "replaced routine body": "CREATE OR REPLACE PROCEDURE f() BEGIN ATOMIC INSERT INTO t VALUES (1); END; SELECT 2;",
    "column called begin": 'CREATE TABLE t (a int); SELECT 1 AS "begin"; SELECT 2;',
    "umlauts": "SELECT 'ä;ß' AS größe; SELECT 2;",
    "unicode escapes": "SELECT U&'\\0061;'; SELECT 2;",
    "casts and operators": "SELECT '1'::int->2; SELECT a->>'b;' FROM t;",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_statements_come_apart_where_they_end(text: str) -> None:
    found = sql.statements(text)
    assert len(found) == (3 if text.startswith("CREATE TABLE t (a int)") else 2)
    for statement in found:
        assert text[statement.start :].startswith(statement.text)
        # One statement by itself, as the server wants it.
        assert len(sql.statements(statement.text)) == 1


PIECES = [
    "SELECT 'a;'",
    'SELECT 1 AS "x;y"',
    "DO $$ a; $$",
    "SELECT /* ; ' */ 2",
    'SELECT 3 -- ; "\n',
    r"SELECT E'\';'",
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.sampled_from([";", " ;\n", ";\t;"]))
def test_joined_statements_come_apart_again(pieces: list[str], separator: str) -> None:
    assert len(pieces) == len(sql.statements(separator.join(pieces)))


@given(st.text(alphabet="aeE'\"$;-/*\\ \n()", max_size=30))
def test_any_text_is_split_or_refused(text: str) -> None:
    try:
        found = sql.statements(text)
    except SetupError:
        return
    for statement in found:
        assert text[statement.start :].startswith(statement.text)


@pytest.mark.parametrize("text", ["SELECT 'a", 'SELECT "a', "SELECT $$a", "SELECT /* a", "SELECT E'a\\'"])
def test_what_never_ends_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(SetupError, match=r"line 2: PostgreSQL cannot read this: unterminated"):
        sql.statements("\n" + text)


def test_what_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(SetupError) as refusal:
        sql.statements("ALTER ROLE app PASSWORT 'hunter2';\nSELECT 'äö")
    assert "hunter2" not in f"{refusal.value} {refusal.value.fix}"


def test_lines_are_right_after_letters_of_several_bytes() -> None:
    text = "-- äöü: größer\n-- migrate: expand\nSELECT 'ß';\n\nSELECT 2;"
    assert [statement.line for statement in sql.statements(text)] == [3, 5]
    assert [comment.text for comment in sql.comments(text)] == ["-- äöü: größer", "-- migrate: expand"]


def test_a_statement_knows_its_line_and_shows_no_values() -> None:
    [_, statement] = sql.statements("SELECT 1;\n\n-- why\nALTER ROLE app PASSWORD 'hunter2';")
    assert (statement.line, statement.summary) == (4, "ALTER ROLE app PASSWORD")


@pytest.mark.parametrize(
    "text",
    ["BEGIN", "begin work", "START TRANSACTION", "COMMIT", "END", "ROLLBACK", "ABORT", "/* x */ Commit", "DISCARD ALL",
     "PREPARE TRANSACTION 'x'", "SAVEPOINT a"],
)  # fmt: skip
def test_transaction_control_is_seen(text: str) -> None:
    assert sql.ends_transaction(sql.statements(text)[0])


@pytest.mark.parametrize(
    "text", ["SELECT 'COMMIT'", "PREPARE a AS SELECT 1", "CREATE TABLE commit (a int)", "DO $$ BEGIN NULL; END $$"]
)
def test_what_only_looks_like_transaction_control_is_let_through(text: str) -> None:
    assert not sql.ends_transaction(sql.statements(text)[0])


@pytest.mark.parametrize(
    ("text", "work"),
    [
        ("CREATE INDEX CONCURRENTLY a ON t (x)", IndexBuild("a", "t")),
        ("create unique index concurrently if not exists a on only s.t (x)", IndexBuild("a", "s.t")),
        ('CREATE INDEX CONCURRENTLY /* ON u */ "A b" ON "S"."T" (x)', IndexBuild('"A b"', '"S"."T"')),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.a", IndexDrop("s.a")),
        ("CREATE INDEX a ON t (x)", None),
        ("CREATE INDEX concurrently_not ON t (x)", None),
        ("REINDEX INDEX CONCURRENTLY a", None),
        ("SELECT 'CREATE INDEX CONCURRENTLY a ON t (x)'", None),
    ],
)
def test_concurrent_index_work_is_recognised(text: str, work: IndexBuild | IndexDrop | None) -> None:
    assert work == sql.index_work(sql.statements(text)[0])


def test_a_concurrent_build_needs_a_name() -> None:
    with pytest.raises(SetupError, match="without a name"):
        sql.index_work(sql.statements("CREATE INDEX CONCURRENTLY ON t (x)")[0])
