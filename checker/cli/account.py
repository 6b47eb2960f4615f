"""Which account a command reads, or which stored one it takes: options that audit, preflight and drift share."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec.structs import replace

from checker.cli.options import file_that_can_be

if TYPE_CHECKING:
    from checker.audit import Declared
    from checker.collect.account import Needs, Read, Target
    from checker.collect.config.targets_file import Audited
    from checker.model.live.snapshot import Snapshot
    from checker.run.request import Request

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
# For all of a preflight's reading, in seconds: a deploy waits for it, and what has no answer by then is unknown.
PREFLIGHT_SECONDS = 30.0


def account_options(command: _Command) -> _Command:
    """Whom to ask, or which answer to take."""
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--profile", default="", metavar="NAME", help="Credentials of this profile.  [boto3's usual chain]"
        ),
        click.option("--region", default="", metavar="NAME", help="The region to read."),
        click.option("--role-arn", default="", metavar="ARN", help="Assume this role first."),
        click.option(
            "--endpoint-url", default="", metavar="URL", help="Ask there instead of AWS: an emulated account."
        ),
        click.option("--snapshot", type=_FILE, help="Judge this stored snapshot; no account is read."),
        click.option("--save-snapshot", type=_FILE, callback=file_that_can_be, help="Keep what was read in this file."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def snapshot_of(request: Request, options: dict[str, Any], *, needs: str = "audit") -> Snapshot:
    """The stored snapshot, or the account as it is now; kept in a file where that was asked for."""
    from checker.collect import snapshots

    stored = options["snapshot"]
    found = snapshots.read_snapshot(stored) if stored else _read(request, options, needs)
    keep_snapshot(found, options)
    return found


def keep_snapshot(snapshot: Snapshot, options: dict[str, Any]) -> None:
    """Write the snapshot where that was asked for. A failure is told once what was read is judged."""
    if options["save_snapshot"]:
        from checker.cli.output import later
        from checker.collect.outputs import write_or_keep
        from checker.collect.snapshots import render

        with later(options):
            write_or_keep(options["save_snapshot"], render(snapshot).encode("utf-8"))


def targets_go_alone(options: dict[str, Any]) -> None:
    """Refuse what does not go with many accounts, and what goes only with them."""
    if options["targets"] is not None and (options["snapshot"] or options["save_snapshot"]):
        raise click.UsageError("--targets reads many accounts; a snapshot is of one")
    for name in ("profile", "region", "role_arn", "endpoint_url"):
        if options["targets"] is not None and options[name]:
            key = "regions" if name == "region" else name.replace("_", "-")
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} is for one account; with --targets it stands in the file, as {key}:")
    if options["scheduler"] and options["targets"] is None:
        raise click.UsageError("--scheduler is for --targets")


def read_targets(
    file: Path, scheduler: str, needs: Needs, asked: Callable[[Target], Target] = lambda target: target
) -> list[tuple[Audited, Read]]:
    """The accounts of a file, on threads or a cluster's workers. ``asked`` gives what is read of a target."""
    from checker.cli.executors import executor
    from checker.collect.account import read_many
    from checker.collect.config.targets_file import load_targets

    targets = load_targets(file)
    click.echo(f"Reading {len(targets)} accounts and regions; no call changes anything.", err=True)
    with executor(scheduler, len(targets)) as pool:
        reads = list(read_many([asked(each.target) for each in targets], pool, needs))
    return list(zip(targets, reads, strict=True))


def _read(request: Request, options: dict[str, Any], needs: str) -> Snapshot:
    """Say what will be done, do it, and show how far it is on a terminal."""
    from checker.collect import account

    stacks = _stacks(request)
    declared = declared_of(request, stacks)
    target = account.Target(
        region=options["region"],
        profile=options["profile"],
        role_arn=options["role_arn"],
        endpoint_url=options["endpoint_url"],
        stacks=stacks,
        meant_for=frozenset(declared.regions[name] for name in stacks or () if declared.regions.get(name)),
    )
    wanted = {"audit": account.AUDIT, "preflight": account.PREFLIGHT, "drift": account.DRIFT}[needs]
    limits = account.Limits(deadline=PREFLIGHT_SECONDS) if needs == "preflight" else account.Limits()
    reader = account.Reader(target, wanted, limits)
    click.echo(str(reader.plan(declared.counts)), err=True)
    with ThreadPoolExecutor(1) as beside, Progress() as heard:
        settings = beside.submit(repository_settings, request) if needs == "audit" else None
        found = reader.read(heard).snapshot
        return found if settings is None else _and_facts(found, settings.result())


def _and_facts(snapshot: Snapshot, facts: Mapping[str, Any]) -> Snapshot:
    return replace(snapshot, facts={**snapshot.facts, **facts})


def with_facts(read: Read, facts: Mapping[str, Any]) -> Read:
    """A reading of one of many accounts with what was read elsewhere, such as the repository's settings."""
    if read.reading is None:
        return read
    return replace(read, reading=replace(read.reading, snapshot=_and_facts(read.reading.snapshot, facts)))


def repository_settings(request: Request) -> dict[str, Any]:
    """What GitHub has set for the project's repository, as a fact of the snapshot, or why it is not known."""
    from checker.collect import repository
    from checker.collect.github.facts import KEY, as_facts
    from checker.collect.github.read import read_settings

    name = request.settings.repository or repository.slug(request.project)
    return {KEY: as_facts(read_settings(name, os.environ))}


def _stacks(request: Request) -> tuple[str, ...] | None:
    """The stacks of the wanted environments and those that they share; all of the account where nothing names any.

    Raises for an environment that none of the stacks is of that would be read: no account has to be asked for that.
    """
    from checker.errors import UsageError
    from checker.model.environment_words import kind_of
    from checker.model.environments import EnvironmentKind

    kinds = request.settings.environment_kinds
    wanted = [
        stack
        for stack, environment in request.settings.stacks.items()
        if not request.environments
        or environment in request.environments
        or EnvironmentKind(kinds.get(environment) or kind_of(environment)) is EnvironmentKind.SHARED
    ]
    named = list(dict.fromkeys(request.settings.stacks.values()))
    missing = [each for each in request.environments if each not in named]
    if wanted and missing:
        raise UsageError(
            f"no stack of environment {', '.join(missing)} is named in checker.toml's [stacks]",
            f"There is: {', '.join(named)}.",
        )
    return tuple(wanted) or None


def declared_of(request: Request, stacks: tuple[str, ...] | None = None) -> Declared:
    """What the project's stacks declare, as far as an assembly is there to tell."""
    from checker.audit import declared

    return declared(request, stacks)


class Progress:
    """A line on a terminal that says how many calls have been answered."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._calls = 0
        self._lock = threading.Lock()

    def __call__(self, call: object) -> None:  # noqa: ARG002 - that there was one is all that is shown
        with self._lock:
            self._calls += 1
            if self._shown:
                click.echo(f"\r{self._calls} calls answered", nl=False, err=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._calls:
            click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
