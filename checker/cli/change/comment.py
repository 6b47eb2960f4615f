"""``checker comment``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from checker.cli.output import stored, stored_before

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--base", required=True, type=_PATH, metavar="RUN.json", help="The gate's run on the merge base.")
@click.option("--head", required=True, type=_PATH, metavar="RUN.json", help="The gate's run on the request's head.")
@click.option("--base-project", type=_PATH, metavar="DIR", help="The project at the merge base: its waivers, settings.")
@click.option("--head-project", type=_PATH, metavar="DIR", help="The project at the head.")
@click.option("--repository", default="", metavar="OWNER/REPO", help="[GITHUB_REPOSITORY]")
@click.option("--pull-request", type=click.IntRange(min=1), metavar="NUMBER", help="Post it there.  [print it]")
def comment(
    base: Path,
    head: Path,
    base_project: Path | None,
    head_project: Path | None,
    repository: str,
    pull_request: int | None,
) -> None:
    """What a pull request changes, as its one comment: excuses first, then what is new, undecided and fixed.

    Without --pull-request it is printed. Nothing of the request is run: both runs are read as files.
    """
    from checker.collect.config.excusing_files import WAIVER_FILES
    from checker.collect.config.register import load_register
    from checker.compare import compare
    from checker.errors import UsageError
    from checker.review.comment import MARKER, render
    from checker.review.excuses import excuses

    if (base_project is None) != (head_project is None):
        raise UsageError("--base-project and --head-project go together", "Name both checkouts, or none.")
    new = stored(head)
    old = stored_before(base, new.command)
    changed = (
        excuses(base_project, head_project, WAIVER_FILES, load_register().requirements)
        if base_project is not None and head_project is not None
        else ["which waivers and settings it changes is not known: no checkouts were named"]
    )
    text = render(compare(old, new), old, new, changed)
    if pull_request is None:
        click.echo(text, nl=False)
        return
    from checker.collect.github.comments import post

    where = repository or os.environ.get("GITHUB_REPOSITORY", "") or new.project.repository
    click.echo(post(where, pull_request, text, MARKER, os.environ))
