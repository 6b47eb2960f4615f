"""Going through a runner's code: what is too long for it is open, and never taken for sound."""

from __future__ import annotations

import ast

from checker.reason.migrations.lock_ways import UNFOLLOWED
from checker.reason.migrations.python_locks import gone_through

SOUND = """
def main(conn):
    while not conn.execute("SELECT pg_try_advisory_lock(4242)").fetchone()[0]:
        pass
    for path in sorted(root.glob("*.sql")):
        conn.execute(path.read_text())
main(conn)
"""


def test_code_that_is_gone_through_to_its_end_has_no_fault() -> None:
    assert gone_through({"migrate": ast.parse(SOUND)}) == ("", "")


def test_code_that_is_too_long_is_open() -> None:
    assert gone_through({"migrate": ast.parse("x = 1\n" * 20_001 + SOUND)}) == UNFOLLOWED


def test_a_fault_that_was_found_before_stays_one() -> None:
    bad = SOUND.replace("while not conn", "for _ in [conn").replace("[0]:", "[0]]:")
    fault, doubt = gone_through({"migrate": ast.parse(bad + "x = 1\n" * 20_001)})
    assert fault == "migrations run although another holds it"
    assert doubt == ""
