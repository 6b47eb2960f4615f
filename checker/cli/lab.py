"""``checker lab``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from checker.cli.options import folder, progress

_PATH = click.Path(path_type=Path)
_PROJECT = click.option("--project", type=_PATH, default=Path(), help="The project's folder.  [here]")


@click.group()
def lab() -> None:
    """An emulated account on loopback, deployed from the assembly, to try `audit` and `drift` on."""


@lab.command()
@_PROJECT
@click.option("--assembly", type=_PATH, help="A cdk.out folder or a template.  [the project's own]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On 127.0.0.1.  [a free one]")
def up(project: Path, assembly: Path | None, port: int) -> None:
    """Start the account, deploy everything, and print the variables that point AWS clients at it.

    \b
    eval "$(checker lab up)"
    """
    from checker.collect.config.settings_file import project_settings
    from checker.lab import up as lab_up

    project = folder(project)
    with _emulated():
        running, deployed = lab_up.up(project, project_settings(project), source=assembly, port=port, say=progress)
    for name in lab_up.UNSET:
        click.echo(f"unset {name}")
    for name, value in lab_up.variables(running).items():
        click.echo(f"export {name}={value}")
    click.echo(f"# Judge it with: checker audit --env production --assembly {deployed.relative_to(project)}")


@lab.command()
@_PROJECT
def down(project: Path) -> None:
    """End the account's own process, and remove its files."""
    from checker.lab import up as lab_up

    click.echo("the lab is down" if lab_up.down(folder(project)) else "no lab ran", err=True)


@lab.command()
@_PROJECT
def status(project: Path) -> None:
    """Whether a lab runs, where, and what stands in it. Exit code 1 where none runs."""
    from checker.lab import server
    from checker.lab.clients import Clients

    remembered = server.remembered(folder(project))
    if remembered is None or not server.is_running(remembered):
        click.echo("no lab runs")
        sys.exit(1)
    place = f"account {remembered.account} in {remembered.region}"
    click.echo(f"{place} at {remembered.endpoint}, process {remembered.pid}")
    with _emulated():
        for stack in Clients(remembered).pages("cloudformation", "describe_stacks", "Stacks"):
            click.echo(f"  {stack['StackName']:24} {stack['StackStatus']}")


@lab.command(name="break")
@_PROJECT
@click.argument("finding", required=False)
@click.option("--list", "listed", is_flag=True, help="All there is to break.")
def break_(project: Path, finding: str | None, listed: bool) -> None:
    """Break one thing in the account by hand, as a person in the console would: a finding's id, or a drift state."""
    from checker.errors import UsageError
    from checker.lab import breaks

    if listed:
        width = max(map(len, breaks.BREAKS))
        for name, each in breaks.BREAKS.items():
            click.echo(f"{name:{width}}  {each.what}")
        return
    if finding is None:
        raise UsageError("break what?", "Name a finding or a drift state; checker lab break --list shows all.")
    from checker.collect.config.settings_file import project_settings
    from checker.lab import server
    from checker.lab.clients import Clients
    from checker.lab.up import deployed

    project = folder(project)
    running = server.running(project)
    with _emulated():
        account = breaks.Account.of(Clients(running), deployed(project), project_settings(project))
        click.echo(breaks.apply(account, finding))


@contextmanager
def _emulated() -> Iterator[None]:
    """What the emulator refuses is an error with a message, as every other."""
    from checker.lab.server import LabError, require

    require()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LabError(f"the emulated account: {error}", "Start it anew: checker lab up.") from error
