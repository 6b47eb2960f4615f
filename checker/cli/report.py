"""``checker report``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from checker.cli.options import formats_that_can_be
from checker.cli.output import stored, stored_before, write


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    multiple=True,
    callback=formats_that_can_be,
    metavar="FMT[=FILE]",
    help="As for gate. Repeatable.",
)
@click.option("--baseline", type=click.Path(path_type=Path), help="An earlier stored run: what is new and fixed since.")
@click.option("--history", type=click.Path(path_type=Path), help="A store of earlier runs: the page shows their trend.")
@click.option("--quiet", is_flag=True)
@click.option("--no-color", is_flag=True)
def report(run: Path, baseline: Path | None, history: Path | None, **options: Any) -> None:
    """Render a stored run in other formats."""
    from checker.collect.history import earlier

    found = stored(run)
    before = stored_before(baseline, found.command) if baseline else None
    write(found, options, before, earlier(history, found.command) if history else ())
