"""``checker audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.account import account_options, snapshot_of
from checker.cli.options import assembly, folder, judging_options, progress
from checker.cli.output import finish, shows_facts

if TYPE_CHECKING:
    from checker.model.verdicts import Run
    from checker.run import Request


@click.command()
@judging_options
@account_options
@click.option(
    "--targets", type=click.Path(path_type=Path, dir_okay=False), help="Many accounts and regions, as this file says."
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Read them on this Dask cluster.  [threads here]")
def audit(targets: Path | None, scheduler: str, **options: Any) -> None:
    """Judge the live account, and the repository's settings. Read-only.

    What could not be read is unknown, by name, with the permission that is missing: never a pass.
    """
    from checker.audit import audit as judge_audit
    from checker.run import request_for

    if targets is not None and (options["snapshot"] or options["save_snapshot"]):
        raise click.UsageError("--targets reads many accounts; a snapshot is of one")
    if scheduler and targets is None:
        raise click.UsageError("--scheduler is for --targets")
    request = request_for(
        folder(options["project"]),
        assemblies=[assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        say=progress,
        with_facts=shows_facts(options["formats"]),
    )
    if targets is not None:
        finish(_many(request, targets, scheduler), options)
    finish(judge_audit(request, snapshot_of(request, options)), options)


def _many(request: Request, file: Path, scheduler: str) -> Run:
    from checker.audit import audit_many
    from checker.cli.executors import executor
    from checker.collect.account import read_many
    from checker.collect.config.targets_file import load_targets

    targets = load_targets(file)
    click.echo(f"Reading {len(targets)} accounts and regions; no call changes anything.", err=True)
    with executor(scheduler, len(targets)) as pool:
        reads = list(read_many([each.target for each in targets], pool))
    return audit_many(request, zip(targets, reads, strict=True))
