"""``checker trend``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from checker.cli.output import stored

if TYPE_CHECKING:
    from checker.model.shown.facts import EarlierRun

_PATH = click.Path(path_type=Path)
_BARS = " ▁▂▃▄▅▆▇█"


@click.command()
@click.option("--store", type=_PATH, default=Path(".checker/history.sqlite"), show_default=True, help="Where runs are.")
@click.option("--add", "added", type=_PATH, multiple=True, metavar="RUN.json", help="Keep this stored run first.")
@click.option("--command", "of", default="gate", show_default=True, help="Runs of this command.")
@click.option("--last", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def trend(store: Path, added: tuple[Path, ...], of: str, last: int, as_json: bool) -> None:
    """How earlier runs ended, oldest first. `checker gate --history` keeps them."""
    from checker.collect.history import earlier

    for file in added:
        _add(store, file)
    runs = earlier(store, of, last)
    if as_json:
        rows = [{"time": each.time, "commit": each.commit, "totals": dict(each.totals)} for each in runs]
        click.echo(json.dumps(rows, indent=2))
        return
    if not runs:
        click.echo(f"{store}: no {of} run is kept there")
        return
    click.echo(f"{'when (UTC)':<17} {'commit':<12} {'failed':>6} {'unknown':>7} {'waived':>6} {'passed':>6}")
    for each in runs:
        totals = [each.totals.get(name, 0) for name in ("fail", "unknown", "waived", "pass")]
        when = each.time[:16].replace("T", " ")
        click.echo("{:<17} {:<12} {:>6} {:>7} {:>6} {:>6}".format(when, each.commit[:12] or "-", *totals))
    click.echo(f"failed {_line(runs)}")


def _line(runs: tuple[EarlierRun, ...]) -> str:
    """The failures of each run as a bar, the highest as high as a line is."""
    numbers = [each.totals.get("fail", 0) + each.totals.get("error", 0) for each in runs]
    top = max(numbers) or 1
    return "".join(_BARS[-(-number * (len(_BARS) - 1) // top)] for number in numbers)


def _add(store: Path, file: Path) -> None:
    """Keep a stored run, as of when its file was written: a run document has no clock."""
    from checker.collect.history import keep
    from checker.evidence.contents import sha256

    run = stored(file)
    time = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
    keep(store, run, time, sha256(file.read_bytes()))
