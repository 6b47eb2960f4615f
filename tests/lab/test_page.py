"""docs/lab.md lists the breaks that there are."""

from __future__ import annotations

import re
from pathlib import Path

from checker.lab import breaks

PAGE = Path(__file__).parents[2] / "docs" / "lab.md"


def test_the_page_lists_every_break() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {name: each.what for name, each in breaks.BREAKS.items()}
