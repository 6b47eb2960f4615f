"""``checker gate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from checker.cli.options import assembly, earlier_runs, findings_that_exist, folder, judging_options, progress
from checker.cli.output import finish, shows_facts
from checker.cli.scanning import chosen, scanned, scanner_options, triage_of

if TYPE_CHECKING:
    from checker.model.verdicts import Run
    from checker.run.request import Request


@click.command()
@judging_options
@scanner_options
@click.option(
    "--allow-project-rules", is_flag=True, help="Run the rules that checker.toml names: they are the project's code."
)
def gate(allow_project_rules: bool, scanners: str, scanner_seconds: float, **options: Any) -> None:
    """Judge what is about to be merged or deployed. Offline."""
    from checker.reports.safe import safe_to_show
    from checker.run.request import request_for
    from checker.run.unchanged import judged

    findings_that_exist(options["findings"], folder(options["project"]))
    request = request_for(
        folder(options["project"]),
        own_rules_allowed=allow_project_rules,
        assemblies=[assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        earlier=earlier_runs(options),
        say=progress,
        with_facts=shows_facts(options["formats"]),
    )
    names = chosen(scanners)
    triage = triage_of(request.project, request.settings.max_waiver_days) if names else ()
    run = replace(judged(request, _judge, safe_to_show), excuse_changes=_excuse_changes(request))
    finish(scanned(run, request, names, scanner_seconds, triage, options) if names else run, options)


def _judge(request: Request) -> Run:
    from checker.run.judging import gate as judge_gate

    return judge_gate(request)


def _excuse_changes(request: Request) -> tuple[str, ...]:
    """What the change does to all that excuses or leaves out: it stands first in every report."""
    from checker.collect.config.excusing_files import WAIVER_FILES
    from checker.collect.config.register import load_register
    from checker.review.since_base import excuses_since_base

    return excuses_since_base(request.project, request.settings, WAIVER_FILES, load_register().requirements)
