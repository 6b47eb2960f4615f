"""``checker diff``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from checker.cli.output import stored, stored_before


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def diff(old: Path, new: Path) -> None:
    """What is new, fixed, still failing or changed between two stored runs. Exit code 1 where something is new."""
    from checker.compare import compare, shown

    run = stored(new)
    comparison = compare(stored_before(old, run.command), run)
    click.echo(shown(comparison), nl=False)
    sys.exit(1 if comparison.new else 0)
