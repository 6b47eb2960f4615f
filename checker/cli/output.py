"""What a judging command leaves behind: the reports that were asked for, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from checker.errors import CheckerError
    from checker.model.shown.facts import EarlierRun
    from checker.model.verdicts import Run


def finish(run: Run, options: dict[str, Any]) -> None:
    """Write the reports and leave with the run's exit code."""
    from checker.model.verdicts import Severity
    from checker.reports.safe import safe_to_show
    from checker.run.ending import exit_code, only, with_note

    baseline = stored_before(options["baseline"], run.command) if options["baseline"] else None
    if baseline is not None:
        run = safe_to_show(run)  # as the stored one is: otherwise what names a secret would be new each time
    before: Sequence[EarlierRun] = ()
    if options.get("history"):
        before = _before(options["history"], run.command)
        with later(options):
            _keep(run, options["history"])
    run = only(run, options["findings"])
    code = exit_code(
        run, fail_on=Severity(options["fail_on"]), unknown_fails=options["unknown"] == "fail", baseline=baseline
    )
    if baseline is not None:
        run = with_note(run, _compared(run, baseline, options["baseline"]))
    write(run, options, baseline, before)
    sys.exit(code)


def _before(store: Path, command: str) -> Sequence[EarlierRun]:
    from checker.collect.history import earlier

    return earlier(store, command) if store.is_file() else ()


def _keep(run: Run, store: Path) -> None:
    """Keep how it ended, all findings counted. The time makes each run one of its own."""
    import hashlib
    from datetime import UTC, datetime

    from checker.collect.history import keep

    now = datetime.now(UTC)
    digest = hashlib.sha256(f"{now.isoformat()} {run.command} {run.totals}".encode()).hexdigest()
    keep(store, run, now.isoformat(timespec="seconds"), digest)


def _compared(run: Run, baseline: Run, file: Path) -> str:
    from checker.run.ending import new_failures, newly_undecided

    failures = f"{len(new_failures(run, baseline))} of {run.totals['fail']} failures"
    undecided = f"{len(newly_undecided(run, baseline))} of {run.totals['unknown']} undecided"
    return f"{failures} and {undecided} are new against {file}"


# Formats that say what is new and fixed beside everything else. The console shows only what is new; documents for
# programs keep every verdict.
_WITH_CHANGES = ("markdown", "html", "pdf")


def write(run: Run, options: dict[str, Any], baseline: Run | None = None, history: Sequence[EarlierRun] = ()) -> None:
    """Every asked-for report: files whole or not at all, standard output last.

    Raises for what could not be written once everything else is.
    """
    import os

    from checker.collect.outputs import write_or_keep
    from checker.compare import compare
    from checker.reports import render
    from checker.reports.shape import known_before

    color = _wants_color(options["no_color"])
    asked = formats_of(options["formats"]) or ([] if options.get("console_done") else [("console", "")])
    printed_one = options.get("console_done") or any(not file for _, file in asked)

    def text_of(name: str, file: str) -> str:
        extra: dict[str, Any] = {}
        if name == "console":
            extra = {"color": color and not file, "quiet": options["quiet"]}
            if options.get("summary"):
                extra["summary"] = True
        if baseline is not None and name in _WITH_CHANGES:
            extra["since"] = compare(baseline, run)
        if name in {"html", "pdf"}:
            extra["history"] = history
        shown = known_before(run, baseline) if baseline is not None and name == "console" else run
        if name in _WITH_TIME:
            extra["at"] = _when()
        return render(shown, "html" if name == "pdf" else name, **extra)

    for name, file in sorted(asked, key=lambda each: not each[1]):
        if not file:
            click.echo(text_of(name, ""), nl=False, color=True)
            continue
        with later(options):
            content = text_of(name, file)
            if name == "pdf":
                from checker.collect.browser import printed

                write_or_keep(Path(file), printed(content, os.environ))
            else:
                write_or_keep(Path(file), content.encode("utf-8"))
    if options.get("lost"):
        if not printed_one:  # nothing else of it would reach anybody
            click.echo(text_of("console", ""), nl=False, color=True)
        raise _together(options["lost"])


@contextmanager
def later(options: dict[str, Any]) -> Iterator[None]:
    """What goes wrong in here is told once all else is written: a result that took long to make is not lost with it."""
    from checker.errors import CheckerError

    try:
        yield
    except CheckerError as error:
        options.setdefault("lost", []).append(error)


def _together(lost: Sequence[CheckerError]) -> CheckerError:
    first, *more = lost
    if not more:
        return first
    from checker.errors import OutputError

    messages, hints = dict.fromkeys(each.message for each in lost), dict.fromkeys(each.hint for each in lost)
    return OutputError("; ".join(messages), " ".join(hints))


def formats_of(asked: Sequence[str], of: Collection[str] = ()) -> list[tuple[str, str]]:
    """The formats that were asked for, each with its file. ``of``: all that there are, where those are fewer."""
    from checker.reports import FORMATS

    there = [each for each in (*FORMATS, "pdf") if not of or each in of]
    found: list[tuple[str, str]] = []
    files: dict[Path, str] = {}
    for wanted in asked:
        name, sign, file = wanted.partition("=")
        if name not in there:
            raise click.BadParameter(f"no format {name!r}; there is {', '.join(there)}", param_hint="--format")
        if sign and not file:
            raise click.BadParameter(f"{wanted} names no file", param_hint="--format")
        if name == "pdf" and not file:
            raise click.BadParameter("pdf is no text: name a file, --format pdf=FILE", param_hint="--format")
        path = Path(file).resolve()
        if file and (path.is_file() or not path.exists()) and files.setdefault(path, wanted) != wanted:
            raise click.BadParameter(
                f"{files[path]} and {wanted} are one file: it would keep one", param_hint="--format"
            )
        found.append((name, file))
    return list(dict.fromkeys(found))


def refuse_formats(asked: Sequence[str], of: Collection[str] = ()) -> None:
    """Raise for what could not be written, before anything is judged."""
    from checker.collect.outputs import refuse_unwritable

    for name, file in formats_of(asked, of):
        if file:
            refuse_unwritable(Path(file), f"--format {name}={file}")
        if name == "pdf":
            import os

            from checker.collect.browser import browser_of

            browser_of(os.environ)


# Formats that demand the time of the run.
_WITH_TIME = frozenset({"oscal", "ocsf"})


def _when() -> str:
    """The time for a format that demands one: now, or what SOURCE_DATE_EPOCH says (reproducible-builds.org)."""
    import os
    from datetime import UTC, datetime

    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = (
        datetime.fromtimestamp(int(said), UTC)
        if said.isascii() and said.isdigit() and len(said) < 12  # more digits are no year that has a date
        else datetime.now(UTC)
    )
    return moment.isoformat(timespec="seconds")


# Formats that show, or keep, what a run has beside its verdicts.
_WITH_FACTS = frozenset({"html", "json", "sarif", "pdf"})


def shows_facts(formats: Sequence[str]) -> bool:
    """Whether any of the asked-for formats needs more than verdicts: what no format shows is not worked out."""
    return any(wanted.partition("=")[0] in _WITH_FACTS for wanted in formats)


def _wants_color(refused: bool) -> bool:
    import os

    return sys.stdout.isatty() and not refused and not os.environ.get("NO_COLOR")


def stored(path: Path) -> Run:
    from checker.collect.documents import read_text
    from checker.reports.json_document import parse
    from checker.reports.safe import safe_to_show

    # A stored run is a file like any other: whoever wrote it may have put into it what no format holds.
    return safe_to_show(parse(read_text(path, str(path)), str(path)))


def stored_before(path: Path, command: str) -> Run:
    """An earlier run to hold one of ``command`` against. Two that have nothing in common would differ in nothing that
    counts."""
    from checker.errors import UsageError

    before = stored(path)
    if before.command != command:
        raise UsageError(
            f"{path}: a run of {before.command}, and it is held against one of {command}",
            "Name two runs of the same command.",
        )
    if command == "drift":
        raise UsageError(
            f"{path}: two runs of drift are not compared: each compares the account as it was",
            "Read the newer one: it holds all that differs.",
        )
    return before
