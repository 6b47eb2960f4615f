"""``checker audit``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.account import (
    account_options,
    read_targets,
    repository_settings,
    snapshot_of,
    targets_go_alone,
    with_facts,
)
from checker.cli.options import assembly, earlier_runs, findings_that_exist, folder, judging_options, progress
from checker.cli.output import finish, shows_facts

if TYPE_CHECKING:
    from checker.model.verdicts import Run
    from checker.run.request import Request


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
    from checker.run.request import request_for

    targets_go_alone({**options, "targets": targets, "scheduler": scheduler})
    findings_that_exist(options["findings"], folder(options["project"]))
    request = request_for(
        folder(options["project"]),
        assemblies=[assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        earlier=earlier_runs(options),
        say=progress,
        with_facts=shows_facts(options["formats"]),
    )
    if targets is not None:
        finish(_many(request, targets, scheduler), options)
    finish(judge_audit(request, snapshot_of(request, options)), options)


def _many(request: Request, file: Path, scheduler: str) -> Run:
    from checker.audit import audit_many
    from checker.collect.account import AUDIT

    with ThreadPoolExecutor(1) as beside:
        settings = beside.submit(repository_settings, request)
        reads = read_targets(file, scheduler, AUDIT)
        return audit_many(request, [(audited, with_facts(read, settings.result())) for audited, read in reads])
