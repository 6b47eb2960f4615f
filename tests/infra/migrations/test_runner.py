"""The commands, on a real server."""

import pytest

from infra import naming
from infra.migrations import files
from tests.infra.migrations.conftest import Run
from tests.infra.migrations.support import FIRST, LOCK_HELD, REPOSITORY, SECOND, Site

TABLE = {"_0001_a__up": "CREATE TABLE a (x int);", "_0001_a__down": "DROP TABLE a;"}
INDEX = {
    "_0002_i__up": "-- migrate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY i ON a (x);",
    "_0002_i__down": "-- migrate: no-transaction\nDROP INDEX CONCURRENTLY i;",
}
INDEX_STATE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('i')"


def test_up_applies_everything_once_and_records_it(site: Site, run: Run) -> None:
    site.write(**TABLE, **INDEX)
    assert run(site, "up").code == 0
    assert site.history() == [(1, "applied", FIRST), (2, "applied", FIRST)]
    assert site.query(INDEX_STATE) == [(True,)]
    [(name, checksum, timed)] = site.query(
        "SELECT name, length(checksum), duration_ms >= 0 AND applied_at >= started_at FROM doc_platform_migrations "
        "WHERE number = 1"
    )
    assert (name, checksum, timed) == ("a", 64, True)
    again = run(site, "up", release=SECOND)
    assert (again.code, again.out.splitlines()[-2:]) == (0, ["nothing to be applied", "lock released"])
    assert site.history() == [(1, "applied", FIRST), (2, "applied", FIRST)]


def test_up_says_what_it_does(site: Site, run: Run) -> None:
    site.write(**TABLE)
    assert run(site, "up").out.splitlines() == [
        f"connected to {site.name} on {site.host}:5432",
        "lock obtained",
        "0001_a up: started",
        "0001_a up: statement 1/1, line 1: CREATE TABLE a",
        "0001_a up: applied",
        "done: 1 applied",
        "lock released",
    ]


def test_down_and_up_again_is_a_round_trip(site: Site, run: Run) -> None:
    site.write(**TABLE, **INDEX)
    schema = "SELECT relname::text, relkind::text FROM pg_class WHERE relname IN ('a', 'i') ORDER BY 1"
    assert run(site, "up").code == 0
    before = site.query(schema)
    assert run(site, "down").code == 0
    assert site.history() == [(1, "applied", FIRST), (2, "reverted", FIRST)]
    assert run(site, "down", "--to", "0").code == 0
    assert site.query(schema) == []
    assert run(site, "up", release=SECOND).code == 0
    assert site.query(schema) == before == [("a", "r"), ("i", "i")]
    assert site.history() == [(1, "applied", SECOND), (2, "applied", SECOND)]


def test_the_examples_go_up_down_and_up(site: Site, run: Run) -> None:
    for path in (REPOSITORY / "tests/infra/migrations/examples").iterdir():
        (site.folder / path.name).write_bytes(path.read_bytes())
    for arguments in (["up"], ["down", "--to", "0"], ["up"]):
        assert run(site, *arguments).code == 0
    site.query(
        "INSERT INTO deployments (release_sha, release_tag, environment) "
        f"VALUES ('{FIRST}', 'v1.0.0', 'production')"
    )  # fmt: skip
    assert site.query("SELECT count(*) FROM deployments") == [(1,)]


@pytest.mark.parametrize("database", naming.MIGRATION_TASKS)
def test_the_applications_own_go_up_down_and_up(site: Site, run: Run, database: str) -> None:
    """Of a checkout that has some: what is released is tried here, its way back included."""
    for path in (REPOSITORY / "migrations" / database).glob("*.sql"):
        (site.folder / path.name).write_bytes(path.read_bytes())
    only_forward = [each.number for each in files.discover(site.folder) if each.down is None]
    for arguments in (["up"], ["down", "--to", str(max(only_forward, default=0))], ["up"]):
        assert run(site, *arguments).code == 0


def test_a_failing_migration_is_rolled_back_and_nothing_after_it_runs(site: Site, run: Run) -> None:
    site.write(
        **TABLE,
        _0002_b__up="CREATE TABLE b (x int);\nINSERT INTO b VALUES (1);\nINSERT INTO b\n  SELECT nothing;",
        _0002_b__down="DROP TABLE b;",
        _0003_c__up="CREATE TABLE c (x int);",
        _0003_c__down="DROP TABLE c;",
    )
    failed = run(site, "up")
    assert failed.code == 1
    assert '0002_b.up.sql:4: column "nothing" does not exist (SQLSTATE 42703)' in failed.err
    assert "rolled back" in failed.err
    assert site.history() == [(1, "applied", FIRST)]
    assert site.query("SELECT to_regclass('b'), to_regclass('c')") == [(None, None)]
    assert site.query(f"SELECT {LOCK_HELD}") == [(False,)]
    site.write(_0002_b__up="CREATE TABLE b (x int);")
    assert run(site, "up").code == 0


def test_an_error_at_commit_leaves_nothing(site: Site, run: Run) -> None:
    site.write(
        _0001_a__up="CREATE TABLE a (x int PRIMARY KEY, y int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO a VALUES (1, 2);",
        _0001_a__down="DROP TABLE a;",
    )
    failed = run(site, "up")
    assert failed.code == 1
    assert "violates foreign key constraint" in failed.err
    assert site.history() == []


def test_values_of_rows_are_not_printed(site: Site, run: Run) -> None:
    site.write(
        _0001_a__up="CREATE TABLE a (x text PRIMARY KEY);\nINSERT INTO a VALUES ('private'), ('private');",
        _0001_a__down="DROP TABLE a;",
    )
    failed = run(site, "up")
    assert failed.code == 1
    assert "private" not in failed.out + failed.err


def test_a_failed_concurrent_build_is_cleared_away(site: Site, run: Run) -> None:
    site.write(**TABLE, **INDEX)
    assert run(site, "up", "--to", "1").code == 0
    site.query("INSERT INTO a VALUES (1), (1)")
    failed = run(site, "up")
    assert failed.code == 1
    assert "dropped the invalid index i that the failure left" in failed.out
    assert "Nothing of it remains." in failed.err
    assert site.query(INDEX_STATE) == []
    assert site.history() == [(1, "applied", FIRST)]
    site.query("TRUNCATE a")
    assert run(site, "up").code == 0
    assert site.query(INDEX_STATE) == [(True,)]


def make_invalid(site: Site) -> None:
    """Leaves an invalid index `i` on `a`, as a failed build does."""
    with site.connect() as connection:
        connection.execute("INSERT INTO a VALUES (1), (1)")
        with pytest.raises(Exception, match="could not create unique index"):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON a (x)")
        connection.execute("TRUNCATE a")
    assert site.query(INDEX_STATE) == [(False,)]


def test_an_invalid_index_of_unknown_origin_is_not_taken_for_the_finished_one(site: Site, run: Run) -> None:
    index = INDEX["_0002_i__up"].replace("CONCURRENTLY i", "CONCURRENTLY IF NOT EXISTS i")
    site.write(**TABLE, **INDEX | {"_0002_i__up": index})
    assert run(site, "up", "--to", "1").code == 0
    make_invalid(site)
    shown = run(site, "status")
    assert "invalid index: public.i on a" in shown.out
    refused = run(site, "up")
    assert refused.code == 1
    assert "an invalid index i that no migration left is in the way" in refused.err
    assert "DROP INDEX CONCURRENTLY i" in refused.err
    assert site.history() == [(1, "applied", FIRST)]


def test_an_invalid_index_of_a_run_that_was_stopped_is_built_anew(site: Site, run: Run) -> None:
    site.write(**TABLE, **INDEX)
    assert run(site, "up").code == 0
    site.query("DROP INDEX i")
    make_invalid(site)
    site.query("UPDATE doc_platform_migrations SET state = 'started', applied_at = NULL WHERE number = 2")
    status = run(site, "status")
    assert (status.code, "0002_i was stopped half way (started)" in status.err) == (4, True)
    assert "goes on with a run that was stopped" in run(site, "plan").out
    resumed = run(site, "up")
    assert resumed.code == 0
    assert "dropped the invalid index i of a run that was stopped" in resumed.out
    assert site.query(INDEX_STATE) == [(True,)]


def test_an_edited_file_is_refused(site: Site, run: Run) -> None:
    site.write(**TABLE)
    assert run(site, "up").code == 0
    site.write(_0001_a__up="CREATE TABLE a (x bigint);", **INDEX)
    for command in ("up", "down", "status", "plan"):
        refused = run(site, command)
        assert refused.code == 4
        assert "0001_a.up.sql: the file was edited or renamed after it was applied" in refused.err
    assert site.history() == [(1, "applied", FIRST)]


def test_an_older_release_leaves_what_a_later_one_applied(site: Site, run: Run) -> None:
    site.write(**TABLE, **INDEX)
    assert run(site, "up", release=SECOND).code == 0
    for direction in ("up", "down"):
        (site.folder / f"0002_i.{direction}.sql").unlink()
    rolled_back = run(site, "up", release=FIRST)
    assert rolled_back.code == 0
    assert f"0002_i: applied by the later release {SECOND[:12]}, left as it is" in rolled_back.out
    assert run(site, "status").code == 0


def test_a_contract_waits_for_a_release_of_its_own(site: Site, run: Run) -> None:
    site.write(**TABLE)
    assert run(site, "up", release=FIRST).code == 0
    site.write(
        _0002_b__up="-- migrate: expand\nALTER TABLE a ADD COLUMN y int;",
        _0003_c__up="-- migrate: contract of 0002 released in v1.1.0\nALTER TABLE a DROP COLUMN x;",
        _0003_c__down="ALTER TABLE a ADD COLUMN x int;",
    )
    refused = run(site, "up", release=SECOND)
    assert (refused.code, "Deploy v1.1.0 first" in refused.err) == (4, True)
    assert run(site, "up", "--to", "2", release=SECOND).code == 0
    assert run(site, "up", release="3" * 40).code == 0


def test_a_statement_timeout_ends_the_statement(site: Site, run: Run) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);\nSELECT pg_sleep(60);", _0001_a__down="DROP TABLE a;")
    failed = run(site, "up", "--statement-timeout", "0.2")
    assert failed.code == 1
    assert "0001_a.up.sql:2: canceling statement due to statement timeout" in failed.err
    assert site.history() == []


def test_a_file_may_ask_for_more_time_and_the_next_one_gets_its_own_bound(site: Site, run: Run) -> None:
    site.write(
        _0001_a__up="-- migrate: statement-timeout 30s\nSELECT pg_sleep(0.4); SET statement_timeout = 0;",
        _0001_a__down="SELECT 1;",
        _0002_b__up="SET search_path = nowhere; SET ROLE pg_read_all_data;",
        _0002_b__down="SELECT 1;",
        _0003_c__up="CREATE TABLE c (x int); SELECT pg_sleep(60);",
        _0003_c__down="DROP TABLE c;",
    )
    failed = run(site, "up", "--statement-timeout", "0.2")
    assert "0003_c.up.sql:1: canceling statement due to statement timeout" in failed.err
    assert site.history() == [(1, "applied", FIRST), (2, "applied", FIRST)]


def test_a_lock_timeout_ends_the_wait_for_a_table(site: Site, run: Run) -> None:
    site.write(**TABLE, _0002_b__up="ALTER TABLE a ADD COLUMN y int;", _0002_b__down="ALTER TABLE a DROP COLUMN y;")
    assert run(site, "up", "--to", "1").code == 0
    with site.connect() as reader, reader.transaction():
        reader.execute("SELECT * FROM a")
        failed = run(site, "up", "--lock-timeout", "0.2")
    assert failed.code == 1
    assert "lock timeout" in failed.err
    assert "run again when there is less to do" in failed.err
    assert site.history() == [(1, "applied", FIRST)]


def test_the_overall_deadline_ends_the_run(site: Site, run: Run) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);\nSELECT pg_sleep(60);", _0001_a__down="DROP TABLE a;")
    stopped = run(site, "up", "--deadline", "0.5")
    assert stopped.code == 5
    assert "the overall deadline of 0.5 s passed" in stopped.err
    assert "0001_a up: stopped; rolled back" in stopped.out
    assert site.history() == []
    assert site.query(f"SELECT {LOCK_HELD}") == [(False,)]


def test_a_migration_that_releases_the_lock_is_rolled_back(site: Site, run: Run) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);\nSELECT pg_advisory_unlock_all();", _0001_a__down="DROP TABLE a;")
    failed = run(site, "up")
    assert failed.code == 1
    assert "the lock was not held any more" in failed.err
    assert site.history() == []


def test_a_routine_cannot_end_the_transaction(site: Site, run: Run) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);\nDO $$ BEGIN COMMIT; END $$;", _0001_a__down="DROP TABLE a;")
    failed = run(site, "up")
    assert (failed.code, "invalid transaction termination" in failed.err) == (1, True)
    assert site.query("SELECT to_regclass('a')") == [(None,)]


def test_statements_that_only_the_server_tells_apart_are_refused_by_it(site: Site, run: Run) -> None:
    """With backslash escapes in plain strings, which the runner does not know of, the COMMIT is outside the string."""
    site.write(
        _0001_a__up="CREATE TABLE a (x int);\nSET standard_conforming_strings = off;\nSELECT 'x\\'' ; COMMIT; --'",
        _0001_a__down="DROP TABLE a;",
    )
    failed = run(site, "up")
    assert (failed.code, "cannot insert multiple commands" in failed.err) == (1, True)
    assert site.query("SELECT to_regclass('a')") == [(None,)]


def test_percent_signs_and_placeholders_are_sent_as_they_are(site: Site, run: Run) -> None:
    site.write(
        _0001_a__up="CREATE TABLE a AS SELECT '100%'::text AS x, '%s %(b)s {}' AS y;", _0001_a__down="DROP TABLE a;"
    )
    assert run(site, "up").code == 0
    assert site.query("SELECT * FROM a") == [("100%", "%s %(b)s {}")]


def test_a_rerunnable_statement_that_failed_is_begun_anew_even_if_edited(site: Site, run: Run) -> None:
    alone = "-- migrate: no-transaction\n-- migrate: rerunnable\n"
    site.write(**TABLE, _0002_v__up=alone + "VACUUM nothing;", _0002_v__down=alone + "VACUUM;")
    failed = run(site, "up")
    assert (failed.code, "marked as unfinished" in failed.err) == (1, True)
    assert site.history() == [(1, "applied", FIRST), (2, "started", FIRST)]
    blocked = run(site, "down")
    assert (blocked.code, "up --to 2" in blocked.err) == (4, True)
    site.write(_0002_v__up=alone + "VACUUM a;")
    assert run(site, "up").code == 0
    assert site.history() == [(1, "applied", FIRST), (2, "applied", FIRST)]


def test_server_notices_are_passed_on(site: Site, run: Run) -> None:
    site.write(_0001_a__up="DROP TABLE IF EXISTS a;", _0001_a__down="SELECT 1;")
    assert 'server: table "a" does not exist, skipping' in run(site, "up").out


def test_status_and_plan_change_nothing(site: Site, run: Run) -> None:
    site.write(**TABLE, _0002_b__up="-- migrate: expand\nALTER TABLE a ADD COLUMN y text DEFAULT 'private';")
    assert run(site, "plan").out.splitlines()[1:] == [
        "0001_a: in a transaction",
        "  line 1: CREATE TABLE a",
        "0002_b: expand, in a transaction, no way down",
        "  line 2: ALTER TABLE a ADD COLUMN y",
        "to be applied: 2",
    ]
    assert run(site, "status").out.splitlines()[1:] == ["0001_a: pending", "0002_b: pending", "lock: free"]
    assert site.query("SELECT to_regclass('doc_platform_migrations')") == [(None,)]
    assert run(site, "up", "--to", "1").code == 0
    shown = run(site, "status").out.splitlines()
    assert shown[1].startswith("0001_a: applied 20")
    assert shown[1].endswith(f" ms by {FIRST[:12]}")
    assert shown[2:] == ["0002_b: pending", "lock: free"]


def test_a_server_that_is_not_there_is_said_so(site: Site, run: Run) -> None:
    site.extra["DB_PORT"] = "1"
    refused = run(site, "up")
    assert refused.code == 2
    assert f"no connection to {site.name} on {site.host}:1: " in refused.err
    assert "No such file or directory" in refused.err
