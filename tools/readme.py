"""Writes the generated parts of README.md: the table of findings, and the picture of real output.

``make docs`` runs it; tests/test_readme.py says when the result is not what stands there.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.text import Text

from checker.collect.config.register import load_register
from checker.model.verdicts import Surface
from checker.policies.rules import load

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
PICTURE: Final = ROOT / "docs" / "gate.svg"
_BLOCK: Final = r"(<!-- findings: begin -->\n).*?(<!-- findings: end -->)"
# What the gate reads, as people say it.
_WHERE: Final = {
    Surface.TEMPLATE: "templates",
    Surface.WORKFLOW: "workflows",
    Surface.SCRIPT: "scripts",
    Surface.MIGRATION: "migrations",
}
# Rich's own frame loads a font from elsewhere; this one asks for nothing.
_FRAME: Final = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; }} {styles}</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def table() -> str:
    """All findings as a Markdown table: 38 of the review, then those that count apart."""
    surfaces = {rule.id: rule.surfaces for rule in load()}
    rows = ["| id | severity | what holds | judged by the gate in |", "|---|---|---|---|"]
    for entry in load_register().entries.values():
        judged = [
            name for surface, name in _WHERE.items() if surface in entry.judged_on & surfaces.get(entry.id, frozenset())
        ]
        rows.append(f"| {entry.id} | {entry.severity} | {entry.title} | {', '.join(judged) or 'not yet'} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """README.md's text with the table as it should be."""
    return re.sub(_BLOCK, lambda match: match.group(1) + table() + match.group(2), readme, flags=re.DOTALL)


def picture() -> str:
    """What `checker gate` says of a small broken template, as a terminal shows it."""
    arguments = ["gate", "--assembly", "production=docs/example.yaml"]
    code = "import sys; sys.stdout.isatty = lambda: True; from checker.cli import run; sys.exit(run(sys.argv[1:]))"
    only = [word for finding in ("C7", "C8") for word in ("--finding", finding)]
    with TemporaryDirectory() as folder:  # the template alone, without the pipeline of this repository
        (Path(folder) / "docs").mkdir()
        shutil.copy(ROOT / "docs" / "example.yaml", Path(folder) / "docs")
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", code, *arguments, *only], cwd=folder, capture_output=True, text=True, check=False
        )
    console = Console(record=True, width=104, file=io.StringIO())
    console.print(Text.from_ansi(f"$ checker {' '.join(arguments)}\n{done.stdout}"))
    return console.export_svg(title="checker gate", code_format=_FRAME, unique_id="gate")


def main() -> int:
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"wrote {README.name} and {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
