"""One runner at a time, on a real server, with runners that are real processes."""

import signal

import pytest

from infra.migrations import lock
from infra.migrations.errors import StepError
from tests.infra.migrations.conftest import Run
from tests.infra.migrations.support import FIRST, LOCK_HELD, SECOND, Site, finish

KEY = "SELECT pg_advisory_lock(hashtext('doc-platform-migrations'))"


def test_two_runners_at_once_apply_each_migration_once(site: Site) -> None:
    site.query("CREATE TABLE witness (what text)")
    site.write(
        _0001_a__up="CREATE TABLE a (x int);\nINSERT INTO witness VALUES ('a');\nSELECT pg_sleep(0.3);",
        _0001_a__down="DROP TABLE a;",
        # The build waits for every snapshot: a runner that waited for the lock with one would stop it for ever.
        _0002_i__up="-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY i ON a (x);",
        _0002_i__down="-- migrate: no-transaction\nDROP INDEX CONCURRENTLY i;",
        _0003_b__up="INSERT INTO witness VALUES ('b');",
        _0003_b__down="SELECT 1;",
    )
    runners = [site.start("up", "--poll", "0.05", release=release) for release in (FIRST, SECOND)]
    outcomes = [finish(runner) for runner in runners]
    assert [code for code, _, _ in outcomes] == [0, 0], outcomes
    assert site.query("SELECT what FROM witness ORDER BY 1") == [("a",), ("b",)]
    assert [state for _, state, _ in site.history()] == ["applied"] * 3
    endings = sorted(out.splitlines()[-2] for _, out, _ in outcomes)
    assert endings == ["done: 3 applied", "nothing to be applied"]


def test_a_holder_that_hangs_is_named_when_the_wait_is_over(site: Site, run: Run) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);", _0001_a__down="DROP TABLE a;")
    with site.connect("somebody else\n") as holder:
        holder.execute(KEY)
        refused = run(site, "up", "--lock-wait", "0.4", "--poll", "0.1")
        assert refused.code == 3
        assert "not obtained within 0.4 s" in refused.err
        assert f"pid {holder.info.backend_pid} (somebody else" in refused.err
        assert refused.out.count("waiting for the lock, held by pid") == 1
        assert f"lock: pid {holder.info.backend_pid} " in run(site, "status").out
    assert site.query("SELECT to_regclass('doc_platform_migrations')") == [(None,)]
    assert run(site, "up").code == 0


def test_the_wait_for_the_lock_holds_no_snapshot(site: Site) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);", _0001_a__down="DROP TABLE a;")
    site.query("CREATE TABLE t (x int)")
    with site.connect() as holder:
        holder.execute(KEY)
        waiter = site.start("up", "--poll", "0.05")
        site.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'doc-platform-migrations%')")
        holder.execute("SET statement_timeout = '5s'")
        holder.execute("CREATE INDEX CONCURRENTLY i ON t (x)")
    code, _, errors = finish(waiter)
    assert code == 0, errors


def test_locks_of_other_keys_and_databases_are_no_obstacle(site: Site, run: Run) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);", _0001_a__down="DROP TABLE a;")
    with site.connect() as same_database, site.connect() as other_database:
        same_database.execute("SELECT pg_advisory_lock(1)")
        other_database.execute("SELECT pg_advisory_lock(0, hashtext('doc-platform-migrations'))")
        assert run(site, "up", "--lock-wait", "0.2").code == 0


def test_an_unlock_that_the_server_denies_is_an_error(site: Site) -> None:
    with (
        site.connect() as connection,
        pytest.raises(StepError, match="the lock was not held any more"),
        lock.held(connection, wait=1, poll=0.1, say=lambda _: None),
    ):
        connection.execute("SELECT pg_advisory_unlock_all()")


def test_a_signal_rolls_back_and_releases_the_lock(site: Site) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);\nSELECT pg_sleep(60);", _0001_a__down="DROP TABLE a;")
    runner = site.start("up")
    site.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active')")
    runner.send_signal(signal.SIGTERM)
    code, output, errors = finish(runner)
    assert code == 5
    assert "stopped: SIGTERM" in errors
    assert "0001_a up: stopped; rolled back" in output
    assert "Traceback" not in errors
    assert site.query(f"SELECT {LOCK_HELD}, to_regclass('a')") == [(False, None)]


def test_a_session_that_the_server_ends_is_a_failure_without_a_traceback(site: Site) -> None:
    site.write(_0001_a__up="CREATE TABLE a (x int);\nSELECT pg_sleep(60);", _0001_a__down="DROP TABLE a;")
    runner = site.start("up")
    site.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active')")
    site.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'")
    code, _, errors = finish(runner)
    assert code == 1
    assert "terminating connection due to administrator command" in errors
    assert "Traceback" not in errors
    assert site.history() == []
