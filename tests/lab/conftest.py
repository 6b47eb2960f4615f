"""One lab for the session, with this repository's own stacks in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.collect.config.settings_file import project_settings
from checker.lab import assembly, server, up
from checker.lab.clients import Clients

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deployed(own_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly as it is deployed in the lab; complete once ``clients`` is there."""
    return assembly.copied(own_assembly, tmp_path_factory.mktemp("deployed") / "assembly")


@pytest.fixture(scope="session")
def clients(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    lab = server.start(tmp_path_factory.mktemp("lab"), account="111111111111", region="us-west-2")
    try:
        found = Clients(lab)
        up.fill(found, deployed, project_settings(ROOT), lambda _: None)
        yield found
    finally:
        server.stop(lab)
