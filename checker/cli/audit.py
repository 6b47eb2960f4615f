"""``checker audit``."""

from __future__ import annotations

from typing import Any

import click

from checker.cli.account import account_options, snapshot_of
from checker.cli.options import assembly, folder, judging_options, progress
from checker.cli.output import finish


@click.command()
@judging_options
@account_options
def audit(**options: Any) -> None:
    """Judge the live account, and the repository's settings. Read-only.

    What could not be read is unknown, by name, with the permission that is missing: never a pass.
    """
    from checker.audit import audit as judge_audit
    from checker.run import request_for

    request = request_for(
        folder(options["project"]),
        assemblies=[assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        say=progress,
    )
    finish(judge_audit(request, snapshot_of(request, options)), options)
