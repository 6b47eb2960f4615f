"""``checker permissions``: what a role needs that reads an account, as an IAM policy."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--for",
    "commands",
    type=click.Choice(["audit", "preflight", "drift"]),
    multiple=True,
    help="Only what this command needs. Repeatable.  [all three]",
)
def permissions(commands: tuple[str, ...]) -> None:
    """The IAM policy that audit, preflight and drift need, no more: reads of settings, never of data.

    Drift reads resources whose types it has no describer for through AWS Cloud Control. Those reads need the actions of
    the type's own read handler besides; where one is missing, drift names the resource that it could not check.
    """
    import json

    from checker.collect.account.needs import AUDIT, DRIFT, PREFLIGHT
    from checker.collect.account.permissions import policy

    known = {"audit": AUDIT, "preflight": PREFLIGHT, "drift": DRIFT}
    click.echo(json.dumps(policy(*(known[name] for name in commands or known)), indent=2))
