"""How a mutant is judged: a pytest plugin that only mutation runs load (``[tool.mutmut]`` in pyproject.toml).

Mutants are forked from one process that has run every test already. What rules and reasoning remember of those runs
would answer for the mutant, so it is forgotten before each test. The tests that most likely notice come first: one
failure is enough. Tests of time, of size and of what other programs say are left out; they take seconds for what the
cases tell in milliseconds.
"""

from __future__ import annotations

import functools
import gc
import re
from typing import Final

import pytest
from mutmut.mutation.trampoline import get_mutant_under_test
from mutmut.state import state

LEFT_OUT: Final = re.compile(
    r"test_time_|test_iam_against_another|test_hostile_policies|takes?_(thousands|no_time)|_in_no_time"
    r"|what_the_locked_schemas_say|what_its_builder_makes|trying_every_address"
)
_ROOMS: Final = ("checker.policies", "checker.reason")


@functools.cache
def _memories() -> tuple[functools._lru_cache_wrapper[object], ...]:
    """Every remembering function of rules and reasoning. All are imported when the first test starts."""
    found = (each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper))
    rooms = tuple(each for each in found if str(each.__module__).startswith(_ROOMS))
    # What is there by now stays: looking through it in each fork would copy all its memory.
    gc.freeze()
    return rooms


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is slow, and sorts: the rule's own cases or the room's own tests, then the quick ones."""
    out = [item for item in items if LEFT_OUT.search(item.nodeid)]
    config.hook.pytest_deselected(items=out)
    own = _own(get_mutant_under_test())
    took = state().duration_by_test

    def order(item: pytest.Item) -> tuple[bool, float]:
        return own is None or own not in item.nodeid, took.get(item.nodeid, 0.0)

    items[:] = sorted((item for item in items if item not in set(out)), key=order)


def _own(mutant: str) -> str | None:
    """What the names of a mutant's own tests have in them: ``test_case[C1:`` of a rule, ``tests/reason/oidc/``."""
    parts = mutant.split(".")
    if parts[:3] == ["checker", "policies", "rules"]:
        return f"test_case[{parts[3].partition('_')[0].upper()}:"
    return f"tests/reason/{parts[2]}/" if parts[:2] == ["checker", "reason"] else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forgets what an earlier test, without the mutant, made the checker remember."""
    for memory in _memories():
        memory.cache_clear()
