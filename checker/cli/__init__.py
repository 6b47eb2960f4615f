"""The command line. Parses, calls, writes, and turns every error into two lines and an exit code.

One module per command, imported when its command is given: start-up is felt at every commit.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

import click

# Deep enough for anything a document reader lets through; a template nested deeper is refused before.
_RECURSION = 3000
_UNWRITTEN: Final = "cannot write or read: {}"
_DISK: Final = "Check the disk, and where the output goes."
_USAGE: Final = 2  # ExitCode.USAGE, which is imported where something has gone wrong

# command -> (its module in this room, its function, what it does in a line). In the order in which help shows them.
_COMMANDS: Final = {
    "gate": ("gate", "gate", "Judge what is about to be merged or deployed. Offline."),
    "drift": ("drift", "drift", "Code, CloudFormation and account side by side."),
    "permissions": ("permissions", "permissions", "The IAM policy that reading an account needs, no more."),
    "audit": ("audit", "audit", "Judge the live account. Read-only."),
    "preflight": ("preflight", "preflight", "What must hold in the account before a deploy starts."),
    "report": ("report", "report", "Render a stored run in other formats."),
    "diff": ("change.diff", "diff", "What is new, fixed, still failing or changed between two runs."),
    "comment": ("change.comment", "comment", "What a pull request changes, as its one comment."),
    "trend": ("change.trend", "trend", "How earlier runs ended."),
    "evidence": ("change.evidence", "evidence", "A release's evidence pack; `evidence verify` checks one, offline."),
    "explain": ("explain", "explain", "A finding's page: what is checked, and how to fix it."),
    "lab": ("lab", "lab", "An emulated account on loopback, to try the live commands on."),
    "init": ("adopt.init", "init", "Look at a project; write its first checker.toml and a baseline."),
    "test-rules": ("adopt.rule_cases", "rule_cases", "Run the cases of a project's own rules."),
    "completion": ("adopt.completion", "completion", "The completion script of bash, zsh or fish."),
    "list": ("list_findings", "list_findings", "All findings, with surfaces and severities."),
}


class _Commands(click.Group):
    """The commands by name; help lists them without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's shape
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, function, _ = entry
        command = getattr(import_module(f"checker.cli.{module}"), function)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="doc-platform-checker", prog_name="checker")
def main() -> None:
    """Judge CDK assemblies, pipelines and accounts against a register of findings.

    \b
    Exit codes: 0 clean · 1 a failure that nothing waives · 2 usage, configuration or rule error ·
    3 incomplete: something could not be read or decided, and nothing failed.
    """


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and answer with its exit code. No traceback ever reaches a person."""
    from checker.errors import CheckerError, ExitCode, printable

    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION))
    try:
        answer = main.main(args=list(argv) if argv is not None else None, prog_name="checker", standalone_mode=False)
    except CheckerError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        _complain(printable(" ".join(error.format_message().split())), "See --help.")
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt) as stop:
        by = stop if isinstance(stop, Stopped) else stop.__cause__
        name, number = (by.name, by.number) if isinstance(by, Stopped) else ("SIGINT", 2)
        _complain(f"stopped by {name}", "What was asked for is not done: run it again.")
        return 128 + number  # as a shell has it
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except OSError as error:
        what = f"{_UNWRITTEN.format(error.strerror or error)}{f' ({error.filename})' if error.filename else ''}"
        _complain(printable(what), _DISK)
        return ExitCode.USAGE
    except (MemoryError, RecursionError) as error:
        _complain(f"the input is more than can be judged ({type(error).__name__})", "Judge its parts one by one.")
        return ExitCode.USAGE
    except Exception as error:  # noqa: BLE001 - a fault of the checker's own is no verdict: it must not read as one
        _complain(f"the checker itself failed: {_told(error)}", "Nothing was judged. Report it, with this line.")
        return ExitCode.USAGE
    return answer if isinstance(answer, int) else 0


def _told(error: Exception) -> str:
    """A fault of our own in one line: what it is, and where in the checker. Its text may quote what was scanned."""
    from checker.errors import printable

    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if f"{os.sep}site-packages{os.sep}" not in code.co_filename or f"{os.sep}checker{os.sep}" in code.co_filename:
            place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - one name, no pathlib
        trace = trace.tb_next
    return printable(" ".join(f"{type(error).__name__} at {place}: {error}".split()), 300)


def _complain(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"  fix: {hint}", err=True)


class Stopped(KeyboardInterrupt):
    """Somebody ends the command: what it has started, and its temporary files, go with it."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self.number, self.name = number, name


def _end_what_was_started() -> None:
    """Take a signal that ends the process for the interruption that it is. One that is ignored (``nohup``) stays so.

    By default a process ends at once: the synthesis and the scanners that it has started would go on without it.
    """
    import signal

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        raise Stopped(number, signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def entry_point() -> None:
    """The ``checker`` command. Once all is written the process ends at once: taking its data apart costs a tenth."""
    # One short run over data that lives until its end: looking for garbage costs a third of it and finds little. Only
    # here, where the process is ours: whoever calls `run` keeps theirs as it is.
    gc.disable()
    _end_what_was_started()
    code = run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError):
            continue  # closed
        except OSError as error:  # what was buffered is lost: nobody may take that for a clean run
            if code != _USAGE:
                code = _USAGE
                with suppress(OSError):
                    _complain(_UNWRITTEN.format(error.strerror or error), _DISK)
    os._exit(code)
