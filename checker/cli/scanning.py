"""``--with``: our own verdicts first, then what outside scanners say, joined to the same run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from checker.cli.options import progress

if TYPE_CHECKING:
    from checker.model.resources import Stack
    from checker.model.verdicts import Run
    from checker.run.request import Request
    from checker.scanners.triage import Triage


def chosen(named: str) -> list[str]:
    """The scanners of ``cfn-lint,checkov``. An unknown one is refused: what is misspelt would never run."""
    names = [name.strip() for name in named.split(",") if name.strip()]
    if not names:
        return []
    from checker.collect.config.data_files import nearest
    from checker.errors import UsageError
    from checker.scanners.made import REPORTS
    from checker.scanners.tools import TOOLS

    for name in names:
        if name not in (known := (*TOOLS, *REPORTS)):
            raise UsageError(f"--with {name}: no such scanner", nearest(name, known))
    return list(dict.fromkeys(names))


def triage_of(project: Path, max_days: int) -> Triage:
    """The project's reviewed file of what scanners say. Read before anything is judged: its faults come first."""
    from checker.collect.config.excusing_files import TRIAGE_FILES
    from checker.scanners.triage import load_triage

    name = next((name for name in TRIAGE_FILES if (project / name).is_file()), None)
    return load_triage(project / name, name, max_days=max_days) if name else ()


def scanned(
    run: Run, request: Request, names: list[str], seconds: float, triage: Triage, options: dict[str, Any]
) -> Run:
    """The run with the scanners' results. Where the console is shown, ours are on it before any scanner starts."""
    from checker.cli.output import write
    from checker.resolve.templates.project import with_nested
    from checker.run.stacks import at_hand
    from checker.scanners.joining import answered, excused, joined, verdicts_of
    from checker.scanners.made import REPORTS, read
    from checker.scanners.running import run as run_tools
    from checker.scanners.tools import TOOLS

    console = "console" in options["formats"] or not options["formats"]
    if console:
        write(run, {**options, "formats": ("console",)})
    here = at_hand(request)
    stacks = list(with_nested(here.stacks))
    progress(f"asking {', '.join(names)}")
    tools = [TOOLS[name] for name in names if name in TOOLS]
    answers = run_tools(tools, _files(request, stacks), request.project, seconds)
    folders = [each.path for each in here.assemblies if each.path.is_dir()]
    answers += read([name for name in names if name in REPORTS], folders, stacks, request.project)
    reads = {tool.name: tool.reads for tool in tools} | dict.fromkeys(REPORTS, "assembly")
    found, notes = verdicts_of(run, answers, stacks, request.project, reads)
    entries, left = answered(triage, answers)
    found, statuses = excused(run, found, request.waivers, entries, request.today)
    complete = joined(replace(run, waivers=statuses), found, [*notes, *left], answers)
    if console:
        told = tuple(each for each in statuses if each not in run.waivers)
        said = replace(complete, command="outside scanners", verdicts=tuple(found), waivers=told, findings={})
        coverage = replace(complete.coverage, notes=(*notes, *left), not_judged=(), unread=complete.coverage.unread)
        write(replace(said, coverage=coverage), {**options, "formats": ("console",)})
        options["formats"] = tuple(each for each in options["formats"] if each != "console")
        options["console_done"] = True
    return complete


def _files(request: Request, stacks: list[Stack]) -> dict[str, list[Path]]:
    """The files of each kind, whole paths."""
    from checker.collect.pipeline.scripts import find_scripts
    from checker.model.migrations.folders import is_sql
    from checker.model.sources import Problem

    root, problems = request.project, list[Problem]()
    templates = {(root / stack.source.file).resolve() for stack in stacks}
    workflows = [each for pattern in ("*.yml", "*.yaml") for each in (root / ".github/workflows").glob(pattern)]
    scripts = [root / each for each in find_scripts(root, request.settings, problems)]
    below = (root / folder for folder in request.settings.migration_folders)
    migrations = [each for folder in below for each in folder.rglob("*") if is_sql(each.name)]
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
            "--with",
            "scanners",
            default="",
            metavar="NAME,…",
            help="Outside scanners too: cfn-lint, checkov, cdk, cdk-nag, zizmor, actionlint, shellcheck, squawk.",
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
