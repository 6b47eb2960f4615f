"""``--with``: our own verdicts first, then what outside scanners say, joined to the same run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.options import progress

if TYPE_CHECKING:
    from checker.model.resources import Stack
    from checker.model.verdicts import Run
    from checker.run.request import Request
    from checker.scanners.tools import Tool


def chosen(named: str) -> list[Tool]:
    """The scanners of ``cfn-lint,checkov``. An unknown one is refused: what is misspelt would never run."""
    from checker.collect.config.data_files import nearest
    from checker.errors import UsageError
    from checker.scanners.tools import TOOLS

    names = [name.strip() for name in named.split(",") if name.strip()]
    for name in names:
        if name not in TOOLS:
            raise UsageError(f"--with {name}: no such scanner", nearest(name, TOOLS))
    return [TOOLS[name] for name in dict.fromkeys(names)]


def scanned(run: Run, request: Request, tools: list[Tool], seconds: float, options: dict[str, Any]) -> Run:
    """The run with the scanners' results. Where the console is shown, ours are on it before any scanner starts."""
    from checker.cli.output import write
    from checker.resolve.templates.project import with_nested
    from checker.run.stacks import at_hand
    from checker.scanners.joining import excused, joined, verdicts_of
    from checker.scanners.running import run as run_tools

    console = "console" in options["formats"] or not options["formats"]
    if console:
        write(run, {**options, "formats": ("console",)})
    stacks = list(with_nested(at_hand(request).stacks))
    progress(f"asking {', '.join(tool.name for tool in tools)}")
    answers = run_tools(tools, _files(request, stacks), request.project, seconds)
    reads = {tool.name: tool.reads for tool in tools}
    found, notes = verdicts_of(run, answers, stacks, request.project, reads)
    found, statuses = excused(run, found, request.waivers, request.today)
    complete = joined(replace(run, waivers=statuses), found, notes, answers)
    if console:
        said = replace(complete, command="outside scanners", verdicts=tuple(found), waivers=(), findings={})
        coverage = replace(complete.coverage, notes=tuple(notes), not_judged=(), unread=complete.coverage.unread)
        write(replace(said, coverage=coverage), {**options, "formats": ("console",)})
        options["formats"] = tuple(each for each in options["formats"] if each != "console")
        options["console_done"] = True
    return complete


def _files(request: Request, stacks: list[Stack]) -> dict[str, list[Path]]:
    """The files of each kind, whole paths."""
    from checker.collect.pipeline.scripts import find_scripts
    from checker.model.sources import Problem

    root, problems = request.project, list[Problem]()
    templates = {(root / stack.source.file).resolve() for stack in stacks}
    workflows = [each for pattern in ("*.yml", "*.yaml") for each in (root / ".github/workflows").glob(pattern)]
    scripts = [root / each for each in find_scripts(root, request.settings, problems)]
    migrations = [each for folder in request.settings.migration_folders for each in (root / folder).rglob("*.sql")]
    return {
        "template": [each for each in templates if each.is_file()],
        "workflow": [each.resolve() for each in workflows],
        "script": [each.resolve() for each in scripts if each.suffix in (".sh", ".bash")],
        "migration": [each.resolve() for each in migrations],
    }


def scanner_options(command: Any) -> Any:
    """``--with`` and its deadline."""
    options = [
        click.option(
            "--with", "scanners", default="", metavar="NAME,…", help="Outside scanners too: cfn-lint, checkov, zizmor …"
        ),
        click.option(
            "--scanner-seconds",
            type=click.FloatRange(1, 3600),
            default=180.0,
            show_default=True,
            help="How long a scanner may take.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
