"""What somebody is told to install keeps what they have: the installers put the new one in the old one's place."""

from __future__ import annotations

import importlib.util
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from checker import errors


def test_the_extras_that_are_there_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> ModuleSpec | None:
        return ModuleSpec(name, None) if name == "tree_sitter_bash" else None

    monkeypatch.setattr(importlib.util, "find_spec", found)
    assert 'uv tool install "doc-platform-checker[oscal,pipeline] @ ' in errors.install_with("oscal")
    assert 'uv tool install "doc-platform-checker[pipeline] @ ' in errors.install_with("pipeline")


def test_each_of_them_is_an_extra_and_told_by_a_module_that_it_installs() -> None:
    project = tomllib.loads((Path(errors.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert set(errors._TELLING) <= set(extras)
    assert [module for module in errors._TELLING.values() if importlib.util.find_spec(module) is None] == []
