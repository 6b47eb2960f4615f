"""``checker init``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from checker.cli.options import folder, progress

if TYPE_CHECKING:
    from checker.cli.adopt.first_settings import Discovered
    from checker.run.request import Request

BASELINE = "checker-baseline.json"


@click.command()
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]")
@click.option("--force", is_flag=True, help="Write over a checker.toml or a baseline that is there.")
def init(project: Path, force: bool) -> None:
    """Look at a project, write its first checker.toml and a baseline, and say what was found. Asks nothing.

    None of the project's code is run.
    """
    from checker.cli.adopt.first_settings import text
    from checker.collect.config.settings_file import FILE_NAME
    from checker.collect.outputs import write_whole
    from checker.errors import InputError, UsageError, printable
    from checker.model.settings import Settings
    from checker.reports import render
    from checker.reports.safe import safe_to_show
    from checker.run.judging import gate
    from checker.run.request import Request, request_for

    root = folder(project)
    settings, baseline = root / FILE_NAME, root / BASELINE
    there = [each.name for each in (settings, baseline) if each.exists()]
    if there and not force:
        raise UsageError(
            f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} there already",
            "Edit what is there, or write it anew with --force.",
        )
    found = _discover(Request(project=root, settings=Settings(), say=progress))
    write_whole(settings, text(found))
    click.echo(f"{FILE_NAME}: {_said(found)}")
    try:
        run = gate(request_for(root, say=progress))
    except InputError as error:
        click.echo(printable(f"no baseline: {error.message}"))
        click.echo(f"  fix: {error.hint}")
        return
    write_whole(baseline, render(run, "json"))
    run = safe_to_show(run)  # what is printed here is no report, and quotes what it read all the same
    for surface, read in run.coverage.surfaces.items():
        click.echo(printable(f"  {surface}: {read}"))
    for note in run.coverage.notes:
        click.echo(printable(f"  {note}"))
    for each in run.coverage.unread[:10]:
        click.echo(printable(f"  not read: {each.what}: {each.why}"))
    if len(run.coverage.unread) > 10:
        click.echo(f"  not read: {len(run.coverage.unread) - 10} more")
    totals = run.totals
    click.echo(f"{BASELINE}: {totals['fail']} failing, {totals['unknown']} undecided, {totals['pass']} passing")
    click.echo(f"Next: checker gate --baseline {BASELINE}   (fails on what is new; `checker explain ID` says more)")


def _said(found: Discovered) -> str:
    count = len(found.stacks) + len(found.unnamed)
    stacks = f"{count} {'stack' if count == 1 else 'stacks'}"
    environments = ", ".join(found.kinds) or "no environment"
    return f"{found.repository or 'no GitHub repository'}, {stacks}, {environments}"


def _discover(request: Request) -> Discovered:
    from checker.cli.adopt.first_settings import Discovered
    from checker.collect import repository
    from checker.model.environment_words import UNNAMED
    from checker.run.pipeline import pipeline_of
    from checker.run.stacks import at_hand

    root = request.project
    here = at_hand(request)
    pipeline = pipeline_of(root, request.settings, tuple(here.kinds))
    jobs = pipeline.jobs if pipeline is not None else ()
    app = _app(root / "cdk.json")
    branch, is_fact = repository.default_branch(root)
    return Discovered(
        repository=repository.slug(root),
        default_branch=branch,
        default_branch_is_fact=is_fact,
        # Tokens of any other may deploy only where a person says so.
        github_environments=sorted({job.environment for job in jobs if job.environment in here.kinds}),
        stacks={stack.name: stack.environment for stack in here.stacks if stack.environment != UNNAMED},
        unnamed=sorted({stack.name for stack in here.stacks if stack.environment == UNNAMED}),
        kinds={name: kind.value for name, kind in here.kinds.items() if name != UNNAMED},
        app=app,
        assembly_missing=bool(app) and any("CDK app without an assembly" in each.what for each in here.unread),
    )


def _app(file: Path) -> str:
    try:
        found = json.loads(file.read_text(encoding="utf-8")).get("app", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
