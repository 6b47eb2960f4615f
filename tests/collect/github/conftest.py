"""These tests need the extra ``github``; without it every one of them would fail on a fact that was not read."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from checker.errors import install_with


@pytest.fixture(autouse=True)
def _extra_is_installed() -> None:
    missing = [name for name in ("gidgethub", "httpx2") if find_spec(name) is None]
    if missing:
        pytest.fail(f"{' and '.join(missing)} not installed. {install_with('github')}", pytrace=False)
