"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from checker.collect.pipeline.earlier_runs import EarlierRuns

_Command = TypeVar("_Command", bound=Callable[..., Any])


def judging_options(command: _Command) -> _Command:
    """The options that every judging command shares."""
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]"
        ),
        click.option("--env", "environments", multiple=True, help="Judge this environment only. Repeatable."),
        click.option(
            "--assembly",
            "assemblies",
            multiple=True,
            metavar="[ENV=]PATH",
            help="An assembly folder or a bare template. Repeatable.  [the project's own]",
        ),
        click.option(
            "--format",
            "formats",
            multiple=True,
            callback=formats_that_can_be,
            metavar="FMT[=FILE]",
            help="console, json, sarif, markdown, html, junit, csv, oscal, ocsf or pdf; to standard output without "
            "FILE. Repeatable.",
        ),
        click.option(
            "--fail-on",
            type=click.Choice(["critical", "warning", "suggestion"]),
            default="suggestion",
            help="The least grave severity that fails.  [suggestion]",
        ),
        click.option(
            "--unknown",
            type=click.Choice(["fail", "report"]),
            default="fail",
            help="Whether what could not be decided is exit code 3.  [fail]",
        ),
        click.option(
            "--baseline",
            type=click.Path(path_type=Path),
            callback=run_before,
            help="A stored run (JSON): only what is new fails.",
        ),
        click.option(
            "--history",
            type=click.Path(path_type=Path, dir_okay=False),
            is_flag=False,
            flag_value=Path(".checker/history.sqlite"),
            callback=store_that_can_be,
            metavar="[FILE]",
            help="Keep how this run ended, for `checker trend`.  [.checker/history.sqlite]",
        ),
        click.option("--finding", "findings", multiple=True, metavar="ID", help="Show this finding only. Repeatable."),
        click.option("--summary", is_flag=True, help="One line per finding that is not well, and the totals."),
        click.option("--quiet", is_flag=True, help="Only what fails, and the summary."),
        click.option("--no-cache", is_flag=True, help="Judge all anew, and keep nothing of it."),
        click.option("--no-color", is_flag=True, help="Plain text, also on a terminal."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def formats_that_can_be(_context: click.Context, _option: click.Parameter, asked: Sequence[str]) -> Sequence[str]:
    """Refuse a report that could not be written before anything is judged."""
    if asked:
        from checker.cli.output import refuse_formats

        refuse_formats(asked)
    return asked


def file_that_can_be(_context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that could not be written before anything is read or judged."""
    if path is not None:
        from checker.collect.outputs import refuse_unwritable

        refuse_unwritable(path, f"{option.opts[0]} {path}")
    return path


def store_that_can_be(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """The same for the store of earlier runs. The folder of the default one is the checker's own, and is made."""
    own = path is not None and path.parent == Path(".checker") and not path.parent.exists()
    if not own:
        return file_that_can_be(context, option, path)
    file_that_can_be(context, option, Path(".checker"))
    return path


def run_before(context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a baseline that cannot be held against a run of this command, before there is one."""
    if path is not None:
        from checker.cli.output import stored_before

        stored_before(path, str(context.info_name))
    return path


def assembly(value: str) -> tuple[str, Path]:
    """``ENV=PATH`` or ``PATH``. What stands before ``=`` is an environment only where it looks like a name."""
    name, sign, path = value.partition("=")
    if sign and name.replace("-", "").replace("_", "").isalnum():
        return name, Path(path).absolute()
    return "", Path(value).absolute()


def findings_that_exist(asked: Sequence[str], project: Path | None = None) -> None:
    """Refuse a finding that no register and no outside scanner has: what is misspelt would be shown as clean."""
    from checker.collect.config.data_files import nearest
    from checker.collect.config.register import OUTSIDE, load_register
    from checker.errors import UsageError

    known: dict[str, object] = dict(load_register().findings) if asked else {}
    if asked and project is not None:
        from checker.collect.config.settings_file import project_settings
        from checker.collect.own_rules import own_ids

        known.update(dict.fromkeys(own_ids(project, project_settings(project), known)))
    for name in asked:
        if name not in known and not OUTSIDE.fullmatch(name):
            raise UsageError(f"--finding {name}: there is no such finding", nearest(name, known))


def earlier_runs(options: Mapping[str, Any]) -> EarlierRuns | None:
    """What earlier runs have followed of the project, unless nothing of it is wanted."""
    from checker.collect.pipeline.earlier_runs import EarlierRuns

    return None if options["no_cache"] else EarlierRuns()


def folder(path: Path) -> Path:
    from checker.errors import UsageError

    if not path.is_dir():
        fix = (
            "Name the project's folder; name a template in it with --assembly." if path.is_file() else "Check the path."
        )
        raise UsageError(f"--project {path}: {'not a folder' if path.is_file() else 'no such folder'}", fix)
    return path.resolve()


def progress(message: str) -> None:
    if sys.stderr.isatty():
        click.echo(message, err=True)
