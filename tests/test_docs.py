"""What the pages say exists: links lead somewhere, and commands are ones that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from checker.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            missing.append(target)
        elif anchor and file.suffix == ".md":
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            if anchor not in slugs:
                missing.append(target)
    assert missing == []


def commands(page: Path) -> Iterator[str]:
    """Lines of code blocks that begin with our command, continued lines joined."""
    for block in re.findall(r"^```(?:\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\|", line):
                found = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?checker (?=[a-z-])(.*)", part)
                if found:
                    yield found[1]


def test_commands_are_ones_that_there_are() -> None:
    seen = 0
    for page in PAGES:
        for line in commands(page):
            words = shlex.split(line, comments=True)
            command: click.Command | None = main
            context = click.Context(main)
            while isinstance(command, click.Group) and words and command.get_command(context, words[0]):
                command = command.get_command(context, words.pop(0))
            assert command is not None
            assert command is not main, f"{page.name}: no command: checker {line}"
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            if isinstance(command, click.Group):  # `checker evidence RUN.json`: what it does where it names no command
                options |= {name for each in command.commands.values() for p in each.params for name in p.opts}
            wrong = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
            assert not wrong, f"{page.name}: checker {line}: there is no {wrong}"
            seen += 1
    assert seen > 40
