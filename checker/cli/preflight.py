"""``checker preflight``."""

from __future__ import annotations

import time
from typing import Any

import click

from checker.cli.account import account_options, snapshot_of
from checker.cli.options import assembly, earlier_runs, findings_that_exist, folder, judging_options, progress
from checker.cli.output import finish, shows_facts

# Seconds between two looks at what fails.
_PAUSE = 2.0


def _no_empty_tag(context: click.Context, option: click.Parameter, tag: str) -> str:
    """An empty tag that somebody gave stands for a variable that is not set: no image would be looked for, unsaid."""
    given = context.get_parameter_source(str(option.name)) is not click.core.ParameterSource.DEFAULT
    if given and not tag.strip():
        raise click.BadParameter("it is empty: is the variable set that it comes from?", param_hint="--image-tag")
    return tag


@click.command()
@judging_options
@account_options
@click.option(
    "--image-tag",
    default="",
    callback=_no_empty_tag,
    metavar="TAG",
    help="The release's image tag: every repository must hold it.",
)
def preflight(image_tag: str, **options: Any) -> None:
    """What must hold in the account before a deploy starts. Read-only, and done within seconds.

    Deployment alarms exist and are quiet, stacks are at rest, nothing is being rolled, no migration runs, and the
    release's images exist.
    """
    from checker.preflight import preflight as judge_preflight
    from checker.preflight import settled
    from checker.run.request import request_for

    findings_that_exist(options["findings"], folder(options["project"]))
    request = request_for(
        folder(options["project"]),
        assemblies=[assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        earlier=earlier_runs(options),
        say=progress,
        with_facts=shows_facts(options["formats"]),
    )

    def look() -> Any:
        return judge_preflight(request, snapshot_of(request, options, needs="preflight"), image_tag=image_tag)

    def again() -> Any:
        time.sleep(_PAUSE)
        return look()

    run = look()
    finish(run if options["snapshot"] else settled(run, again), options)
