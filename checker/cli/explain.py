"""``checker explain``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from checker.cli.options import assembly, folder, progress


@click.command()
@click.argument("finding")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]")
@click.option("--assembly", "assemblies", multiple=True, metavar="[ENV=]PATH", help="As for gate. Repeatable.")
def explain(finding: str, project: Path, assemblies: Sequence[str]) -> None:
    """A finding's page: what the review found, what is checked, what cannot be decided, and how to fix it.

    For C1 also this project's own matrix: which job presents which token, and which role admits it.
    """
    from checker.pages import matrix, page

    click.echo(page(finding), nl=False)
    if finding.partition("[")[0].upper() == "C1":
        click.echo(matrix(folder(project), [assembly(each) for each in assemblies], progress), nl=False)
