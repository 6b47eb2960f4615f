"""What several test folders share: this repository's own assembly, synthesized once and remembered by content."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from checker.collect.config.settings_file import project_settings
from checker.collect.kept.user_cache import user_cache
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


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where each next test's user keeps what can be made again: nothing is there yet."""
    user_cache("synthesis").mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("caches")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def nothing_is_known_from_earlier_runs(caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what this repository's own assembly was made from: making it takes ten seconds."""
    made = user_cache("synthesis")
    monkeypatch.setenv("XDG_CACHE_HOME", str(next(caches)))
    user_cache().mkdir(parents=True)
    user_cache("synthesis").symlink_to(made)


@pytest.fixture(autouse=True, scope="module")
def what_was_shown_is_forgotten() -> Iterator[None]:
    """Of ten thousand tests' programs nothing is kept in memory: several processes run them side by side."""
    yield
    forget()
