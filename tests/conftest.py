"""What several test folders share: this repository's own assembly, synthesized once and remembered by content."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from checker.collect.config.settings_file import project_settings
from checker.collect.templates.synthesis import own_assembly as synthesize
from infra import node
from tests.caches import forget

ROOT = Path(__file__).parents[1]

# Before any test imports aws_cdk.
node.choose()

# The same examples on every machine and every day, however slow it is: what explores is `make fuzz`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def own_assembly() -> Path:
    """The folder of this repository's own assembly. One process synthesizes, the others wait for it."""
    lock = ROOT / ".checker" / "lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return synthesize(ROOT, project_settings(ROOT), lambda _: None)


@pytest.fixture(autouse=True, scope="module")
def what_was_shown_is_forgotten() -> Iterator[None]:
    """Of ten thousand tests' programs nothing is kept in memory: several processes run them side by side."""
    yield
    forget()
