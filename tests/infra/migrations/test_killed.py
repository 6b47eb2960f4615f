"""Runners that are killed, without any warning, at every moment that differs from another; and the run after that.

A runner is made to stand still where it is to die: by a `pg_sleep` in a statement, by a trigger on the history, by a
deferred trigger in the middle of a COMMIT, or by a writer for whom a concurrent build has to wait. The pauses are rows
of a table, removed after the kill, so that the files stay the same for the run that has to put things right.
"""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.migrations import history
from infra.migrations.cli import main
from tests.infra.migrations.conftest import Run, Sites
from tests.infra.migrations.support import FIRST, LOCK_HELD, Site, finish, wait_until

ALONE = "-- migrate: no-transaction\n"
REPEAT = ALONE + "-- migrate: rerunnable\n"


def pause(point: str) -> str:
    return f"SELECT pg_sleep(60) FROM pauses WHERE point = '{point}';\n"


FILES = {
    "_0001_a__up": pause("1:begin")
    + "CREATE TABLE a (x int);\n"
    + pause("1:middle")
    + "INSERT INTO witness VALUES ('a');\n"
    + pause("1:end"),
    "_0001_a__down": pause("1:begin") + "DROP TABLE a;\n" + pause("1:middle") + "DELETE FROM witness WHERE what = 'a';",
    "_0002_i__up": ALONE + "CREATE UNIQUE INDEX CONCURRENTLY i ON a (x);",
    "_0002_i__down": ALONE + "DROP INDEX CONCURRENTLY i;",
    "_0003_d__up": REPEAT
    + "INSERT INTO witness SELECT 'd' FROM (SELECT pg_sleep(60) FROM pauses WHERE point = '3:middle' UNION ALL "
    "SELECT NULL) AS once(x) WHERE NOT EXISTS (SELECT FROM witness WHERE what = 'd') LIMIT 1;",
    "_0003_d__down": REPEAT + "DELETE FROM witness WHERE what = 'd';",
    "_0004_b__up": "INSERT INTO witness VALUES ('b');",
    "_0004_b__down": "DELETE FROM witness WHERE what = 'b';",
}
PREPARE = """
CREATE TABLE pauses (point text);
CREATE TABLE witness (what text);
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(60) FROM pauses WHERE point = NEW.number || ':' || NEW.state || ':' || TG_ARGV[0];
    RETURN NEW;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER before BEFORE INSERT OR UPDATE ON doc_platform_migrations
    FOR EACH ROW EXECUTE FUNCTION pause('before');
CREATE TRIGGER after AFTER INSERT OR UPDATE ON doc_platform_migrations
    FOR EACH ROW EXECUTE FUNCTION pause('after');
CREATE CONSTRAINT TRIGGER commit AFTER INSERT OR UPDATE ON doc_platform_migrations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pause('commit');
"""
UP = [
    "1:started:before",
    "1:started:after",
    "1:begin",
    "1:middle",
    "1:end",
    "1:applied:before",
    "1:applied:after",
    "1:started:commit",
    "1:applied:commit",
    "2:started:before",
    "2:started:commit",
    "2:applied:before",
    "2:applied:commit",
    "3:started:commit",
    "3:middle",
    "3:applied:before",
    "4:applied:commit",
]
DOWN = [
    "4:reverted:commit",
    "3:reverting:commit",
    "3:reverted:commit",
    "2:reverting:commit",
    "2:reverted:before",
    "1:begin",
    "1:middle",
    "1:reverted:commit",
]
SLEEPING = "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())"
BUILDING = (
    "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' AND wait_event_type = 'Lock' "
    "AND datname = current_database())"
)


@pytest.fixture
def prepared(site: Site) -> Site:
    prepare(site)
    return site


def prepare(site: Site) -> None:
    """Writes the files, and an empty history with triggers upon it."""
    site.query(PREPARE)
    with site.connect() as connection:
        history.ensure(connection)
    site.query(TRIGGERS)
    site.write(**FILES)


def kill_at(site: Site, point: str, *arguments: str) -> None:
    """Starts the runner, kills it while it stands at `point`, and takes the pause away."""
    site.query(f"INSERT INTO pauses VALUES ('{point}')")
    runner = site.start(*arguments)
    site.until(SLEEPING, seconds=30)
    runner.kill()
    assert finish(runner)[0] == -signal.SIGKILL
    site.query("DELETE FROM pauses")


@pytest.fixture(scope="module")
def all_killed(sites: Sites) -> dict[str, Site]:
    """A site for each point, at which a runner was killed: `up 1:begin`. All at once, because it is mostly waiting."""
    killed = {}
    for point in [*(f"up {point}" for point in UP), *(f"down {point}" for point in DOWN)]:
        killed[point] = sites.take()
        prepare(killed[point])
        if point.startswith("down"):
            assert main(["up", "--dir", str(killed[point].folder)], killed[point].environ()) == 0

    def kill(place: str) -> None:
        direction, point = place.split()
        kill_at(killed[place], point, direction, *(["--to", "0"] if direction == "down" else []))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(kill, killed))
    return killed


@pytest.fixture
def killed(all_killed: dict[str, Site], sites: Sites, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The site that the test's parameter names."""
    site = all_killed.pop(request.param)
    yield site
    sites.give_back(site)


def assert_all_applied(site: Site) -> None:
    assert site.history() == [(number, "applied", FIRST) for number in (1, 2, 3, 4)]
    assert site.query("SELECT what FROM witness ORDER BY 1") == [("a",), ("b",), ("d",)]
    assert site.query("SELECT relname::text, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid "
                      "WHERE indrelid = 'a'::regclass") == [("i", True)]  # fmt: skip
    assert site.query(f"SELECT {LOCK_HELD}") == [(False,)]


def assert_nothing_applied(site: Site) -> None:
    assert site.history() == [(number, "reverted", FIRST) for number in (1, 2, 3, 4)]
    assert site.query("SELECT what FROM witness") == []
    assert site.query("SELECT to_regclass('a'), to_regclass('i')") == [(None, None)]


@pytest.mark.parametrize("killed", [f"up {point}" for point in UP], indirect=True)
def test_up_puts_right_what_a_killed_up_left(killed: Site, run: Run) -> None:
    again = run(killed, "up", "--poll", "0.05")
    assert again.code == 0, again.err
    assert_all_applied(killed)


@pytest.mark.parametrize("killed", [f"down {point}" for point in DOWN], indirect=True)
def test_down_puts_right_what_a_killed_down_left(killed: Site, run: Run) -> None:
    again = run(killed, "down", "--to", "0", "--poll", "0.05")
    assert again.code == 0, again.err
    assert_nothing_applied(killed)


def test_up_builds_an_index_anew_whose_build_was_killed(prepared: Site, run: Run) -> None:
    assert run(prepared, "up", "--to", "1").code == 0
    with prepared.connect() as writer, writer.transaction():
        writer.execute("INSERT INTO a VALUES (1)")
        runner = prepared.start("up", "--lock-timeout", "60")
        prepared.until(BUILDING)
        runner.kill()
        finish(runner)
        prepared.until(f"NOT {BUILDING}")
    assert prepared.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(False,)]
    again = run(prepared, "up")
    assert again.code == 0, again.err
    assert "dropped the invalid index i of a run that was stopped" in again.out
    assert_all_applied(prepared)


def test_down_goes_on_dropping_an_index_whose_drop_was_killed(prepared: Site, run: Run) -> None:
    assert run(prepared, "up").code == 0
    with prepared.connect() as reader, reader.transaction():
        reader.execute("SELECT * FROM a")
        runner = prepared.start("down", "--to", "1", "--lock-timeout", "60")
        prepared.until(BUILDING)
        runner.kill()
        finish(runner)
        prepared.until(f"NOT {BUILDING}")
    assert [state for _, state, _ in prepared.history()] == ["applied", "reverting", "reverted", "reverted"]
    blocked = run(prepared, "up")
    assert (blocked.code, "down --to 1" in blocked.err) == (4, True)
    assert run(prepared, "down", "--to", "1").code == 0
    assert prepared.query("SELECT to_regclass('i')") == [(None,)]


def test_a_frozen_runner_stops_nobody_for_ever(prepared: Site, run: Run) -> None:
    prepared.query("INSERT INTO pauses VALUES ('1:middle')")
    runner = prepared.start("up")
    prepared.until(SLEEPING)
    runner.send_signal(signal.SIGSTOP)
    refused = run(prepared, "up", "--lock-wait", "0.2", "--poll", "0.05")
    assert (refused.code, "held by pid" in refused.err) == (3, True)
    prepared.query("DELETE FROM pauses")
    # What the message advises: the holder's session is ended by a person.
    prepared.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    assert run(prepared, "up", "--poll", "0.05").code == 0
    runner.send_signal(signal.SIGCONT)
    assert finish(runner)[0] == 1
    assert_all_applied(prepared)


def test_up_puts_right_what_a_runner_left_that_was_killed_at_any_line_of_its_output(sites: Sites, run: Run) -> None:
    killed = {count: sites.take() for count in range(1, 16)}
    for site in killed.values():
        prepare(site)

    def kill(count: int) -> None:
        """Kills the runner as soon as it has said `count` lines."""
        runner = killed[count].start("up")
        assert runner.stdout is not None
        for _ in range(count):
            assert runner.stdout.readline()
        runner.kill()
        finish(runner)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(kill, killed))
    for site in killed.values():
        again = run(site, "up", "--poll", "0.05")
        assert again.code == 0, again.err
        assert_all_applied(site)
        sites.give_back(site)


def test_a_killed_runner_frees_the_lock_within_seconds(prepared: Site) -> None:
    kill_at(prepared, "1:middle", "up")
    wait_until(lambda: prepared.query(f"SELECT {LOCK_HELD}") == [(False,)], "the lock is free", seconds=5)
