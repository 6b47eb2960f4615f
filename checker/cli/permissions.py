"""``checker permissions``: what a role needs that reads an account, as an IAM policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from checker.cli.options import assembly, folder


@click.command()
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]")
@click.option(
    "--assembly",
    "assemblies",
    multiple=True,
    metavar="[ENV=]PATH",
    help="An assembly folder or a bare template. Repeatable.  [the project's own, where it is synthesized]",
)
@click.option(
    "--for",
    "commands",
    type=click.Choice(["audit", "preflight", "drift"]),
    multiple=True,
    help="Only what this command needs. Repeatable.  [all three]",
)
def permissions(project: Path, assemblies: Sequence[str], commands: tuple[str, ...]) -> None:
    """The IAM policy that audit, preflight and drift need, no more: reads of settings, never of data.

    Drift reads resources whose types it has no describer for through AWS Cloud Control, which calls the resource's own
    service with the same permissions. The policy has what it needs for the types in the stacks at hand.
    """
    import json

    from checker.audit import declared
    from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT
    from checker.collect.account.permissions import MANAGED_POLICY, policy
    from checker.collect.config.settings_file import project_settings
    from checker.run.request import Request

    known = {"audit": AUDIT, "preflight": PREFLIGHT, "drift": DRIFT}
    place = folder(project)
    given = [assembly(each) for each in assemblies]
    types = declared(Request(project=place, settings=project_settings(place), assemblies=given)).counts
    click.echo(json.dumps(document := policy(*(known[name] for name in commands or known), types=types), indent=2))
    if not types:
        click.echo(
            "No stacks at hand: what only AWS Cloud Control reads is not in it. Synthesize first, or give --assembly.",
            err=True,
        )
    if len(json.dumps(document, separators=(",", ":"))) > MANAGED_POLICY:
        click.echo(
            f"It is longer than one managed policy may be ({MANAGED_POLICY:,} characters): "
            "make several of it, statement by statement.",
            err=True,
        )
