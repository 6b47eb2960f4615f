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


@pytest.mark.parametrize(
    "production",
    [
        "production:\n  <<: *default\n",
        "production: # the one that counts\n  <<: [*other, *default]\n",
        "'production':\n  primary:\n    <<: *default\n    database: <%= ENV.fetch('NAME') { 'x' } %>\n",
        "production: *default\n",
        "<% if true %>\nproduction:\n  url: <%= ENV['URL'] %>\n  <<: *default\n<% end %>\n",
        "production:\n  variables: *variables\n",
    ],
)
def test_what_is_merged_counts(production: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    sections = "other: &other\n  adapter: postgresql\ndefault: &default  # all\n  variables: &variables\n"
    text = f"{sections}    lock_timeout: 5000\n{production}"
    (tmp_path / "config/database.yml").write_text(text, encoding="utf-8")
    (found,) = read_connections(tmp_path, [])
    assert "lock_timeout: 5000" in found.text
    assert found.text.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "production",
    [
        "production:\n  <<: *default\n  variables:\n    statement_timeout: 9000\n",
        "production:\n  <<: [*other, *default]\n",
        "production:\n  adapter: postgresql\n",
        "production:\n  primary:\n    <<: *default\n    variables: {}\n",
    ],
)
def test_what_is_given_again_does_not_count(production: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    sections = "other: &other\n  adapter: postgresql\n  variables: {}\ndefault: &default\n  variables:\n"
    text = f"{sections}    lock_timeout: 5000\n{production}"
    (tmp_path / "config/database.yml").write_text(text, encoding="utf-8")
    (found,) = read_connections(tmp_path, [])
    assert "lock_timeout" not in found.text


def test_aliases_that_stand_for_too_much(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    layers = "".join(f"a{at}: &a{at}\n  <<: [*a{at - 1}, *a{at - 1}]\n" for at in range(1, 40))
    text = f"a0: &a0\n  adapter: x\n{layers}production:\n  <<: *a39\n"
    (tmp_path / "config/database.yml").write_text(text, encoding="utf-8")
    assert len(list(read_connections(tmp_path, []))) == 1
