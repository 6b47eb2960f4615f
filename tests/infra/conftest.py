"""One synthesis of everything for the whole session."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import naming
from tests.infra.support import STACK_OF, Template


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of all three stacks, from example ids, as app.py makes it."""
    os.environ.setdefault("JSII_HOST_STACK_TRACES", "1")
    from infra.build import add_stacks, new_app

    folder = tmp_path_factory.mktemp("assembly")
    app = new_app(outdir=str(folder), context={"env": "all"})
    add_stacks(app)
    app.synth()
    return folder


@pytest.fixture(scope="session")
def templates(assembly: Path) -> Mapping[str, Template]:
    """By stack name."""
    return {name: Template.read(assembly, name) for name in naming.STACKS}


@pytest.fixture(scope="session")
def shared(templates: Mapping[str, Template]) -> Template:
    return templates[naming.SHARED_STACK]


@pytest.fixture(scope="session")
def staging(templates: Mapping[str, Template]) -> Template:
    return templates[naming.STAGING_STACK]


@pytest.fixture(scope="session")
def production(templates: Mapping[str, Template]) -> Template:
    return templates[naming.PRODUCTION_STACK]


@pytest.fixture(scope="session", params=sorted(STACK_OF))
def environment(request: pytest.FixtureRequest) -> str:
    """Each environment's name in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def stack(environment: str, templates: Mapping[str, Template]) -> Template:
    """Each environment's template in turn."""
    return templates[STACK_OF[environment]]
