"""This package's own command in its own pipeline is known by where it begins."""

from __future__ import annotations

import tomllib
from pathlib import Path

from checker.resolve.trace.commands import own_commands

ROOT = Path(__file__).parents[4]


def test_the_entry_is_the_package_s_own() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts["checker"].startswith(own_commands._ENTRY)
