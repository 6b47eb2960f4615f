"""``checker drift``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checker.cli.account import keep_snapshot, read_targets, targets_go_alone
from checker.cli.options import assembly, file_that_can_be, folder, progress
from checker.cli.output import later, write

if TYPE_CHECKING:
    from checker.collect.account import Target
    from checker.drift.judge import Record
    from checker.model.live.snapshot import Snapshot
    from checker.model.resources import Stack
    from checker.model.verdicts import Run
    from checker.run.request import Request


def _formats_of_drift(_context: click.Context, _option: click.Parameter, asked: Sequence[str]) -> Sequence[str]:
    """Refuse a report that could not be written before the account is asked. One made of verdicts would be empty."""
    if asked:
        from checker.cli.output import refuse_formats
        from checker.reports import OF_DRIFT

        refuse_formats(asked, (*OF_DRIFT, "pdf"))
    return asked


@click.command()
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]")
@click.option("--env", "environments", multiple=True, help="Compare this environment only. Repeatable.")
@click.option(
    "--assembly",
    "assemblies",
    multiple=True,
    metavar="[ENV=]PATH",
    help="An assembly folder or a bare template. Repeatable.  [the project's own]",
)
@click.option("--snapshot", type=click.Path(path_type=Path), help="Judge this stored snapshot; no account is read.")
@click.option(
    "--save-snapshot",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=file_that_can_be,
    help="Keep what was read of the account.",
)
@click.option("--profile", default="", help="A profile of the AWS configuration.")
@click.option("--region", default="", help="The region.  [the profile's]")
@click.option("--role-arn", default="", help="A role to assume for reading.")
@click.option("--endpoint-url", default="", help="Another endpoint for all services, such as an emulator's.")
@click.option(
    "--targets", type=click.Path(path_type=Path, dir_okay=False), help="Many accounts and regions, as this file says."
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Read them on this Dask cluster.  [threads here]")
@click.option("--all", "everything", is_flag=True, help="Also the resources that are in sync.")
@click.option("--record", is_flag=True, help="Write what the account shows beyond the code to policies/drift.yaml.")
@click.option("--fail-on-pending", is_flag=True, help="Exit code 1 also for code that is not deployed yet.")
@click.option(
    "--unknown",
    type=click.Choice(["fail", "report"]),
    default="fail",
    help="Whether what could not be checked is exit code 3.  [fail]",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    callback=_formats_of_drift,
    metavar="FMT[=FILE]",
    help="console, json, markdown, html or pdf; to standard output without FILE. Repeatable.",
)
@click.option("--quiet", is_flag=True, help="A line per resource, and the summary.")
@click.option("--no-color", is_flag=True, help="Plain text, also on a terminal.")
def drift(**options: Any) -> None:
    """Expected (assembly), deployed (CloudFormation) and live (account), per resource and property.

    \b
    Exit codes: 1 something changed in the account, is missing, or the next deploy would lose data ·
    3 something could not be checked, and nothing drifted · 0 otherwise.
    """
    from checker.drift_run import drift as compare
    from checker.drift_run import exit_code, without_in_sync
    from checker.run.request import request_for

    targets_go_alone(options)
    if options["record"]:
        _refuse_unrecordable(folder(options["project"]))
    request = request_for(
        folder(options["project"]),
        assemblies=[assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        say=progress,
    )
    if options["targets"]:
        run, records = _many(request, options["targets"], options["scheduler"])
    else:
        run, records = compare(request, lambda stacks: _snapshot(stacks, options))
    if options["record"]:
        with later(options):
            _record(request.project, records)
    code = exit_code(run, fail_on_pending=options["fail_on_pending"], unknown_fails=options["unknown"] == "fail")
    write(run if options["everything"] else without_in_sync(run), options)
    sys.exit(code)


def _many(request: Request, file: Path, scheduler: str) -> tuple[Run, tuple[Record, ...]]:
    from msgspec.structs import replace

    from checker.collect.account import DRIFT
    from checker.drift_run import drift_many

    # All stacks of an account are read: what others manage is not without an owner.
    return drift_many(request, read_targets(file, scheduler, DRIFT, lambda target: replace(target, stacks=None)))


def _snapshot(stacks: Sequence[Stack], options: dict[str, Any]) -> Snapshot:
    """The account: the stored one that was named, or the one that these stacks are in as it is now."""
    if options["snapshot"]:
        from checker.collect.snapshots import read_snapshot

        snapshot = read_snapshot(options["snapshot"])
    else:
        from checker.collect.account import DRIFT, Reader

        reader = Reader(_target(stacks, options), DRIFT)
        progress(str(reader.plan(_counts(stacks))))
        snapshot = reader.read().snapshot
    keep_snapshot(snapshot, options)
    return snapshot


def _counts(stacks: Sequence[Stack]) -> dict[str, int]:
    """How many of each type the stacks declare, and how many stacks there are."""
    from collections import Counter

    declared = [stack.template.get("Resources") for stack in stacks]
    each = [one for resources in declared if isinstance(resources, dict) for one in resources.values()]
    kinds = Counter(str(one.get("Type")) for one in each if isinstance(one, dict))
    return {**kinds, "stack": len(stacks)}


def _target(stacks: Sequence[Stack], options: dict[str, Any]) -> Target:
    """Where the stacks are. One account and region at a time."""
    from checker.collect.account import Target
    from checker.errors import UsageError

    meant = sorted({stack.region for stack in stacks})
    if options["region"] and "" not in meant and options["region"] not in meant:
        named = ", ".join(stack.name for stack in stacks)
        raise UsageError(
            f"no stack is meant for {options['region']}: the code of {named} is written for {', '.join(meant)}",
            "Leave --region out, or name that one.",
        )
    accounts = sorted({stack.account for stack in stacks if stack.account})
    regions = sorted({options["region"] or stack.region for stack in stacks} - {""})
    if len(accounts) > 1 or len(regions) > 1:
        where = ", ".join([*accounts, *regions])
        raise UsageError(
            f"these stacks are in several accounts or regions ({where})",
            "Name one with --env or --region, or all of them with --targets.",
        )
    return Target(
        account=accounts[0] if accounts else "",
        region=regions[0] if regions else "",
        profile=options["profile"],
        role_arn=options["role_arn"],
        endpoint_url=options["endpoint_url"],
        stacks=None,  # what other stacks manage is not without an owner
    )


def _refuse_unrecordable(project: Path) -> None:
    from checker.collect.config.excusing_files import DRIFT_FILE
    from checker.collect.outputs import refuse_unwritable

    path = project / DRIFT_FILE
    # Its folder is made where it is not there.
    refuse_unwritable(path if path.parent.exists() else path.parent, f"--record: {DRIFT_FILE}")


def _record(project: Path, records: Iterable[Record]) -> None:
    """Add what is not recorded yet, for somebody to review: an owner, a reason and an end make it count."""
    from checker.collect.config.data_files import is_there
    from checker.collect.config.drift_file import appended, load_decisions
    from checker.collect.config.excusing_files import DRIFT_FILE
    from checker.collect.outputs import write_whole

    path = project / DRIFT_FILE
    known = load_decisions(path) if is_there(project, DRIFT_FILE) else ()
    have = {(each.environment, each.resource, each.path) for each in known}
    new = [
        {
            "environment": each.environment,
            "resource": f"{each.stack}/{each.logical_id}",
            "path": each.path,
            "value": each.value,
            "owner": "",
            "reason": "",
            "expires-on": "",
        }
        for each in records
        if (each.environment, f"{each.stack}/{each.logical_id}", each.path) not in have
    ]
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, appended(path.read_text(encoding="utf-8") if path.is_file() else "", new, DRIFT_FILE))
    click.echo(f"recorded {len(new)} values in {DRIFT_FILE}: give each an owner, a reason and an end", err=True)
