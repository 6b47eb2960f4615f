"""What files say of how a framework connects to its database."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.migrations.frameworks.connections import read_connections


@pytest.mark.parametrize(
    "text", ["", "adapter postgresql", "# production: none\nadapter: postgresql\n", "a: b\nadapter: c"]
)
def test_a_file_without_sections_is_taken_whole(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/database.yml").write_text(text, encoding="utf-8")
    found = list(read_connections(tmp_path, []))
    assert [each.text for each in found] == ([text] if "adapter" in text else [])


def test_what_is_said_of_other_environments_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    text = "default: &default\n  adapter: postgresql\ntest:\n  timeout: 1\nproduction:\n  <<: *default\n"
    (tmp_path / "config/database.yml").write_text(text, encoding="utf-8")
    (found,) = read_connections(tmp_path, [])
    assert "timeout" not in found.text
    assert "adapter: postgresql" in found.text
    assert found.text.count("\n") == text.count("\n")
