"""README.md says what is so: its generated parts are current, its files exist, its commands are the Makefile's."""

from __future__ import annotations

import re
from pathlib import Path

from checker.errors import ExitCode
from tools.readme import PICTURE, README, picture, with_table

ROOT = Path(__file__).parents[1]


def test_the_table_of_findings_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run `make docs`"


def _without_commit(svg: str) -> str:
    return re.sub(r"[0-9a-f]{12}", "COMMIT", svg)


def test_the_picture_is_current() -> None:
    assert _without_commit(picture()) == _without_commit(PICTURE.read_text(encoding="utf-8")), "run `make docs`"


def test_the_picture_loads_nothing() -> None:
    assert not re.search(r"(href|src|url)\s*[=(]\s*[\"']?https?:", PICTURE.read_text(encoding="utf-8"))


def test_links_lead_somewhere() -> None:
    for document in (README, *sorted((ROOT / "docs").glob("*.md"))):
        links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
        missing = [link for link in links if not (document.parent / link).exists()]
        assert missing == [], document.name


def test_commands_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", README.read_text(encoding="utf-8")))
    assert {"gate", "test"} <= named <= targets


def test_exit_codes_are_the_codes() -> None:
    rows = re.findall(r"^\| (\d) \| ", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in ExitCode]
