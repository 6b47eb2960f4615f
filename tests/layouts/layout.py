"""One layout: a repository as one YAML file (``files``: path -> text), and beside it what the gate says, as text.

``python -m tests.layouts.layout`` writes what it says now; what changes is then read before it is committed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import yaml

from checker.cli import run

HERE: Final = Path(__file__).parent
LAYOUTS: Final = sorted(HERE.glob("*.yaml"))
_TOLD: Final = ("error", "fail", "unknown", "waived")


def lay_out(layout: Path, folder: Path) -> None:
    """Write the files of a layout below a folder."""
    for name, text in yaml.safe_load(layout.read_text(encoding="utf-8"))["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def said_of(layout: Path) -> str:
    """What the gate says of a layout: its exit code, every verdict that is not well, what it noted and did not read."""
    with tempfile.TemporaryDirectory() as folder:
        root, document = Path(folder, "repository"), Path(folder, "run.json")
        root.mkdir()
        lay_out(layout, root)
        console = StringIO()
        with redirect_stdout(console), redirect_stderr(console):
            code = run(["gate", "--project", str(root), "--format", f"json={document}"])
        if not document.exists():
            return f"exit {int(code)}\n{console.getvalue()}"
        return "\n".join([f"exit {int(code)}", *_lines(json.loads(document.read_text()))]) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    for outcome in _TOLD:
        told = [each for each in document["verdicts"] if each["outcome"] == outcome]
        if told:
            yield f"\n{outcome}"
        for each in sorted(told, key=_order):
            at, path = each["location"], each["subject"]
            where = f"{at['file']}:{at['line']}" if at.get("line") else at["file"]
            name = path.get("logical_id") or path.get("name") or ""
            yield f"  {_id(each)} {where} {each['environment']} {name}".rstrip()
            yield f"    {each['violation']}"
    for outcome in ("pass", "not_applicable"):
        ids = sorted({_id(each) for each in document["verdicts"] if each["outcome"] == outcome})
        yield f"\n{outcome}: {' '.join(ids)}"
    for heading, items in (
        ("not read", [f"{each['what']}: {each['why']}" for each in document["coverage"]["unread"]]),
        ("noted", document["coverage"].get("notes", [])),
    ):
        if items:
            yield f"\n{heading}"
            yield from (f"  {each}" for each in items)


def _id(verdict: dict[str, Any]) -> str:
    return f"{verdict['finding']}[{verdict['sub']}]" if verdict["sub"] else str(verdict["finding"])


def _order(verdict: dict[str, Any]) -> tuple[Any, ...]:
    at = verdict["location"]
    return verdict["finding"], verdict["sub"] or "", at["file"], at.get("line") or 0, verdict["environment"]


if __name__ == "__main__":
    for each in [HERE / f"{name}.yaml" for name in sys.argv[1:]] or LAYOUTS:
        each.with_suffix(".txt").write_text(said_of(each), encoding="utf-8")
