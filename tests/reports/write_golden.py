"""Writes the golden files anew, to be read in the diff: ``python -m tests.reports.write_golden``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from checker.reports import render
from tests.reports.sample import EMPTY, RUN

GOLDEN: Final = Path(__file__).parent / "golden"
FILES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "console.txt": ("console", {}),
    "console-color.txt": ("console", {"color": True, "width": 80}),
    "console-quiet.txt": ("console", {"quiet": True}),
    "run.json": ("json", {}),
    "run.sarif": ("sarif", {}),
    "run.md": ("markdown", {}),
    "run.html": ("html", {}),
    "junit.xml": ("junit", {}),
    "run.csv": ("csv", {}),
    "oscal.json": ("oscal", {}),
}


def expected() -> dict[str, str]:
    """Golden file -> what it must hold. The empty run is one file: every format of it, one after the other."""
    rendered = {name: render(RUN, format_, **options) for name, (format_, options) in FILES.items()}
    formats = dict.fromkeys(format_ for format_, _ in FILES.values())
    rendered["empty.txt"] = "".join(f"=== {name}\n{render(EMPTY, name)}" for name in formats)
    return rendered


if __name__ == "__main__":
    for name, content in expected().items():
        (GOLDEN / name).write_text(content, encoding="utf-8")
