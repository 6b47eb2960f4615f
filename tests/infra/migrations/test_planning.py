"""What is left to do, for every way in which files and history can differ. No database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.migrations import planning
from infra.migrations.errors import HistoryError, SetupError
from infra.migrations.files import Migration, Script
from infra.migrations.headers import Contract, Header
from infra.migrations.history import History, Row, State
from tests.infra.migrations.support import FIRST, SECOND, THIRD


def migration(number: int, header: Header | None = None, *, down: bool = True, checksum: str = "sum") -> Migration:
    up = Script(Path(f"{number:04d}_m.up.sql"), checksum, header or Header(), (), None)
    return Migration(
        number, "m", up, Script(Path(f"{number:04d}_m.down.sql"), "", Header(), (), None) if down else None
    )


def history(*states: State, release: str = FIRST) -> dict[int, Row]:
    """Rows 1, 2, … with these states."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return {number: Row(number, "m", "sum", state, now, 1, release) for number, state in enumerate(states, start=1)}


THREE = tuple(migration(number) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("done", "to", "left"),
    [
        ({}, None, [(1, False), (2, False), (3, False)]),
        ({}, 2, [(1, False), (2, False)]),
        (history("applied"), None, [(2, False), (3, False)]),
        (history("applied", "started"), None, [(2, True), (3, False)]),
        (history("applied", "reverted"), None, [(2, False), (3, False)]),
        (history("applied", "applied", "applied"), None, []),
        (history("applied", "applied"), 1, []),
        (history("applied", "applied", "applied", "applied"), None, []),
    ],
)
def test_up(done: History, to: int | None, left: list[tuple[int, bool]]) -> None:
    steps = planning.up(THREE, done, release=SECOND, to=to)
    assert [(step.migration.number, step.resume) for step in steps] == left


@pytest.mark.parametrize(
    ("done", "to", "left"),
    [
        ({}, None, []),
        (history("applied", "applied"), None, [(2, False)]),
        (history("applied", "applied", "applied"), 1, [(3, False), (2, False)]),
        (history("applied", "applied", "applied"), 0, [(3, False), (2, False), (1, False)]),
        (history("applied", "reverting"), None, [(2, True)]),
        (history("applied", "reverted"), None, [(1, False)]),
        (history("applied"), 3, []),
    ],
)
def test_down(done: History, to: int | None, left: list[tuple[int, bool]]) -> None:
    assert [(step.migration.number, step.resume) for step in planning.down(THREE, done, to=to)] == left


def test_up_refuses_an_edited_file_and_names_the_release() -> None:
    edited = (migration(1), migration(2, checksum="other"))
    with pytest.raises(HistoryError, match=r"0002_m\.up\.sql: the file was edited .* by release 1111"):
        planning.up(edited, history("applied", "applied"), release=SECOND, to=None)


def test_a_reverted_file_may_be_edited() -> None:
    edited = (migration(1, checksum="other"),)
    assert planning.up(edited, history("reverted"), release=SECOND, to=None) != ()


def test_an_unfinished_file_may_be_edited_only_if_it_is_rerunnable() -> None:
    with pytest.raises(HistoryError, match="edited"):
        planning.up((migration(1, checksum="other"),), history("started"), release=SECOND, to=None)
    rerunnable = migration(1, Header(no_transaction=True, rerunnable=True), checksum="other")
    assert planning.up((rerunnable,), history("started"), release=SECOND, to=None)[0].resume


def test_a_file_that_vanished_between_others_is_refused() -> None:
    with pytest.raises(HistoryError, match="0002_m is applied, and its file is gone"):
        planning.check((migration(1), migration(3)), history("applied", "applied", "applied"))


def test_a_number_below_the_last_applied_is_refused() -> None:
    done = {number: row for number, row in history("applied", "applied", "applied").items() if number != 2}
    with pytest.raises(HistoryError, match="0002_m is pending, but 0003_m after it is applied"):
        planning.up(THREE, done, release=SECOND, to=None)


def test_neither_direction_builds_on_what_the_other_left_unfinished() -> None:
    with pytest.raises(HistoryError) as up:
        planning.up(THREE, history("applied", "reverting"), release=SECOND, to=None)
    assert "down --to 1" in up.value.fix
    with pytest.raises(HistoryError) as down:
        planning.down(THREE, history("applied", "started"), to=None)
    assert "up --to 2" in down.value.fix


def test_what_a_later_release_applied_is_known_and_left_alone() -> None:
    done = history("applied", "applied", "applied", "applied")
    assert [row.number for row in planning.ahead(THREE, done)] == [4]
    with pytest.raises(HistoryError, match="no file for it"):
        planning.down(THREE, done, to=0)


def test_down_refuses_before_it_begins_when_a_step_has_no_way_back() -> None:
    files = (migration(1), migration(2, Header(change="expand"), down=False), migration(3))
    with pytest.raises(HistoryError, match="0002_m only expands"):
        planning.down(files, history("applied", "applied", "applied"), to=0)


@pytest.mark.parametrize("to", [4, 9999])
def test_a_target_that_does_not_exist_is_refused(to: int) -> None:
    with pytest.raises(SetupError, match="no such migration"):
        planning.up(THREE, {}, release=FIRST, to=to)
    with pytest.raises(SetupError, match="no such migration"):
        planning.down(THREE, {}, to=to)


PAIR = (migration(1), migration(2, Header(change="expand")), migration(3, Header(change=Contract(2, "v1.2.0"))))


@pytest.mark.parametrize(
    "done",
    [
        pytest.param({}, id="a new database takes everything at once"),
        pytest.param(history("applied", release=SECOND), id="a first deploy that failed half way goes on"),
        pytest.param(history("applied", "applied"), id="the expanding half was released before"),
    ],
)
def test_a_contract_may_run(done: History) -> None:
    assert planning.up(PAIR, done, release=SECOND, to=None)[-1].migration.number == 3


@pytest.mark.parametrize(
    "done",
    [
        pytest.param(history("applied"), id="both halves pending"),
        pytest.param(history("applied") | {2: history("applied", "applied", release=THIRD)[2]}, id="in this release"),
    ],
)
def test_a_contract_waits_for_a_release_of_its_own(done: History) -> None:
    with pytest.raises(HistoryError) as refused:
        planning.up(PAIR, done, release=THIRD, to=None)
    assert "Deploy v1.2.0 first" in refused.value.fix
