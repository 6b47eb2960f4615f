"""How a runner in Python ends when a statement of a migration is refused, by what its handlers do."""

from __future__ import annotations

import pytest

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.migrations.folders import MigrationRunner, SourceFile
from checker.reason.migrations.ends import runner_ends

_RUNNER = """
import sys, psycopg
from pathlib import Path

def apply(connection, path):
    connection.execute(path.read_text())

def main():
    with psycopg.connect("") as connection:
        for path in sorted(Path("migrations").glob("*.sql")):
            try:
                apply(connection, path)
            {handler}
    return 0

if __name__ == "__main__":
    {start}
"""


@pytest.mark.parametrize(
    ("handler", "start", "expected"),
    [
        ("except Exception as error: print(error)", "sys.exit(main())", True),
        ("except psycopg.Error: sys.exit(0)", "sys.exit(main())", True),
        ("except psycopg.Error: sys.exit()", "sys.exit(main())", True),
        ("finally: return 0", "sys.exit(main())", True),
        ("finally: sys.exit(0)", "sys.exit(main())", True),
        ("except psycopg.Error: return 1", "main()", True),
        ("except psycopg.Error: return 256", "sys.exit(main())", True),
        ("except psycopg.Error: return 1", "sys.exit(main() and 0)", True),
        ("except psycopg.Error: return 1", "sys.exit(not main())", True),
        ("except psycopg.Error: return 1", "sys.exit(main() is None)", True),
        ("except psycopg.Error: return 1", "sys.exit(main() or 0)", False),
        ("except psycopg.Error: return 257", "sys.exit(main())", False),
        ("except psycopg.Error: raise", "main()", False),
        ("except psycopg.Error: return 1", "sys.exit(main())", False),
        ("except psycopg.Error: return 1", "raise SystemExit(main())", False),
        ("except psycopg.Error: sys.exit(3)", "main()", False),
        ("except psycopg.Error as error: sys.exit(f'refused: {error}')", "main()", False),
        ("except FileNotFoundError: return 0", "sys.exit(main())", False),
        ("finally: print(path)", "sys.exit(main())", False),
    ],
)
def test_end(handler: str, start: str, expected: bool) -> None:
    entry = SourceFile("migrate.py", "python", _RUNNER.replace("{handler}", handler).replace("{start}", start))
    assert expected is (runner_ends.ends_well(MigrationRunner(entry, (entry,))) is YES)


_LOCKED = """
import sys, psycopg
from contextlib import contextmanager
from pathlib import Path

class Busy(Exception):
    code = {busy}

class Refused(Exception):
    code = {refused}

@contextmanager
def held(connection):
    if not connection.execute("SELECT pg_try_advisory_lock(1)").fetchone()[0]:
        raise Busy("somebody else migrates")
    try:
        yield
    except {taken}:
        {then}

def main():
    try:
        with psycopg.connect("") as connection, held(connection):
            done = connection.execute("SELECT name FROM applied").fetchall()
            for path in sorted(Path("migrations").glob("*.sql")):
                try:
                    connection.execute(path.read_text())
                except psycopg.Error as error:
                    raise Refused(str(error))
    except (Busy, Refused) as error:
        return error.code
    except psycopg.Error as error:
        return {lost}
    return 0

if __name__ == "__main__":
    sys.exit(main())
"""
_WELL = {"busy": "3", "refused": "1", "taken": "ValueError", "then": "raise", "lost": "2"}


@pytest.mark.parametrize(
    ("change", "ends", "passes_by"),
    [
        ({}, NO, False),
        ({"refused": "0"}, YES, False),
        ({"lost": "0"}, YES, False),
        ({"busy": "0"}, NO, True),
        ({"taken": "BaseException", "then": "return"}, YES, False),
        ({"taken": "BaseException", "then": "print('no'); raise"}, NO, False),
        ({"taken": "KeyError", "then": "return"}, NO, False),
        ({"taken": "BaseException", "then": "sys.exit(0)"}, YES, False),
        ({"taken": "BaseException", "then": "sys.exit(4)"}, NO, False),
        ({"refused": "0\n    def __init__(self, text): self.code = len(text)"}, NO, False),
    ],
)
def test_ends_of_a_runner_with_a_lock_and_books(change: dict[str, str], ends: Answer, passes_by: bool) -> None:
    code = _LOCKED
    for name, text in {**_WELL, **change}.items():
        code = code.replace("{" + name + "}", text)
    entry = SourceFile("migrate.py", "python", code)
    runner = MigrationRunner(entry, (entry,))
    assert (ends, yes_if(passes_by)) == (runner_ends.ends_well(runner), runner_ends.passes_by(runner))


def test_what_has_too_many_ways_is_not_said_to_be_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_ends, "_MOST_STEPS", 3)
    code = _RUNNER.replace("{handler}", "except psycopg.Error: return 2").replace("{start}", "sys.exit(main())")
    entry = SourceFile("migrate.py", "python", code)
    runner = MigrationRunner(entry, (entry,))
    assert isinstance(runner_ends.ends_well(runner), Open)
    assert isinstance(runner_ends.passes_by(runner), Open)


_TWO_ROWS = """
import sys, psycopg
from pathlib import Path

def step(connection, path{parameter}):
    {row}
    if row is None:
        try:
            connection.execute(path.read_text())
        except psycopg.Error as error:
            print(error)
    else:
        connection.execute(path.read_text())

def main():
    with psycopg.connect("") as connection:
        row = connection.execute("SELECT to_regclass('history')").fetchone()
        if row is None:
            return 3
        for path in sorted(Path("migrations").glob("*.sql")):
            step(connection, path{given})
    return 0

if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.mark.parametrize(
    ("row", "parameter", "given", "expected"),
    [
        ("row = find(path)", "", "", True),  # another row than main's
        ("pass", ", row", ", find(path)", True),
        ("pass", ", row", ", row", False),  # the same one
        ("row = find(path)", ", row", ", row", True),  # the same one, and then another
    ],
)
def test_a_condition_is_of_the_function_whose_names_it_has(
    row: str, parameter: str, given: str, expected: bool
) -> None:
    code = _TWO_ROWS.replace("{row}", row).replace("{parameter}", parameter).replace("{given}", given)
    entry = SourceFile("migrate.py", "python", code)
    assert expected is (runner_ends.ends_well(MigrationRunner(entry, (entry,))) is YES)


def test_code_that_cannot_be_read_is_not_said_to_end_with_a_failure() -> None:
    entry = SourceFile("migrate.py", "python", "print 'no Python 3'\n" + _RUNNER)
    assert isinstance(runner_ends.ends_well(MigrationRunner(entry, (entry,))), Open)
