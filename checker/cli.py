"""The command line. Parses, calls, writes, and turns every error into two lines and an exit code.

Everything heavy is imported inside the command that needs it: start-up is felt at every commit.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from checker.model.verdicts import Run

_Command = TypeVar("_Command", bound=Callable[..., Any])

# Deep enough for anything a document reader lets through; a template nested deeper is refused before.
_RECURSION = 3000


def _judging_options(command: _Command) -> _Command:
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
            metavar="FMT[=FILE]",
            help="console, json, sarif, markdown, html or junit; to standard output without FILE. Repeatable.",
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
            "--baseline", type=click.Path(path_type=Path), help="A stored run (JSON): only what is new fails."
        ),
        click.option("--finding", "findings", multiple=True, metavar="ID", help="Show this finding only. Repeatable."),
        click.option("--quiet", is_flag=True, help="Only what fails, and the summary."),
        click.option("--no-color", is_flag=True, help="Plain text, also on a terminal."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="doc-platform-checker", prog_name="checker")
def main() -> None:
    """Judge CDK assemblies, pipelines and accounts against a register of findings.

    \b
    Exit codes: 0 clean · 1 a failure that nothing waives · 2 usage, configuration or rule error ·
    3 incomplete: something could not be read or decided, and nothing failed.
    """


@main.command()
@_judging_options
def gate(**options: Any) -> None:
    """Judge what is about to be merged or deployed. Offline."""
    from checker.run import gate as judge_gate
    from checker.run import request_for

    request = request_for(
        _folder(options["project"]),
        assemblies=[_assembly(each) for each in options["assemblies"]],
        environments=options["environments"],
        say=_progress,
    )
    _finish(judge_gate(request), options)


@main.command(name="list")
def list_findings() -> None:
    """All findings, with surfaces, severities and whether a rule judges them yet."""
    from checker.collect.config.register import load_register
    from policies.rules import MODULES

    entries = load_register().entries.values()
    width = max(len(entry.title) for entry in entries)
    for entry in entries:
        state = "judged" if entry.id in MODULES else "no rule yet"
        click.echo(f"{entry.id:4} {entry.severity:10} {entry.surfaces:12} {entry.title:{width}}  {state}")


@main.command()
@click.argument("finding")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.  [here]")
@click.option("--assembly", "assemblies", multiple=True, metavar="[ENV=]PATH", help="As for gate. Repeatable.")
def explain(finding: str, project: Path, assemblies: Sequence[str]) -> None:
    """A finding's page: what the review found, what is checked, what cannot be decided, and how to fix it.

    For C1 also this project's own matrix: which job presents which token, and which role admits it.
    """
    from checker.pages import matrix, page

    click.echo(page(finding), nl=False)
    if finding.partition("[")[0].upper() == "C1":
        click.echo(matrix(_folder(project), [_assembly(each) for each in assemblies], _progress), nl=False)


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "formats", multiple=True, metavar="FMT[=FILE]", help="As for gate. Repeatable.")
@click.option("--quiet", is_flag=True)
@click.option("--no-color", is_flag=True)
def report(run: Path, **options: Any) -> None:
    """Render a stored run in other formats."""
    _write(_stored(run), options)


@main.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def diff(old: Path, new: Path) -> None:
    """What is new, fixed, still failing or changed between two stored runs. Exit code 1 where something is new."""
    from checker.compare import compare, shown

    comparison = compare(_stored(old), _stored(new))
    click.echo(shown(comparison), nl=False)
    sys.exit(1 if comparison.new else 0)


def _finish(run: Run, options: dict[str, Any]) -> None:
    """Write the reports and leave with the run's exit code."""
    from checker.model.verdicts import Severity
    from checker.run import exit_code, only, with_note

    baseline = _stored(options["baseline"]) if options["baseline"] else None
    code = exit_code(
        run, fail_on=Severity(options["fail_on"]), unknown_fails=options["unknown"] == "fail", baseline=baseline
    )
    run = only(run, options["findings"])
    if baseline is not None:
        run = with_note(run, _compared(run, baseline, options["baseline"]))
    _write(run, options)
    sys.exit(code)


def _compared(run: Run, baseline: Run, file: Path) -> str:
    from checker.run import new_failures

    return f"{len(new_failures(run, baseline))} of {run.totals['fail']} failures are new against {file}"


def _write(run: Run, options: dict[str, Any]) -> None:
    """Every asked-for report: files whole or not at all, standard output last."""
    from checker.collect.outputs import write_whole
    from reports import FORMATS, render

    color = _wants_color(options["no_color"])
    for wanted in options["formats"] or ("console",):
        name, _, file = wanted.partition("=")
        if name not in FORMATS:
            raise click.BadParameter(f"no format {name!r}; there is {', '.join(FORMATS)}", param_hint="--format")
        extra = {"color": color and not file, "quiet": options["quiet"]} if name == "console" else {}
        text = render(run, name, **extra)
        if file:
            write_whole(Path(file), text)
        else:
            click.echo(text, nl=False, color=True)


def _wants_color(refused: bool) -> bool:
    import os

    return sys.stdout.isatty() and not refused and not os.environ.get("NO_COLOR")


def _stored(path: Path) -> Run:
    from checker.collect.documents import read_text
    from reports.json_document import parse

    return parse(read_text(path, str(path)), str(path))


def _assembly(value: str) -> tuple[str, Path]:
    """``ENV=PATH`` or ``PATH``. What stands before ``=`` is an environment only where it looks like a name."""
    name, sign, path = value.partition("=")
    if sign and name.replace("-", "").replace("_", "").isalnum():
        return name, Path(path).absolute()
    return "", Path(value).absolute()


def _folder(path: Path) -> Path:
    from checker.errors import UsageError

    if not path.is_dir():
        raise UsageError(f"--project {path}: no such folder", "Name the project's folder.")
    return path.resolve()


def _progress(message: str) -> None:
    if sys.stderr.isatty():
        click.echo(message, err=True)


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and answer with its exit code. No traceback ever reaches a person."""
    from checker.errors import CheckerError, ExitCode, printable

    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION))
    # One short run over data that lives until its end: looking for garbage costs a third of it and finds none.
    gc.disable()
    try:
        answer = main.main(args=list(argv) if argv is not None else None, prog_name="checker", standalone_mode=False)
    except CheckerError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        _complain(printable(error.format_message()), "See --help.")
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.USAGE
    except OSError as error:
        _complain(f"cannot write or read: {error.strerror or error}", "Check the disk, and where the output goes.")
        return ExitCode.USAGE
    except (MemoryError, RecursionError) as error:
        _complain(f"the input is more than can be judged ({type(error).__name__})", "Judge its parts one by one.")
        return ExitCode.USAGE
    return answer if isinstance(answer, int) else 0


def _complain(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"  fix: {hint}", err=True)


def entry_point() -> None:
    """The ``checker`` command. Once all is written the process ends at once: taking its data apart costs a tenth."""
    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        sys.exit(code)  # closed, or nobody reads any longer: as the interpreter ends it
    os._exit(code)
